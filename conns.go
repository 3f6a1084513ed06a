package actionhero

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"

	"github.com/actionhero-go/actionhero/backend"
)

// Conns acts on persistent connections by their ids or by their users, on whichever node of the cluster they are. For a message to one
// connection, call [Rooms.SendTo].
//
// The methods return an *[Error]. [CodeNotFound] means that no connection has the id: it may have ended. If the node of
// the connection does not answer, the error is [CodeUnavailable] or [CodeDeadlineExceeded], and the change may have
// happened.
type Conns struct{ api *API }

// OnNode returns an iterator over the connections of this node, in no particular order. A connection that begins or ends
// meanwhile may be missing. A new one is in it before [ConnMiddleware.Connected] is called.
func (c *Conns) OnNode() iter.Seq[*Conn] {
	return c.api.Rooms.conns.all
}

// Close closes the connection, as [Conn.Close] does.
func (c *Conns) Close(ctx context.Context, id, reason string) error {
	return c.do(ctx, connOp{ID: id, Op: "close", Reason: reason})
}

// Move makes a room the current room of the connection, as [Rooms.Move] does. The functions of [RoomMiddleware] run on
// the node of the connection.
func (c *Conns) Move(ctx context.Context, id, room string) error {
	return c.do(ctx, connOp{ID: id, Op: "move", Room: room})
}

// Join adds the connection to a further room, as [Rooms.Join] does. The functions of [RoomMiddleware] run on the node of
// the connection.
func (c *Conns) Join(ctx context.Context, id, room string) error {
	return c.do(ctx, connOp{ID: id, Op: "join", Room: room})
}

// Leave takes the connection out of a room, as [Rooms.Leave] does.
func (c *Conns) Leave(ctx context.Context, id, room string) error {
	return c.do(ctx, connOp{ID: id, Op: "leave", Room: room})
}

// Kick takes the connection out of a room, also out of its current room, as [Rooms.Kick] does.
func (c *Conns) Kick(ctx context.Context, id, room string) error {
	return c.do(ctx, connOp{ID: id, Op: "kick", Room: room})
}

// connOp is what a node does with one of its connections.
type connOp struct {
	ID      string          `json:"id"`
	Op      string          `json:"op"`
	Room    string          `json:"room"`
	Reason  string          `json:"reason"`
	Message json.RawMessage `json:"message"`
}

// connCall makes another node do a connOp. The answer says whether the connection is on that node.
var connCall = NodeCall[connOp, bool]{Name: internalCalls + "conn"}

// noticeCall makes each node send a notice to its clients.
var noticeCall = NodeCall[noticeInput, None]{Name: internalCalls + "notice"}

type noticeInput struct {
	Notice json.RawMessage `json:"notice" required:"true"`
}

// addInternalCalls registers the calls between nodes that this package needs.
func (r *registry) addInternalCalls() error {
	conn, notice, get, list, rooms, user := connCall, noticeCall, connGetCall, connsCall, roomsCall, userCall
	user.Run = func(ctx context.Context, op userOp) (int, error) {
		return RequestFrom(ctx).API.Conns.ofUser(ctx, &op)
	}
	conn.Run = func(ctx context.Context, op connOp) (bool, error) {
		api := RequestFrom(ctx).API
		c := api.Rooms.conn(op.ID)
		if c == nil {
			return false, nil
		}
		return true, api.Conns.local(ctx, c, &op)
	}
	notice.Run = func(ctx context.Context, in noticeInput) (None, error) {
		_, err := RequestFrom(ctx).API.Rooms.BroadcastNode(ctx, in.Notice)
		return None{}, err
	}
	get.Run = func(ctx context.Context, op connOp) (info ConnInfo, err error) {
		api := RequestFrom(ctx).API
		if c := api.Rooms.conn(op.ID); c != nil {
			info = api.Conns.info(c, true)
		}
		return info, nil
	}
	list.Run = func(ctx context.Context, f ConnFilter) (nodeConns, error) {
		return RequestFrom(ctx).API.Conns.here(f), nil
	}
	rooms.Run = func(ctx context.Context, f RoomFilter) (RoomList, error) {
		return RequestFrom(ctx).API.Rooms.here(f), nil
	}
	return errors.Join(conn.add(r), notice.add(r), get.add(r), list.add(r), rooms.add(r), user.add(r))
}

// local does op with a connection of this node.
func (c *Conns) local(ctx context.Context, conn *Conn, op *connOp) error {
	rooms := c.api.Rooms
	switch op.Op {
	case "close":
		conn.Close(op.Reason)
		return nil
	case "move":
		return rooms.Move(ctx, conn, op.Room)
	case "join":
		return rooms.Join(ctx, conn, op.Room)
	case "leave":
		return rooms.Leave(ctx, conn, op.Room)
	case "kick":
		return rooms.Kick(ctx, conn, op.Room)
	case "send":
		rooms.sendLocal(conn, op.Message)
		return nil
	}
	return Errorf(CodeInvalidInput, "this node cannot %.32q a connection", op.Op)
}

// do does op with the connection, on its node.
func (c *Conns) do(ctx context.Context, op connOp) error {
	if err := ctx.Err(); err != nil {
		return AsError(err)
	}
	if conn := c.api.Rooms.conn(op.ID); conn != nil {
		if err := c.local(ctx, conn, &op); err != nil {
			return AsError(err)
		}
		return nil
	}
	return c.remote(ctx, op)
}

// remote does op with a connection that is not on this node.
func (c *Conns) remote(ctx context.Context, op connOp) error {
	return c.elsewhere(ctx, op.ID, func(node string) (bool, error) { return connCall.Call(ctx, c.api, node, op) })
}

// elsewhere calls ask with the nodes that may have a connection that is not on this node, until one has it. The id of a
// connection ends with the tag of its node, which more than one node may have.
func (c *Conns) elsewhere(ctx context.Context, id string, ask func(node string) (found bool, err error)) error {
	missing := Errorf(CodeNotFound, "no client with the id %q is connected", id)
	tag, ok := tagOf(id)
	if !ok || !c.api.Cluster.Shared() {
		return missing
	}
	nodes, err := c.api.Cluster.withTag(ctx, tag)
	if err != nil {
		return err
	}
	var failed error // of a node that may have the connection
	for _, node := range nodes {
		found, err := ask(node)
		switch {
		case found:
			return nil
		case errors.Is(err, backend.ErrNoNode): // it has gone, and its connections with it
		case err != nil:
			failed = err
		}
	}
	if failed != nil {
		return failed
	}
	return missing
}

// tagOf returns the tag of the node in the id of a connection, see newID.
func tagOf(id string) (tag uint32, ok bool) {
	if len(id) != 36 {
		return 0, false
	}
	var b [4]byte
	if _, err := hex.Decode(b[:], []byte(id[28:])); err != nil {
		return 0, false
	}
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), true
}
