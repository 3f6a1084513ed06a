package actionhero_test

import (
	"context"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// gate blocks the code that passes it, once, until it is opened.
type gate struct{ reached, open chan struct{} }

func newGate() gate { return gate{make(chan struct{}), make(chan struct{})} }

func (g gate) pass() {
	close(g.reached)
	<-g.open
}

// A change of a user reaches a connection that is opening: also one whose authenticator has read what was true before.
func TestAChangeOfAUserReachesConnectionsThatAreOpening(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(ctx context.Context, u actionhero.UserConns) (int, error)
		user   string
		role   string
		closed bool
	}{
		"close":  {func(ctx context.Context, u actionhero.UserConns) (int, error) { return u.Close(ctx, "locked out") }, "ann", "", true},
		"others": {func(ctx context.Context, u actionhero.UserConns) (int, error) { return u.Close(ctx, "locked out") }, "bob", "old", false},
		"roles": {func(ctx context.Context, u actionhero.UserConns) (int, error) {
			return u.SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"new"}})
		}, "ann", "new", false},
		"logout": {func(ctx context.Context, u actionhero.UserConns) (int, error) {
			return u.SetIdentity(ctx, actionhero.Identity{})
		}, "ann", "", false},
		"both": {func(ctx context.Context, u actionhero.UserConns) (int, error) {
			_, err := u.SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"new"}})
			steps(t, err)
			return u.Close(ctx, "locked out")
		}, "ann", "", true},
	} {
		for _, where := range []string{"authenticator", "connect"} {
			t.Run(name+" during "+where, func(t *testing.T) {
				t.Parallel()
				during := newGate()
				parts := actionhero.Parts{
					actionhero.DefaultAccess(actionhero.Public),
					actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
						if where == "authenticator" {
							during.pass()
						}
						return actionhero.Identity{ID: "ann", Roles: []string{"old"}}, nil
					}),
					actionhero.ConnMiddleware{Connect: func(context.Context, *actionhero.Conn, *actionhero.Handshake) error {
						if where == "connect" {
							during.pass()
						}
						return nil
					}},
				}
				net := memcluster.New(t)
				a, b := startNode(t, net, "a", parts...), startNode(t, net, "b")
				var c *actionherotest.Client
				var refused error
				var all sync.WaitGroup
				all.Go(func() { c, refused = actionherotest.Dial(t, a.API, "hall", &actionhero.Handshake{}) })
				<-during.reached
				if _, err := test.change(t.Context(), b.Conns.User(test.user)); err != nil {
					t.Error(err)
				}
				close(during.open)
				all.Wait()
				list, err := b.Conns.List(t.Context(), actionhero.ConnFilter{User: "ann"})
				if test.closed {
					if refused == nil || err != nil || list.Total != 0 {
						t.Errorf("the client is let in: %v; ann has %d connections, %v", refused, list.Total, err)
					}
					return
				}
				if refused != nil || c.Identity().HasRole(test.role) != (test.role != "") || err != nil || list.Total != min(len(test.role), 1) {
					t.Errorf("the client is %+v, %v; ann has %d connections, %v", c.Identity(), refused, list.Total, err)
				}
				if n, err := b.Conns.User("ann").Send(t.Context(), 1); n != list.Total || err != nil {
					t.Errorf("a message reaches %d connections, %v", n, err)
				}
			})
		}
	}
}

// A Connect that closes the other connections of its user keeps its own: one user, one connection.
func TestAConnectMayCloseTheOtherConnectionsOfItsUser(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	parts := actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann"}, nil
		}),
		actionhero.ConnMiddleware{Connect: func(ctx context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
			_, err := c.API().Conns.User(c.Identity().ID).Close(ctx, "you have connected elsewhere")
			return err
		}},
	}
	a, b := startNode(t, net, "a", parts...), startNode(t, net, "b", parts...)
	first := actionherotest.Connect(t, a.API, "hall")
	second := actionherotest.Connect(t, b.API, "hall")
	third := actionherotest.Connect(t, b.API, "hall")
	if first.Closed() == "" || second.Closed() == "" || third.Closed() != "" {
		t.Errorf("closed: %q, %q, %q", first.Closed(), second.Closed(), third.Closed())
	}
}

// A change that happened before a client has come has no effect on it.
func TestAnOlderChangeOfAUserDoesNotReachANewConnection(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann"}, nil
		}))
	for range 3 {
		if _, err := api.Conns.User("ann").Close(t.Context(), "locked out"); err != nil {
			t.Fatal(err)
		}
		if c, err := actionherotest.Dial(t, api, "", &actionhero.Handshake{}); err != nil || c.Closed() != "" {
			t.Errorf("the client is refused: %v", err)
		}
	}
}

