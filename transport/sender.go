package transport

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Sender delivers messages to one client. A transport implements it for each of its connections.
//
// No method may block because the client is slow. Messages that the client has not read wait in a bounded queue. The
// transport closes a client whose queue is full.
type Sender interface {
	// Deliver queues a message. It returns true if the caller must call Flush; the caller does so after it has released
	// its lock on the room. It returns false if the queued message is being written already.
	Deliver(m *actionhero.RoomMessage) (flush bool)
	// Flush writes as much of the queue as the network takes now. A goroutine writes the rest.
	Flush()
	// Close closes the connection and sends the client the reason if the wire has a place for one.
	Close(reason string)
}

// NamesRoom reports whether the client must read the name of the room with the message, because the room is not its
// current one.
func NamesRoom(m *actionhero.RoomMessage) bool { return bridge.MessageOf(m).NamesRoom }

// IsNotice reports whether the body of the message is the whole object that the client reads, as for
// Rooms.BroadcastNode. Otherwise the transport encodes room, sender and body in its own form.
func IsNotice(m *actionhero.RoomMessage) bool { return bridge.MessageOf(m).IsNotice }

// Encoded returns the message in the form of one kind of wire. The first call for a wire runs encode; all receivers share
// the result, which must not be modified. wire identifies the kind of wire and must be comparable.
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
