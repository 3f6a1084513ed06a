package actionhero_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// A connection is reached by its id from every node of the cluster.
func TestAConnectionIsReachedFromEveryNode(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	closed := actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "secret" {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
		}
		return nil
	}}
	a, b := startNode(t, net, "a", closed), startNode(t, net, "b", closed)
	startNode(t, net, "c", closed)
	conn, sink := connect(t, b.API, "hall")
	defer transport.Of(b.API).Disconnect(conn)
	ctx, id := t.Context(), conn.ID
	for _, from := range []clusterNode{a, b} {
		sink.take()
		steps(t, from.Rooms.SendTo(ctx, id, map[string]int{"n": 1}), from.Rooms.SendTo(ctx, id, nil), from.Rooms.SendTo(ctx, id, "<é\u2028>"))
		if got := sink.take(); !slices.Equal(got, []string{`{"n":1} from actionHero API`, `null from actionHero API`, `"<é\u2028>" from actionHero API`}) {
			t.Errorf("the client read %q", got)
		}
		steps(t, from.Conns.Join(ctx, id, "den"), from.Conns.Move(ctx, id, "attic"))
		if rooms := fmt.Sprint(conn.Room(), conn.Rooms()); rooms != "attic[attic den]" {
			t.Errorf("the client is in %s", rooms)
		}
		want := func(what string, err error, code actionhero.Code, text string) {
			t.Helper()
			if e, ok := err.(*actionhero.Error); !ok || e.Code != code || !strings.Contains(e.Message, text) {
				t.Errorf("%s: %v (%T)", what, err, err)
			}
		}
		want("a closed room", from.Conns.Move(ctx, id, "secret"), actionhero.CodePermissionDenied, "members only")
		want("no room", from.Conns.Join(ctx, id, ""), actionhero.CodeInvalidInput, "room must be a name")
		want("the current room", from.Conns.Leave(ctx, id, "attic"), actionhero.CodeConflict, "current room")
		steps(t, from.Conns.Leave(ctx, id, "den"))
		want("left twice", from.Conns.Leave(ctx, id, "den"), actionhero.CodeNotFound, "not in the room")
		other := byte('0')
		if id[27] == other {
			other++
		}
		for _, nobody := range []string{"", "x", id[:28] + "00000000", strings.Repeat("z", 36), id[:27] + string(other) + id[28:]} {
			want("no such connection "+nobody, from.Conns.Close(ctx, nobody, ""), actionhero.CodeNotFound, "is connected")
			want("a message to no such connection", from.Rooms.SendTo(ctx, nobody, 1), actionhero.CodeNotFound, "is connected")
		}
		steps(t, from.Conns.Close(ctx, id, "by "+from.Stats.ID()))
		if sink.closed != "by "+from.Stats.ID() {
			t.Errorf("closed with %q", sink.closed)
		}
	}
	if err := a.Rooms.SendTo(ctx, id, strings.Repeat("x", backend.MaxCallBytes)); actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("a message that is too large for the way: %v", err)
	}
	a.backend.Cut()
	if err := a.Conns.Close(ctx, id, ""); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("from a node that is cut off: %v", err)
	}
}

// The tags of nodes are random, so two nodes may share one: the connection is found all the same, and a node that does not
// answer hides no other.
func TestConnectionsAreFoundIfTagsAreEqual(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	nodes := map[string]clusterNode{}
	for _, id := range []string{"a", "b", "c", "d"} {
		n := clusterNode{backend: net.Node()}
		n.API = stoppedAPI(t, actionhero.Config{ID: id, Backend: n.backend})
		n.SetTag(0xabcd)
		steps(t, n.Start(t.Context()))
		t.Cleanup(func() { steps(t, n.Stop(context.Background())) })
		nodes[id] = n
	}
	conn, sink := connect(t, nodes["c"].API, "hall")
	defer transport.Of(nodes["c"].API).Disconnect(conn)
	nodes["b"].backend.Cut()
	for _, from := range []string{"a", "d", "c"} {
		if err := nodes[from].Rooms.SendTo(t.Context(), conn.ID, from); err != nil {
			t.Errorf("from %s: %v", from, err)
		}
	}
	if got := sink.take(); len(got) != 3 {
		t.Errorf("the client read %q", got)
	}
	missing := "f" + conn.ID[1:]
	if err := nodes["a"].Conns.Close(t.Context(), missing, ""); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("a connection that may be on a node that does not answer: %v", err)
	}
	nodes["b"].backend.Heal()
	if err := nodes["a"].Conns.Close(t.Context(), missing, ""); actionhero.AsError(err).Code != actionhero.CodeNotFound {
		t.Errorf("a connection that does not exist: %v", err)
	}
}

func TestANoticeReachesAllClientsOfTheCluster(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a"), startNode(t, net, "b")
	ann, annGets := connect(t, a.API, "a")
	bob, bobGets := connect(t, b.API, "b")
	defer transport.Of(a.API).Disconnect(ann)
	defer transport.Of(b.API).Disconnect(bob)
	steps(t, a.Rooms.BroadcastAll(t.Context(), map[string]string{"context": "news"}))
	for _, sink := range []*collector{annGets, bobGets} {
		testkit.Eventually(t, "the client has read the notice", func() bool { return slices.Equal(sink.take(), []string{`{"context":"news"} from `}) })
	}
	if err := a.Rooms.BroadcastAll(t.Context(), map[string]string{"context": "response"}); err == nil {
		t.Error("a notice that clients take for a response is sent")
	}
	if err := a.Rooms.BroadcastAll(t.Context(), 7); err == nil {
		t.Error("a number is sent as a notice")
	}
}

// A node sees its own connections only, each once, from its welcome to its end.
func TestANodeSeesItsOwnConnections(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a"), startNode(t, net, "b")
	first, _ := connect(t, a.API, "hall")
	second, _ := connect(t, a.API, "hall")
	other, _ := connect(t, b.API, "hall")
	defer transport.Of(b.API).Disconnect(other)
	defer transport.Of(a.API).Disconnect(first)
	want := func(conns ...*actionhero.Conn) {
		t.Helper()
		got := slices.Collect(a.Conns.OnNode())
		for _, c := range conns {
			if !slices.Contains(got, c) {
				t.Errorf("the connection %s is missing", c.ID)
			}
		}
		if len(got) != len(conns) {
			t.Errorf("the node has %d connections, want %d", len(got), len(conns))
		}
	}
	want(first, second)
	for range a.Conns.OnNode() {
		break // the iterator ends early
	}
	transport.Of(a.API).Disconnect(second)
	want(first)
}
