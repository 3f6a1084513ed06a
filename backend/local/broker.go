package local

import (
	"context"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
)

// stripes is the number of locks for deliveries, and so the maximum number of rooms that get a message at the same
// time. The hash of a room's name selects the lock of the room. Deliveries to rooms with the same lock wait for each
// other.
const stripes = 64

// broker implements [backend.Broker] in memory: it knows the members of each room and delivers messages to the
// subscribed callback.
type broker struct {
	deliver atomic.Pointer[func(backend.Message) func()]
	open    atomic.Bool
	seed    maphash.Seed
	stripes [stripes]sync.Mutex // held during a delivery, so that a room's messages have one order

	mu    sync.RWMutex // guards rooms; not held during a delivery
	rooms map[string]*presence
	peak  int // the largest number of rooms since the map was built
}

func newBroker() *broker {
	return &broker{seed: maphash.MakeSeed(), rooms: make(map[string]*presence)}
}

func (b *broker) start() { b.open.Store(true) }

// stop closes the broker and empties all rooms. It locks each stripe once, so it returns after all running deliveries
// have ended.
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
	b.rooms, b.peak = make(map[string]*presence), 0
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

// deliverInOrder calls the subscribed callback with the message m while it holds the lock of the room's stripe. It
// returns the function that the callback returned. The caller must call that function, unless nil, without the lock.
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
		b.peak = max(b.peak, len(b.rooms))
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
		b.shrink()
	}
	return nil
}

// smallRooms is the number of rooms up to which the map of rooms keeps its memory.
const smallRooms = 1024

// shrink frees the memory of the map of rooms if it once had many more rooms, because a map of Go never shrinks.
func (b *broker) shrink() {
	if b.peak <= smallRooms || len(b.rooms)*4 >= b.peak {
		return
	}
	rooms := make(map[string]*presence, len(b.rooms))
	maps.Copy(rooms, b.rooms)
	b.rooms, b.peak = rooms, len(rooms)
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
