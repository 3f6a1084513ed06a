//go:build unix

package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// After the clock of the server was set back, a key is limited for no longer than a rate limits it.
func TestACountLastsNoLongerThanTheLimitIfTheClockIsSetBack(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		b := open(t, at(f.Shared(t)))
		keys := []string{b.core.key(rateKind, partition("key"), "key")}
		now := int64(1_800_000_000_000_000)
		take := func() string {
			t.Helper()
			reply, err := asWords(b.core.run(t.Context(), takeScript, keys, micros(time.Second), "2", fmt.Sprint(now)))
			if err != nil {
				t.Fatal(err)
			}
			return reply[0]
		}
		for range 2 {
			if wait := take(); wait != "0" {
				t.Fatalf("the event waits %s µs", wait)
			}
		}
		now -= 3_600_000_000
		if wait := take(); wait != "1000000" {
			t.Errorf("after the clock was set back, an event waits %s µs, want a second", wait)
		}
		if now += 1_000_000; take() != "0" {
			t.Error("a second later, no event is allowed")
		}
	})
}
