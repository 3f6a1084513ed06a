package goruntime

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
)

// RoomStatus says who is in a room.
type RoomStatus struct {
	Members      []string `json:"members"`
	MembersCount int      `json:"membersCount"`
}

// Say says something to the others in a room of this client. An empty room is the current one, which is the only
// one over TCP.
func (c *Conn) Say(ctx context.Context, room, message string) error {
	if err := c.onlyCurrent("say", room); err != nil {
		return err
	}
	_, err := c.command(ctx, &request{event: "say", room: room, message: message}, false)
	return err
}

// RoomChange makes a room the current one, also after a reconnect.
func (c *Conn) RoomChange(ctx context.Context, room string) error {
	_, err := c.command(ctx, &request{event: "roomChange", room: room}, false)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.room = room
	}
	return err
}

// RoomAdd listens to a further room, also after a reconnect.
func (c *Conn) RoomAdd(ctx context.Context, room string) error {
	_, err := c.command(ctx, &request{event: "roomAdd", room: room}, false)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.rooms[room] = true
	}
	return err
}

// RoomLeave leaves a further room.
func (c *Conn) RoomLeave(ctx context.Context, room string) error {
	_, err := c.command(ctx, &request{event: "roomLeave", room: room}, false)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.rooms, room)
	}
	return err
}

// RoomView returns who is in a room that the client may enter. An empty room is the current one, which is the only one over
// TCP.
func (c *Conn) RoomView(ctx context.Context, room string) (RoomStatus, error) {
	if err := c.onlyCurrent("roomView", room); err != nil {
		return RoomStatus{}, err
	}
	var view struct {
		RoomStatus RoomStatus `json:"roomStatus"`
	}
	text, err := c.command(ctx, &request{event: "roomView", room: room}, false)
	if err == nil {
		err = json.Unmarshal(text, &view)
	}
	return view.RoomStatus, err
}

// onlyCurrent returns an error for a named room over TCP, where these commands are about the current room.
func (c *Conn) onlyCurrent(command, room string) error {
	if room == "" || !c.isTCP() {
		return nil
	}
	return (&Spec{Name: command}).fail(CodeInvalidCall, "over TCP it is about the current room: call RoomChange first", nil)
}

// command sends a request that is no action.
func (c *Conn) command(ctx context.Context, r *request, now bool) ([]byte, error) {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	text, failure := c.exchange(ctx, &Spec{Name: r.event}, r, now)
	if failure != nil {
		return nil, failure
	}
	return text, nil
}

// rejoin enters the rooms again, and returns those that refuse.
func (c *Conn) rejoin(ctx context.Context) (refused []string, err error) {
	c.mu.Lock()
	current := c.room
	rooms := make([]string, 0, len(c.rooms))
	for room := range c.rooms {
		rooms = append(rooms, room)
	}
	c.mu.Unlock()
	enter := func(event, room string) error {
		_, err := c.command(ctx, &request{event: event, room: room}, true)
		switch CodeOf(err) {
		case "":
			return err
		case CodeNetwork, CodeTimeout, CodeAborted, CodeClosed, CodeProtocol:
			return err
		}
		refused = append(refused, room)
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(c.rooms, room); c.room == room {
			c.room = ""
		}
		return nil
	}
	if current != "" {
		err = enter("roomChange", current)
	}
	for _, room := range rooms {
		if err == nil {
			err = enter("roomAdd", room)
		}
	}
	return refused, err
}

// on calls a function with the values of an event. The result takes the function away again.
func (c *Conn) on(event string, call func(data json.RawMessage, m Message)) (stop func()) {
	h := &handler{call}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handlers[event] == nil {
		c.handlers[event] = map[*handler]bool{}
	}
	c.handlers[event][h] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.handlers[event], h)
	}
}

// onEvent is on with the type of the values. A value of another type is an error, which OnError reads: the app is another
// version of itself.
func onEvent[T any](c *Conn, event string, f func(T, Message)) (stop func()) {
	return c.on(event, func(data json.RawMessage, m Message) {
		var value T
		if err := json.Unmarshal(data, &value); err == nil {
			f(value, m)
		} else if c.o.OnError != nil {
			c.o.OnError(errors.Join(errors.New("the event "+event+" does not have the type of this client"), err))
		}
	})
}

// deliver calls the functions for a message.
func (c *Conn) deliver(m Message) {
	if c.o.OnMessage != nil {
		c.o.OnMessage(m)
	}
	var e struct {
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}
	if len(m.Text) == 0 || m.Text[0] != '{' || json.Unmarshal(m.Text, &e) != nil {
		return
	}
	c.mu.Lock()
	var found []*handler
	for h := range c.handlers[e.Event] {
		found = append(found, h)
	}
	c.mu.Unlock()
	for _, h := range found {
		h.call(e.Data, m)
	}
}

// maxInbox is the number of messages that may wait for the functions of the client.
const maxInbox = 10_000

// inbox calls functions one after the other, so that none holds up the reading of answers.
type inbox struct {
	heard atomic.Int64 // messages of the server
	mu    sync.Mutex
	list  []func()
	more  chan struct{} // has room for one
	done  chan struct{}
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1), done: make(chan struct{})} }

// add returns false if too many functions wait.
func (b *inbox) add(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) >= maxInbox {
		return false
	}
	b.list = append(b.list, f)
	select {
	case b.more <- struct{}{}:
	default:
	}
	return true
}

func (b *inbox) close() { close(b.done) }

// run calls the functions until the inbox is closed and empty.
func (b *inbox) run() {
	for {
		b.mu.Lock()
		list := b.list
		b.list = nil
		b.mu.Unlock()
		for _, f := range list {
			f()
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-b.more:
		case <-b.done:
			b.mu.Lock()
			last := b.list
			b.list = nil
			b.mu.Unlock()
			for _, f := range last {
				f()
			}
			return
		}
	}
}
