package actionhero

import (
	"context"
	"errors"
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// RoomMiddleware decides, on every transport, which clients may enter a room, which clients may speak in it and which
// members receive a message. Each function is optional. The functions of several room middlewares run in the order in
// which the middlewares were added; the first error or refusal is final.
//
// If Join or Say returns an [Error], the client reads the message of that Error. Any other error is logged and reaches
// the client as an internal error. A panic and an end of the goroutine with runtime.Goexit are internal errors, too. Only the client that enters or speaks waits for
// Join or Say. The context of Join and Say ends after Config.ActionTimeout. If an action enters the room or speaks,
// [RequestFrom] returns the action's request from that context, and [IdentityFrom] the identity of the caller; otherwise IdentityFrom
// returns the identity of the client.
type RoomMiddleware struct {
	// Join returns an error to keep the client c out of a room. Join is called before the client enters the room, speaks
	// in it or views its members, by a command, an action or Go code, and for the default room of a new connection. If
	// the client is in the room already, Join is not called. Join decides and must not change anything, because the
	// client need not enter the room afterwards. A client that is kept out of the default room stays connected, in no
	// room.
	//
	// c is never nil. For a client without a persistent connection, such as an HTTP client, c.ID is [WebSender], c has
	// no details and is in no room, and [RequestFrom] returns the request.
	Join func(ctx context.Context, c *Conn, room string) error
	// Say returns the text that the members of the room read, usually the given text, or an error to refuse the text.
	// If the client has no persistent connection, such as an HTTP client, from is nil. Say is not called for messages
	// of the server ([Rooms.Broadcast], [Rooms.SendTo], notices of members that enter or leave).
	Say func(ctx context.Context, from *Conn, room, text string) (string, error)
	// Deliver returns true if a member of a room receives the message m. The argument to is the connection of the
	// member. Deliver is called for each message and each member, on the node of the member, but not for the sender of
	// the message. Notices of members that enter or leave are messages, too. All messages of the room wait for Deliver:
	// it must decide from memory and must not block. Deliver must not modify m, and must not call [Conn.SetDetail] or methods
	// of [Rooms] that send messages or change members. If Deliver panics or ends its goroutine, the member does not get the message.
	Deliver func(to *Conn, m *RoomMessage) bool
}

// roomHooks holds the functions of all room middlewares, in the order in which the middlewares were added.
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

// UseRooms adds room middlewares to the API. Call UseRooms before [API.Start]. The functions of the middleware that was
// added first run first. A RoomMiddleware is also a [Part], so an app can list it with its other parts.
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

// edit passes text through the Say functions of all room middlewares. edit returns the text that the members of the
// room read, or the first error.
func (r *Rooms) edit(ctx context.Context, from *Conn, room, text string) (string, error) {
	hooks := r.api.registry.Load().rooms.say
	if len(hooks) == 0 {
		return text, nil
	}
	err := r.api.runHooks(from.of(ctx), func(ctx context.Context) (err error) {
		for _, say := range hooks {
			if text, err = say(ctx, from, room, text); err != nil {
				return err
			}
		}
		return nil
	})
	return text, err
}

// forms holds one message in the forms in which members receive it.
type forms struct {
	rooms          *Rooms
	message        backend.Message
	positions      bool         // a member follows the positions of messages
	plain, further *RoomMessage // further is for members whose current room is another room; nil until the first of them
}

func (f *forms) of(to *place) *RoomMessage {
	if !to.namesRoom {
		return f.plain
	}
	if f.further == nil {
		f.further = f.rooms.delivery(f.message, f.positions)
		f.further.forms.NamesRoom = true
	}
	return f.further
}

// filter calls the Deliver functions of all room middlewares for the messages of one room, one message after the other.
// Its functions and its channel exist once for all messages.
type filter struct {
	forms
	hooks  []func(*Conn, *RoomMessage) bool
	sender *Conn   // the client that sends the message, or nil; not asked about
	places []place // the members to ask about
	next   int     // index of the first member that was not asked about
	kept   []place // the receivers, at the front of the array of places
	fault  error   // the first one: one log line per message is enough, even for thousands of members

	start  func() // calls ask in a goroutine of its own
	result chan error
}

func newFilter() *filter {
	f := &filter{result: make(chan error, 1)}
	ask := f.ask
	f.start = func() { runHook(ask, f.result) }
	return f
}

// receivers removes the members for which a Deliver function returns false, and the client sender, from the slice
// places, and returns the rest of it. A Deliver function may end its goroutine, which would be the one of the backend.
// Therefore receivers calls the functions in a goroutine of its own, and in a further one after each that has ended. The
// caller must hold rm.delivery.
func (r *Rooms) receivers(rm *room, hooks []func(*Conn, *RoomMessage) bool, message *forms, sender *Conn, places []place) []place {
	if rm.filter == nil {
		rm.filter = newFilter()
	}
	f := rm.filter
	f.forms, f.hooks, f.sender, f.places, f.kept, f.next = *message, hooks, sender, places, places[:0], 0
	r.api.hooks.Add(1)
	for f.next < len(f.places) {
		go f.start()
		f.note(<-f.result)
	}
	r.api.hooks.Add(-1)
	if f.fault != nil {
		r.api.log.Error("a Deliver of a room middleware failed: members miss the message", "room", rm.name, "error", f.fault.Error())
	}
	kept := f.kept
	message.further = f.further
	*f = filter{start: f.start, result: f.result} // an idle room keeps no message
	return kept
}

// ask asks about the members from next on. It returns nil.
func (f *filter) ask() error {
	for f.next < len(f.places) {
		to := f.places[f.next]
		f.next++
		if to.conn != f.sender && f.passes(&to) {
			f.kept = append(f.kept, to)
		}
	}
	return nil
}

// note keeps the cause of the first fault.
func (f *filter) note(err error) {
	if failure := AsError(err); failure != nil && f.fault == nil {
		f.fault = failure.Err
	}
}

func (f *filter) passes(to *place) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = false
			f.note(panicked(p))
		}
	}()
	m := f.of(to)
	for _, deliver := range f.hooks {
		if !deliver(to.conn, m) {
			return false
		}
	}
	return true
}
