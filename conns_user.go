package actionhero

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// UserConns acts on all persistent connections of one user, on all nodes of the cluster. A connection belongs to the user
// whose id is the ID of its [Identity]. [Conns.User] returns a UserConns.
//
// Each method returns how many connections it has reached, which may be 0. The error is not nil if a node does not answer
// or cannot do it; the connections of the other nodes count. A connection that is opening has no messages and no rooms yet,
// and does not count. Close and SetIdentity take effect on it nevertheless, before it is let in. They also end each [Stream]
// of the user, so that its client opens it again and is identified again; streams do not count, either.
type UserConns struct {
	api  *API
	user string
}

// User returns the connections of the user with this id.
func (c *Conns) User(id string) UserConns { return UserConns{c.api, id} }

// Send encodes message as JSON and sends it to the connections of the user, as [Rooms.SendTo] does to one connection. In a
// cluster, the message has at most [backend.MaxCallBytes] bytes as JSON.
func (u UserConns) Send(ctx context.Context, message any) (conns int, err error) {
	body, err := encode.Marshal(message)
	if err != nil {
		return 0, fmt.Errorf("a message for user %q does not encode as JSON: %w", u.user, err)
	}
	return u.do(ctx, userOp{Op: "send", Message: body})
}

// Close closes the connections of the user, as [Conn.Close] does, for example after the user was locked out. It refuses
// those that are opening: store the lock first, so that no later one is let in. A [ConnMiddleware.Connect] that
// closes the connections of the user who is coming spares the one that it is called for.
// If the connection of the caller is one of them, ctx ends, but Close reaches all nodes.
func (u UserConns) Close(ctx context.Context, reason string) (conns int, err error) {
	return u.do(ctx, userOp{Op: "close", Reason: reason})
}

// Kick takes the connections of the user out of a room, as [Rooms.Kick] does, and returns how many were in it. The user may
// come back unless a [RoomMiddleware] refuses it.
func (u UserConns) Kick(ctx context.Context, room string) (conns int, err error) {
	if err := checkRoomName(room); err != nil {
		return 0, err
	}
	return u.do(ctx, userOp{Op: "kick", Room: room})
}

// SetIdentity changes from whom the connections of the user come, as [Conn.SetIdentity] does: after the roles of the user
// have changed, or with the zero Identity to log the user out. Store the new roles before, so that a later connection has them. A known identity without ExpiresAt keeps the end that the connection has, because its credential ends then.
func (u UserConns) SetIdentity(ctx context.Context, id Identity) (conns int, err error) {
	body, err := encode.Marshal(id)
	if err != nil {
		return 0, fmt.Errorf("the new identity of user %q does not encode as JSON: %w", u.user, err)
	}
	return u.do(ctx, userOp{Op: "identity", Identity: body})
}

// userOp is what each node does with its connections of a user.
type userOp struct {
	User     string          `json:"user"`
	Op       string          `json:"op"`
	Room     string          `json:"room"`
	Reason   string          `json:"reason"`
	Message  json.RawMessage `json:"message"`
	Identity json.RawMessage `json:"identity"`
	From     string          `json:"from,omitempty"` // the connection whose code has called
}

// userCall makes each node do a userOp. The answer is the number of the connections.
var userCall = NodeCall[userOp, int]{Name: internalCalls + "user"}

func (u UserConns) do(ctx context.Context, op userOp) (conns int, err error) {
	if u.user == "" {
		return 0, Errorf(CodeInvalidInput, "a user needs an id: anonymous connections belong to no user")
	}
	op.User, op.From = u.user, changerOf(ctx)
	if op.Op == "close" {
		ctx = context.WithoutCancel(ctx) // it ends with the connection of the caller, which may be one of them
	}
	if !u.api.Cluster.Shared() {
		return u.api.Conns.ofUser(ctx, &op)
	}
	answers, err := userCall.CallAll(ctx, u.api, op)
	if err != nil {
		return 0, err
	}
	for _, a := range answers {
		if conns += a.Out; a.Err != nil {
			err = errors.Join(err, fmt.Errorf("node %q: %w", a.Node, a.Err))
		}
	}
	return conns, err
}

// ofUser does op with the connections of this node.
func (c *Conns) ofUser(ctx context.Context, op *userOp) (conns int, err error) {
	var id Identity
	if op.Op == "identity" {
		if err := jsonx.Unmarshal(op.Identity, &id); err != nil {
			return 0, fmt.Errorf("the new identity does not decode: %w", err)
		}
	}
	for _, conn := range c.reached(op, id) {
		if !conn.belongsTo(op.User) {
			continue
		}
		conns++
		switch op.Op {
		case "send":
			c.api.Rooms.sendLocal(conn, op.Message)
		case "close":
			conn.Close(op.Reason)
		case "identity":
			if !conn.storeIdentity(func(now *Identity) (Identity, bool) { return id.until(now), now != nil && now.ID == op.User }) {
				conns--
				continue
			}
			err = errors.Join(err, conn.askAllRooms(ctx))
		case "kick":
			if !c.api.Rooms.expel(ctx, conn, op.Room) {
				conns--
			}
		default:
			return 0, Errorf(CodeInvalidInput, "this node cannot %.32q the connections of a user", op.Op)
		}
	}
	return conns, err
}

// reached returns the connections of the user. A change also reaches those that are opening or logging in as the user.
func (c *Conns) reached(op *userOp, id Identity) []*Conn {
	users, change := &c.api.Rooms.users, userChange{user: op.User, from: op.From}
	switch op.Op {
	case "close":
		change.close = &op.Reason
	case "identity":
		change.id = id
	default:
		return users.of(op.User)
	}
	conns := users.change(change)
	c.api.streams.endOf(op.User) // after the change is kept: a stream looks for it when it begins
	return conns
}

// belongsTo reports whether the connection is one of the user now.
func (c *Conn) belongsTo(user string) bool {
	id := c.identity.Load()
	return id != nil && id.ID == user
}