// More changes than the node keeps refuse a client that was opening meanwhile, because one of them may be about it.
func TestAConnectionThatMayHaveMissedAChangeIsRefused(t *testing.T) {
	t.Parallel()
	during := newGate()
	api := actionherotest.New(t, actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			if c.Cookie("slow") != "" {
				during.pass()
			}
			return actionhero.Identity{ID: c.Cookie("user")}, nil
		}))
	dial := func(cookies string) error {
		_, err := actionherotest.Dial(t, api, "", &actionhero.Handshake{Header: map[string][]string{"Cookie": {cookies}}})
		return err
	}
	var err error
	var all sync.WaitGroup
	all.Go(func() { err = dial("user=ann; slow=1") })
	<-during.reached
	for range 5000 {
		if _, err := api.Conns.User("bob").Close(t.Context(), "no"); err != nil {
			t.Fatal(err)
		}
	}
	close(during.open)
	all.Wait()
	if actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("the client reads %v", err)
	}
	if err := dial("user=ann"); err != nil {
		t.Errorf("the next client is refused: %v", err)
	}
}

// A change of a user while a client logs in as this user reaches the client, too.
func TestAChangeOfAUserReachesALogin(t *testing.T) {
	t.Parallel()
	during := make(chan gate, 1)
	login := actionhero.Action[actionhero.None, actionhero.None]{Name: "login", Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
		return none, actionhero.RequestFrom(ctx).Identify(ctx, func(ctx context.Context) (actionhero.Identity, error) {
			(<-during).pass()
			return actionhero.Identity{ID: "ann", Roles: []string{"old"}}, nil
		})
	}}
	net := memcluster.New(t)
	a, b := startNode(t, net, "a", login), startNode(t, net, "b")
	for name, change := range map[string]func(u actionhero.UserConns) (int, error){
		"close": func(u actionhero.UserConns) (int, error) { return u.Close(t.Context(), "locked out") },
		"roles": func(u actionhero.UserConns) (int, error) {
			return u.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", Roles: []string{"new"}})
		},
		"nothing": func(u actionhero.UserConns) (int, error) { return u.Send(t.Context(), 1) },
	} {
		c := actionherotest.Connect(t, a.API, "hall")
		g := newGate()
		during <- g
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.Run(t, "login", nil)
			steps(t, err)
		})
		<-g.reached
		if _, err := change(b.Conns.User("ann")); err != nil {
			t.Error(err)
		}
		close(g.open)
		all.Wait()
		role := map[string]string{"close": "old", "roles": "new", "nothing": "old"}[name]
		if (c.Closed() == "locked out") != (name == "close") || !c.Identity().HasRole(role) {
			t.Errorf("%s: the client is %+v, closed with %q", name, c.Identity(), c.Closed())
		}
		transport.Of(a.API).Disconnect(c.Conn)
	}
}

// UpdateIdentity decides with the identity of the moment, and a rule of a room hears of the result.
func TestAnUpdateOfAnIdentityDoesNotUndoALogout(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, ownRooms)
	c := actionherotest.Connect(t, api, "hall")
	promote := func(now actionhero.Identity) (actionhero.Identity, bool) {
		return actionhero.Identity{ID: now.ID, Roles: append([]string{"more"}, now.Roles...)}, now.ID == "ann"
	}
	for range 100 {
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}), api.Rooms.Join(t.Context(), c.Conn, "ann 1"))
		var both sync.WaitGroup
		both.Go(func() { steps(t, c.SetIdentity(t.Context(), actionhero.Identity{})) })
		both.Go(func() { steps(t, c.UpdateIdentity(t.Context(), promote)) })
		both.Wait()
		if c.Identity().Known() || len(c.Rooms()) != 1 {
			t.Fatalf("the client is %+v in %q after its logout", c.Identity(), c.Rooms())
		}
	}
	steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}), c.UpdateIdentity(t.Context(), promote), c.UpdateIdentity(t.Context(), promote))
	if got := c.Identity().Roles; len(got) != 2 {
		t.Errorf("the roles are %q", got)
	}
	if n, err := api.Conns.User("ann").Send(t.Context(), 1); n != 1 || err != nil {
		t.Errorf("ann has %d connections, %v", n, err)
	}
}
