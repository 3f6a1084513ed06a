package connloop_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/actionhero-go/actionhero/internal/connloop"
)

// On one processor, the batches of all connections run before the first write. The test is not parallel, because it changes
// the number of processors.
func TestOnOneProcessorTheWritesOfBatchesFollowEachOther(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		p := connloop.NewPool(t.Context(), 10)
		var mu sync.Mutex
		var events []string
		note := func(event string) func() {
			return func() {
				mu.Lock()
				defer mu.Unlock()
				events = append(events, event)
			}
		}
		a, b := newClient(p), newClient(p)
		for _, c := range []*client{a, b} {
			c.sent = note("sends")
			p.Go(c.Run)
		}
		synctest.Wait()
		a.incoming <- []func(){note("runs"), note("runs")}
		b.incoming <- []func(){note("runs"), note("runs")}
		synctest.Wait()
		if want := []string{"runs", "runs", "runs", "runs", "sends", "sends"}; !slices.Equal(events, want) {
			t.Errorf("the events are %q, want %q", events, want)
		}
		close(a.incoming)
		close(b.incoming)
		p.Wait()
	})
}
