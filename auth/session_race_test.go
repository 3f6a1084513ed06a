package auth_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/server"
)

// lateStore calls after once, when it has read a value of a session and has not returned it.
type lateStore struct {
	backend.Store
	after *atomic.Pointer[func()]
}

func (s lateStore) Get(ctx context.Context, key string) (backend.Entry, error) {
	e, err := s.Store.Get(ctx, key)
	if strings.Contains(key, "_session:") {
		if f := s.after.Swap(nil); f != nil {
			(*f)()
		}
	}
	return e, err
}

type lateBackend struct {
	backend.Backend
	after atomic.Pointer[func()]
}

func (b *lateBackend) Store() backend.Store { return lateStore{b.Backend.Store(), &b.after} }

// A connection that opens while the roles of its user change has the new ones, however old the record that it has read.
func TestAConnectionThatOpensDuringAChangeOfRolesHasTheNewOnes(t *testing.T) {
	t.Parallel()
	app, b := newSite(auth.SessionConfig{}), &lateBackend{Backend: newLocal()}
	s := app.start(t, func(cfg *server.Config) { cfg.General.Backend = b })
	cookie := newBrowser(s.HTTP(t)).login(t, "ann") // the node remembers the session
	change := func() {
		if err := app.SetIdentity(t.Context(), s.API, actionhero.Identity{ID: "ann", Roles: []string{"new"}}); err != nil {
			t.Error(err)
		}
	}
	b.after.Store(&change)
	if got := wsWith(t, s, cookie).Do("who", nil).JSON; !strings.Contains(got, `"roles":["new"]`) || b.after.Load() != nil {
		t.Errorf("the connection is %s", got)
	}
}

// However a logout of a connection and a change of the roles of its user interleave, the logout holds.
func TestAChangeOfRolesDoesNotUndoALogout(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	api := actionherotest.New(t, app.parts)
	c := actionherotest.Connect(t, api, "")
	for range 200 {
		if _, err := c.Run(t, "login", nil); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := c.Run(t, "logout", nil); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := app.SetIdentity(t.Context(), api, actionhero.Identity{ID: "ann", Roles: []string{"new"}}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if c.Identity().Known() {
			t.Fatalf("after the logout the client is %+v", c.Identity())
		}
	}
}

// A user who is locked out while a connection logs in with a key of this user does not keep the connection.
func TestALockoutReachesALoginWithAKey(t *testing.T) {
	t.Parallel()
	store := &memoryStore{}
	keys := auth.NewKeys(auth.KeyConfig{Store: store.open})
	api := actionherotest.New(t, closedApp(keys, keys.LoginAction("keyLogin"))...)
	text, _ := createKey(t, keys, api)
	c := actionherotest.Connect(t, api, "")
	store.found = func() {
		store.found = nil
		if _, err := api.Conns.User("ann").Close(t.Context(), "locked out"); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Run(t, "keyLogin", auth.KeyLogin{Key: text}, actionherotest.Over("tcp")); err != nil || c.Closed() != "locked out" {
		t.Errorf("the client is closed with %q (%v)", c.Closed(), err)
	}
}
