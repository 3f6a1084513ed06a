package actionhero

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/bridge"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Conn is the connection of one client over a persistent transport, such as TCP, WebSocket or Socket.IO.
type Conn struct {
	ID          string         // a UUID (version 7); public: the members of a room read it as the sender of a message
	Transport   string         // "tcp", …
	Remote      netip.AddrPort // the client's address
	ConnectedAt time.Time

	api    *API
	sender sender

	current atomic.Pointer[member] // the client's current room, one of rooms

	identity     atomic.Pointer[Identity] // nil: anonymous; written under moving
	nextOfUser   *Conn                    // guarded by Rooms.users, like beforeOfUser
	beforeOfUser *Conn
	moving       sync.Mutex    // held while the client enters and leaves rooms, which may need the network
	meeting      sync.Mutex    // held while connection middleware meets the client, or its end
	rights       atomic.Uint32 // changes when a room may decide otherwise about the client; written under moving
	met          int16         // the number of connection middlewares that have met the client and not its end; guarded by meeting
	stage        stage         // guarded by moving
	hearsItself  bool          // it receives its own messages; set before it enters a room

	closeReason atomic.Pointer[string] // why the server has closed the connection, first; nil: it has not

	mu    sync.Mutex // guards the fields below; held only briefly
	rooms []*member  // all rooms that the client is in
	extra *connExtra // nil: none; see Conn.extras
}

// connExtra holds the fields that only the connections of some apps need.
type connExtra struct {
	details []detail // in the order in which they were first set
	values  []connValue
}

// extras returns c.extra, which the first call makes. The caller must hold c.mu.
func (c *Conn) extras() *connExtra {
	if c.extra == nil {
		c.extra = new(connExtra)
	}
	return c.extra
}

// detailList returns the details. The caller must hold c.mu.
func (c *Conn) detailList() []detail {
	if c.extra == nil {
		return nil
	}
	return c.extra.details
}

// stage says how far the connection of a client is.
type stage uint8

const (
	accepted stage = iota
	waiting        // the app has not accepted the client yet
	gone           // the client has disconnected
)

// sender has the methods of transport.Sender, which documents them. They are repeated here because this package cannot
// import package transport.
type sender interface {
	Deliver(m *RoomMessage) (flush bool)
	Flush()
	Close(reason string)
}

// RoomMessage is one message to the members of a room on this node. All receivers share one RoomMessage, so it must not
// be modified.
type RoomMessage struct {
	Room string // the name of the room; "" for a message of [Rooms.SendTo]
	From string // the public id of the sending client, or the server's name
	Body []byte // one JSON value

	forms bridge.Message
}

// API returns the API to which the client is connected.
func (c *Conn) API() *API { return c.api }

// Room returns the name of the client's current room, or "" if the client has no current room.
func (c *Conn) Room() string {
	if m := c.current.Load(); m != nil {
		return m.room.name
	}
	return ""
}

// Rooms returns the names of all rooms that the client is in, sorted. The current room is included.
func (c *Conn) Rooms() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, len(c.rooms))
	for i, m := range c.rooms {
		names[i] = m.room.name
	}
	slices.Sort(names)
	return names
}

// In reports whether the client is in the named room.
func (c *Conn) In(room string) bool { return c.member(room) != nil }

// member returns the client's membership in the named room, or nil if the client is not in that room.
func (c *Conn) member(room string) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.rooms {
		if m.room.name == room {
			return m
		}
	}
	return nil
}

// roomFollower has the method of transport.RoomFollower, which documents it.
type roomFollower interface{ FollowsRooms() bool }

// positionFollower has the method of transport.PositionFollower, which documents it.
type positionFollower interface{ FollowsPositions() bool }

// followsPositions reports whether the client has asked for the positions of messages and for notices of gaps.
func (c *Conn) followsPositions() bool {
	follower, ok := c.sender.(positionFollower)
	return ok && follower.FollowsPositions()
}

// tellRooms tells the client in which rooms it is now, if the client follows its rooms. The caller must hold c.moving, so
// that the client gets the changes in their order.
func (c *Conn) tellRooms() {
	if follower, ok := c.sender.(roomFollower); !ok || !follower.FollowsRooms() {
		return
	}
	notice := struct {
		Context string   `json:"context"`
		Room    *string  `json:"room"`
		Rooms   []string `json:"rooms"`
	}{Context: "rooms", Rooms: c.Rooms()}
	if room := c.Room(); room != "" {
		notice.Room = &room
		notice.Rooms = slices.DeleteFunc(notice.Rooms, func(name string) bool { return name == room })
	}
	body, err := jsonx.Marshal(notice)
	if err != nil {
		return // names of rooms are valid UTF-8, so they encode
	}
	m := &RoomMessage{Body: body}
	m.forms.IsNotice = true
	if c.sender.Deliver(m) {
		c.sender.Flush()
	}
}

// Close closes the connection. If the transport's protocol has a field for a reason, the client receives reason.
func (c *Conn) Close(reason string) {
	c.closeReason.CompareAndSwap(nil, &reason)
	c.sender.Close(reason)
}

// loginSender has the method of transport.LoginSender, which documents it.
type loginSender interface{ CloseForLogin(reason string) }

// closeForLogin closes the connection of a client whose identity has expired.
func (c *Conn) closeForLogin(reason string) {
	s, ok := c.sender.(loginSender)
	if !ok {
		c.Close(reason)
		return
	}
	c.closeReason.CompareAndSwap(nil, &reason)
	s.CloseForLogin(reason)
}

// newID returns a UUID of version 7 (RFC 9562 section 5.7): the time in milliseconds, 42 random bits, then the tag of the
// node, by which the other nodes of a cluster find the node of the connection.
func newID(tag uint32) string {
	var b [16]byte
	_, _ = rand.Read(b[6:12]) // never fails (crypto/rand)
	binary.BigEndian.PutUint32(b[12:], tag)
	ms := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint16(b[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
