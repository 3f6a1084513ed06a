package actionhero_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

// A Join that changes the identity of the client it is asked about is asked again, and comes to an end.
func TestAJoinThatChangesTheIdentityEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(ctx context.Context, c *actionhero.Conn, n int64) error
		ends   bool // with an internal error, in no room
	}{
		"once": {func(ctx context.Context, c *actionhero.Conn, n int64) error {
			if c.Identity().HasRole("seen") {
				return nil
			}
			return c.SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"seen"}})
		}, false},
		"always": {func(ctx context.Context, c *actionhero.Conn, n int64) error {
			return c.SetIdentity(ctx, actionhero.Identity{ID: "ann"})
		}, true},
		"without the context": {func(_ context.Context, c *actionhero.Conn, n int64) error {
			return c.SetIdentity(context.Background(), actionhero.Identity{ID: "ann"})
		}, true},
		"as a user": {func(ctx context.Context, c *actionhero.Conn, n int64) error {
			_, err := c.API().Conns.User("ann").SetIdentity(ctx, actionhero.Identity{ID: "ann"})
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asks atomic.Int64
			on := atomic.Bool{}
			api := actionherotest.New(t, actionhero.RoomMiddleware{Join: func(ctx context.Context, c *actionhero.Conn, room string) error {
				if !on.Load() {
					return nil
				}
				if n := asks.Add(1); n < 100_000 {
					return test.change(ctx, c, n)
				}
				panic("endless")
			}})
			c := actionherotest.Connect(t, api, "hall")
			on.Store(true)
			err := c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"})
			if n := asks.Load(); n > 10_000 {
				t.Errorf("Join was called %d times", n)
			}
			if !test.ends && (err != nil || !c.In("hall")) {
				t.Errorf("the client is in %q, %v", c.Rooms(), err)
			}
			if test.ends && (actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeInternal || c.In("hall")) {
				t.Errorf("the client is in %q, %v", c.Rooms(), err)
			}
		})
	}
}
