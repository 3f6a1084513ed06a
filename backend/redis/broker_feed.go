package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// probeKind is the kind of the channels on which a feed sends messages to itself.
const probeKind = "pb"

// probeAfter is the interval at which a feed probes its connection, and the time that a probe may take.
const probeAfter = 5 * time.Second

// subscribeBatch is the maximum number of channels of one command.
const subscribeBatch = 256

// feed is the subscribed connection of this node to one master.
type feed struct {
	router    *router
	client    rueidis.Client
	partition atomic.Int32    // one that the master has, for probes
	hears     atomic.Bool     // all channels are subscribed, and no probe was lost
	signal    chan struct{}   // receives a value when something is to be subscribed
	life      context.Context // ends with stop
	stop      context.CancelFunc
	refusal   atomic.Pointer[rueidis.RedisError] // the error with which the server has refused a subscription

	mu   sync.Mutex
	full bool     // all routes have to be looked at, not only new ones
	new  []*route // to subscribe
	old  []*route // to unsubscribe
}

// connection is one connection of a feed.
type connection struct {
	feed    *feed
	conn    rueidis.DedicatedClient
	probe   string        // the channel for probes
	probed  time.Duration // the time of the last probe, as uptime; 0: none was sent
	heard   atomic.Int64  // the time of the last message, as uptime
	unheard chan struct{} // closed when the channel for probes is not subscribed where messages are published
	once    sync.Once

	// subscribing has the channels of the command that subscribes now. The value is true if the server has ended the
	// subscription already. Guarded by the mutex of the router.
	subscribing map[string]bool
}

func newFeed(r *router, s *session, client rueidis.Client, partition int) *feed {
	f := &feed{router: r, client: client, signal: make(chan struct{}, 1)}
	f.life, f.stop = context.WithCancel(s.life)
	f.partition.Store(int32(partition))
	return f
}

// wake makes the feed look at all routes.
func (f *feed) wake() {
	f.mu.Lock()
	f.full = true
	f.mu.Unlock()
	signal(f.signal)
}

func (f *feed) wanted(rt *route) {
	f.mu.Lock()
	f.new = append(f.new, rt)
	f.mu.Unlock()
	signal(f.signal)
}

func (f *feed) unwanted(rt *route) {
	f.mu.Lock()
	f.old = append(f.old, rt)
	f.mu.Unlock()
	signal(f.signal)
}

// run keeps the feed connected until it is stopped or the backend closes.
func (f *feed) run(s *session) {
	defer f.stop()
	var wait backoff
	for f.life.Err() == nil {
		began := time.Now()
		f.connect(s)
		f.hears.Store(false)
		f.router.lookAgain()
		if time.Since(began) > 10*time.Second {
			wait = backoff{}
		}
		wait.wait(f.life, s.life)
	}
}

// connect makes a connection and serves it until it ends.
func (f *feed) connect(s *session) {
	conn, _ := f.client.Dedicate()
	defer conn.Close()
	c := &connection{feed: f, conn: conn, unheard: make(chan struct{})}
	c.heard.Store(int64(uptime()))
	c.probe = f.router.core.channel(s, probeKind, int(f.partition.Load()), rand.Text())
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: c.message, OnSubscription: c.subscription})
	defer f.router.disconnected(c)
	if err := c.send(s.subscribe(c.probe)); err != nil {
		var refused *rueidis.RedisError
		if errors.As(err, &refused) {
			f.refusal.Store(refused)
		}
		return
	}
	f.wake()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-f.signal:
			if c.update(s) != nil {
				return
			}
		case <-ticker.C:
			if !f.hears.Load() {
				f.wake()
			}
			if c.deaf(s) {
				return
			}
		case <-lost:
			return
		case <-c.unheard:
			return
		case <-f.life.Done():
			return
		}
	}
}

func (c *connection) message(m rueidis.PubSubMessage) {
	c.heard.Store(int64(uptime()))
	if m.Channel != c.probe {
		c.feed.router.dispatch(c, m)
	}
}

// subscription hears that the server has ended a subscription, because its slot has moved.
func (c *connection) subscription(sub rueidis.PubSubSubscription) {
	if sub.Kind != "sunsubscribe" {
		return
	}
	if sub.Channel == c.probe {
		c.misplaced()
	}
	c.feed.router.lost(c, sub.Channel)
}

func (c *connection) send(command rueidis.Completed) error {
	ctx, cancel := context.WithTimeout(c.feed.life, c.feed.router.core.config.Timeout)
	defer cancel()
	return c.conn.Do(ctx, command).Error()
}

// misplaced ends the connection, because messages are published elsewhere.
func (c *connection) misplaced() { c.once.Do(func() { close(c.unheard) }) }

// deaf sends a probe, if the last one was sent long enough ago. It returns true if nothing was heard since that one. A probe
// without a receiver shows that the connection is at another server than the one where messages are published: that
// server was demoted, and passes on the messages of the master, but the master finds no receiver here for a call.
func (c *connection) deaf(s *session) bool {
	now := uptime()
	if c.probed != 0 && now-c.probed < probeAfter {
		return false
	}
	if c.probed != 0 && time.Duration(c.heard.Load()) < c.probed {
		return true
	}
	c.probed = now
	c.feed.router.core.spawn(func(ctx context.Context, _ *session) {
		ctx, cancel := context.WithTimeout(ctx, probeAfter)
		defer cancel()
		receivers, err := s.client.Do(ctx, s.publish(c.probe, "")).AsInt64() // a probe that is not sent does not come back
		if err == nil && receivers == 0 {
			c.misplaced()
		}
	})
	return false
}

// update subscribes and unsubscribes the channels that have changed.
func (c *connection) update(s *session) error {
	f := c.feed
	f.mu.Lock()
	full, added, old := f.full, f.new, f.old
	f.full, f.new, f.old = false, nil, nil
	f.mu.Unlock()
	done := true
	// Unsubscribe first: a channel may be wanted again.
	for _, batch := range batches(s, old) {
		for _, rt := range batch {
			f.router.unsubscribed(c, rt)
		}
		if err := c.send(s.unsubscribe(channelsOf(batch)...)); err != nil {
			return err
		}
	}
	if full || len(old) > 0 {
		added = f.router.missing(f, c)
	}
	for _, batch := range batches(s, f.router.current(added)) {
		channels := channelsOf(batch)
		f.router.begin(c, channels)
		err := c.send(s.subscribe(channels...))
		var refused *rueidis.RedisError
		switch {
		case err == nil:
			f.router.confirm(c, batch)
		case errors.As(err, &refused): // the slot has moved, most likely; connect tries again
			f.refusal.Store(refused)
			f.router.lookAgain()
			done = false
		default:
			return err
		}
	}
	f.hears.Store(done)
	return nil
}

func channelsOf(routes []*route) []string {
	channels := make([]string, len(routes))
	for i := range routes {
		channels[i] = routes[i].channel
	}
	return channels
}

// batches splits a list into commands. In a Cluster, the channels of one command must be of one partition.
func batches(s *session, list []*route) (out [][]*route) {
	if s.cluster {
		slices.SortStableFunc(list, func(a, b *route) int { return cmp.Compare(a.partition, b.partition) })
	}
	for len(list) > 0 {
		n := min(len(list), subscribeBatch)
		if s.cluster {
			if i := slices.IndexFunc(list[:n], func(rt *route) bool { return rt.partition != list[0].partition }); i > 0 {
				n = i
			}
		}
		out, list = append(out, list[:n]), list[n:]
	}
	return out
}
