package actionhero

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one client of a persistent transport, for as long as it is connected.
type Conn struct {
	ID          string         // public: others in a room see it as the sender; a UUID (version 7)
	Transport   string         // "tcp", …
	Remote      netip.AddrPort // where it comes from
	ConnectedAt time.Time

	api  *API
	sink Sink

	current atomic.Pointer[member] // its current room, which is among rooms

	moving sync.Mutex // held while it enters and leaves rooms, which may take a trip over the network
	gone   bool       // guarded by moving: it has disconnected

	mu      sync.Mutex // guards what follows, and is never held for long
	rooms   []*member  // all that it listens to
	details []detail   // in the order in which they were first set
}

// Sink is how the core reaches a client: what a transport implements for each of its connections. None of its methods
// may block for the client's sake; what the client does not read waits in a bounded queue, and a client whose queue
// is full is closed.
type Sink interface {
	// Deliver queues a message of a room. It returns true if the caller must call Flush, which is not called
	// while the room is locked; false if what is queued is on its way already.
	Deliver(d *RoomMessage) (flush bool)
	// Flush sends what is queued as far as the network takes it now, and leaves the rest to a goroutine.
	Flush()
	// Close ends the connection and tells the client why, where the wire can.
	Close(reason string)
}

// RoomMessage is one message on its way to members of a room on this node. It is encoded once for each kind of wire, and
// all who get it share it: nobody may modify it. Fields may be added to it.
type RoomMessage struct {
	Room    string // where it was said; "" for what [Rooms.SendTo] sends to one connection
	From    string // the public id of the sending client, or the server's name
	Body    []byte // one JSON value
	Further bool   // Room is not the current room of who gets this, so the client must be told which room it is
	Notice  bool   // it is no message of a room, but Body is the object that the client gets: see [Rooms.BroadcastNode]

	mu      sync.Mutex
	encoded []encoding
}

type encoding struct {
	wire  any
	bytes []byte
}

// Encoded returns the message in the form of one kind of wire, encoding it when the first connection of that kind
// asks. wire identifies the kind and must be comparable. The result must not be modified.
func (d *RoomMessage) Encoded(wire any, encode func(*RoomMessage) []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.encoded {
		if e.wire == wire {
			return e.bytes
		}
	}
	bytes := encode(d)
	d.encoded = append(d.encoded, encoding{wire, bytes})
	return bytes
}

// Connect makes the Conn of a client that has just connected. It is in no room until [Rooms.Move].
func (api *API) Connect(transport string, remote netip.AddrPort, sink Sink) *Conn {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	c := &Conn{ID: newID(), Transport: transport, Remote: remote, ConnectedAt: time.Now(), api: api, sink: sink}
	api.Rooms.conns.Store(c.ID, c)
	return c
}

// Disconnect is the end of a Conn: it leaves its rooms, whose members are told. The transport calls it when the client
// has gone, however it went; a second call does nothing. It must not be called by a method of the Sink.
func (api *API) Disconnect(c *Conn) {
	for _, m := range api.Rooms.leaveAll(c) {
		api.Rooms.announce(context.Background(), m, leftText)
	}
	api.Rooms.conns.Delete(c.ID)
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
func (c *Conn) Close(reason string) { c.sink.Close(reason) }

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
