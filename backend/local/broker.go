package local

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
)

// stripes is the number of delivery locks, and so of rooms that can get a message at the same time. Rooms that share a
// lock wait for each other.
const stripes = 64

// broker is the [backend.Broker].
type broker struct {
	deliver atomic.Pointer[func(backend.Message) func()]
	open    atomic.Bool
	seed    maphash.Seed
	stripes [stripes]sync.Mutex // held during a delivery, so that a room's messages have one order

	mu    sync.RWMutex // guards rooms; not held during a delivery
	rooms map[string]*presence
}

func newBroker() *broker {
	return &broker{seed: maphash.MakeSeed(), rooms: make(map[string]*presence)}
}

func (b *broker) start() { b.open.Store(true) }

// stop waits for running deliveries by locking every stripe, and empties all rooms.
func (b *broker) stop() {
	for i := range b.stripes {
		b.stripes[i].Lock()
	}
	b.open.Store(false)
	for i := range b.stripes {
		b.stripes[i].Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rooms = make(map[string]*presence)
}

func (b *broker) Subscribe(deliver func(backend.Message) func()) { b.deliver.Store(&deliver) }

func (b *broker) Publish(_ context.Context, m backend.Message) error {
	if err := checkLength("room", m.Room); err != nil {
		return err
	}
	after, err := b.deliverInOrder(m)
	if after != nil {
		after()
	}
	return err
}

// deliverInOrder calls the subscriber under the lock of the room's stripe, and returns the function that the subscriber
// wants called without it.
func (b *broker) deliverInOrder(m backend.Message) (after func(), err error) {
	stripe := &b.stripes[maphash.String(b.seed, m.Room)%stripes]
	stripe.Lock()
	defer stripe.Unlock()
	if !b.open.Load() {
		return nil, backend.ErrClosed
	}
	if deliver := b.deliver.Load(); deliver != nil {
		after = (*deliver)(m)
	}
	return after, nil
}

func (b *broker) Join(_ context.Context, room, member string) error {
	if err := checkLength("room", room); err != nil {
		return err
	}
	if err := checkLength("member", member); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open.Load() {
		return backend.ErrClosed
	}
	p := b.rooms[room]
	if p == nil {
		p = newPresence(room)
		b.rooms[p.room] = p
	}
	p.join(member)
	return nil
}

func (b *broker) Leave(_ context.Context, room, member string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open.Load() {
		return backend.ErrClosed
	}
	if p := b.rooms[room]; p != nil && p.leave(member) {
		delete(b.rooms, room)
	}
	return nil
}

func (b *broker) Members(_ context.Context, room string, limit int) ([]string, int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if !b.open.Load() {
		return nil, 0, backend.ErrClosed
	}
	p := b.rooms[room]
	if p == nil {
		return nil, 0, nil
	}
	return p.first(limit), len(p.members), nil
}
