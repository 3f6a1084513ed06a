package transport

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Sender delivers messages to one client. A transport implements Sender for each of its connections.
//
// Each method returns without waiting for a slow client. Messages that the client has not read wait in a bounded queue.
// If that queue is full, the transport closes the connection.
type Sender interface {
	// Deliver queues the message m. Deliver returns true if the caller must call Flush to write the queue. The caller
	// must first release the lock of the room, and then call Flush. Deliver returns false if a goroutine is writing the
	// queue already.
	Deliver(m *actionhero.RoomMessage) (flush bool)
	// Flush writes as much of the queue as the network accepts without blocking. A goroutine writes the rest.
	Flush()
	// Close closes the connection. If the protocol has a field for a reason, Close sends reason to the client.
	Close(reason string)
}

// LoginSender is an optional interface of a [Sender]. CloseForLogin is Close for a client whose identity has expired: it
// lets a client that can do so connect again with new credentials. Without it, the API calls Close.
type LoginSender interface {
	CloseForLogin(reason string)
}

// RoomFollower is an optional interface of a [Sender]. If FollowsRooms returns true, the client has asked for a notice
// when its rooms change, by its command or by code of the server. The API then delivers a notice after each change, an
// object with the members context, which is "rooms", room, the current room or null, and rooms, the sorted names of the
// further rooms. A client that has not asked must not get the notice, because it may not know it.
type RoomFollower interface {
	FollowsRooms() bool
}

// PositionFollower is an optional interface of a [Sender]. If FollowsPositions returns true, the client has asked for the
// positions of the messages in its rooms, which [AppendPosition] appends. If messages of a room may be missing, the API
// delivers a notice to the client, an object with the members context, which is "gap", and room. The result must be the
// same at each call. A client that has not asked must get neither, because it may not know them.
type PositionFollower interface {
	FollowsPositions() bool
}

// AppendPosition appends to the JSON object dst, which lacks its closing brace, the members "seq" and "position" of the
// message m, each with a comma before it. If m has no position, it returns dst. Call it within the function encode of
// [Encoded].
func AppendPosition(dst []byte, m *actionhero.RoomMessage) []byte {
	return append(dst, bridge.MessageOf(m).Position()...)
}

// NamesRoom reports whether the transport must send the name of the room with the message m, because the room is not
// the current room of the client.
func NamesRoom(m *actionhero.RoomMessage) bool { return bridge.MessageOf(m).NamesRoom }

// IsNotice reports whether the body of the message m is the whole object that the client reads, as for
// Rooms.BroadcastNode. If not, the transport encodes the room, the sender and the body in the form of its protocol.
func IsNotice(m *actionhero.RoomMessage) bool { return bridge.MessageOf(m).IsNotice }

// Encoded returns the message m in the encoding of one protocol. wire is a comparable value that identifies the
// protocol. The first call for m and wire runs encode; later calls return the same bytes. All receivers share these
// bytes, so they must not be modified.
func Encoded(m *actionhero.RoomMessage, wire any, encode func(*actionhero.RoomMessage) []byte) []byte {
	forms := bridge.MessageOf(m)
	forms.Lock()
	defer forms.Unlock()
	if bytes := forms.Find(wire); bytes != nil {
		return bytes
	}
	bytes := encode(m)
	forms.Keep(wire, bytes)
	return bytes
}
