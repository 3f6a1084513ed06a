package actionhero

import (
	"context"
	"errors"
	"slices"
)

// RoomMiddleware decides who may enter rooms, who may speak in them and who gets what is said, on every transport
// alike. Each function is optional; those of several middlewares are asked in the order in which they were added, and
// the first that refuses has the last word. Without any, nothing is asked and nothing is paid.
//
// An error reaches the client as that of an action would: with the text of an [Error], otherwise as an internal error,
// whose cause is logged. So does a panic. Join and Say hold up nobody but the client that asks; their context ends after
// Config.ActionTimeout, and when an action is what enters or speaks, [RequestFrom] finds its request.
type RoomMiddleware struct {
	// Join returns an error to keep a client out of a room, as its current or as a further one; what server code asks
	// for counts like what the client asks for. It is not asked about rooms that the client is in already. The room that
	// clients are in at first is asked about as any other: who is kept out of that one is connected, but in no room.
	Join func(ctx context.Context, c *Conn, room string) error
	// Say returns the text that the room gets, which is mostly the one that it is given, or an error to refuse it. from
	// is nil for a client without a persistent connection, such as one that speaks over HTTP. It is not asked about
	// what the server says itself ([Rooms.Broadcast], [Rooms.SendTo], who comes and goes).
	Say func(ctx context.Context, from *Conn, room, text string) (string, error)
	// Deliver returns whether a member gets a message of a room. It is asked for each member and each message, news of
	// who comes and goes included, but not for the sender, and on the node that the member is connected to. It holds up
	// the room, so it must decide from memory: it must wait for nothing, and must not call methods of [Rooms] that say
	// something or change who is in a room. It must not modify d. If it panics, the member does not get the message.
	Deliver func(to *Conn, d *RoomMessage) bool
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

// UseRooms adds middleware of the rooms, for all that happens in them from then on: call it before [API.Start]. The
// first added is the outermost. A RoomMiddleware is a [Part] too, for an app's lists.
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

// guard runs hooks under the time limit of actions, and makes an error of a panic.
func (api *API) guard(ctx context.Context, hooks func(context.Context) error) (err error) {
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

// edit asks whether a client may say a text in a room, and returns what the room gets.
func (r *Rooms) edit(ctx context.Context, from *Conn, room, text string) (string, error) {
	hooks := r.api.registry.Load().rooms.say
	if len(hooks) == 0 {
		return text, nil
	}
	err := r.api.guard(ctx, func(ctx context.Context) (err error) {
		for _, say := range hooks {
			if text, err = say(ctx, from, room, text); err != nil {
				return err
			}
		}
		return nil
	})
	return text, err
}

// filter asks who gets one message. The zero value lets all have it.
type filter struct {
	hooks []func(*Conn, *RoomMessage) bool
	fault *Error // the first panic: one line in the log is enough for a message to thousands
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
