package redis

import (
	"context"

	"github.com/actionhero-go/actionhero/backend"
)

// Backend keeps the state that the nodes of a cluster share in a server of Redis or Valkey. [New] returns a Backend.
type Backend struct {
	core  *core
	store *store
	queue *queue
}

// New returns a backend that is not open yet. If config is invalid, [Backend.Open] returns an error.
func New(config Config) *Backend {
	c := newCore(config)
	return &Backend{core: c, store: newStore(c), queue: newQueue(c)}
}

// Store returns the key-value store of the backend, which has the entries and locks.
func (b *Backend) Store() backend.Store { return b.store }

// Queue returns the job queue of the backend.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Open connects to the server. It fails if the backend is open already, if a setting of [Config] is out of range, if the
// server is not reached in the time of [Config.Wait], or if the server is too old or may delete keys when its memory is
// full.
func (b *Backend) Open(ctx context.Context) error {
	if err := b.core.open(ctx); err != nil {
		return err
	}
	if err := b.queue.open(ctx); err != nil {
		b.core.close()
		return err
	}
	b.store.start()
	return nil
}

// Close closes the connections until the next Open. The stored entries, locks and jobs stay. The runs of this node that have
// not ended count as crashes, unless [backend.Queue.Drain] was called for them. If the backend is not open, Close does
// nothing.
func (b *Backend) Close(ctx context.Context) error {
	b.queue.close(ctx)
	b.store.stop()
	b.core.close()
	return nil
}
