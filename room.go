package actionhero

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Rooms manages the chat rooms of all persistent transports. A room exists while it has members, so it needs no setup.
type Rooms struct {
	api    *API
	broker backend.Broker
	conns  sync.Map // id → *Conn, for the clients of this node

	mu    sync.RWMutex
	rooms map[string]*room
	peak  int // the largest number of rooms since the map was built
}

// RoomStatus lists the members of one room on all nodes of the cluster.
type RoomStatus struct {
	Members      []string `json:"members"` // public ids of the first Config.RoomStatusLimit members; nil for an empty room
	MembersCount int      `json:"membersCount"`
	// Details holds the details of the listed members (see [Conn.SetDetail]), as JSON objects by the ids of the
	// members. Details leaves out members without details and members that are connected to another node. Details is
	// nil unless Config.RoomDetails is on.
	Details map[string]json.RawMessage `json:"details,omitzero"`
}

// MarshalJSON encodes the status as the JSON object that clients expect. For an empty room, the value of "members" is
// null.
func (s RoomStatus) MarshalJSON() ([]byte, error) {
	dst := []byte(`{"members":null`)
	if s.Members != nil {
		var err error
		if dst, err = jsonx.Append([]byte(`{"members":`), s.Members); err != nil {
			return nil, err
		}
	}
	dst = strconv.AppendInt(append(dst, `,"membersCount":`...), int64(s.MembersCount), 10)
	if s.Details == nil {
		return append(dst, '}'), nil
	}
	dst, err := jsonx.Append(append(dst, `,"details":`...), s.Details)
	return append(dst, '}'), err
}

// Member is one client in a room, as returned by [Rooms.Members].
type Member struct {
	ID      string         // the public id of the client
	Details map[string]any // as returned by [Conn.Details]; nil if the client has none or is connected to another node
}

func newRooms(api *API, broker backend.Broker) *Rooms {
	r := &Rooms{api: api, broker: broker, rooms: map[string]*room{}}
	broker.Subscribe(r.deliver)
	return r
}

// Broadcast encodes message as JSON and sends it to every member of the room in the cluster. The members read the name
// of the server as the sender. If the room has no members, Broadcast returns nil.
func (r *Rooms) Broadcast(ctx context.Context, room string, message any) error {
	return r.publish(ctx, room, "", message)
}

// SendTo encodes message as JSON and sends it to the client of this node whose id is connID. The client reads an object
// of the same form as from [Rooms.Broadcast]. If no client of this node has the id, the error is [CodeNotFound]. SendTo
// does not call [RoomMiddleware.Deliver].
func (r *Rooms) SendTo(ctx context.Context, connID string, message any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	body, err := encode.Marshal(message)
	if err != nil {
		return fmt.Errorf("a message for connection %q does not encode as JSON: %w", connID, err)
	}
	c := r.conn(connID)
	if c == nil {
		return Errorf(CodeNotFound, "no client with the id %q is connected", connID)
	}
	if c.sender.Deliver(r.delivery(backend.Message{Body: body})) {
		c.sender.Flush()
	}
	return nil
}

// BroadcastNode sends notice to every persistent client of this node and returns the number of clients. Clients in no
// room receive the notice, too. notice must encode as a JSON object with at least one member. Clients read that object,
// plus the members that their transport adds to every message. BroadcastNode does not call [RoomMiddleware.Deliver].
//
// A client must not take the notice for a welcome, for an answer or for a message of a room. The notice is therefore
// refused if it has a member welcome, id, messageId or messageCount, or a context of "response", "user" or "rooms".
func (r *Rooms) BroadcastNode(ctx context.Context, notice any) (clients int, err error) {
	body, err := encode.Marshal(notice)
	if err != nil {
		return 0, fmt.Errorf("a notice does not encode as JSON: %w", err)
	}
	if len(body) < len(`{"":0}`) || body[0] != '{' {
		return 0, fmt.Errorf("a notice must be a JSON object with a member or more, not %.32s", body)
	}
	if err := checkNotice(body); err != nil {
		return 0, err
	}
	d := &RoomMessage{Body: body}
	d.forms.IsNotice = true
	for _, c := range r.conns.Range {
		if err := ctx.Err(); err != nil {
			return clients, err
		}
		clients++
		if to := c.(*Conn).sender; to.Deliver(d) {
			to.Flush()
		}
	}
	return clients, nil
}

// noticeKeys are the members by which clients recognize a welcome or an answer.
var noticeKeys = []string{"welcome", "id", "messageId", "messageCount"}

// noticeContexts are the values of context of the messages that are no notices.
var noticeContexts = []string{"response", "user", "rooms"}

// checkNotice returns an error if a client could take the JSON object body for another message than a notice.
func checkNotice(body []byte) error {
	var members map[string]json.RawMessage
	if err := jsonx.Unmarshal(body, &members); err != nil {
		return fmt.Errorf("a notice does not decode: %w", err)
	}
	for _, key := range noticeKeys {
		if _, ok := members[key]; ok {
			return fmt.Errorf("a notice must not have the member %q, because clients take it for a welcome or an answer: rename it", key)
		}
	}
	var kind any
	if raw, ok := members["context"]; ok && jsonx.Unmarshal(raw, &kind) == nil {
		if text, ok := kind.(string); ok && slices.Contains(noticeContexts, text) {
			return fmt.Errorf("a notice must not have the context %q, because clients take it for another message: use another one, or none", text)
		}
	}
	return nil
}

