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

// MaxRoomName is the maximum length of a room's name in bytes.
const MaxRoomName = 128

// Texts that the members of a room read when a client enters or leaves.
const (
	enteredText = "I have entered the room"
	leftText    = "I have left the room"
)

// room holds the members of one room that are connected to this node.
type room struct {
	name string

	mu      sync.Mutex
	members []*member
	gone    bool // removed from Rooms: no client may enter it any more
}

// member is the membership of one client in one room. It knows its index, so entering and leaving take constant time in
// a room of any size. A client has one membership per room, so it reads each message once.
type member struct {
	conn  *Conn
	room  *room
	index int  // in room.members; guarded by the room
	added bool // by Rooms.Join, so it survives a Move; guarded by conn.moving

	// namesRoom makes the client read the name of the room with each message: the client has joined it and it is not the
	// current room. While a client that never joined one moves between rooms, further is set for neither room, because
	// that client must not read messages of another form than the one it knows.
	namesRoom atomic.Bool
}

// Move makes room the current room of the client. The client leaves its previous current room, unless it had joined
// that room with [Rooms.Join]. The members of both rooms are notified. If the client is in room already, its members
// are not notified and [RoomMiddleware.Join] is not called.
func (r *Rooms) Move(ctx context.Context, c *Conn, room string) error {
	if err := r.admit(ctx, c, room); err != nil {
		return err
	}
	entered, left, err := r.move(ctx, c, room)
	r.announce(ctx, left, leftText)
	r.announce(ctx, entered, enteredText)
	return err
}

// Join adds a room to those of the client until [Rooms.Leave]; the current room stays. The members of the room are
// notified. Joining a joined room does nothing. Joining the current room keeps the client in it after a Move. Join
// fails with [CodeResourceExhausted] beyond Config.MaxRooms rooms.
func (r *Rooms) Join(ctx context.Context, c *Conn, room string) error {
	if err := r.admit(ctx, c, room); err != nil {
		return err
	}
	entered, err := r.listen(ctx, c, room)
	r.announce(ctx, entered, enteredText)
	return err
}

// Leave takes the client out of a room that it has joined; the members are notified. It fails with [CodeNotFound] if
// the client is not in the room, and with [CodeConflict] if it is the current room: only [Rooms.Move] changes that one.
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

// admit returns an error if the client may not enter the room. It calls no hook for a room that the client is in.
func (r *Rooms) admit(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	hooks := r.api.registry.Load().rooms.join
	if len(hooks) == 0 || c.member(room) != nil {
		return nil
	}
	return r.api.runHooks(ctx, func(ctx context.Context) error {
		for _, join := range hooks {
			if err := join(ctx, c, room); err != nil {
				return err
			}
		}
		return nil
	})
}

// errDisconnected is the error for a client that has disconnected in the meantime.
var errDisconnected = &Error{Code: CodeCanceled, Message: "the client has gone"}

// move is Move without the notices, which must not be sent under a lock.
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
		old.namesRoom.Store(old.added)
	}
	c.current.Store(m)
	m.namesRoom.Store(false)
	if leaves {
		r.leave(old)
		left = old
	}
	return entered, left, nil
}

// listen is Join without the notice.
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

// unlisten is Leave without the notice.
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

// leaveAll takes a client that has disconnected out of its rooms.
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

// enter adds the client to a room. kept is the number of other rooms that it will be in.
func (r *Rooms) enter(ctx context.Context, c *Conn, name string, kept int, added bool) (*member, error) {
	if c.gone {
		return nil, errDisconnected
	}
	if limit := r.api.cfg.MaxRooms; kept >= limit {
		return nil, Errorf(CodeResourceExhausted, "a connection may be in %d rooms at most: leave one first", limit)
	}
	if err := r.broker.Join(ctx, name, c.ID); err != nil {
		return nil, fmt.Errorf("entering room %q: %w", name, err)
	}
	m := &member{conn: c, added: added}
	m.namesRoom.Store(added)
	r.place(m, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms = append(c.rooms, m)
	return m, nil
}

// place adds a member to its room on this node, and creates the room if necessary.
func (r *Rooms) place(m *member, name string) {
	for {
		r.mu.Lock()
		rm := r.rooms[name]
		if rm == nil {
			rm = &room{name: strings.Clone(name)} // name may be a slice of a larger message
			r.rooms[rm.name] = rm
		}
		r.mu.Unlock()
		if rm.add(m) {
			return
		}
	}
}

// add returns false if the room has been removed in the meantime.
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

// remove takes a member out and reports whether the room is empty now.
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

// leave takes a member out of its room, even if the backend does not answer.
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

// announce notifies the other members that a client entered or left. It does nothing if m is nil, or if the room has
// more than Config.AnnounceLimit members.
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
