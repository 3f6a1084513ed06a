package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// receiver gets the messages of a channel. Its methods must not block, because they run in the goroutine that reads the
// connection.
type receiver interface {
	message(payload string)
	// interrupted is called when the channel is not subscribed any more, before it is subscribed again.
	interrupted()
	// resumed is called when messages of the channel may have been missed, after it is subscribed again.
	resumed()
}

// router subscribes this node to channels. It has one connection for each master of the server: a feed. Each channel
// belongs to a partition, and in a Cluster it is subscribed at the master that has the slot of the partition.
//
// The client library does not subscribe again after a lost connection, and refuses a command for channels of several slots.
// So the router does both itself: a feed subscribes to all of its channels whenever it connects, in batches.
type router struct {
	core    *core
	reroute chan struct{} // receives a value when the place of a slot may have changed

	mu     sync.RWMutex
	routes map[string]*route
	feeds  map[string]*feed // by address of the master
	owners [partitions]*feed
}

// route is a channel that this node wants to hear.
type route struct {
	channel   string
	partition int
	to        receiver
	ready     chan struct{} // closed once the channel is subscribed for the first time

	// Guarded by the mutex of the router.
	feed  *connection // on which the channel is subscribed
	heard bool        // it was subscribed before
}

func newRouter(c *core) *router {
	return &router{core: c, reroute: make(chan struct{}, 1)}
}

func (r *router) start(ctx context.Context, s *session) error {
	r.mu.Lock()
	r.routes, r.feeds, r.owners = make(map[string]*route), make(map[string]*feed), [partitions]*feed{}
	r.mu.Unlock()
	if err := r.assign(ctx, s); err != nil {
		return err
	}
	if s.cluster {
		r.core.spawn(r.watch)
	}
	return nil
}

// topologyInterval is the interval at which the router asks a Cluster for the places of its slots.
const topologyInterval = 5 * time.Second

// watch keeps the places of the partitions of a Cluster.
func (r *router) watch(ctx context.Context, s *session) {
	timer := time.NewTicker(topologyInterval)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-timer.C:
		case <-r.reroute:
		case <-ctx.Done():
			return
		}
		_ = r.assign(ctx, s) // until the next attempt the last known places count
		pause(ctx, 100*time.Millisecond)
	}
}

func (r *router) lookAgain() { signal(r.reroute) }

// assign reads which master has which partition, and moves the routes to the feeds of their masters.
func (r *router) assign(ctx context.Context, s *session) error {
	addrs, err := r.core.owners(ctx, s)
	if err != nil {
		return err
	}
	clients := map[string]rueidis.Client{"": s.client}
	if s.cluster {
		clients = s.client.Nodes()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var owners [partitions]*feed
	for p, addr := range addrs {
		f := r.feeds[addr]
		if client := clients[addr]; f == nil && client != nil {
			f = newFeed(r, s, client, p)
			if r.core.spawn(func(_ context.Context, s *session) { f.run(s) }) {
				r.feeds[addr] = f
			}
		}
		owners[p] = f
		if f == nil {
			err = fmt.Errorf("the master %s of the Cluster is not connected yet: %w", addr, errUnavailable)
		}
	}
	r.owners = owners
	for addr, f := range r.feeds {
		if slices.Contains(owners[:], f) {
			f.partition.Store(int32(slices.Index(owners[:], f)))
			f.wake()
		} else {
			f.stop()
			delete(r.feeds, addr)
		}
	}
	return err
}

// owners returns the address of the master of each partition, which is "" without a Cluster.
func (c *core) owners(ctx context.Context, s *session) (addrs [partitions]string, err error) {
	if !s.cluster {
		return addrs, nil
	}
	m, err := c.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.ClusterSlots().Build() })
	if err != nil {
		return addrs, err
	}
	rows, err := m.ToArray()
	if err != nil {
		return addrs, err
	}
	for _, row := range rows {
		addr, err := masterOfSlots(row)
		if err != nil {
			return addrs, err
		}
		fields, _ := row.ToArray() // masterOfSlots has read it
		from, err1 := fields[0].AsInt64()
		to, err2 := fields[1].AsInt64()
		if err := errors.Join(err1, err2); err != nil {
			return addrs, err
		}
		for p, tag := range tags() {
			if n := int64(slot(tag)); n >= from && n <= to {
				addrs[p] = addr
			}
		}
	}
	return addrs, nil
}

