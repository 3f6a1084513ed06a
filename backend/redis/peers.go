package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
)

// cluster implements [backend.Cluster]. Its heartbeats keep this node alive and find the nodes that have died.
type cluster struct {
	core   *core
	life   *life
	router *router
	broker *broker
	calls  calls

	reading gate // closed while the list is read
	list    atomic.Pointer[peerList]

	opened   atomic.Bool // this node has joined, and callers may use the cluster
	endBeats context.CancelFunc
	ended    chan struct{} // closed when the heartbeats have ended

	mu       sync.Mutex
	watchers []*watcher
	changed  chan struct{} // receives a value when the list has changed
	routes   []*route      // of the channels for calls: all nodes, this incarnation, and the one before
}

// peerList is the list of nodes at one time. It does not change.
type peerList struct {
	version string
	at      time.Time       // the list was current at this time
	live    map[string]peer // by incarnation
	lapsed  map[string]peer // nodes whose members are being removed
}

type peer struct {
	inc  string
	node backend.Node
}

// watcher is one callback of Watch.
type watcher struct {
	f    func(joined, left []backend.Node)
	seen map[string]backend.Node // by incarnation
}

func newCluster(c *core, l *life, r *router) *cluster {
	k := &cluster{core: c, life: l, router: r, changed: make(chan struct{}, 1)}
	k.calls.init(k)
	k.list.Store(&peerList{})
	return k
}

// session returns the session of the backend, or [backend.ErrClosed] until this node has joined.
func (k *cluster) session() (*session, error) {
	if !k.opened.Load() {
		return nil, backend.ErrClosed
	}
	return k.core.current()
}

// start adds this node to the cluster. If that fails, the node leaves again, because the join may have been executed.
func (k *cluster) start(ctx context.Context, s *session, node backend.Node) error {
	k.opened.Store(false)
	k.life.start(node)
	k.calls.start()
	if err := k.join(ctx, s); err != nil {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), k.core.config.Timeout)
		defer cancel()
		_ = k.life.leave(leaving, true) // if it fails, the lease ends
		return err
	}
	k.opened.Store(true)
	beating, endBeats := context.WithCancel(s.life)
	k.endBeats, k.ended = endBeats, make(chan struct{})
	k.core.spawn(func(_ context.Context, s *session) {
		defer close(k.ended)
		k.beats(beating, s)
	})
	k.core.spawn(k.watch)
	return nil
}

// stop ends the heartbeats, so that none of them lets the node join again after it has left.
func (k *cluster) stop() {
	k.endBeats()
	<-k.ended
}

// join subscribes to the channels for calls and adds this node to the list of nodes.
func (k *cluster) join(ctx context.Context, s *session) error {
	k.mu.Lock()
	k.routes = nil
	for _, w := range k.watchers {
		w.seen = make(map[string]backend.Node)
	}
	k.mu.Unlock()
	k.list.Store(&peerList{})
	// The channels are subscribed first, so that a node that is on the list can be called.
	inc := newInc()
	if err := k.await(ctx, s, k.listen(s, notifyChannel(k.core, s)), k.listen(s, callChannel(k.core, s, inc))); err != nil {
		return err
	}
	err := k.life.join(ctx, inc, k.core.config.patience(), func() {
		k.core.config.Log.Warn("another node has the id of this one: this start waits until that node leaves, or its lease has ended", "node", k.life.self().ID)
	})
	if err != nil {
		return err
	}
	return k.read(ctx)
}

// listen subscribes to a channel for calls.
func (k *cluster) listen(_ *session, at place) *route {
	k.mu.Lock()
	defer k.mu.Unlock()
	rt := k.router.listen(at.channel, at.partition, &k.calls)
	k.routes = append(k.routes, rt)
	if len(k.routes) > 3 { // the channel of the incarnation before the last one
		k.router.forget(k.routes[1])
		k.routes = slices.Delete(k.routes, 1, 2)
	}
	return rt
}

