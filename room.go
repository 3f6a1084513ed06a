package actionhero

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// MaxRoomName is the longest name of a room, in bytes.
const MaxRoomName = 128

// What the members of a room read when someone comes or goes.
const (
	enteredText = "I have entered the room"
	leftText    = "I have left the room"
)

// Rooms are the chat rooms of all persistent transports. A room is there while somebody is in it and needs no setup.
type Rooms struct {
	api    *API
	broker backend.Broker
	conns  sync.Map // id → *Conn, the clients of this node

	mu    sync.RWMutex
	rooms map[string]*room
}

// room is the members of one room that are connected to this node.
type room struct {
	name string

	mu      sync.Mutex
	members []*member
	gone    bool // removed from Rooms: it must not be joined any more
}

// member is one client in one room; it knows its own place, so that joining and leaving take the same short time in
// a room of any size.
type member struct {
	conn  *Conn
	room  *room
	index int
}

// RoomStatus is who is in a room, in the whole cluster.
type RoomStatus struct {
	Members      []string `json:"members"` // public ids, the first Config.RoomStatusLimit; nil for an empty room
	MembersCount int      `json:"membersCount"`
}

// MarshalJSON writes the status as clients know it: an empty room has null for its members.
func (s RoomStatus) MarshalJSON() ([]byte, error) {
	dst := []byte(`{"members":null`)
	if s.Members != nil {
		var err error
		if dst, err = jsonx.Append([]byte(`{"members":`), s.Members); err != nil {
			return nil, err
		}
	}
	return append(strconv.AppendInt(append(dst, `,"membersCount":`...), int64(s.MembersCount), 10), '}'), nil
}

func newRooms(api *API, broker backend.Broker) *Rooms {
	r := &Rooms{api: api, broker: broker, rooms: map[string]*room{}}
	broker.Subscribe(r.deliver)
	return r
}

// Broadcast sends message, which is encoded as JSON, to every member of a room in the cluster, from the server itself.
// A room without members is no error.
func (r *Rooms) Broadcast(ctx context.Context, room string, message any) error {
	return r.publish(ctx, room, "", message)
}

// Say sends text to the other members of the sender's current room.
func (r *Rooms) Say(ctx context.Context, from *Conn, text string) error {
	room := from.Room()
	if room == "" {
		return Errorf(Conflict, "you are in no room")
	}
	return r.publish(ctx, room, from.ID, text)
}

// SayIn sends text to a room from a client that need not be in it; from is nil for one without a persistent
// connection, which the members see as the server.
func (r *Rooms) SayIn(ctx context.Context, room string, from *Conn, text string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	if from == nil {
		return r.publish(ctx, room, "", text)
	}
	return r.publish(ctx, room, from.ID, text)
}

func (r *Rooms) publish(ctx context.Context, room, from string, message any) error {
	body, err := jsonx.Marshal(message)
	if err != nil {
		return fmt.Errorf("a message for room %q does not encode as JSON: %w", room, err)
	}
	return r.broker.Publish(ctx, backend.Message{Room: room, From: from, Body: body})
}

// Status returns who is in a room, in the whole cluster.
func (r *Rooms) Status(ctx context.Context, room string) (RoomStatus, error) {
	ids, total, err := r.broker.Members(ctx, room, r.api.cfg.RoomStatusLimit)
	if len(ids) == 0 {
		ids = nil
	}
	return RoomStatus{Members: ids, MembersCount: total}, err
}

// Join makes room the current room of the client, instead of the one it was in. The members of both are told.
func (r *Rooms) Join(ctx context.Context, c *Conn, name string) error {
	if err := checkRoomName(name); err != nil {
		return err
	}
	if c.Room() == name {
		return nil
	}
	if err := r.broker.Enter(ctx, name, c.ID); err != nil {
		return fmt.Errorf("entering room %q: %w", name, err)
	}
	m := r.enter(c, name)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		r.leave(m)
		return Errorf(Canceled, "the client has gone")
	}
	old := c.members
	c.members = []*member{m}
	c.mu.Unlock()
	for _, m := range old {
		r.leave(m)
	}
	r.announce(ctx, m, enteredText)
	return nil
}

