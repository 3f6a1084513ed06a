package local

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
)

// stripes is how many rooms can be delivered to at the same time. Rooms that share a lane wait for each other.
const stripes = 64

type broker struct {
	deliver atomic.Pointer[func(backend.Message) func()]
	open    atomic.Bool
	seed    maphash.Seed
	stripes [stripes]sync.Mutex // held while a message is delivered: what gives a room its one order

	mu    sync.RWMutex // for rooms; never held while a message is delivered
	rooms map[string]*presence
}

func newBroker() *broker {
	return &broker{seed: maphash.MakeSeed(), rooms: make(map[string]*presence)}
}

func (b *broker) start() { b.open.Store(true) }

// stop waits for deliveries under way, by taking every lane, and empties all rooms.
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

func (b *broker) deliverInOrder(m backend.Message) (after func(), err error) {
	lane := &b.stripes[maphash.String(b.seed, m.Room)%stripes]
	lane.Lock()
	defer lane.Unlock()
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
	p.enter(member)
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
