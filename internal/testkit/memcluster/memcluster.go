// Package memcluster is a cluster of several nodes in the memory of one test: the nodes share the store and the queue of
// an embedded backend, and have rooms and calls between nodes of their own. Use it to test what a node does in a
// cluster. The backends themselves are tested by package backendtest.
//
// As in a real cluster, messages, calls and news of peers reach a node not in the goroutine of the sender.
package memcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// Net connects the nodes of one cluster.
type Net struct {
	shared *local.Backend

	mu      sync.Mutex
	live    map[string]*Node // by id
	rooms   map[string]*room
	counts  map[string]int64
	counted int // calls of Count
}

type room struct {
	at      backend.Position
	members []backend.Member
}

// New returns a cluster without nodes. The shared storage is open until the end of the test.
func New(t testing.TB) *Net {
	n := &Net{shared: local.New(local.Config{}), live: map[string]*Node{}, rooms: map[string]*room{}, counts: map[string]int64{}}
	if err := n.shared.Open(context.Background(), backend.Node{ID: "storage"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.shared.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Flushes returns the number of calls of Count by all nodes.
func (n *Net) Flushes() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counted
}

// Node is the backend of one node. It implements all parts that a node has of its own.
type Node struct {
	net *Net

	mu      sync.Mutex
	self    backend.Node
	open    bool
	cut     bool
	sub     backend.Subscriber
	handle  func(ctx context.Context, from, method string, body []byte) []byte
	watches []*func(joined, left []backend.Node)
	missed  map[string]bool // the rooms of which messages were sent while the node was cut off
	closing context.Context
	close   context.CancelFunc
	events  *mailbox
	running sync.WaitGroup
}

// Node adds a node, which joins when its backend is opened.
func (n *Net) Node() *Node { return &Node{net: n, missed: map[string]bool{}} }

// mailbox runs functions one after the other in a goroutine of its own.
type mailbox struct {
	mu    sync.Mutex
	queue []func()
	wake  chan struct{}
	end   bool
	done  chan struct{}
}

func newMailbox() *mailbox {
	m := &mailbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go m.run()
	return m
}

func (m *mailbox) add(f func()) {
	m.mu.Lock()
	m.queue = append(m.queue, f)
	m.mu.Unlock()
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mailbox) run() {
	defer close(m.done)
	for range m.wake {
		m.mu.Lock()
		queue, end := m.queue, m.end
		m.queue = nil
		m.mu.Unlock()
		if end {
			return
		}
		for _, f := range queue {
			f()
		}
	}
}

func (m *mailbox) stop() {
	m.mu.Lock()
	m.end = true
	m.mu.Unlock()
	m.signal()
	<-m.done
}

// Store returns the store that all nodes share.
func (b *Node) Store() backend.Store { return b.net.shared.Store() }

// Queue returns the queue that all nodes share.
func (b *Node) Queue() backend.Queue { return b.net.shared.Queue() }

// Broker returns the broker of this node.
func (b *Node) Broker() backend.Broker { return (*broker)(b) }

// Cluster returns the cluster as this node sees it.
func (b *Node) Cluster() backend.Cluster { return (*cluster)(b) }

// Open adds the node to the cluster.
func (b *Node) Open(_ context.Context, self backend.Node) error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		return errors.New("the node is open")
	}
	if b.net.live[self.ID] != nil {
		return backend.ErrNodeInUse
	}
	b.open, b.self, b.events = true, self, newMailbox()
	b.closing, b.close = context.WithCancel(context.Background())
	var others []backend.Node
	for _, other := range b.net.live {
		others = append(others, other.self)
		other.tell([]backend.Node{self}, nil)
	}
	b.net.live[self.ID] = b
	if len(others) > 0 {
		b.tell(others, nil)
	}
	return nil
}

// Close removes the node and its members.
func (b *Node) Close(context.Context) error {
	b.net.mu.Lock()
	b.mu.Lock()
	if !b.open {
		b.mu.Unlock()
		b.net.mu.Unlock()
		return nil
	}
	b.open = false
	b.mu.Unlock()
	delete(b.net.live, b.self.ID)
	for _, other := range b.net.live {
		other.tell(nil, []backend.Node{b.self})
	}
	for name, r := range b.net.rooms {
		for _, m := range slices.Clone(r.members) {
			if m.Node == b.self.ID {
				b.net.leave(name, m.ID)
			}
		}
	}
	b.net.mu.Unlock()
	b.close()
	b.running.Wait()
	b.events.stop()
	return nil
}

// Health returns an error that wraps ErrUnavailable while the node is cut off.
func (b *Node) Health() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return backend.ErrClosed
	case b.cut:
		return fmt.Errorf("the node is cut off: %w", backend.ErrUnavailable)
	}
	return nil
}

// Cut cuts the node off from the others, but not from the store and the queue.
func (b *Node) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
}

// Heal ends a cut. The rooms in which the node has missed messages have a gap.
func (b *Node) Heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = false
	for _, name := range slices.Sorted(maps.Keys(b.missed)) {
		b.events.add(func() { b.sub.Gap(name) })
	}
	clear(b.missed)
}

// tell calls the callbacks of Watch. The caller holds the lock of the net.
func (b *Node) tell(joined, left []backend.Node) {
	b.events.add(func() {
		b.mu.Lock()
		watches := slices.Clone(b.watches)
		b.mu.Unlock()
		for _, f := range watches {
			(*f)(joined, left)
		}
	})
}

// usable returns an error if the node is closed or cut off.
func (b *Node) usable() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return backend.ErrClosed
	case b.cut:
		return backend.ErrUnavailable
	}
	return nil
}

type broker Node

