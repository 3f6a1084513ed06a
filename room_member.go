package actionhero

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
)

// MaxRoomName is the maximum length of the name of a room, in bytes.
const MaxRoomName = 128

// The members of a room receive these messages when another client enters or leaves the room.
var (
	enteredBody = []byte(`"I have entered the room"`)
	leftBody    = []byte(`"I have left the room"`)
)

// room holds the members of one room that are connected to this node.
type room struct {
	name string

	delivery sync.Mutex       // held while a message is queued for the members; see awaitDelivery
	last     backend.Position // of the last message that was queued for the members; guarded by delivery
	notices  noticeBudget     // guarded by delivery
	filter   *filter          // calls the Deliver functions; nil until the first message for which there are some; guarded by delivery

	mu        sync.Mutex
	places    []place
	followers int  // the members that follow positions
	entering  int  // the number of clients that are about to become members
	gone      bool // the room was removed from Rooms: no client may enter it any more
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

// member is the membership of one client in one room. member stores its index in the room's list of places, so
// entering and leaving take constant time in a room of any size. A client has at most one membership per room, so the
// client receives each message once.
type member struct {
	conn  *Conn
	room  *room
	index int  // in room.places; guarded by the room
	added bool // the client has called Rooms.Join, so a Move does not end this membership; guarded by conn.moving
}

// place is what the delivery of a message needs of one member. A message to thousands of members would otherwise wait
// for the memory of each member and each connection, twice.
type place struct {
	sender     sender // of conn
	conn       *Conn
	member     *member
	epoch, seq uint64 // the client gets only messages behind this position

	// namesRoom is true if each message to the client must include the name of the room. This is so if the client has
	// joined the room with Rooms.Join and its current room is another one. If a client only moves between rooms,
	// namesRoom stays false for both rooms, because that client may not know messages with the name of a room.
	namesRoom bool
}

// enteredAfter reports whether the client has entered the room after the message at this position.
func (p *place) enteredAfter(at backend.Position) bool {
	return at.Seq != 0 && at.Seq <= p.seq && at.Epoch == p.epoch
}

// setNamesRoom sets namesRoom in the place of m.
func (m *member) setNamesRoom(names bool) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.places[m.index].namesRoom = names
}

// Move makes a room the current room of the client c. The client leaves its previous current room, unless the client
// had joined that room with [Rooms.Join]. The members of both rooms are notified. If the client is in the new room
// already, the members of the new room are not notified and [RoomMiddleware.Join] is not called. If the client leaves its
// previous room, it gets no message of that room after Move has returned.
func (r *Rooms) Move(ctx context.Context, c *Conn, room string) error {
	return r.askAndEnter(ctx, c, room, func(rights uint32) (func(), error) { return r.move(ctx, c, room, rights, true) })
}

// askAndEnter asks whether the client c may enter the room, and then calls enter with the rights of the client at the time
// of the question. If the rights have changed before enter, askAndEnter asks again.
func (r *Rooms) askAndEnter(ctx context.Context, c *Conn, room string, enter func(rights uint32) (news func(), err error)) error {
	for range maxAsks {
		rights := c.rights.Load()
		if err := r.MayEnter(ctx, c, room); err != nil {
			return err
		}
		news, err := enter(rights)
		deliverNews(news)
		if err != errOtherRights {
			return err
		}
	}
	return errOtherRights
}

// maxAsks is how often a client is asked about that enters a room. A Join function that changes the identity of the
// client itself would be called for ever.
const maxAsks = 100

// errOtherRights is the error of entering a room with rights that do not hold any more.
var errOtherRights = errors.New("the rights of the client have changed since it was allowed to enter")

// deliverNews calls the function that the broker's Move has returned, unless it is nil. No lock of rooms may be held.
func deliverNews(news func()) {
	if news != nil {
		news()
	}
}

// Join adds the client c to a room, in which the client stays until [Rooms.Leave]. The client's current room does not
// change. The members of the room are notified. If the client has joined the room already, Join does nothing. If the
// room is the client's current room, the client stays in the room after a [Rooms.Move] to another room. If the client
// would be in more than Config.MaxRooms rooms, the error is [CodeResourceExhausted].
func (r *Rooms) Join(ctx context.Context, c *Conn, room string) error {
	return r.askAndEnter(ctx, c, room, func(rights uint32) (func(), error) { return r.listen(ctx, c, room, rights) })
}

// Kick takes the client out of a room and notifies the members of the room. If the room is the client's current room, the
// client has no current room then, until the next [Rooms.Move]. If the client is not in the room, the error is
// [CodeNotFound]. After Kick has returned, the client gets no message of the room. The client may come back unless a
// [RoomMiddleware] refuses it.
func (r *Rooms) Kick(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	if !r.expel(ctx, c, room) {
		return notInRoom(room)
	}
	return nil
}

func notInRoom(room string) *Error { return Errorf(CodeNotFound, "you are not in the room %s", room) }

