package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
)

// clusterTests are the subtests with several nodes, see [Harness.Cluster].
var clusterTests = []namedTest{
	{"messages between nodes", nodesMessages},
	{"members on several nodes", nodesMembers},
	{"news of other nodes", nodesNews},
	{"counts of several nodes", nodesCount},
	{"nodes join and leave", nodesPeers},
	{"an id is used once", nodesIDs},
	{"calls between nodes", nodesCall},
	{"two clusters on one server", nodesApart},
	{"a node dies", nodesKill},
	{"a node pauses", nodesPause},
	{"a node is cut off", nodesCut},
}

// clusterNode is an open node with a record of the messages and of the changes that it has received.
type clusterNode struct {
	Node
	id string

	mu       sync.Mutex
	messages []backend.Message
	gaps     map[string]int
	changes  []string // "+id" and "-id" of nodes
}

// newsLimit is the limit of the nodes of these tests.
const newsLimit = 5

// nodes opens n nodes of one cluster, with the ids "a", "b" and so on.
func (t *tester) nodes(n int) []*clusterNode {
	t.Helper()
	list := make([]*clusterNode, n)
	for i, node := range t.h.Cluster(t.T, n) {
		list[i] = t.openNode(node, string(rune('a'+i)))
	}
	return list
}

// openNode opens a node. The node answers calls of the method echo.
func (t *tester) openNode(node Node, id string) *clusterNode {
	t.Helper()
	c := &clusterNode{Node: node, id: id, gaps: map[string]int{}}
	c.Broker().Subscribe(backend.Subscriber{Deliver: c.deliver, Gap: c.gap, NewsLimit: newsLimit})
	c.Cluster().Watch(c.watch)
	t.mustOpenAs(c, c.node())
	return c
}

func (t *tester) mustOpenAs(b backend.Backend, node backend.Node) {
	t.Helper()
	if err := b.Open(t.ctx, node); err != nil {
		t.Fatalf("Open of node %s: %v", node.ID, err)
	}
	t.Cleanup(func() { t.mustClose(b) })
}

func (c *clusterNode) node() backend.Node {
	return backend.Node{ID: c.id, Tag: uint32(c.id[0]), Started: time.UnixMilli(1_700_000_000_000).UTC(), Details: fmt.Appendf(nil, `{"name":%q}`, c.id)}
}

func (c *clusterNode) deliver(m backend.Message) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, m)
	return nil
}

func (c *clusterNode) gap(room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gaps[room]++
}

func (c *clusterNode) gapsIn(room string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gaps[room]
}

func (c *clusterNode) watch(joined, left []backend.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range left {
		c.changes = append(c.changes, "-"+n.ID)
	}
	for _, n := range joined {
		c.changes = append(c.changes, "+"+n.ID)
	}
}

func (c *clusterNode) watched() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.changes, " ")
}

// heard returns the messages of a room as texts: "from: body", and "+member" or "-member" for news.
func (c *clusterNode) heard(room string) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		switch {
		case m.Room != room:
		case m.Kind == backend.Entered:
			list = append(list, "+"+m.From)
		case m.Kind == backend.Left:
			list = append(list, "-"+m.From)
		default:
			list = append(list, m.From+": "+string(m.Body))
		}
	}
	return list
}

// eventually waits until condition returns true. After waitLimit the test fails.
func (t *tester) eventually(what string, condition func() bool) {
	t.Helper()
	t.within(waitLimit, what, condition)
}

func (t *tester) within(limit time.Duration, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%v later this is still not so: %s", limit, what)
		}
	}
}

