package actionhero

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
)

// MaxRoomName is the maximum length of the name of a room, in bytes.
const MaxRoomName = 128

// The members of a room receive these messages when another client enters or leaves the room.
const (
	enteredText = "I have entered the room"
	leftText    = "I have left the room"
)

// room holds the members of one room that are connected to this node.
type room struct {
	name string

	delivery sync.Mutex // held while a message is queued for the members; see awaitDelivery
	filter   *filter    // calls the Deliver functions; nil until the first message for which there are some; guarded by delivery

	mu      sync.Mutex
	members []*member
	gone    bool // the room was removed from Rooms: no client may enter it any more
	notices noticeBudget
}

// awaitDelivery waits until the message that is being queued for the members of the room, if there is one, is in all
// their queues. After a client has left the room, it gets only messages that were queued before awaitDelivery returned.
func (rm *room) awaitDelivery() {
	rm.delivery.Lock()
	defer rm.delivery.Unlock()
}

// noticeBudget limits how often a room tells its members who comes and goes. If n clients enter at once, n notices for
// up to n members would fill the queues of clients that read as fast as they can.
type noticeBudget struct {
	left float64
	at   time.Time
}

// take takes one notice from the budget of rate notices a second, of which rate may come at once. It returns false if
// the budget is used up.
func (b *noticeBudget) take(now time.Time, rate int) bool {
	b.left = min(b.left+now.Sub(b.at).Seconds()*float64(rate), float64(rate))
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// member is the membership of one client in one room. member stores its index in the room's list of members, so
// entering and leaving take constant time in a room of any size. A client has at most one membership per room, so the
// client receives each message once.
type member struct {
	conn  *Conn
	room  *room
	index int  // in room.members; guarded by the room
	added bool // the client has called Rooms.Join, so a Move does not end this membership; guarded by conn.moving

	// namesRoom is true if each message to the client must include the name of the room. This is so if the client has
	// joined the room with Rooms.Join and its current room is another one. If a client only moves between rooms,
	// namesRoom stays false for both rooms, because that client may not know messages with the name of a room.
	namesRoom atomic.Bool
}

// Move makes a room the current room of the client c. The client leaves its previous current room, unless the client
// had joined that room with [Rooms.Join]. The members of both rooms are notified. If the client is in the new room
// already, the members of the new room are not notified and [RoomMiddleware.Join] is not called. If the client leaves its
// previous room, it gets no message of that room after Move has returned.
func (r *Rooms) Move(ctx context.Context, c *Conn, room string) error {
	if err := r.MayEnter(ctx, c, room); err != nil {
		return err
	}
	entered, left, err := r.move(ctx, c, room, true)
	r.announce(ctx, left, leftText)
	r.announce(ctx, entered, enteredText)
	return err
}

// Join adds the client c to a room, in which the client stays until [Rooms.Leave]. The client's current room does not
// change. The members of the room are notified. If the client has joined the room already, Join does nothing. If the
// room is the client's current room, the client stays in the room after a [Rooms.Move] to another room. If the client
// would be in more than Config.MaxRooms rooms, the error is [CodeResourceExhausted].
func (r *Rooms) Join(ctx context.Context, c *Conn, room string) error {
	if err := r.MayEnter(ctx, c, room); err != nil {
		return err
	}
	entered, err := r.listen(ctx, c, room)
	r.announce(ctx, entered, enteredText)
	return err
}

// Leave takes the client out of a room and notifies the members of the room. If the client is not in the room, the
// error is [CodeNotFound]. If the room is the client's current room, the error is [CodeConflict]: only [Rooms.Move]
// changes the current room. After Leave has returned, the client gets no message of the room.
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

// enterFirst moves the client c, which has just connected, into its first room. It calls welcome between the question
// whether the client may enter the room and the move, so that the welcome comes before any message of the room. welcome
// says where the client is, so the client gets no notice of this change of its rooms.
func (r *Rooms) enterFirst(ctx context.Context, c *Conn, room string, welcome func(room string)) error {
	if err := r.MayEnter(ctx, c, room); err != nil {
		welcome("")
		return err
	}
	welcome(room)
	entered, _, err := r.move(ctx, c, room, false)
	r.announce(ctx, entered, enteredText)
	return err
}

// errDisconnected is the error for entering a room after the client has disconnected.
var errDisconnected = &Error{Code: CodeCanceled, Message: "the client has gone"}

// move does the work of Rooms.Move under the lock c.moving, but sends no notices, because notices must not be sent
// under a lock. move returns the added membership as entered and the removed membership as left. Each is nil if there
// is none. If tell is false, the client gets no notice of its rooms, unless the move fails.
func (r *Rooms) move(ctx context.Context, c *Conn, name string, tell bool) (entered, left *member, err error) {
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
			if !tell {
				c.tellRooms()
			}
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
	if old != nil && old != m {
		old.room.awaitDelivery() // a message that is not marked as one of the old room must not come after the move
	}
	if tell {
		c.tellRooms()
	}
	return entered, left, nil
}

// listen does the work of Rooms.Join without the notice. listen returns the new membership, or nil if the client was in
// the room already.
func (r *Rooms) listen(ctx context.Context, c *Conn, name string) (entered *member, err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	m := c.member(name)
	if m == nil {
		if entered, err = r.enter(ctx, c, name, len(c.rooms), true); err == nil {
			c.tellRooms()
		}
		return entered, err
	}
	m.added = true
	return nil, nil
}

// unlisten does the work of Rooms.Leave without the notice. unlisten returns the membership that it removed.
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
	m.room.awaitDelivery()
	c.tellRooms()
	return m, nil
}