// await waits until the routes are subscribed.
func (k *cluster) await(ctx context.Context, s *session, routes ...*route) error {
	limit := time.NewTimer(k.core.config.ConnectTimeout)
	defer limit.Stop()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for _, rt := range routes {
		for subscribed := false; !subscribed; {
			select {
			case <-rt.ready:
				subscribed = true
			case <-ticker.C:
				if err := k.router.refused(); err != nil {
					return explainConnect(s.addr, err)
				}
			case <-limit.C:
				return fmt.Errorf("the channels of this node are not subscribed within %v: %w", k.core.config.ConnectTimeout, cmp.Or(k.router.healthy(), errUnavailable))
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ctx.Err(), cmp.Or(k.router.healthy(), errUnavailable))
			}
		}
	}
	return nil
}

// listInterval is the number of heartbeats after which a node reads the list of nodes although its version has not changed:
// a failover may have lost a version, and then another list gets the same one.
const listInterval = 15

// beats sends heartbeats until stop is called or the backend closes.
func (k *cluster) beats(ctx context.Context, s *session) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var out outage
	for n := 1; ; n++ {
		select {
		case <-timer.C:
		case <-k.life.beatIt:
		case <-ctx.Done():
			return
		}
		live, version, lapsed, err := k.life.beat(ctx)
		if err == nil && !live {
			err = k.revive(ctx, s)
		}
		if err == nil && (version != k.list.Load().version || !live || n%listInterval == 0) {
			err = k.read(ctx)
		}
		if lapsed > 0 {
			signal(k.broker.cleaning)
		}
		if ctx.Err() == nil {
			k.report(&out, s, err)
		}
		wait := jitter(beatInterval)
		if err != nil { // the lease lasts for a few more attempts
			wait /= 8
		}
		timer.Reset(wait)
	}
}

// revive gives this node another incarnation after its lease has lapsed, and makes the broker enter all members again.
func (k *cluster) revive(ctx context.Context, s *session) error {
	k.life.lapse()
	k.calls.resumed() // the other nodes have dropped the calls of this one
	k.core.config.Log.Warn("this node was cut off from the Redis server, or paused, for longer than its lease: it enters its members again", "node", k.life.self().ID)
	inc := newInc()
	k.listen(s, callChannel(k.core, s, inc)) // the feed subscribes while the node joins
	joining, cancel := context.WithTimeout(ctx, nodeLease)
	defer cancel()
	if err := k.life.join(joining, inc, nodeLease, nil); err != nil {
		return err // the next heartbeat tries again
	}
	k.core.spawn(func(ctx context.Context, _ *session) {
		if k.broker.reenter(ctx, inc) {
			k.life.reentered(inc)
		}
	})
	return nil
}

// read reads the list of nodes.
func (k *cluster) read(ctx context.Context) error {
	if err := k.reading.close(ctx); err != nil {
		return err
	}
	defer k.reading.open()
	at := time.Now()
	reply, err := asWords(k.core.run(ctx, nodeListScript, []string{k.life.key[0], k.life.key[1], k.life.key[3]}))
	if err != nil {
		return err
	}
	list := &peerList{version: reply[0], at: at, live: make(map[string]peer), lapsed: make(map[string]peer)}
	for i := 1; i+2 < len(reply); i += 3 {
		node, err := decodeNode(reply[i+2])
		if err != nil && reply[i+1] == "live" {
			k.core.config.Log.Warn("a node is not on the list of peers", "error", err.Error())
		}
		p := peer{inc: reply[i], node: node}
		if reply[i+1] == "live" && err == nil {
			list.live[p.inc] = p
		} else if reply[i+1] == "lapsed" {
			list.lapsed[p.inc] = p
		}
	}
	before := k.list.Load()
	k.list.Store(list)
	k.calls.drop(list)
	for inc := range before.live {
		if _, live := list.live[inc]; !live {
			k.calls.handler.drop(inc)
		}
	}
	if len(list.lapsed) > 0 {
		signal(k.broker.cleaning)
	}
	signal(k.changed)
	return nil
}

// fresh returns the list of nodes, which is at most a second old.
func (k *cluster) fresh(ctx context.Context) (*peerList, error) {
	if _, err := k.session(); err != nil {
		return nil, err
	}
	list := k.list.Load()
	at := time.Now()
	if at.Sub(list.at) < time.Second {
		return list, nil
	}
	m, err := k.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Hget().Key(k.life.key[3]).Field("version").Build()
	})
	version := ""
	if err == nil {
		version, err = m.ToString()
	}
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, err
	}
	if version == list.version {
		same := *list
		same.at = at
		k.list.CompareAndSwap(list, &same)
		return &same, nil
	}
	err = k.read(ctx)
	return k.list.Load(), err
}

