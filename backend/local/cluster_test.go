package local_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// A call that waits for the end of other calls ends with its context, and one whose handler ends its goroutine is answered.
func TestCallsEndWithTheirContextsAndHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := local.New(local.Config{})
		c := b.Cluster()
		c.Handle(func(ctx context.Context, _, method string, _ []byte) []byte {
			if method == "exits" {
				runtime.Goexit()
			}
			<-ctx.Done()
			return nil
		})
		if err := b.Open(t.Context(), backend.Node{ID: "a"}); err != nil {
			t.Fatal(err)
		}
		short := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			return ctx
		}
		if answer, err := c.Call(short(), "a", "exits", nil); answer != nil || err != nil {
			t.Errorf("a call whose handler ends its goroutine: %q, %v", answer, err)
		}
		for range 64 {
			if err := c.Notify(t.Context(), "blocks", nil); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		if err := c.Notify(short(), "blocks", nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("a further Notify ends with %v after %v", err, time.Since(begun))
		}
		if _, err := c.Call(short(), "a", "blocks", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a further Call ends with %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
