package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
)

const (
	// remembered is the time for which a node uses a session without asking the store.
	remembered = 5 * time.Second
	// shards and maxPerShard bound the sessions that a node remembers.
	shards, maxPerShard = 16, 1024
	// recentFor is the time for which a node knows that a session has ended. It is longer than a request usually runs before
	// its stream begins.
	recentFor = 10 * time.Minute
)

// node is what one node knows of the sessions.
type node struct {
	s    *Sessions
	api  *actionhero.API
	base time.Time // the times of entries are counted from it

	shards [shards]shard

	mu    sync.Mutex
	conns map[string]map[*actionhero.Conn]holder // by the id of the user

	streams   map[*actionhero.Stream]holder // guarded by mu, like streamsOf
	streamsOf map[string]map[*actionhero.Stream]struct{}

	folder   sessionFolder
	swept    time.Time   // the latest sweep of the folder
	dropping sync.Mutex  // held by dropLost
	isPart   atomic.Bool // the sessions are a part of the API
	stop     context.CancelFunc
	done     chan struct{}
}

// shard is a part of the sessions that a node remembers.
type shard struct {
	mu      sync.Mutex
	entries map[key]*entry
	ended   uint64            // the number of ends of sessions of this shard
	recent  map[key]time.Time // when sessions have ended, for recentFor
	cleared time.Time         // when all sessions have ended, or recent was full
}

// ends returns the number of ends and changes of sessions of the shard.
func (sh *shard) ends() uint64 {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.ended
}

// entry is a session that a node remembers.
type entry struct {
	record
	identity actionhero.Identity
	until    time.Duration // since node.base; the entry must not be used from then on, or the session has ended
	touchAt  time.Duration // since node.base; the use of the session is stored from then on
	touching atomic.Bool
}

// node returns the state of the node with this API.
func (s *Sessions) node(api *actionhero.API) *node {
	if n := s.last.Load(); n != nil && n.api == api {
		return n
	}
	if n, ok := s.nodes.Load(api); ok {
		return n.(*node)
	}
	fresh := &node{
		s: s, api: api, base: time.Now(), conns: map[string]map[*actionhero.Conn]holder{},
		streams: map[*actionhero.Stream]holder{}, streamsOf: map[string]map[*actionhero.Stream]struct{}{},
	}
	for i := range fresh.shards {
		fresh.shards[i].entries = map[key]*entry{}
	}
	n, _ := s.nodes.LoadOrStore(api, fresh)
	return n.(*node)
}

func (n *node) shardOf(k key) *shard { return &n.shards[k[0]%shards] }

// find returns the session with the key, or nil if there is none or it has ended. If the session was not in use for some
// time, find stores that it is.
func (n *node) find(ctx context.Context, k key) (*entry, error) {
	return n.findAt(ctx, k, time.Since(n.base))
}

// findAt is find at a time since n.base.
func (n *node) findAt(ctx context.Context, k key, now time.Duration) (*entry, error) {
	sh := n.shardOf(k)
	sh.mu.Lock()
	e, ended := sh.entries[k], sh.ended
	sh.mu.Unlock()
	if e == nil || now >= e.until {
		r, err := n.s.record.Get(ctx, n.api, k.String())
		if isMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e = n.remember(k, &r, ended); now >= e.until {
			return nil, nil
		}
	}
	if now >= e.touchAt && !e.Rotated && e.touching.CompareAndSwap(false, true) {
		return n.touch(ctx, k, e)
	}
	return e, nil
}

// touch stores that a session is in use. Only the first request after the interval does it. If the store fails, the
// session holds until the end of its idle time.
func (n *node) touch(ctx context.Context, k key, e *entry) (*entry, error) {
	defer e.touching.Store(false)
	sh := n.shardOf(k)
	sh.mu.Lock()
	ended := sh.ended
	sh.mu.Unlock()
	r, err := n.s.touch(ctx, n.api, k, e.User)
	switch {
	case err != nil:
		n.api.Log().Warn("the use of a session was not stored", "user", e.User, "error", err.Error())
		return e, nil
	case r == nil:
		n.forget(k)
		return nil, nil
	}
	return n.remember(k, r, ended), nil
}

// remember keeps a session that was read from the store, unless sessions have ended since: then it may be one of them.
// ended is the number of ends before the read.
func (n *node) remember(k key, r *record, ended uint64) *entry {
	now := time.Now()
	since := now.Sub(n.base)
	e := &entry{record: *r, identity: r.identityOf()}
	e.until = since + min(remembered, r.End.Sub(now))
	e.touchAt = since + n.s.interval() - now.Sub(r.Seen)
	sh := n.shardOf(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.ended != ended || r.Rotated {
		return e
	}
	if _, ok := sh.entries[k]; !ok && len(sh.entries) >= maxPerShard {
		for other := range sh.entries { // any one
			delete(sh.entries, other)
			break
		}
	}
	sh.entries[k] = e
	return e
}

// forget makes the node ask the store again for a session that has ended.
func (n *node) forget(k key) {
	sh := n.shardOf(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.ended++
	delete(sh.entries, k)
	now := time.Now()
	switch {
	case sh.recent == nil:
		sh.recent = map[key]time.Time{}
	case len(sh.recent) >= maxPerShard: // each session may be one of them from now on
		clear(sh.recent)
		sh.cleared = now
	}
	sh.recent[k] = now
}

// endedSince reports whether the node has heard after the time since that the session has ended or changed.
func (n *node) endedSince(k key, since time.Time) bool {
	sh := n.shardOf(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.recent[k].After(since) || sh.cleared.After(since)
}

// forgetEach makes the node ask the store again for all sessions, and closes all connections that have logged in and their streams.
func (n *node) forgetEach() {
	for i := range n.shards {
		sh := &n.shards[i]
		sh.mu.Lock()
		sh.ended++
		sh.cleared = time.Now()
		clear(sh.entries)
		sh.mu.Unlock()
	}
	n.mu.Lock()
	var found []*actionhero.Conn
	for _, conns := range n.conns {
		for c := range conns {
			found = append(found, c)
		}
	}
	var streams []*actionhero.Stream
	for st := range n.streams {
		streams = append(streams, st)
	}
	n.mu.Unlock()
	for _, c := range found {
		c.Close(reasonEnded)
	}
	for _, st := range streams {
		st.End()
	}
}

// forgetOld releases the memory of sessions that are not in use.
func (n *node) forgetOld() {
	now := time.Since(n.base)
	for i := range n.shards {
		sh := &n.shards[i]
		sh.mu.Lock()
		for k, e := range sh.entries {
			if now >= e.until {
				delete(sh.entries, k)
			}
		}
		for k, at := range sh.recent {
			if time.Since(at) > recentFor {
				delete(sh.recent, k)
			}
		}
		sh.mu.Unlock()
	}
}

// start begins to watch the sessions of the connections.
func (s *Sessions) start(ctx context.Context, api *actionhero.API) (err error) {
	n := s.node(api)
	if n.folder, err = s.openSessions(folderOf(api)); err == nil {
		err = n.restore(ctx)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop, n.done = cancel, make(chan struct{})
	go n.watch(ctx)
	n.isPart.Store(true)
	s.last.Store(n)
	return nil
}

func (s *Sessions) stop(_ context.Context, api *actionhero.API) error {
	n := s.node(api)
	s.nodes.Delete(api)
	s.last.CompareAndSwap(n, nil)
	n.stop()
	<-n.done
	return nil
}