// leaveAll takes a client that has disconnected out of all its rooms and returns the removed memberships. After that,
// the client cannot enter a room.
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

// enter adds the client to the room with this name and returns the new membership. kept is the number of other rooms in
// which the client stays. added becomes the field added of the new membership. The caller must hold c.moving.
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

// place adds the membership m to the named room on this node. If the node has no such room, place creates the room.
func (r *Rooms) place(m *member, name string) {
	for {
		r.mu.Lock()
		rm := r.rooms[name]
		if rm == nil {
			rm = &room{name: strings.Clone(name)} // name may be a slice of a larger message
			r.rooms[rm.name] = rm
			r.peak = max(r.peak, len(r.rooms))
		}
		r.mu.Unlock()
		if rm.add(m) {
			return
		}
	}
}

// add adds m to the room. If the room has been removed from Rooms, add does nothing and returns false.
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

// remove takes m out of the room and reports whether the room has no members now.
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

// leave takes m out of its room. If the backend fails, leave logs a warning, but the client has left the room on this
// node nevertheless.
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

// drop removes a room from Rooms, unless a client has entered the room in the meantime.
func (r *Rooms) drop(rm *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if len(rm.members) == 0 && r.rooms[rm.name] == rm {
		rm.gone = true
		delete(r.rooms, rm.name)
		r.shrink()
	}
}

// smallRooms is the number of rooms up to which the map of rooms keeps its memory.
const smallRooms = 1024

// shrink frees the memory of the map of rooms if it once had many more rooms. A map of Go never shrinks, and clients can
// fill this one with rooms of one member: as many as there are connections, times Config.MaxRooms.
func (r *Rooms) shrink() {
	if r.peak <= smallRooms || len(r.rooms)*4 >= r.peak {
		return
	}
	rooms := make(map[string]*room, len(r.rooms))
	maps.Copy(rooms, r.rooms)
	r.rooms, r.peak = rooms, len(rooms)
}

// announce sends text to the other members of a room after the client of m entered or left the room. announce does
// nothing if m is nil, if the room has more than Config.AnnounceLimit members, or if it has announced Config.AnnounceRate
// comings and goings within a second.
func (r *Rooms) announce(ctx context.Context, m *member, text string) {
	if m == nil {
		return
	}
	m.room.mu.Lock()
	announces := len(m.room.members) <= r.api.cfg.AnnounceLimit && m.room.notices.take(time.Now(), r.api.cfg.AnnounceRate)
	m.room.mu.Unlock()
	if !announces {
		return
	}
	if err := r.publish(ctx, m.room.name, m.conn.ID, text); err != nil && !errors.Is(err, backend.ErrClosed) {
		r.api.log.Warn("a room was not told who came or went", "room", m.room.name, "error", err.Error())
	}
}
