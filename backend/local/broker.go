package local

import (
	"context"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// stripes is the number of locks for deliveries, and so the maximum number of rooms that get a message at the same
// time. The hash of a room's name selects the lock of the room. Deliveries to rooms with the same lock wait for each
// other.
const stripes = 64

// broker implements [backend.Broker] in memory: it knows the members of each room and delivers messages to the
// subscribed callback.
type broker struct {
	subscriber atomic.Pointer[backend.Subscriber]
	open       atomic.Bool
	node       string // the id of this node; set before open
	seed       maphash.Seed
	stripes    [stripes]sync.Mutex // held during a delivery, so that a room's messages have one order

	mu     sync.RWMutex // guards the fields below; not held during a delivery
	rooms  map[string]*presence
	epochs uint64 // the number of epochs that this process has begun, plus the Unix time in milliseconds of its start
	peak   int    // the largest number of rooms since the map was built
}

func newBroker() *broker {
	b := &broker{seed: maphash.MakeSeed(), rooms: make(map[string]*presence), epochs: uint64(time.Now().UnixMilli())}
	b.subscriber.Store(&backend.Subscriber{})
	return b
}

func (b *broker) start(node string) {
	b.node = node
	b.open.Store(true)
}

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

func (b *broker) Subscribe(s backend.Subscriber) { b.subscriber.Store(&s) }

func (b *broker) Publish(_ context.Context, m backend.Message) (backend.Position, error) {
	if err := rules.CheckName("room", m.Room); err != nil {
		return backend.Position{}, err
	}
	m.Kind = backend.Said
	at, after, err := b.deliverInOrder(m)
	if after != nil {
		after()
	}
	return at, err
}

// deliverInOrder calls the subscribed callback with the message m while it holds the lock of the room's stripe. It
// returns the position of m and the function that the callback returned. The caller must call that function, unless
// nil, without the lock.
func (b *broker) deliverInOrder(m backend.Message) (at backend.Position, after func(), err error) {
	stripe := &b.stripes[maphash.String(b.seed, m.Room)%stripes]
	stripe.Lock()
	defer stripe.Unlock()
	if !b.open.Load() {
		return at, nil, backend.ErrClosed
	}
	if m.Kind == backend.Said {
		m.At = b.number(m.Room)
	}
	if deliver := b.subscriber.Load().Deliver; deliver != nil {
		after = deliver(m)
	}
	return m.At, after, nil
}

// number returns the position of the next message of the room. A room without members has no positions. The caller holds
// the lock of the room's stripe.
func (b *broker) number(room string) backend.Position {
	b.mu.RLock()
	defer b.mu.RUnlock()
	p := b.rooms[room]
	if p == nil {
		return backend.Position{}
	}
	return backend.Position{Epoch: p.epoch, Seq: p.seq.Add(1)}
}

func (b *broker) Move(_ context.Context, changes ...backend.Change) (backend.Moved, error) {
	for i := range changes {
		if err := rules.CheckChange(&changes[i]); err != nil {
			return backend.Moved{}, err
		}
	}
	limit := b.subscriber.Load().NewsLimit
	moved := backend.Moved{At: make([]backend.Position, len(changes))}
	var news []backend.Message
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open.Load() {
		return backend.Moved{}, backend.ErrClosed
	}
	for i := range changes {
		c := &changes[i]
		kind, changed, members := backend.Left, false, 0
		if c.Leave {
			changed, members = b.leave(c)
		} else {
			kind = backend.Entered
			moved.At[i], changed, members = b.enter(c)
		}
		if changed && members > 0 && members <= limit {
			news = append(news, backend.Message{Room: c.Room, From: c.Member, Kind: kind})
		}
	}
	if len(news) > 0 {
		moved.News = func() { b.deliverNews(news) }
	}
	return moved, nil
}

// enter adds a member to a room. It returns the position of the room's last message, whether the member is new in the
// room, and the number of members. The caller holds b.mu.
func (b *broker) enter(c *backend.Change) (at backend.Position, isNew bool, members int) {
	p := b.rooms[c.Room]
	if p == nil {
		b.epochs++
		p = newPresence(c.Room, b.epochs)
		b.rooms[p.room] = p
		b.peak = max(b.peak, len(b.rooms))
	}
	isNew = p.join(c.Member)
	p.setDetails(c.Member, c.Details)
	return backend.Position{Epoch: p.epoch, Seq: p.seq.Load()}, isNew, len(p.members)
}

// leave removes a member from a room, and the room if it is empty then. It returns whether the member was in the room,
// and the number of members left. The caller holds b.mu.
func (b *broker) leave(c *backend.Change) (was bool, left int) {
	p := b.rooms[c.Room]
	if p == nil {
		return false, 0
	}
	before := len(p.members)
	if p.leave(c.Member) {
		delete(b.rooms, c.Room)
		b.shrink()
	}
	return len(p.members) < before, len(p.members)
}

func (b *broker) deliverNews(news []backend.Message) {
	for _, m := range news {
		if _, after, err := b.deliverInOrder(m); err == nil && after != nil {
			after()
		}
	}
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

func (b *broker) Members(_ context.Context, room string, limit int) ([]backend.Member, int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if !b.open.Load() {
		return nil, 0, backend.ErrClosed
	}
	p := b.rooms[room]
	if p == nil {
		return nil, 0, nil
	}
	return p.first(limit, b.node), len(p.members), nil
}
