package actionhero_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// All connections of a user are reached from every node: by a message, a kick, new roles and a close.
func TestAUserIsReachedOnEveryNode(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	staff := actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if room == "staff" && !c.Identity().HasRole("agent") {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "agents only")
		}
		return nil
	}}
	a, b := startNode(t, net, "a", staff), startNode(t, net, "b", staff)
	ctx := t.Context()
	login := func(n clusterNode, id actionhero.Identity) (*actionhero.Conn, *collector) {
		c, sink := connect(t, n.API, "hall")
		t.Cleanup(func() { transport.Of(n.API).Disconnect(c) })
		steps(t, c.SetIdentity(ctx, id))
		return c, sink
	}
	agent := actionhero.Identity{ID: "ann", Roles: []string{"agent"}}
	ann1, gets1 := login(a, agent)
	ann2, gets2 := login(b, agent)
	bob, bobGets := login(b, actionhero.Identity{ID: "bob", Roles: []string{"agent"}})
	for _, c := range []struct {
		n clusterNode
		c *actionhero.Conn
	}{{a, ann1}, {b, ann2}, {b, bob}} {
		steps(t, c.n.Rooms.Move(ctx, c.c, "staff"), c.n.Rooms.Join(ctx, c.c, "ticket 7"))
	}
	reached := func(what string, want int) func(int, error) {
		return func(n int, err error) {
			t.Helper()
			if n != want || err != nil {
				t.Errorf("%s reaches %d connections, %v; want %d", what, n, err, want)
			}
		}
	}
	said := func(sink *collector) []string { // without the members who come and go, whose notices come when they come
		return slices.DeleteFunc(sink.take(), func(text string) bool { return strings.Contains(text, "I have ") })
	}
	reached("a message", 2)(b.Conns.User("ann").Send(ctx, "for ann"))
	want := []string{`"for ann" from actionHero API`}
	if g1, g2, g3 := said(gets1), said(gets2), said(bobGets); !slices.Equal(g1, want) || !slices.Equal(g2, want) || len(g3) > 0 {
		t.Errorf("they read %q, %q and %q", g1, g2, g3)
	}
	reached("a kick", 2)(a.Conns.User("ann").Kick(ctx, "ticket 7"))
	reached("a second kick", 0)(a.Conns.User("ann").Kick(ctx, "ticket 7"))
	reached("a kick out of a current room", 1)(a.Conns.User("bob").Kick(ctx, "staff"))
	if bob.Room() != "" || !bob.In("ticket 7") || ann2.In("ticket 7") {
		t.Errorf("bob is in %q, ann in %q", bob.Rooms(), ann2.Rooms())
	}
	steps(t, a.Rooms.Broadcast(ctx, "ticket 7", "secret"))
	if g1, g2 := said(gets1), said(gets2); len(g1)+len(g2) > 0 {
		t.Errorf("after the kick, ann reads %q, %q", g1, g2)
	}
	reached("new roles", 2)(a.Conns.User("ann").SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"customer"}}))
	if ann1.In("staff") || ann2.In("staff") || !ann2.Identity().HasRole("customer") {
		t.Errorf("with new roles, ann is in %q and %q", ann1.Rooms(), ann2.Rooms())
	}
	for _, n := range []clusterNode{a, b} {
		list, err := n.Conns.List(ctx, actionhero.ConnFilter{User: "ann"})
		if err != nil || list.Total != 2 || list.Conns[0].User != "ann" {
			t.Errorf("the connections of ann are %+v, %v", list, err)
		}
	}
	reached("a close", 2)(b.Conns.User("ann").Close(ctx, "locked out"))
	if gets1.closed != "locked out" || gets2.closed != "locked out" || bobGets.closed != "" {
		t.Errorf("closed with %q, %q, %q", gets1.closed, gets2.closed, bobGets.closed)
	}
	transport.Of(a.API).Disconnect(ann1)
	reached("a message to the rest", 1)(b.Conns.User("ann").Send(ctx, 1))
	steps(t, ann2.SetIdentity(ctx, actionhero.Identity{}))
	reached("a message to a user who has gone", 0)(b.Conns.User("ann").Send(ctx, 1))
	if _, err := a.Conns.User("").Send(ctx, 1); actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("the user without an id: %v", err)
	}
}