func (l *peerList) has(inc string) bool {
	_, ok := l.live[inc]
	return ok
}

// Shared returns true.
func (k *cluster) Shared() bool { return true }

// Peers has this node in any case. If the server has lost the list, the node is not on it until its next heartbeat.
func (k *cluster) Peers(ctx context.Context) ([]backend.Node, error) {
	list, err := k.fresh(ctx)
	if err != nil {
		return nil, err
	}
	self := *k.life.self()
	nodes := append(make([]backend.Node, 0, len(list.live)+1), self)
	for _, p := range list.live {
		if p.node.ID != self.ID {
			nodes = append(nodes, p.node)
		}
	}
	slices.SortFunc(nodes, byID)
	return nodes, nil
}

func byID(a, b backend.Node) int { return cmp.Compare(a.ID, b.ID) }

func (k *cluster) Watch(f func(joined, left []backend.Node)) (stop func()) {
	w := &watcher{f: f, seen: make(map[string]backend.Node)}
	k.mu.Lock()
	k.watchers = append(k.watchers, w)
	k.mu.Unlock()
	signal(k.changed)
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.watchers = slices.DeleteFunc(k.watchers, func(other *watcher) bool { return other == w })
	}
}

// watch calls the watchers until the backend closes. Each one gets the difference between two lists, so a watcher that is
// slow misses no node.
func (k *cluster) watch(ctx context.Context, _ *session) {
	for {
		k.mu.Lock()
		watchers := slices.Clone(k.watchers)
		k.mu.Unlock()
		list := k.list.Load()
		for _, w := range watchers {
			joined, left := w.differ(list, k.life.self().ID)
			if ctx.Err() == nil && len(joined)+len(left) > 0 {
				w.f(joined, left)
			}
		}
		select {
		case <-k.changed:
		case <-ctx.Done():
			return
		}
	}
}

// differ returns the nodes that have joined and left since the last call, without the node self.
func (w *watcher) differ(list *peerList, self string) (joined, left []backend.Node) {
	for inc, node := range w.seen {
		if _, ok := list.live[inc]; !ok {
			left = append(left, node)
			delete(w.seen, inc)
		}
	}
	for inc, p := range list.live {
		if _, ok := w.seen[inc]; !ok && p.node.ID != self {
			joined = append(joined, p.node)
			w.seen[inc] = p.node
		}
	}
	slices.SortFunc(joined, byID)
	slices.SortFunc(left, byID)
	return joined, left
}

var countScript = newScript("count", once)

func (k *cluster) Count(ctx context.Context, add map[string]int64) error {
	if len(add) == 0 {
		_, err := k.core.current()
		return err
	}
	args := make([]string, 0, 2*len(add))
	for name, n := range add {
		args = append(args, name, strconv.FormatInt(n, 10))
	}
	_, err := asInt(k.core.run(ctx, countScript, []string{k.core.clusterKey(countKind)}, args...))
	return err
}

func (k *cluster) Counts(ctx context.Context) (map[string]int64, error) {
	m, err := k.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Hgetall().Key(k.core.clusterKey(countKind)).Build()
	})
	if err != nil {
		return nil, err
	}
	return m.AsIntMap()
}

// place is a channel with its partition.
type place struct {
	channel   string
	partition int
}

// callChannel is the channel for calls of an incarnation, and for the answers to its calls.
func callChannel(c *core, s *session, inc string) place {
	p := partition(inc)
	return place{c.channel(s, "call", p, inc), p}
}

// notifyChannel is the channel for calls of all nodes.
func notifyChannel(c *core, s *session) place {
	p := partition("nodes")
	return place{c.channel(s, "all", p, ""), p}
}

// find returns the live node with the id.
func (l *peerList) find(id string) (found peer, ok bool) {
	for _, p := range l.live {
		if p.node.ID == id && (!ok || strings.Compare(p.inc, found.inc) > 0) {
			found, ok = p, true
		}
	}
	return found, ok
}