// Leave takes the client out of a room and notifies the members of the room. If the client is not in the room, the
// error is [CodeNotFound]. If the room is the client's current room, the error is [CodeConflict]: only [Rooms.Move]
// changes the current room. After Leave has returned, the client gets no message of the room.
func (r *Rooms) Leave(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	news, err := r.unlisten(ctx, c, room)
	deliverNews(news)
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
	rights := c.rights.Load()
	if err := r.MayEnter(ctx, c, room); err != nil {
		welcome("")
		return err
	}
	welcome(room)
	news, err := r.move(ctx, c, room, rights, false)
	deliverNews(news)
	if err == errOtherRights {
		err = r.Move(ctx, c, room)
	}
	return err
}

// errDisconnected is the error for entering a room after the client has disconnected.
var errDisconnected = &Error{Code: CodeCanceled, Message: "the client has gone"}

// move does the work of Rooms.Move under the lock c.moving. It returns the function that delivers the news, because news
// must not be delivered under a lock. If tell is false, the client gets no notice of its rooms, unless the move fails.
func (r *Rooms) move(ctx context.Context, c *Conn, name string, rights uint32, tell bool) (news func(), err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	if c.rights.Load() != rights {
		return nil, errOtherRights
	}
	m, old := c.member(name), c.current.Load()
	var left *member // the membership that ends with the move
	if old != nil && old != m && !old.added {
		left = old
	}
	switch {
	case m == nil:
		if m, news, err = r.enter(ctx, c, name, left, false); err != nil {
			if !tell {
				c.tellRooms()
			}
			return nil, err
		}
	case left != nil:
		news = r.tellBroker(ctx, change(left))
	}
	if old != nil && old != m {
		old.setNamesRoom(old.added)
	}
	c.current.Store(m)
	m.setNamesRoom(false)
	if left != nil {
		r.leave(left)
	}
	if old != nil && old != m {
		old.room.awaitDelivery() // a message that is not marked as one of the old room must not come after the move
	}
	if tell {
		c.tellRooms()
	}
	return news, nil
}

// listen does the work of Rooms.Join, and returns the function that delivers the news.
func (r *Rooms) listen(ctx context.Context, c *Conn, name string, rights uint32) (news func(), err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	if c.rights.Load() != rights {
		return nil, errOtherRights
	}
	m := c.member(name)
	if m == nil {
		if _, news, err = r.enter(ctx, c, name, nil, true); err == nil {
			c.tellRooms()
		}
		return news, err
	}
	m.added = true
	return nil, nil
}

// unlisten does the work of Rooms.Leave, and returns the function that delivers the news.
func (r *Rooms) unlisten(ctx context.Context, c *Conn, name string) (news func(), err error) {
	c.moving.Lock()
	defer c.moving.Unlock()
	m := c.member(name)
	switch {
	case m == nil:
		return nil, notInRoom(name)
	case m == c.current.Load():
		return nil, Errorf(CodeConflict, "%s is your current room: move to another one with roomChange first", name)
	}
	return r.end(ctx, m), nil
}

// end ends the membership m, and returns the function that delivers the news. The caller must hold conn.moving.
func (r *Rooms) end(ctx context.Context, m *member) (news func()) {
	news = r.tellBroker(ctx, change(m))
	r.leave(m)
	m.room.awaitDelivery()
	m.conn.tellRooms()
	return news
}

// expel takes the client out of the room, also out of its current room; it is in no room then until its next Move. If the
// client is not in the room, expel returns false.
func (r *Rooms) expel(ctx context.Context, c *Conn, name string) (was bool) {
	news, was := r.expelQuietly(ctx, c, name)
	deliverNews(news)
	return was
}

func (r *Rooms) expelQuietly(ctx context.Context, c *Conn, name string) (news func(), was bool) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.rights.Add(1) // a client that was asked about as a member is not one any more
	m := c.member(name)
	if m == nil {
		return nil, false
	}
	c.current.CompareAndSwap(m, nil)
	return r.end(ctx, m), true
}

// leaveAll takes a client that has disconnected out of all its rooms. After that, the client cannot enter a room.
func (r *Rooms) leaveAll(c *Conn) {
	deliverNews(r.leaveEach(c))
}

func (r *Rooms) leaveEach(c *Conn) (news func()) {
	c.moving.Lock()
	defer c.moving.Unlock()
	c.stage = gone
	r.reindex(c, c.identity.Load(), nil)
	c.current.Store(nil)
	c.mu.Lock()
	left := c.rooms
	c.rooms = nil
	c.mu.Unlock()
	if len(left) == 0 {
		return nil
	}
	changes := make([]backend.Change, len(left))
	for i, m := range left {
		changes[i] = change(m)
		r.leave(m)
	}
	return r.tellBroker(context.Background(), changes...)
}