// memberTexts returns the members of a room as "id@node details", sorted.
func (t *tester) memberTexts(b backend.Backend, room string) string {
	t.Helper()
	members, total, err := b.Broker().Members(t.ctx, room, 1000)
	t.must(err)
	if total != len(members) {
		t.Errorf("Members counts %d and returns %d", total, len(members))
	}
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = m.ID + "@" + m.Node + " " + string(m.Details)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// nodesMessages checks that all nodes with members receive all messages, in one order and with equal positions.
func nodesMessages(t *tester) {
	nodes := t.nodes(3)
	const each = 40
	for _, n := range nodes[:2] {
		t.enter(n.Broker(), "room", "member of "+n.id)
	}
	var wg sync.WaitGroup
	for _, n := range nodes {
		wg.Go(func() {
			for i := range each {
				if _, err := n.Broker().Publish(t.ctx, backend.Message{Room: "room", From: n.id, Body: fmt.Append(nil, i)}); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	wg.Wait()
	said := func(n *clusterNode) (list []backend.Message) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, m := range n.messages {
			if m.Kind == backend.Said {
				list = append(list, m)
			}
		}
		return list
	}
	for _, n := range nodes[:2] {
		t.eventually("all messages have arrived", func() bool { return len(said(n)) == 3*each })
	}
	if diff := cmp.Diff(said(nodes[0]), said(nodes[1])); diff != "" {
		t.Errorf("two nodes receive different messages:\n%.2000s", diff)
	}
	next := map[string]int{}
	for i, m := range said(nodes[0]) {
		if m.At.Seq != uint64(i+1) || m.At.Epoch == 0 || string(m.Body) != fmt.Sprint(next[m.From]) {
			t.Fatalf("message %d is %q of %s at %v, want its message %d", i, m.Body, m.From, m.At, next[m.From])
		}
		next[m.From]++
	}
	if n := len(nodes[2].heard("room")); n > 0 {
		t.Errorf("a node without members has received %d messages", n)
	}
	for _, n := range nodes {
		if n.gapsIn("room") > 0 {
			t.Errorf("node %s reports a gap", n.id)
		}
	}
}

func nodesMembers(t *tester) {
	nodes := t.nodes(3)
	move := func(n *clusterNode, c backend.Change) {
		_, err := n.Broker().Move(t.ctx, c)
		t.must(err)
	}
	move(nodes[0], backend.Change{Room: "room", Member: "x", Details: []byte(`1`)})
	move(nodes[1], backend.Change{Room: "room", Member: "y", Details: []byte(`2`)})
	move(nodes[1], backend.Change{Room: "room", Member: "z"})
	move(nodes[0], backend.Change{Room: "room", Member: "x", Details: []byte(`3`)})
	move(nodes[1], backend.Change{Room: "room", Member: "z", Leave: true})
	move(nodes[0], backend.Change{Room: "room", Member: "y", Leave: true}) // it is a member of the other node
	for _, n := range nodes {
		if got, want := t.memberTexts(n, "room"), "x@a 3, y@b 2"; got != want {
			t.Errorf("on node %s the members are %q, want %q", n.id, got, want)
		}
	}
	t.mustClose(nodes[1])
	if got, want := t.memberTexts(nodes[2], "room"), "x@a 3"; got != want {
		t.Errorf("after Close of b the members are %q, want %q", got, want)
	}
}

func nodesNews(t *tester) {
	nodes := t.nodes(2)
	a, b := nodes[0].Broker(), nodes[1].Broker()
	t.enter(a, "room", "x")
	t.enter(b, "room", "y")
	t.leave(b, "room", "y")
	for i := range newsLimit {
		t.enter(b, "room", fmt.Sprint(i)) // the last one is above the limit
	}
	t.leave(b, "room", "0")
	t.enter(b, "other", "y")
	want := []string{"+x", "+y", "-y", "+0", "+1", "+2", "+3", "-0"}
	t.eventually("the news have arrived", func() bool { return len(nodes[0].heard("room")) >= len(want) })
	if diff := cmp.Diff(want, nodes[0].heard("room")); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	t.mustClose(nodes[1])
	t.eventually("members of a node that closes leave", func() bool { return len(nodes[0].heard("room")) == len(want)+newsLimit-1 })
}

func nodesCount(t *tester) {
	nodes := t.nodes(2)
	var wg sync.WaitGroup
	for _, n := range nodes {
		for range 20 {
			wg.Go(func() {
				if err := n.Cluster().Count(t.ctx, map[string]int64{"a": 2, "b": -1}); err != nil {
					t.Errorf("Count: %v", err)
				}
			})
		}
	}
	wg.Wait()
	t.mustClose(nodes[0])
	counts, err := nodes[1].Cluster().Counts(t.ctx)
	t.must(err)
	if diff := cmp.Diff(map[string]int64{"a": 80, "b": -40}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// wantPeers waits until the node sees exactly the nodes with these ids as its peers.
func (t *tester) wantPeers(n *clusterNode, ids ...string) {
	t.Helper()
	t.eventually(fmt.Sprintf("%s has the peers %v", n.id, ids), func() bool {
		peers, err := n.Cluster().Peers(t.ctx)
		t.must(err)
		got := make([]string, len(peers))
		for i := range peers {
			got[i] = peers[i].ID
		}
		return slices.Equal(got, ids)
	})
}

func nodesPeers(t *tester) {
	list := t.h.Cluster(t.T, 3)
	a := t.openNode(list[0], "a")
	c := t.openNode(list[2], "c")
	t.eventually("a sees that c joins", func() bool { return a.watched() == "+c" })
	b := t.openNode(list[1], "b")
	for _, n := range []*clusterNode{a, b, c} {
		if !n.Cluster().Shared() {
			t.Error("the cluster is not shared")
		}
		t.wantPeers(n, "a", "b", "c")
		peers, err := n.Cluster().Peers(t.ctx)
		t.must(err)
		if diff := cmp.Diff([]backend.Node{a.node(), b.node(), c.node()}, peers); diff != "" {
			t.Errorf("peers of %s (-want +got):\n%s", n.id, diff)
		}
	}
	t.eventually("b sees who is there", func() bool { return b.watched() == "+a +c" })
	t.eventually("a sees who joins", func() bool { return a.watched() == "+c +b" })
	t.mustClose(b)
	t.wantPeers(a, "a", "c")
	t.eventually("a sees who leaves", func() bool { return a.watched() == "+c +b -b" })
	t.mustOpenAs(b, b.node())
	t.eventually("a sees who comes back", func() bool { return a.watched() == "+c +b -b +b" })
}

// nodesIDs checks that a second node with an id is refused while the first one lives, and not longer.
func nodesIDs(t *tester) {
	list := t.h.Cluster(t.T, 3)
	a := t.openNode(list[0], "a")
	refused := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.ctx, limit)
		defer cancel()
		return list[1].Open(ctx, a.node())
	}
	err := refused(2 * time.Second)
	for limit := 8 * time.Second; limit < waitLimit && !errors.Is(err, backend.ErrNodeInUse) && errors.Is(err, context.DeadlineExceeded); limit *= 4 {
		err = refused(limit) // on a busy machine it has not asked earlier
	}
	t.wantError("Open with the id of a live node", err, backend.ErrNodeInUse)
	began := time.Now()
	free := t.openNode(list[2], "free")
	usual := time.Since(began)
	t.mustClose(free)
	t.mustClose(a)
	began = time.Now()
	b := t.openNode(list[1], "a")
	if d := time.Since(began); d > 4*time.Second+2*usual {
		t.Errorf("after Close of the other node, Open takes %v, and usually %v", d, usual)
	}
	b.Kill()
	began = time.Now()
	t.openNode(list[2], "a")
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("after the death of the other node, Open takes %v", d)
	}
}

// nodesApart checks that two clusters on one server do not see each other.
func nodesApart(t *tester) {
	one, two := t.nodes(1)[0], t.nodes(1)[0]
	t.enter(one.Broker(), "room", "x")
	t.enter(two.Broker(), "room", "y")
	t.publish(one.Broker(), backend.Message{Room: "room", Body: []byte("1")})
	t.publish(two.Broker(), backend.Message{Room: "room", Body: []byte("2")})
	t.must(one.Cluster().Count(t.ctx, map[string]int64{"a": 1}))
	for n, want := range map[*clusterNode][]string{one: {"+x", ": 1"}, two: {"+y", ": 2"}} {
		t.eventually("the message has arrived", func() bool { return len(n.heard("room")) >= len(want) })
		if diff := cmp.Diff(want, n.heard("room")); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		t.wantPeers(n, "a")
	}
	t.wantMembers(one.Broker(), "room", "x")
	counts, err := two.Cluster().Counts(t.ctx)
	if t.must(err); len(counts) > 0 {
		t.Errorf("the counts of another cluster are %v", counts)
	}
}
