package backend

import "context"

// MaxDetailsBytes is the maximum length of the details of a member, in bytes.
const MaxDetailsBytes = 4 << 10

// Position is a place in the sequence of messages of one room.
type Position struct {
	Epoch uint64 // changes when the server has lost the sequence of the room; 0: the room has no positions
	Seq   uint64 // the number of the message in its epoch; the first is 1
	Tag   uint32 // identifies the message, because a number may be used twice after a failover
}

// MessageKind tells a message of a client or of the server from the news about the members of a room.
type MessageKind uint8

// These are the kinds of messages.
const (
	Said    MessageKind = iota // a message that was published
	Entered                    // the member From has entered the room; no body
	Left                       // the member From has left the room, or its node has gone; no body
)

// Message is a message to the members of a room. The bytes of Body must not be modified after Publish, because all
// receivers share them. The type may get more fields, so use field names in literals.
type Message struct {
	Room string // the name of the room
	From string // the public id of the sending connection; empty: the server
	Body []byte // one JSON value
	Kind MessageKind
	At   Position // set by the broker; news and rooms without positions have none
}

// Subscriber is the receiver of a node's messages.
type Subscriber struct {
	// Deliver is called for every message to a room of which this node has a member, whichever node has published it.
	// An embedded backend may call it for rooms without members, too. The messages of one room are delivered one at a
	// time, in the same order on every node. The messages of one publisher are delivered in the order in which the
	// publisher sent them. Messages of different rooms may be delivered concurrently. The embedded backend calls
	// Deliver in the goroutine that calls Publish, before Publish returns. Other backends call it later, in another
	// goroutine.
	//
	// While Deliver runs, no other message of the room is delivered. So Deliver must only accept the message: it must
	// not block, least of all on a slow client. It may call Members and Move, but it must not call Publish or the Close
	// method of the backend. It may return a function, or nil. The broker calls the returned function once the next
	// message of the room may be delivered, so the returned function may take longer. The embedded backend calls it
	// before Publish returns, so that the delivery takes time of the goroutine that calls Publish.
	Deliver func(Message) (after func())
	// Gap is called if messages of the room may be missing on this node: those between the last delivered message and
	// the next. It is called in the order of the room's messages. A node that was disconnected from the server calls it
	// for each of its rooms in which something is missing, and for those of which that cannot be known. Nil: ignored.
	Gap func(room string)
	// NewsLimit is the number of members of a room above which the broker sends no news about who enters and leaves. 0:
	// the broker sends no news.
	NewsLimit int
}

// Change is a member that enters or leaves a room, see [Broker.Move].
type Change struct {
	Room    string
	Member  string // the id of the member, unique in the cluster
	Leave   bool   // the member leaves; false: it enters
	Details []byte // of a member that enters: a JSON object for [Member.Details], of at most MaxDetailsBytes
}

// Moved is the result of [Broker.Move].
type Moved struct {
	// At has the position of the last message of the room for each change, in their order. A member that has entered
	// gets only messages behind that position. It is zero for a member that leaves, in a room without positions, and if
	// the server could not be asked.
	At []Position
	// News delivers the news about the changes to the members on this node. Call it when no lock is held that
	// [Subscriber.Deliver] needs. Nil: the broker delivers the news without this call.
	News func()
}

// Member is a member of a room, as [Broker.Members] returns it.
type Member struct {
	ID      string
	Node    string // the id of the member's node
	Details []byte // as last given to [Broker.Move]; must not be modified
}

// Broker sends messages to rooms and knows the members of each room in the cluster. A room needs no creation: it exists
// while it has a member. The publisher of a message need not be a member of the room.
type Broker interface {
	// Subscribe sets the receiver of this node's messages. Call Subscribe before Open. The receiver stays through Close
	// and Open, and a second call of Subscribe replaces it. If a node has no receiver, its own messages still reach the
	// other nodes.
	Subscribe(s Subscriber)
	// Publish sends the message m to all nodes with members of the room. It returns once the position of m among the
	// messages of its room is fixed, and returns that position. Each node receives a message at most once. A node that
	// is disconnected when the message is sent misses the message, and [Subscriber.Gap] is called there.
	//
	// If this node is cut off from the server, Publish delivers the message to the members on this node and fails with
	// [ErrUnavailable]. With any other error of this package, no member gets the message.
	Publish(ctx context.Context, m Message) (Position, error)
	// Move makes members of this node enter and leave rooms. The changes of one room are made in their order. All nodes of the cluster see
	// the changes, and the members of the rooms get news of them. To enter a room again only replaces the details. A
	// member that is not in the room leaves without an effect. A member may be in many rooms. A room without members
	// takes no memory.
	//
	// Move fails with [ErrKeyTooLong], [ErrFull], [ErrTooLarge] and [ErrClosed]; then nothing has changed. While
	// the server cannot be reached, Move changes the members on this node and returns nil once ctx ends or after a
	// second. The broker then repeats the changes at the server until they are done, and calls [Subscriber.Gap] for the rooms that
	// were entered.
	Move(ctx context.Context, changes ...Change) (Moved, error)
	// Members returns total, the number of members of the room, and at most limit of these members. Members that have
	// entered earlier come first, unless a member has left since: then the embedded backend may reorder them. The order
	// stays the same until a member enters or leaves. The cost depends on limit and on the number of nodes, not on the
	// number of members. If limit is 0 or less, Members returns no members, only the number.
	Members(ctx context.Context, room string, limit int) (members []Member, total int, err error)
}