func checkRoomName(name string) error {
	if name == "" || len(name) > MaxRoomName || !utf8.ValidString(name) {
		return Errorf(InvalidInput, "room must be a name of 1 to %d bytes", MaxRoomName)
	}
	return nil
}

// enter puts the client into the room on this node, making the room if need be.
func (r *Rooms) enter(c *Conn, name string) *member {
	m := &member{conn: c}
	for {
		r.mu.Lock()
		rm := r.rooms[name]
		if rm == nil {
			rm = &room{name: name}
			r.rooms[name] = rm
		}
		r.mu.Unlock()
		rm.mu.Lock()
		if !rm.gone {
			m.room, m.index = rm, len(rm.members)
			rm.members = append(rm.members, m)
			rm.mu.Unlock()
			return m
		}
		rm.mu.Unlock()
	}
}

func (r *Rooms) leave(m *member) {
	ctx := context.Background()
	rm := m.room
	rm.mu.Lock()
	last := len(rm.members) - 1
	rm.members[m.index] = rm.members[last]
	rm.members[m.index].index = m.index
	rm.members[last] = nil
	rm.members = rm.members[:last]
	if cap(rm.members) > 64 && last < cap(rm.members)/4 {
		rm.members = append(make([]*member, 0, cap(rm.members)/2), rm.members...)
	}
	empty := last == 0
	rm.mu.Unlock()
	if empty {
		r.drop(rm)
	}
	if err := r.broker.Leave(ctx, rm.name, m.conn.ID); err != nil && !errors.Is(err, backend.ErrClosed) {
		r.api.log.Warn("a client that left a room is still listed in it", "room", rm.name, "error", err.Error())
	}
	r.announce(ctx, m, leftText)
}

// drop removes a room that is still empty.
func (r *Rooms) drop(rm *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if len(rm.members) == 0 && r.rooms[rm.name] == rm {
		rm.gone = true
		delete(r.rooms, rm.name)
	}
}

// announce tells the others that a client came or went, unless the room is so large that this would cost more than
// the news is worth to anyone.
func (r *Rooms) announce(ctx context.Context, m *member, text string) {
	m.room.mu.Lock()
	n := len(m.room.members)
	m.room.mu.Unlock()
	if n > r.api.cfg.AnnounceLimit {
		return
	}
	if err := r.publish(ctx, m.room.name, m.conn.ID, text); err != nil && !errors.Is(err, backend.ErrClosed) {
		r.api.log.Warn("a room was not told who came or went", "room", m.room.name, "error", err.Error())
	}
}

var targets = sync.Pool{New: func() any { return new([]*Conn) }}

// deliver hands a message to the members on this node. It queues it to all of them while the broker holds the room up,
// so that every member gets the room's messages in one order, and returns what writes the queues: several processors
// do that if there are many, and the publisher takes part, so that nobody can publish faster than the server can send.
func (r *Rooms) deliver(m backend.Message) (after func()) {
	r.mu.RLock()
	rm := r.rooms[m.Room]
	r.mu.RUnlock()
	if rm == nil {
		return nil
	}
	d := &Delivery{Room: m.Room, From: m.From, Body: m.Body}
	if d.From == "" {
		d.From = r.api.cfg.ServerName
	}
	sender, _ := r.conns.Load(m.From)
	pooled := targets.Get().(*[]*Conn)
	conns := (*pooled)[:0]
	rm.mu.Lock()
	for _, m := range rm.members {
		conns = append(conns, m.conn)
	}
	rm.mu.Unlock()
	flush := conns[:0]
	for _, c := range conns {
		if any(c) != sender && c.sink.Deliver(d) {
			flush = append(flush, c)
		}
	}
	return func() {
		flushAll(flush)
		clear(conns)
		*pooled = conns
		targets.Put(pooled)
	}
}

// flushTogether is how many queues are worth a goroutine: writing one takes about 10 µs.
const flushTogether = 64

func flushAll(conns []*Conn) {
	workers := min(runtime.GOMAXPROCS(0), len(conns)/flushTogether)
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		part := conns[i*len(conns)/workers : (i+1)*len(conns)/workers]
		wg.Go(func() { flushEach(part) })
	}
	flushEach(conns[:len(conns)/max(workers, 1)])
	wg.Wait()
}

func flushEach(conns []*Conn) {
	for _, c := range conns {
		c.sink.Flush()
	}
}
