package backend

import "context"

// Message is what is said in a room. Nobody may modify Body once it is published: all receivers share it.
//
// It will get more fields: a number in the order of its room, for members that come back and ask for what they missed,
// and the one connection that it is for. So write its fields with their names, carry all of them from node to node, and
// have nodes ignore those that they do not know.
type Message struct {
	Room string // where it is said
	From string // the public id of the connection that says it; empty: the server itself
	Body []byte // one JSON value
}

// Broker carries messages to rooms, and knows who is in which room of the cluster. A room needs no making: it is there
// while somebody is in it, and whoever publishes to a room need not be in it.
type Broker interface {
	// Subscribe sets who receives what is published, on any node of the cluster, this one included, and whoever sent
	// it. Call it before Open; it stays set when the backend is closed and opened again, and a second call replaces the
	// first. Without it, messages from this node still reach the others.
	//
	// The messages of one room come one at a time, in the same order on every node, and those of one publisher in the
	// order in which it published them. Messages of different rooms may come at the same time. The embedded backend
	// calls deliver in the goroutine that publishes, before Publish returns; others may call it later, in a goroutine of
	// their own.
	//
	// deliver holds up the room while it runs, so it only takes the message in: it must not wait for anything, least of
	// all for a slow client. It may ask for Members and call Enter and Leave, but it must neither call Publish nor close
	// the backend. What it returns, unless nil, is called when the room is no longer held up: the place for what takes
	// longer. The embedded backend calls it before Publish returns, so that who publishes pays for the delivery.
	Subscribe(deliver func(Message) (after func()))
	// Publish sends m to all nodes. It returns once the order of m is settled. A message is delivered at most once: a
	// node that is cut off at the time misses it.
	Publish(ctx context.Context, m Message) error
	// Join puts member into room, for the whole cluster to see. A member that is in the room stays there. One member
	// may be in many rooms. Ids of members are unique in the cluster.
	Join(ctx context.Context, room, member string) error
	// Leave takes member out of room, if it is there. A room that nobody is in takes no memory.
	Leave(ctx context.Context, room, member string) error
	// Members returns how many members room has and the ids of up to limit of them, in an order that stays the same
	// while nobody enters or leaves. It takes time for those limit members alone. With a limit of 0 or less it just
	// counts.
	Members(ctx context.Context, room string, limit int) (ids []string, total int, err error)
}
