package actionhero

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
)

// MaxRoomName is the longest name of a room, in bytes.
const MaxRoomName = 128

// What the members of a room read when someone comes or goes.
const (
	enteredText = "I have entered the room"
	leftText    = "I have left the room"
)

// room is the members of one room that are connected to this node.
type room struct {
	name string

	mu      sync.Mutex
	members []*member
	gone    bool // removed from Rooms: it must not be joined any more
}

// member is one client in one room; it knows its own place, so that joining and leaving take the same short time in
// a room of any size. A client has one in each room that it listens to, so it gets each message once.
type member struct {
	conn  *Conn
	room  *room
	index int  // guarded by the room
	added bool // by Add, so that it stays when another room becomes the current one; guarded by conn.moving

	// further tells the client the name of the room with each message: it was added and is not the current one. While
	// the client moves from one room to the next without having added any, it is not set for either, because such a
	// client must not get messages of another form than the one it knows.
	further atomic.Bool
}

// Move makes room the current room of the client, instead of the one it was in, which it leaves unless it was added
// with [Rooms.Join]. The members of both are told. A room that the client listens to becomes the current one without
// any news to its members, and without asking [RoomMiddleware.Join] again.
func (r *Rooms) Move(ctx context.Context, c *Conn, room string) error {
	if err := r.admit(ctx, c, room); err != nil {
		return err
	}
	entered, left, err := r.move(ctx, c, room)
	r.announce(ctx, left, leftText)
	r.announce(ctx, entered, enteredText)
	return err
}

// Join lets the client listen to a further room, beside its current one, until [Rooms.Leave]. Its members are told.
// Adding a room that the client has added already does nothing; adding the current one keeps the client in it when
// another becomes current. Beyond Config.MaxRooms rooms it fails with [CodeResourceExhausted].
func (r *Rooms) Join(ctx context.Context, c *Conn, room string) error {
	if err := r.admit(ctx, c, room); err != nil {
		return err
	}
	entered, err := r.listen(ctx, c, room)
	r.announce(ctx, entered, enteredText)
	return err
}

// Leave is the end of [Rooms.Join]: the client listens to the room no more, and its members are told. It fails with
// [CodeNotFound] if the client is not in the room, and with [CodeConflict] if that is its current room, which only [Rooms.Move]
// changes.
func (r *Rooms) Leave(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	left, err := r.unlisten(c, room)
	r.announce(ctx, left, leftText)
	return err
}

func checkRoomName(name string) error {
	if name == "" || len(name) > MaxRoomName || !utf8.ValidString(name) {
		return Errorf(CodeInvalidInput, "room must be a name of 1 to %d bytes", MaxRoomName)
	}
	return nil
}

// admit asks whether the client may enter a room. It asks nothing of who is in it.
func (r *Rooms) admit(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	hooks := r.api.registry.Load().rooms.join
	if len(hooks) == 0 || c.member(room) != nil {
		return nil
	}
	return r.api.guard(ctx, func(ctx context.Context) error {
		for _, join := range hooks {
			if err := join(ctx, c, room); err != nil {
				return err
			}
		}
		return nil
	})
}

// errGone is for what was asked for a client that has disconnected meanwhile.
var errGone = &Error{Code: CodeCanceled, Message: "the client has gone"}

// move is Join without the news, which must not be told with a lock held.
func (r *Rooms) move(ctx context.Context, c *Conn, name string) (entered, left *member, err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	m, old := c.member(name), c.current.Load()
	leaves := old != nil && old != m && !old.added
	if m == nil {
		kept := len(c.rooms)
		if leaves {
			kept--
		}
		if m, err = r.enter(ctx, c, name, kept, false); err != nil {
			return nil, nil, err
		}
		entered = m
	}
	if old != nil && old != m {
		old.further.Store(old.added)
	}
	c.current.Store(m)
	m.further.Store(false)
	if leaves {
		r.leave(old)
		left = old
	}
	return entered, left, nil
}