// Say sends text to the members of a room. from is the sending client, which does not receive the text. If room is "",
// Say uses the current room of from; if from has no current room, the error is [CodeConflict]. If from is not in the
// room, Say returns the error of [Rooms.MayEnter].
//
// For a client without a persistent connection, from is nil. Then room must not be "", and the members read [WebSender]
// as the sender. For a message of the server itself, call [Rooms.Broadcast].
func (r *Rooms) Say(ctx context.Context, from *Conn, room, text string) error {
	if room == "" && from != nil {
		if room = from.Room(); room == "" {
			return Errorf(CodeConflict, "you are in no room: enter one with roomChange")
		}
	} else if err := r.MayEnter(ctx, from, room); err != nil {
		return err
	}
	if limit := r.api.cfg.MaxMessageBytes; len(text) > limit {
		return Errorf(CodeInvalidInput, "message may have %d bytes at most", limit)
	}
	text, err := r.edit(ctx, from, room, text)
	if err != nil {
		return err
	}
	id := WebSender
	if from != nil {
		id = from.ID
	}
	return r.publish(ctx, room, id, text)
}

func (r *Rooms) publish(ctx context.Context, room, from string, message any) error {
	body, err := encode.Marshal(message)
	if err != nil {
		return fmt.Errorf("a message for room %q does not encode as JSON: %w", room, err)
	}
	return r.broker.Publish(ctx, backend.Message{Room: room, From: from, Body: body})
}

// Status returns the number of members of the room in the whole cluster, and the ids of the first
// Config.RoomStatusLimit members. Status asks no [RoomMiddleware]: to show the status to a client, call [Rooms.View].
func (r *Rooms) Status(ctx context.Context, room string) (RoomStatus, error) {
	ids, total, err := r.broker.Members(ctx, room, r.api.cfg.RoomStatusLimit)
	if len(ids) == 0 {
		return RoomStatus{MembersCount: total}, err
	}
	status := RoomStatus{Members: ids, MembersCount: total}
	if !r.api.cfg.RoomDetails {
		return status, err
	}
	for _, id := range ids {
		if details, ok := r.conn(id).appendDetails(nil); ok {
			if status.Details == nil {
				status.Details = map[string]json.RawMessage{}
			}
			status.Details[id] = details
		}
	}
	return status, err
}

// Members returns the first Config.RoomStatusLimit members of the room in the whole cluster. Only members that are
// connected to this node have their Details set. Members asks no [RoomMiddleware]: before showing the members to a
// client, call [Rooms.MayEnter].
func (r *Rooms) Members(ctx context.Context, room string) ([]Member, error) {
	ids, _, err := r.broker.Members(ctx, room, r.api.cfg.RoomStatusLimit)
	members := make([]Member, len(ids))
	for i, id := range ids {
		members[i] = Member{ID: id, Details: r.conn(id).Details()}
	}
	return members, err
}

// conn returns the client of this node with the public id, or nil if this node has no such client.
func (r *Rooms) conn(id string) *Conn {
	c, _ := r.conns.Load(id)
	conn, _ := c.(*Conn)
	return conn
}

// clients returns the number of persistent clients of this node.
func (r *Rooms) clients() (n int) {
	for range r.conns.Range {
		n++
	}
	return n
}

var targets = sync.Pool{New: func() any { return new([]*member) }}

// deliver queues a message for the room's members on this node. The broker calls deliver sequentially for the messages
// of one room, so that all members read these messages in one order. The returned function after writes the queues to
// the network; for many members, after uses all processors. The publisher of the message runs after, so no client can
// publish faster than the server can send.
func (r *Rooms) deliver(m backend.Message) (after func()) {
	r.mu.RLock()
	rm := r.rooms[m.Room]
	r.mu.RUnlock()
	if rm == nil {
		return nil
	}
	pooled := targets.Get().(*[]*member)
	rm.delivery.Lock()
	defer rm.delivery.Unlock()
	rm.mu.Lock()
	members := append((*pooled)[:0], rm.members...)
	rm.mu.Unlock()
	flush := r.queue(rm, m, members)
	return func() {
		flushAll(flush)
		clear(members)
		*pooled = members
		targets.Put(pooled)
	}
}

// queue queues a message for each of the members of rm, except the sending client and members for which a Deliver
// function returns false. queue returns the members whose send queues the caller must flush. The returned slice reuses
// the array of the argument members. The caller must hold rm.delivery.
func (r *Rooms) queue(rm *room, m backend.Message, members []*member) (flush []*member) {
	message, sender := forms{rooms: r, message: m, plain: r.delivery(m)}, r.conn(m.From)
	if hooks := r.api.registry.Load().rooms.deliver; len(hooks) > 0 {
		members = r.receivers(rm, hooks, &message, members)
	}
	flush = members[:0]
	for _, to := range members {
		if to.conn == sender && !sender.hearsItself {
			continue
		}
		if to.conn.sender.Deliver(message.of(to)) {
			flush = append(flush, to)
		}
	}
	return flush
}

// furtherDelivery returns the message for members whose current room is another room.
func (r *Rooms) furtherDelivery(m backend.Message) *RoomMessage {
	d := r.delivery(m)
	d.forms.NamesRoom = true
	return d
}

func (r *Rooms) delivery(m backend.Message) *RoomMessage {
	d := &RoomMessage{Room: m.Room, From: m.From, Body: m.Body}
	if d.From == "" {
		d.From = r.api.cfg.ServerName
	}
	return d
}

// flushTogether is the minimum number of send queues that flushAll writes in one goroutine. Writing one queue takes
// about 10 µs, so fewer queues are not worth a goroutine.
const flushTogether = 64

func flushAll(members []*member) {
	workers := min(runtime.GOMAXPROCS(0), len(members)/flushTogether)
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		part := members[i*len(members)/workers : (i+1)*len(members)/workers]
		wg.Go(func() { flushEach(part) })
	}
	flushEach(members[:len(members)/max(workers, 1)])
	wg.Wait()
}

func flushEach(members []*member) {
	for _, m := range members {
		m.conn.sender.Flush()
	}
}
