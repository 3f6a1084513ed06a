package actionhero

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
)

// connTable holds the connections of this node by their ids. A connection takes half the memory of one in a sync.Map. The
// zero value is not ready for use: see newConnTable.
type connTable struct {
	seed   maphash.Seed
	shards [64]connShard
}

// connShard is a part of the table, so that clients that come and go at the same time seldom wait for each other.
type connShard struct {
	mu    sync.RWMutex
	conns map[string]*Conn
	peak  int // the largest number of connections since the map was built
}

// smallShard is the number of connections up to which the map of a shard keeps its memory.
const smallShard = 16

func newConnTable() *connTable { return &connTable{seed: maphash.MakeSeed()} }

func (t *connTable) shard(id string) *connShard {
	return &t.shards[maphash.String(t.seed, id)%uint64(len(t.shards))]
}

// store adds the connection c.
func (t *connTable) store(c *Conn) {
	s := t.shard(c.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = map[string]*Conn{}
	}
	s.conns[c.ID] = c
	s.peak = max(s.peak, len(s.conns))
}

// load returns the connection with the id, or nil if there is none.
func (t *connTable) load(id string) *Conn {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns[id]
}

// remove removes the connection with the id, if there is one. A map of Go never shrinks, so remove builds a small one
// when most connections of the shard have gone.
func (t *connTable) remove(id string) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, id)
	if s.peak > smallShard && len(s.conns)*4 < s.peak {
		conns := make(map[string]*Conn, len(s.conns))
		maps.Copy(conns, s.conns)
		s.conns, s.peak = conns, len(conns)
	}
}

// len returns the number of connections.
func (t *connTable) len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		n += len(s.conns)
		s.mu.RUnlock()
	}
	return n
}

// all calls yield for each connection until yield returns false. A connection that comes or goes meanwhile may be left
// out. No lock is held during yield.
func (t *connTable) all(yield func(*Conn) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		conns := slices.AppendSeq(make([]*Conn, 0, len(s.conns)), maps.Values(s.conns))
		s.mu.RUnlock()
		for _, c := range conns {
			if !yield(c) {
				return
			}
		}
	}
}