// listen is Add without the news.
func (r *Rooms) listen(ctx context.Context, c *Conn, name string) (entered *member, err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	m := c.member(name)
	if m == nil {
		return r.enter(ctx, c, name, len(c.rooms), true)
	}
	m.added = true
	return nil, nil
}

// unlisten is Remove without the news.
func (r *Rooms) unlisten(c *Conn, name string) (left *member, err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	m := c.member(name)
	switch {
	case m == nil:
		return nil, Errorf(CodeNotFound, "you are not in the room %s", name)
	case m == c.current.Load():
		return nil, Errorf(CodeConflict, "%s is your current room: move to another one with roomChange first", name)
	}
	r.leave(m)
	return m, nil
}

// leaveAll takes a client that has gone out of its rooms.
func (r *Rooms) leaveAll(c *Conn) []*member {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.gone = true
	c.current.Store(nil)
	c.mu.Lock()
	left := c.rooms
	c.rooms = nil
	c.mu.Unlock()
	for _, m := range left {
		r.leave(m)
	}
	return left
}

// enter puts the client, which will be in kept other rooms, into a room.
func (r *Rooms) enter(ctx context.Context, c *Conn, name string, kept int, added bool) (*member, error) {
	if c.gone {
		return nil, errGone
	}
	if limit := r.api.cfg.MaxRooms; kept >= limit {
		return nil, Errorf(CodeResourceExhausted, "a connection may be in %d rooms at most: leave one first", limit)
	}
	if err := r.broker.Join(ctx, name, c.ID); err != nil {
		return nil, fmt.Errorf("entering room %q: %w", name, err)
	}
	m := &member{conn: c, added: added}
	m.further.Store(added)
	r.place(m, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms = append(c.rooms, m)
	return m, nil
}

// place puts a member into its room on this node, making the room if need be.
func (r *Rooms) place(m *member, name string) {
	for {
		r.mu.Lock()
		rm := r.rooms[name]
		if rm == nil {
			rm = &room{name: strings.Clone(name)} // it may be a small piece of what a client sent
			r.rooms[rm.name] = rm
		}
		r.mu.Unlock()
		if rm.add(m) {
			return
		}
	}
}

// add returns false if the room has been removed meanwhile.
func (rm *room) add(m *member) bool {
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if rm.gone {
		return false
	}
	m.room, m.index = rm, len(rm.members)
	rm.members = append(rm.members, m)
	return true
}

// remove takes a member out and returns whether the room is empty now.
func (rm *room) remove(m *member) (empty bool) {
	rm.mu.Lock()
	defer rm.mu.Unlock()
	last := len(rm.members) - 1
	rm.members[m.index] = rm.members[last]
	rm.members[m.index].index = m.index
	rm.members[last] = nil
	rm.members = rm.members[:last]
	if cap(rm.members) > 64 && last < cap(rm.members)/4 {
		rm.members = append(make([]*member, 0, cap(rm.members)/2), rm.members...)
	}
	return last == 0
}

// leave takes a member out of its room. It does so even if the backend does not answer.
func (r *Rooms) leave(m *member) {
	c, rm := m.conn, m.room
	c.mu.Lock()
	c.rooms = slices.DeleteFunc(c.rooms, func(other *member) bool { return other == m })
	c.mu.Unlock()
	if rm.remove(m) {
		r.drop(rm)
	}
	if err := r.broker.Leave(context.Background(), rm.name, c.ID); err != nil && !errors.Is(err, backend.ErrClosed) {
		r.api.log.Warn("a client that left a room is still listed in it", "room", rm.name, "error", err.Error())
	}
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

// announce tells the others that a client came or went, unless nobody did (m is nil), or the room is so large that this
// would cost more than the news is worth to anyone.
func (r *Rooms) announce(ctx context.Context, m *member, text string) {
	if m == nil {
		return
	}
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