// change returns the change by which m ends.
func change(m *member) backend.Change {
	return backend.Change{Room: m.room.name, Member: m.conn.ID, Leave: true}
}

// tellBroker makes the members in changes leave in the whole cluster, and returns the function that delivers the news. If
// the backend fails, tellBroker logs a warning, because the client leaves the room on this node nevertheless.
func (r *Rooms) tellBroker(ctx context.Context, changes ...backend.Change) (news func()) {
	moved, err := r.broker.Move(context.WithoutCancel(ctx), changes...)
	if err != nil && !errors.Is(err, backend.ErrClosed) {
		r.api.log.Warn("a client that left a room is still listed in it", "room", changes[0].Room, "error", err.Error())
	}
	return moved.News
}

// enter adds the client to the room with this name and returns the new membership, and the function that delivers the
// news. If left is not nil, the client leaves that room in the same step of the broker, and the caller has to end the
// membership. added becomes the field added of the new membership. The caller must hold c.moving.
func (r *Rooms) enter(ctx context.Context, c *Conn, name string, left *member, added bool) (m *member, news func(), err error) {
	switch {
	case c.stage == gone:
		return nil, nil, errDisconnected
	case c.stage == waiting:
		return nil, nil, Errorf(CodeConflict, "the client is not accepted yet: let it enter rooms in ConnMiddleware.Connected")
	}
	kept := len(c.rooms)
	if left != nil {
		kept--
	}
	if limit := r.api.cfg.MaxRooms; kept >= limit {
		return nil, nil, Errorf(CodeResourceExhausted, "a connection may be in %d rooms at most: leave one first", limit)
	}
	rm := r.hold(name)
	changes := make([]backend.Change, 0, 2)
	if left != nil {
		changes = append(changes, change(left))
	}
	changes = append(changes, backend.Change{Room: rm.name, Member: c.ID, Details: c.sharedDetails()})
	moved, err := r.broker.Move(ctx, changes...)
	if err != nil {
		r.release(rm)
		return nil, nil, fmt.Errorf("entering room %q: %w", name, roomError(err))
	}
	m = &member{conn: c, room: rm, added: added}
	rm.admit(m, moved.At[len(changes)-1])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms = append(c.rooms, m)
	return m, moved.News, nil
}

// hold returns the named room of this node, and keeps it until [room.admit] or [Rooms.release]. If the node has no such
// room, hold creates it.
func (r *Rooms) hold(name string) *room {
	for {
		r.mu.Lock()
		rm := r.rooms[name]
		if rm == nil {
			rm = &room{name: strings.Clone(name)} // name may be a slice of a larger message
			r.rooms[rm.name] = rm
			r.peak = max(r.peak, len(r.rooms))
		}
		r.mu.Unlock()
		rm.mu.Lock()
		if !rm.gone {
			rm.entering++
			rm.mu.Unlock()
			return rm
		}
		rm.mu.Unlock()
	}
}

// release ends the effect of hold for a client that could not enter the room.
func (r *Rooms) release(rm *room) {
	rm.mu.Lock()
	rm.entering--
	rm.mu.Unlock()
	r.drop(rm)
}

// admit adds m to the room after hold. The client gets the messages behind the position at. Messages that this node has
// delivered since then count as sent before the client has entered.
func (rm *room) admit(m *member, at backend.Position) {
	rm.delivery.Lock()
	defer rm.delivery.Unlock()
	if at.Seq == 0 || rm.last.Epoch == at.Epoch && rm.last.Seq > at.Seq {
		at = rm.last
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	rm.entering--
	m.index = len(rm.places)
	rm.places = append(rm.places, place{sender: m.conn.sender, conn: m.conn, member: m, epoch: at.Epoch, seq: at.Seq, namesRoom: m.added})
	if m.conn.followsPositions() {
		rm.followers++
	}
}

// remove takes m out of the room and reports whether the room has no members now.
func (rm *room) remove(m *member) (empty bool) {
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if m.conn.followsPositions() {
		rm.followers--
	}
	last := len(rm.places) - 1
	rm.places[m.index] = rm.places[last]
	rm.places[m.index].member.index = m.index
	rm.places[last] = place{}
	rm.places = rm.places[:last]
	if cap(rm.places) > 64 && last < cap(rm.places)/4 {
		rm.places = append(make([]place, 0, cap(rm.places)/2), rm.places...)
	}
	return last == 0
}

// leave takes m out of its room on this node.
func (r *Rooms) leave(m *member) {
	c, rm := m.conn, m.room
	c.mu.Lock()
	c.rooms = slices.DeleteFunc(c.rooms, func(other *member) bool { return other == m })
	c.mu.Unlock()
	if rm.remove(m) {
		r.drop(rm)
	}
}

// drop removes a room from Rooms, unless a client has entered the room in the meantime.
func (r *Rooms) drop(rm *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if len(rm.places) == 0 && rm.entering == 0 && r.rooms[rm.name] == rm {
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
