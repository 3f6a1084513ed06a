package actionhero_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// listed writes a list of rooms as one text.
func listed(list actionhero.RoomList) string {
	var b strings.Builder
	for _, r := range list.Rooms {
		fmt.Fprintf(&b, "%s:%d ", r.Name, r.Members)
	}
	return fmt.Sprintf("%smore=%t missing=%v", &b, list.More, list.Missing)
}

func TestEveryNodeListsTheConnectionsAndRoomsOfTheCluster(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a"), startNode(t, net, "b")
	ann, _ := connect(t, a.API, "hall")
	bob, _ := connect(t, b.API, "hall")
	cid, _ := connect(t, b.API, "den")
	defer transport.Of(a.API).Disconnect(ann)
	defer transport.Of(b.API).Disconnect(bob)
	defer transport.Of(b.API).Disconnect(cid)
	steps(t, b.Rooms.Join(t.Context(), cid, "attic"), bob.SetDetail("name", "Bob"))
	for _, from := range []clusterNode{a, b} {
		list, err := from.Conns.List(t.Context(), actionhero.ConnFilter{})
		if err != nil || list.Total != 3 || len(list.Conns) != 3 || len(list.Missing) != 0 {
			t.Fatalf("the connections are %+v, %v", list, err)
		}
		if got := fmt.Sprint(list.Nodes); got != "[{a 1 map[test:1]} {b 2 map[test:2]}]" {
			t.Errorf("the nodes have %s", got)
		}
		i := slices.IndexFunc(list.Conns, func(c actionhero.ConnInfo) bool { return c.ID == cid.ID })
		if c := list.Conns[i]; c.Node != "b" || c.Transport != "test" || c.Remote != "127.0.0.1:1" || c.Room != "den" || !slices.Equal(c.Rooms, []string{"attic", "den"}) || c.ConnectedAt.IsZero() {
			t.Errorf("a connection is %+v", c)
		}
		for filter, want := range map[actionhero.ConnFilter]int{{Room: "hall"}: 2, {Room: "attic"}: 1, {Room: "none"}: 0, {Prefix: ann.ID[:30]}: 1, {Prefix: "x"}: 0} {
			if list, err := from.Conns.List(t.Context(), filter); err != nil || list.Total != want || len(list.Conns) != want {
				t.Errorf("%+v selects %+v, %v", filter, list, err)
			}
		}
		info, err := from.Conns.Get(t.Context(), bob.ID)
		if err != nil || info.Node != "b" || info.Details["name"] != "Bob" {
			t.Errorf("Get returns %+v, %v", info, err)
		}
		if _, err := from.Conns.Get(t.Context(), "none"); actionhero.AsError(err).Code != actionhero.CodeNotFound {
			t.Errorf("of no connection, Get returns %v", err)
		}
		for filter, want := range map[actionhero.RoomFilter]string{
			{}:                                      "attic:1 den:1 hall:2 more=false missing=[]",
			{Prefix: "h"}:                           "hall:2 more=false missing=[]",
			{Limit: 2}:                              "attic:1 den:1 more=true missing=[]",
			{Limit: 2, After: "den"}:                "hall:2 more=false missing=[]",
			{Prefix: "none"}:                        "more=false missing=[]",
			{Prefix: "d", After: "attic", Limit: 1}: "den:1 more=false missing=[]",
		} {
			if list, err := from.Rooms.List(t.Context(), filter); err != nil || listed(list) != want {
				t.Errorf("%+v: %s, %v; want %s", filter, listed(list), err, want)
			}
		}
	}
	b.backend.Cut()
	if list, err := a.Conns.List(t.Context(), actionhero.ConnFilter{}); err != nil || list.Total != 1 || !slices.Equal(list.Missing, []string{"b"}) {
		t.Errorf("without b, the connections are %+v, %v", list, err)
	}
	if list, err := a.Rooms.List(t.Context(), actionhero.RoomFilter{}); err != nil || listed(list) != "hall:1 more=false missing=[b]" {
		t.Errorf("without b, the rooms are %s, %v", listed(list), err)
	}
}

// A node answers with as many entries as fit into a call between nodes, and counts are exact for all that it lists.
func TestListsOfConnectionsAndRoomsFitIntoACallBetweenNodes(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	limits := actionhero.Config{ID: "a", Backend: net.Node(), MaxRooms: 2000}
	a := newAPI(t, limits)
	b := startNode(t, net, "b")
	conn, _ := connect(t, a, "first")
	defer transport.Of(a).Disconnect(conn)
	other, _ := connect(t, b.API, "zoo")
	defer transport.Of(b.API).Disconnect(other)
	name := func(n int) string { return fmt.Sprintf("%04d", n) + strings.Repeat("\x01", actionhero.MaxRoomName-4) }
	for n := range 1000 {
		steps(t, a.Rooms.Join(t.Context(), conn, name(n)))
	}
	list, err := b.Conns.List(t.Context(), actionhero.ConnFilter{})
	if err != nil || list.Total != 2 || len(list.Missing) != 0 || len(list.Conns) != 1 {
		t.Errorf("a connection in rooms with long names: %d of %d, missing %v, %v", len(list.Conns), list.Total, list.Missing, err)
	}
	seen := map[string]int{}
	after := ""
	for page := 0; ; page++ {
		rooms, err := b.Rooms.List(t.Context(), actionhero.RoomFilter{Limit: 1000, After: after})
		if err != nil || len(rooms.Missing) != 0 || page > 1000*6*actionhero.MaxRoomName/backend.MaxCallBytes*2 {
			t.Fatalf("page %d: %v, %v", page, rooms.Missing, err)
		}
		for _, r := range rooms.Rooms {
			seen[r.Name] += r.Members
			after = r.Name
		}
		if !rooms.More {
			break
		}
	}
	if len(seen) != 1002 || seen["zoo"] != 1 || seen[name(999)] != 1 {
		t.Errorf("%d rooms were listed", len(seen))
	}
}

func TestListsEndWithTheContext(t *testing.T) {
	t.Parallel()
	a := startNode(t, memcluster.New(t), "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := a.Conns.List(ctx, actionhero.ConnFilter{}); err == nil && len(list.Missing) != 1 {
		t.Errorf("the list is %+v, %v", list, err)
	}
}
