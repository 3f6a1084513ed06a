package actionhero

import (
	"context"
	"errors"
	"slices"
)

// RoomMiddleware decides which clients may enter a room, which may speak in it and which receive a message, on every
// transport. Each function is optional. The functions of several middlewares run in the order in which they were added;
// the first error or refusal is final.
//
// An error reaches the client like the error of an action: an [Error] with its text, any other as an internal error
// whose cause is logged. A panic is an internal error. Join and Say block only the client that asks. Their context ends
// after Config.ActionTimeout; if an action enters the room or speaks, [RequestFrom] returns its request.
type RoomMiddleware struct {
	// Join returns an error to keep a client out of a room. It is called for every way of entering a room, by the
	// client or by Go code, and for the default room of a new connection. It is not called for a room that the client
	// is in already. A client that is kept out of the default room stays connected, in no room.
	Join func(ctx context.Context, c *Conn, room string) error
	// Say returns the text that the room gets, usually the given text, or an error to refuse it. from is nil for a
	// client without a persistent connection, such as an HTTP client. It is not called for messages of the server
	// ([Rooms.Broadcast], [Rooms.SendTo], notices of members that enter or leave).
	Say func(ctx context.Context, from *Conn, room, text string) (string, error)
	// Deliver reports whether a member receives a message of a room. It is called for each message and each member on
	// the node of the member, notices of members that enter or leave included, but not for the sender. It holds up the
	// room: it must decide from memory, must not block, and must not call methods of [Rooms] that send messages or
	// change members. It must not modify m. If it panics, the member does not get the message.
	Deliver func(to *Conn, m *RoomMessage) bool
}

// roomHooks are the functions of all room middlewares, outermost first.
type roomHooks struct {
	join    []func(context.Context, *Conn, string) error
	say     []func(context.Context, *Conn, string, string) (string, error)
	deliver []func(*Conn, *RoomMessage) bool
}

func (h roomHooks) clone() roomHooks {
	return roomHooks{slices.Clone(h.join), slices.Clone(h.say), slices.Clone(h.deliver)}
}

func (h *roomHooks) add(m RoomMiddleware) {
	if m.Join != nil {
		h.join = append(h.join, m.Join)
	}
	if m.Say != nil {
		h.say = append(h.say, m.Say)
	}
	if m.Deliver != nil {
		h.deliver = append(h.deliver, m.Deliver)
	}
}

// UseRooms adds room middleware. Call it before [API.Start]. The first added is the outermost. A RoomMiddleware is also
// a [Part], for an app's lists.
func (api *API) UseRooms(middleware ...RoomMiddleware) {
	_ = api.change(func(r *registry) error {
		for _, m := range middleware {
			r.rooms.add(m)
		}
		return nil
	})
}

func (m RoomMiddleware) register(r *registry) error {
	if m.Join == nil && m.Say == nil && m.Deliver == nil {
		return errors.New("a RoomMiddleware has no function: set Join, Say or Deliver")
	}
	r.rooms.add(m)
	return nil
}

// runHooks runs hooks within the time limit of actions and turns a panic into an error.
func (api *API) runHooks(ctx context.Context, hooks func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	if limit := api.cfg.ActionTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return hooks(ctx)
}

// edit runs the Say hooks and returns the text that the room gets.
func (r *Rooms) edit(ctx context.Context, from *Conn, room, text string) (string, error) {
	hooks := r.api.registry.Load().rooms.say
	if len(hooks) == 0 {
		return text, nil
	}
	err := r.api.runHooks(ctx, func(ctx context.Context) (err error) {
		for _, say := range hooks {
			if text, err = say(ctx, from, room, text); err != nil {
				return err
			}
		}
		return nil
	})
	return text, err
}

// filter runs the Deliver hooks of one message. The zero value passes every member.
type filter struct {
	hooks []func(*Conn, *RoomMessage) bool
	fault *Error // the first panic: one log line per message is enough, even for thousands of members
}

func (f *filter) passes(to *Conn, d *RoomMessage) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = false
			if f.fault == nil {
				f.fault = panicked(p)
			}
		}
	}()
	for _, deliver := range f.hooks {
		if !deliver(to, d) {
			return false
		}
	}
	return true
}
