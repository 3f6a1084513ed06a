package redis

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A server that becomes a replica keeps the connections that it has, while the name of the master points to another server
// already. So openConnections closes them.

// openConnections are the connections of a dialer.
type openConnections struct {
	mu                     sync.Mutex
	conns                  map[*newConnection]struct{}
	readOnly, lastReadOnly time.Time // when the server was first and last found to be a replica; zero: it is none
}

func (o *openConnections) add(c *newConnection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conns == nil {
		o.conns = make(map[*newConnection]struct{})
	}
	o.conns[c] = struct{}{}
}

func (o *openConnections) remove(c *newConnection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, c)
}

// replicaAfter is the time for which a server has to be a replica until its connections are closed.
const replicaAfter = 3 * time.Second

// foundReplica notes that the server is a replica. If it stays one, foundReplica closes all connections, so that the client
// library connects again.
func (o *openConnections) foundReplica() {
	for _, c := range o.stale(time.Now()) {
		_ = c.Close()
	}
}

// stale returns the connections that must be closed, because the server is a replica at the time now.
func (o *openConnections) stale(now time.Time) []*newConnection {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.lastReadOnly) > replicaAfter {
		o.readOnly = now
	}
	if o.lastReadOnly = now; now.Sub(o.readOnly) < replicaAfter {
		return nil
	}
	o.readOnly, o.lastReadOnly = time.Time{}, time.Time{}
	return slices.Collect(maps.Keys(o.conns))
}
