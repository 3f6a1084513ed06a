package backend

import "context"

// Message is a message to the members of a room. Body must not be modified after Publish, because all receivers share
// it.
//
// Message will get more fields: a sequence number in its room, for members that reconnect and ask for missed messages,
// and the id of the one connection that it is for. So use field names in literals, send all fields from node to node, and
// let nodes ignore fields that they do not know.
type Message struct {
	Room string // the room
	From string // the public id of the sending connection; empty: the server
	Body []byte // one JSON value
}

// Broker sends messages to rooms and knows the members of each room in the cluster. A room is not created: it exists
// while it has a member. The publisher of a message need not be a member.
type Broker interface {
	// Subscribe sets the callback for all messages that any node of the cluster publishes. Messages of this node and of
	// every sender are included. Call it before Open. The callback stays set through Close and Open, and a second call
	// replaces it. Without a callback, messages from this node still reach the others.
	//
	// The messages of one room are delivered one at a time, in the same order on every node. The messages of one
	// publisher are delivered in the order in which it published them. Messages of different rooms may be delivered
	// concurrently. The embedded backend calls deliver in the goroutine that publishes, before Publish returns. Others may
	// call it later, in a goroutine of their own.
	//
	// While deliver runs, no other message of the room is delivered. So deliver must only accept the message: it must not
	// block, least of all on a slow client. It may call Members, Join and Leave, but neither Publish nor Close of the
	// backend. The returned function, unless nil, is called when the next message of the room may be delivered, and may
	// take longer. The embedded backend calls it before Publish returns, so that the publisher pays for the delivery.
	Subscribe(deliver func(Message) (after func()))
	// Publish sends m to all nodes. It returns once the position of m in its room is fixed. A message is delivered at most
	// once: a node that is disconnected at that time misses it.
	Publish(ctx context.Context, m Message) error
	// Join adds member to room, visible in the whole cluster. If the member is already in the room, Join does nothing. A
	// member may be in many rooms. Member ids are unique in the cluster.
	Join(ctx context.Context, room, member string) error
	// Leave removes member from room. If the member is not in the room, Leave does nothing. A room without members takes
	// no memory.
	Leave(ctx context.Context, room, member string) error
	// Members returns the number of members of room and the ids of at most limit of them. The order of the ids stays the
	// same until a member joins or leaves. The cost depends on limit, not on the size of the room. If limit is 0 or less,
	// Members only counts.
	Members(ctx context.Context, room string, limit int) (ids []string, total int, err error)
}
