//go:build unix

package redis

import (
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestAReadOfALocalCopyIsCheap counts allocations: a timer, or a context with one, would be more.
func TestAReadOfALocalCopyIsCheap(t *testing.T) {
	config := at(redistest.Redis.Shared(t))
	config.LocalCache = 10 * time.Second
	b := open(t, config)
	if err := b.Store().Set(t.Context(), "key", []byte("value"), 0); err != nil {
		t.Fatal(err)
	}
	read := func() {
		if e, err := b.Store().Get(t.Context(), "key"); err != nil || string(e.Value) != "value" {
			t.Errorf("Get = %q, %v", e.Value, err)
		}
	}
	basics.Eventually(t, "the key is read from copies", func() bool { return !b.store.recent.has("key") })
	if n := testing.AllocsPerRun(100, read); n > 4 {
		t.Errorf("a read of a copy allocates %v times", n)
	}
}