// listen subscribes to a channel. The channel is subscribed once the channel ready of the returned route is closed.
func (r *router) listen(channel string, partition int, to receiver) *route {
	r.mu.Lock()
	defer r.mu.Unlock()
	rt := &route{channel: channel, partition: partition, to: to, ready: make(chan struct{})}
	r.routes[channel] = rt
	if f := r.owners[partition]; f != nil {
		f.wanted(rt)
	} else {
		r.lookAgain()
	}
	return rt
}

// forget ends the subscription of a channel.
func (r *router) forget(rt *route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.routes[rt.channel] != rt {
		return
	}
	delete(r.routes, rt.channel)
	if rt.feed != nil {
		rt.feed.feed.unwanted(rt)
	}
}

// dispatch passes a message to the receiver of its channel. A message of a connection that the channel is not subscribed on
// is dropped: it comes a second time on the other one.
func (r *router) dispatch(c *connection, m rueidis.PubSubMessage) {
	r.mu.RLock()
	rt := r.routes[m.Channel]
	if rt != nil && rt.feed != c && (rt.feed != nil || r.owners[rt.partition] != c.feed) {
		rt = nil
	}
	r.mu.RUnlock()
	if rt != nil {
		rt.to.message(m.Message)
	}
}

// missing returns the routes of f that are not subscribed on its connection c.
func (r *router) missing(f *feed, c *connection) (found []*route) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, rt := range r.routes {
		if r.owners[rt.partition] == f && rt.feed != c {
			found = append(found, rt)
		}
	}
	return found
}

// current returns the routes of the list that are still to be subscribed.
func (r *router) current(list []*route) []*route {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.DeleteFunc(list, func(rt *route) bool { return r.routes[rt.channel] != rt || rt.feed != nil })
}

// unsubscribed notes that the channel of rt is not subscribed on c any more. A later route of the channel has to be
// subscribed again.
func (r *router) unsubscribed(c *connection, rt *route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if later := r.routes[rt.channel]; later != nil && later.feed == c {
		later.feed = nil
	}
}

// disconnected notes that the connection c has ended.
func (r *router) disconnected(c *connection) {
	var ended []receiver
	r.mu.Lock()
	for _, rt := range r.routes {
		if rt.feed == c {
			rt.feed = nil
			ended = append(ended, rt.to)
		}
	}
	r.mu.Unlock()
	for _, to := range ended {
		to.interrupted()
	}
}

// begin notes that the channels are about to be subscribed on c.
func (r *router) begin(c *connection, channels []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.subscribing = make(map[string]bool, len(channels))
	for _, channel := range channels {
		c.subscribing[channel] = false
	}
}

// confirm notes that the routes are subscribed on c, unless the server has ended a subscription since.
func (r *router) confirm(c *connection, routes []*route) {
	var again []receiver
	r.mu.Lock()
	for _, rt := range routes {
		if c.subscribing[rt.channel] {
			c.feed.wanted(rt)
			r.lookAgain()
			continue
		}
		rt.feed = c
		if rt.heard {
			again = append(again, rt.to)
		} else {
			rt.heard = true
			close(rt.ready)
		}
		if r.routes[rt.channel] != rt { // it was forgotten meanwhile
			c.feed.unwanted(rt)
		}
	}
	c.subscribing = nil
	r.mu.Unlock()
	for _, to := range again {
		to.resumed()
	}
}

// lost notes that the channel is not subscribed on c any more: the slot has moved.
func (r *router) lost(c *connection, channel string) {
	r.mu.Lock()
	if _, now := c.subscribing[channel]; now {
		c.subscribing[channel] = true
	}
	rt := r.routes[channel]
	mine := rt != nil && rt.feed == c
	r.mu.Unlock()
	if !mine {
		return
	}
	rt.to.interrupted()
	r.mu.Lock()
	defer r.mu.Unlock()
	if rt.feed == c {
		rt.feed = nil
		c.feed.wanted(rt)
		r.lookAgain()
	}
}

// healthy returns an error if a connection of the router is lost or deaf.
func (r *router) healthy() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for p := range r.owners {
		if r.owners[p] == nil {
			return fmt.Errorf("the Cluster has no master for a part of its slots: %w", errUnavailable)
		}
	}
	for addr, f := range r.feeds {
		if !f.hears.Load() {
			return fmt.Errorf("messages of the server %s do not arrive: %w", addr, errUnavailable)
		}
	}
	return nil
}

// refused returns the error with which a server has refused a subscription that the access control list forbids.
func (r *router) refused() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, f := range r.feeds {
		if err := f.refusal.Load(); err != nil && codeOf(err.Error()) == "NOPERM" {
			return err
		}
	}
	return nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// signal sends a value to a channel that buffers one, unless one is pending.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
