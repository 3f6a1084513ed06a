package actionherotest

import (
	"testing"
	"testing/synctest"
	"time"
)

// Advance moves the clock of a bubble of testing/synctest by d, and waits until all that is due has run: retries,
// schedules, expiries and timeouts. It takes no time. Outside of a bubble it panics.
//
//	synctest.Test(t, func(t *testing.T) {
//		api := actionherotest.NewWithWorker(t, report)
//		actionherotest.Advance(t, 24*time.Hour)
//	})
func Advance(t testing.TB, d time.Duration) {
	t.Helper()
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
}
