package actionhero

import (
	"context"
	"net/netip"
)

// WebSender is the sender that the members of a room read in a message of a client without a persistent connection,
// such as an HTTP client that calls the action say.
const WebSender = "web"

// MayEnter returns nil if the client c may enter the room, and therefore may also speak in the room and see its
// members. If the client is in the room, MayEnter returns nil. Otherwise it returns the first error of a
// [RoomMiddleware.Join]. If the name of the room is wrong, the error is [CodeInvalidInput].
//
// If c is nil, MayEnter decides for a client without a persistent connection. The commands and the built-in actions of
// all transports ask MayEnter. An action that shows or changes a room for a client must ask it, too, unless the action
// calls Move, Join, Say or View, which ask.
func (r *Rooms) MayEnter(ctx context.Context, c *Conn, room string) error {
	if err := checkRoomName(room); err != nil {
		return err
	}
	if c != nil && c.member(room) != nil {
		return nil
	}
	return r.askToEnter(ctx, c, room)
}

// askToEnter asks the Join functions of the room middlewares, also about a client that is in the room.
func (r *Rooms) askToEnter(ctx context.Context, c *Conn, room string) error {
	hooks := r.api.registry.Load().rooms.join
	if len(hooks) == 0 {
		return nil
	}
	if c == nil {
		c = connectionless(ctx, r.api)
	}
	return r.api.runHooks(c.of(ctx), func(ctx context.Context) error {
		for _, join := range hooks {
			if err := join(ctx, c, room); err != nil {
				return err
			}
		}
		return nil
	})
}

// View returns the status of the room for the client c. c is nil for a client without a persistent connection. If the
// client may not enter the room, View returns the error of [Rooms.MayEnter].
func (r *Rooms) View(ctx context.Context, c *Conn, room string) (RoomStatus, error) {
	if err := r.MayEnter(ctx, c, room); err != nil {
		return RoomStatus{}, err
	}
	return r.Status(ctx, room)
}

// connectionless returns the Conn that stands for a client without a persistent connection in calls of
// [RoomMiddleware.Join]. It is never in a room, so a Join function cannot put it into one.
func connectionless(ctx context.Context, api *API) *Conn {
	c := &Conn{ID: WebSender, Transport: WebSender, api: api, sender: noSender{}, stage: gone}
	if req := RequestFrom(ctx); req != nil {
		c.Transport, c.ConnectedAt = req.Transport, req.Started
		if ip, err := netip.ParseAddr(req.RemoteIP); err == nil {
			c.Remote = netip.AddrPortFrom(ip, 0)
		}
		c.identity.Store(req.identityNow())
	}
	return c
}

// noSender is the sender of a client without a persistent connection.
type noSender struct{}

func (noSender) Deliver(*RoomMessage) bool { return false }
func (noSender) Flush()                    {}
func (noSender) Close(string)              {}