// All yields each connection once, however many pages its nodes need, and ends when its reader does.
func TestAllConnectionsAreReadInPages(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a"), startNode(t, net, "b")
	for i := range 25 {
		n := a
		if i%5 == 0 {
			n = b
		}
		c, _ := connect(t, n.API, fmt.Sprint("room ", i%2))
		t.Cleanup(func() { transport.Of(n.API).Disconnect(c) })
	}
	for _, test := range []struct {
		filter actionhero.ConnFilter
		want   int
	}{{actionhero.ConnFilter{Limit: 3}, 25}, {actionhero.ConnFilter{}, 25}, {actionhero.ConnFilter{Limit: 1, Room: "room 1"}, 12}, {actionhero.ConnFilter{User: "x"}, 0}} {
		seen := map[string]bool{}
		for info, err := range a.Conns.All(t.Context(), test.filter) {
			if err != nil || seen[info.ID] {
				t.Errorf("%+v yields %+v, %v", test.filter, info, err)
			}
			seen[info.ID] = true
		}
		if len(seen) != test.want {
			t.Errorf("%+v yields %d connections, want %d", test.filter, len(seen), test.want)
		}
	}
	n := 0
	for range a.Conns.All(t.Context(), actionhero.ConnFilter{Limit: 2}) {
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("the loop ran %d times", n)
	}
}

// A client that is not accepted belongs to no user.
func TestAUserHasOnlyAcceptedConnections(t *testing.T) {
	t.Parallel()
	var during int
	api := actionherotest.New(t,
		actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann"}, nil
		}),
		actionhero.ConnMiddleware{Connect: func(ctx context.Context, c *actionhero.Conn, h *actionhero.Handshake) (err error) {
			during, err = c.API().Conns.User("ann").Send(ctx, 1)
			if h.Cookie("refuse") != "" {
				return actionhero.Errorf(actionhero.CodePermissionDenied, "no")
			}
			return err
		}})
	if _, err := actionherotest.Dial(t, api, "", &actionhero.Handshake{Header: map[string][]string{"Cookie": {"refuse=1"}}}); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("the client is accepted: %v", err)
	}
	c := actionherotest.Connect(t, api, "")
	after, err := api.Conns.User("ann").Send(t.Context(), 2)
	if during != 0 || after != 1 || err != nil {
		t.Errorf("%d during the handshake, %d after it, %v", during, after, err)
	}
	if got := c.Next(t); got.Body != "2" {
		t.Errorf("the client reads %v", got)
	}
}

// A connection that leaves the user while the others are asked about keeps its new identity.
func TestAnIdentityForAUserDoesNotReachConnectionsThatHaveLeftIt(t *testing.T) {
	t.Parallel()
	asked, goOn := make(chan bool, 1), make(chan bool)
	slow := actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if c.Identity().HasRole("admin") {
			select {
			case asked <- true:
				<-goOn
			default:
			}
		}
		return nil
	}}
	api := actionherotest.New(t, slow)
	ctx := t.Context()
	ann := actionhero.Identity{ID: "ann"}
	older := actionherotest.Connect(t, api, "hall")
	steps(t, older.SetIdentity(ctx, ann))
	younger := actionherotest.Connect(t, api, "hall")
	steps(t, younger.SetIdentity(ctx, ann))
	done := make(chan int)
	go func() {
		n, _ := api.Conns.User("ann").SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"admin"}})
		done <- n
	}()
	<-asked // about the younger one
	steps(t, older.SetIdentity(ctx, actionhero.Identity{ID: "bob"}))
	close(goOn)
	if n := <-done; n != 1 || older.Identity().ID != "bob" {
		t.Errorf("%d connections; the one that has become bob is %+v", n, older.Identity())
	}
}

// A user who ends all of its connections over one of them reaches those of all nodes: the first close ends the context of
// the call.
func TestAUserClosesAllOfItsConnectionsOverOneOfThem(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a"), startNode(t, net, "b")
	var sinks []*collector
	for _, n := range []clusterNode{a, b} {
		c, sink := connect(t, n.API, "hall")
		t.Cleanup(func() { transport.Of(n.API).Disconnect(c) })
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}))
		sinks = append(sinks, sink)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as if the local connection was closed before the other node is asked
	if n, err := a.Conns.User("ann").Close(ctx, "goodbye"); n != 2 || err != nil {
		t.Errorf("%d connections are closed, %v", n, err)
	}
	for i, sink := range sinks {
		sink.mu.Lock()
		if sink.closed != "goodbye" {
			t.Errorf("connection %d has the reason %q", i, sink.closed)
		}
		sink.mu.Unlock()
	}
}
