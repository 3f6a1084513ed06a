package backend

import "context"

// Message is a message to the members of a room. The bytes of Body must not be modified after Publish, because all
// receivers share them.
//
// The Message type will get two more fields, so use field names in literals. The first field is the sequence number of
// the message in its room; members will use it after a reconnect to ask for missed messages. The second field is the id
// of a single receiving connection. A backend must send all fields from node to node, and ignore fields that it does
// not know.
type Message struct {
	Room string // the name of the room
	From string // the public id of the sending connection; empty: the server
	Body []byte // one JSON value
}

// Broker sends messages to rooms and knows the members of each room in the cluster. A room needs no creation: it exists
// while it has a member. The publisher of a message need not be a member of the room.
type Broker interface {
	// Subscribe sets the callback deliver, which the broker calls for every message that any node of the cluster
	// publishes, this node included. Call Subscribe before Open. The callback stays set through Close and Open, and a
	// second call of Subscribe replaces it. If a node has no callback, its own messages still reach the other nodes.
	//
	// The messages of one room are delivered one at a time, in the same order on every node. The messages of one
	// publisher are delivered in the order in which the publisher sent them. Messages of different rooms may be
	// delivered concurrently. The embedded backend calls deliver in the goroutine that calls Publish, before Publish
	// returns. Other backends may call deliver later, in another goroutine.
	//
	// While deliver runs, no other message of the room is delivered. So deliver must only accept the message: it must
	// not block, least of all on a slow client. The callback may call Members, Join and Leave, but it must not call
	// Publish or the Close method of the backend. The callback may return a function, or nil. The broker calls the
	// returned function once the next message of the room may be delivered, so the returned function may take longer
	// than the callback. The embedded backend calls the returned function before Publish returns, so the delivery takes
	// time of the goroutine that calls Publish.
	Subscribe(deliver func(Message) (after func()))
	// Publish sends the message m to all nodes. It returns once the position of m among the messages of its room is
	// fixed. Each node receives a message at most once. A node that is disconnected when the message is sent misses the
	// message.
	Publish(ctx context.Context, m Message) error
	// Join adds the member to the room. All nodes of the cluster see the new member. If the member is already in the
	// room, Join does nothing. A member may be in many rooms. Member ids are unique in the cluster.
	Join(ctx context.Context, room, member string) error
	// Leave removes the member from the room. If the member is not in the room, Leave does nothing. A room without
	// members takes no memory.
	Leave(ctx context.Context, room, member string) error
	// Members returns total, the number of members of the room, and ids, the ids of at most limit of these members. The
	// order of the ids stays the same until a member joins or leaves. The cost depends on limit, not on the number of
	// members. If limit is 0 or less, Members returns no ids, only the number.
	Members(ctx context.Context, room string, limit int) (ids []string, total int, err error)
}
