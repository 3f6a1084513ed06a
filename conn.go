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
)

// Conn is one client of a persistent transport, for as long as it is connected.
type Conn struct {
	ID          string         // public: others in a room see it as the sender; a UUID (version 7)
	Transport   string         // "tcp", …
	Remote      netip.AddrPort // where it comes from
	ConnectedAt time.Time

	api    *API
	sender sender

	current atomic.Pointer[member] // its current room, which is among rooms

	moving sync.Mutex // held while it enters and leaves rooms, which may take a trip over the network
	gone   bool       // guarded by moving: it has disconnected

	mu      sync.Mutex // guards what follows, and is never held for long
	rooms   []*member  // all that it listens to
	details []detail   // in the order in which they were first set
}

// sender is how the core reaches a client. transport.Sender is the same interface, with its contract.
type sender interface {
	Deliver(m *RoomMessage) (flush bool)
	Flush()
	Close(reason string)
}

// RoomMessage is one message on its way to the members of a room on this node. All receivers share it, so it must not be
// modified.
type RoomMessage struct {
	Room string // where it was said; "" for what [Rooms.SendTo] sends to one connection
	From string // the public id of the sending client, or the server's name
	Body []byte // one JSON value

	forms bridge.Message
}

// Room returns the current room of the client, "" if it is in none.
func (c *Conn) Room() string {
	if m := c.current.Load(); m != nil {
		return m.room.name
	}
	return ""
}

// Rooms returns all rooms that the client listens to, its current one among them, sorted by name.
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

// member returns the client's place in a room, nil if it does not listen to it.
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

// Close ends the connection from the server's side; the client is told the reason where its wire can say it.
func (c *Conn) Close(reason string) { c.sender.Close(reason) }

// newID returns a UUID of version 7 (RFC 9562 section 5.7): the time in milliseconds, then random bits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
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
