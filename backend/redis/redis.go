package redis

import (
	"context"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Backend keeps the state that the nodes of a cluster share in a server of Redis or Valkey. [New] returns a Backend.
type Backend struct {
	mu    sync.Mutex // serializes Open and Close
	core  *core
	store *store
	queue *queue

	life    *life
	router  *router
	broker  *broker
	cluster *cluster
}

// New returns a backend that is not open yet. If config is invalid, [Backend.Open] returns an error.
func New(config Config) *Backend {
	c := newCore(config)
	b := &Backend{core: c, store: newStore(c), queue: newQueue(c), life: newLife(c), router: newRouter(c)}
	b.broker = newBroker(c, b.life, b.router)
	b.cluster = newCluster(c, b.life, b.router)
	b.broker.cluster, b.cluster.broker = b.cluster, b.broker
	return b
}

// Store returns the key-value store of the backend, which has the entries and locks.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the message broker of the backend, which has the rooms and their members.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Cluster returns the list of nodes and the calls between them.
func (b *Backend) Cluster() backend.Cluster { return b.cluster }

// Queue returns the job queue of the backend.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Open connects to the server and adds this process to the cluster. It fails if the backend is open already, if a setting
// of [Config] is out of range, if the server is not reached in the time of [Config.Wait], or if the server is too old or
// may delete keys when its memory is full. If another node has the id, Open waits until that node leaves, or its lease has
// ended 6 s after its last heartbeat. If the other node lives on, Open fails with [backend.ErrNodeInUse] after 12 s or the
// time of [Config.Wait], if that is longer, and once ctx ends.
func (b *Backend) Open(ctx context.Context, node backend.Node) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.core.open(ctx); err != nil {
		return err
	}
	if err := b.join(ctx, node); err != nil {
		b.core.close()
		return err
	}
	b.broker.start()
	b.store.start()
	return nil
}

// join starts the queue and adds this process to the cluster.
func (b *Backend) join(ctx context.Context, node backend.Node) error {
	s, err := b.core.current()
	if err != nil {
		return err
	}
	if err := b.queue.open(ctx); err != nil {
		return err
	}
	if err = b.router.start(ctx, s); err == nil {
		err = b.cluster.start(ctx, s, node)
	}
	if err != nil {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit) // ctx may have ended
		defer cancel()
		b.queue.close(leaving)
	}
	return err
}

// closeLimit is the time for which Close waits for the server while the members of this node leave.
const closeLimit = 5 * time.Second

// Close takes the members of this node out of their rooms, and the node out of the cluster. It closes the connections
// until the next Open. The stored entries, locks and jobs stay. The runs of this node that have not ended count as crashes,
// unless [backend.Queue.Drain] was called for them. If the server does not answer, the other nodes remove the members a
// little later. If the backend is not open, Close does nothing.
func (b *Backend) Close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue.close(ctx)
	b.store.stop()
	if _, err := b.core.current(); err != nil {
		return nil
	}
	leaving, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	clean := b.broker.stop(leaving)
	b.cluster.stop()
	if err := b.life.leave(leaving, clean); err != nil {
		b.core.config.Log.Warn("this node could not leave the cluster, so the others remove it when its lease ends", "error", err.Error())
	}
	b.core.close()
	return nil
}

// Health returns nil while heartbeats are answered and the messages of the server arrive.
func (b *Backend) Health() error {
	if _, err := b.core.current(); err != nil {
		return err
	}
	if err := b.life.healthy(); err != nil {
		return err
	}
	return b.router.healthy()
}