func (b *broker) node() *Node { return (*Node)(b) }

func (b *broker) Subscribe(s backend.Subscriber) { b.sub = s }

func (b *broker) Publish(_ context.Context, m backend.Message) (backend.Position, error) {
	if err := b.node().usable(); err != nil {
		return backend.Position{}, err
	}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	r := b.net.room(m.Room)
	r.at.Seq++
	r.at.Tag = uint32(r.at.Seq) * 7
	m.At = r.at
	b.net.send(r, m)
	return m.At, nil
}

func (n *Net) room(name string) *room {
	r := n.rooms[name]
	if r == nil {
		r = &room{at: backend.Position{Epoch: 1 << 60}}
		n.rooms[name] = r
	}
	return r
}

// send sends m to the nodes with members of the room. The caller holds the lock of the net.
func (n *Net) send(r *room, m backend.Message) {
	for _, node := range n.live {
		if !slices.ContainsFunc(r.members, func(other backend.Member) bool { return other.Node == node.self.ID }) {
			continue
		}
		if m.Kind != backend.Said && len(r.members) > node.sub.NewsLimit {
			continue
		}
		node.mu.Lock()
		if node.cut {
			node.missed[m.Room] = true
		} else {
			node.events.add(func() {
				if after := node.sub.Deliver(m); after != nil {
					after()
				}
			})
		}
		node.mu.Unlock()
	}
}

func (b *broker) Move(_ context.Context, changes ...backend.Change) (backend.Moved, error) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	at := make([]backend.Position, len(changes))
	for i, c := range changes {
		if c.Leave {
			b.net.leave(c.Room, c.Member)
			continue
		}
		r := b.net.room(c.Room)
		at[i] = r.at
		member := backend.Member{ID: c.Member, Node: b.self.ID, Details: slices.Clone(c.Details)}
		if i := slices.IndexFunc(r.members, func(m backend.Member) bool { return m.ID == c.Member }); i >= 0 {
			r.members[i] = member
			continue
		}
		r.members = append(r.members, member)
		b.net.send(r, backend.Message{Room: c.Room, From: c.Member, Kind: backend.Entered})
	}
	return backend.Moved{At: at}, nil
}

func (n *Net) leave(name, member string) {
	r := n.room(name)
	before := len(r.members)
	if r.members = slices.DeleteFunc(r.members, func(m backend.Member) bool { return m.ID == member }); len(r.members) < before {
		n.send(r, backend.Message{Room: name, From: member, Kind: backend.Left})
	}
}

func (b *broker) Members(_ context.Context, name string, limit int) ([]backend.Member, int, error) {
	if err := b.node().usable(); err != nil {
		return nil, 0, err
	}
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	r := b.net.room(name)
	return slices.Clone(r.members[:min(max(limit, 0), len(r.members))]), len(r.members), nil
}

type cluster Node

func (c *cluster) node() *Node { return (*Node)(c) }

func (c *cluster) Shared() bool { return true }

func (c *cluster) Peers(context.Context) ([]backend.Node, error) {
	if err := c.node().usable(); err != nil {
		return nil, err
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	var peers []backend.Node
	for _, node := range c.net.live {
		peers = append(peers, node.self)
	}
	slices.SortFunc(peers, func(a, b backend.Node) int { return cmp.Compare(a.ID, b.ID) })
	return peers, nil
}

func (c *cluster) Watch(f func(joined, left []backend.Node)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	added := &f
	c.watches = append(c.watches, added)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watches = slices.DeleteFunc(c.watches, func(f *func(joined, left []backend.Node)) bool { return f == added })
	}
}

func (c *cluster) Handle(handle func(ctx context.Context, from, method string, body []byte) []byte) {
	c.handle = handle
}

func (c *cluster) Call(ctx context.Context, id, method string, body []byte) ([]byte, error) {
	if len(body) > backend.MaxCallBytes {
		return nil, backend.ErrTooLarge
	}
	if err := c.node().usable(); err != nil {
		return nil, err
	}
	c.net.mu.Lock()
	to := c.net.live[id]
	c.net.mu.Unlock()
	if to == nil {
		return nil, fmt.Errorf("node %q: %w", id, backend.ErrNoNode)
	}
	answer := make(chan []byte, 1)
	if !to.start(ctx, c.self.ID, method, body, answer) {
		return nil, backend.ErrUnavailable
	}
	select {
	case a := <-answer:
		return a, nil
	case <-to.closing.Done():
		return nil, backend.ErrUnavailable
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// start calls the handler of the node, and returns false if the node cannot be reached.
func (b *Node) start(ctx context.Context, from, method string, body []byte, answer chan<- []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open || b.cut || b.handle == nil {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(b.closing, cancel)
	body = slices.Clone(body)
	b.running.Go(func() {
		defer cancel()
		defer release()
		answer <- b.handle(ctx, from, method, body)
	})
	return true
}

func (c *cluster) Notify(_ context.Context, method string, body []byte) error {
	if len(body) > backend.MaxCallBytes {
		return backend.ErrTooLarge
	}
	if err := c.node().usable(); err != nil {
		return err
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for _, node := range c.net.live {
		node.start(context.Background(), c.self.ID, method, body, make(chan []byte, 1))
	}
	return nil
}

func (c *cluster) Count(_ context.Context, add map[string]int64) error {
	if err := c.node().usable(); err != nil {
		return err
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.net.counted++
	for name, n := range add {
		c.net.counts[name] += n
	}
	return nil
}

func (c *cluster) Counts(context.Context) (map[string]int64, error) {
	if err := c.node().usable(); err != nil {
		return nil, err
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return maps.Clone(c.net.counts), nil
}
