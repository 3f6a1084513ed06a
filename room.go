package actionhero

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Rooms manages the chat rooms of all persistent transports. A room exists while it has members, so it needs no setup.
type Rooms struct {
	api    *API
	broker backend.Broker
	conns  *connTable
	users  userIndex
	asks   roomAsks

	mu    sync.RWMutex
	rooms map[string]*room
	peak  int // the largest number of rooms since the map was built
}

// RoomStatus lists the members of one room on all nodes of the cluster.
type RoomStatus struct {
	Members      []string `json:"members"` // public ids of the first Config.RoomStatusLimit members; nil for an empty room
	MembersCount int      `json:"membersCount"`
	// Details holds the details of the listed members (see [Conn.SetDetail]), as JSON objects by the ids of the
	// members. Details leaves out members without details. Details is nil
	// unless Config.RoomDetails is on.
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
	Node    string         // the id of the node to which the client is connected
	Details map[string]any // as returned by [Conn.Details]; nil if the client has none
}

func newRooms(api *API, broker backend.Broker) *Rooms {
	r := &Rooms{api: api, broker: broker, conns: newConnTable(), rooms: map[string]*room{}}
	limit := max(api.cfg.AnnounceLimit, 0)
	if api.cfg.AnnounceRate <= 0 {
		limit = 0
	}
	broker.Subscribe(backend.Subscriber{Deliver: r.deliver, Gap: r.gap, NewsLimit: limit})
	return r
}

// Broadcast encodes message as JSON and sends it to every member of the room in the cluster. The members read the name
// of the server as the sender. If the room has no members, Broadcast returns nil.
func (r *Rooms) Broadcast(ctx context.Context, room string, message any) error {
	return r.publish(ctx, room, "", message)
}

// SendTo encodes message as JSON and sends it to the client whose id is connID, on whichever node of the cluster it is.
// The client reads an object of the same form as from [Rooms.Broadcast]. If no client has the id, the error is
// [CodeNotFound]. If the client is on another node, the message has at most [backend.MaxCallBytes] bytes as JSON, and the
// errors of [Conns] can occur. SendTo does not call [RoomMiddleware.Deliver].
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
		return r.api.Conns.remote(ctx, connOp{ID: connID, Op: "send", Message: body})
	}
	r.sendLocal(c, body)
	return nil
}

// sendLocal sends the JSON value body to a client of this node. An empty body is null.
func (r *Rooms) sendLocal(c *Conn, body []byte) {
	if len(body) == 0 {
		body = []byte("null")
	}
	if c.sender.Deliver(r.delivery(backend.Message{Body: body}, false)) {
		c.sender.Flush()
	}
}

// BroadcastAll sends notice to every persistent client of every node of the cluster, as [Rooms.BroadcastNode] does for
// one node. It does not wait for the other nodes, and a node that is cut off misses the notice. In a cluster, the notice
// has at most [backend.MaxCallBytes] bytes as JSON.
func (r *Rooms) BroadcastAll(ctx context.Context, notice any) error {
	body, err := encodeNotice(notice)
	if err != nil {
		return err
	}
	if !r.api.Cluster.Shared() {
		_, err := r.sendNotice(ctx, body)
		return err
	}
	return noticeCall.Notify(ctx, r.api, noticeInput{body})
}

// BroadcastNode sends notice to every persistent client of this node and returns the number of clients. Clients in no
// room receive the notice, too. notice must encode as a JSON object with at least one member. Clients read that object,
// plus the members that their transport adds to every message. BroadcastNode does not call [RoomMiddleware.Deliver].
//
// A client must not take the notice for a welcome, for an answer or for a message of a room. The notice is therefore
// refused if it has a member welcome, id, messageId or messageCount, or a context of "response", "user", "rooms" or "gap".
func (r *Rooms) BroadcastNode(ctx context.Context, notice any) (clients int, err error) {
	body, err := encodeNotice(notice)
	if err != nil {
		return 0, err
	}
	return r.sendNotice(ctx, body)
}

// encodeNotice encodes a notice as a JSON object, or returns an error if it is not a notice.
func encodeNotice(notice any) ([]byte, error) {
	body, err := encode.Marshal(notice)
	if err != nil {
		return nil, fmt.Errorf("a notice does not encode as JSON: %w", err)
	}
	if len(body) < len(`{"":0}`) || body[0] != '{' {
		return nil, fmt.Errorf("a notice must be a JSON object with a member or more, not %.32s", body)
	}
	return body, checkNotice(body)
}

// sendNotice sends a notice, as a JSON object, to the clients of this node.
func (r *Rooms) sendNotice(ctx context.Context, body []byte) (clients int, err error) {
	d := &RoomMessage{Body: body}
	d.forms.IsNotice = true
	for c := range r.conns.all {
		if err := ctx.Err(); err != nil {
			return clients, err
		}
		clients++
		if to := c.sender; to.Deliver(d) {
			to.Flush()
		}
	}
	return clients, nil
}

// noticeKeys are the members by which clients recognize a welcome or an answer.
var noticeKeys = []string{"welcome", "id", "messageId", "messageCount"}

// noticeContexts are the values of context of the messages that are no notices.
var noticeContexts = []string{"response", "user", "rooms", "gap"}

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
	_, err = r.broker.Publish(ctx, backend.Message{Room: room, From: from, Body: body})
	return roomError(err)
}

// roomError converts an error of the broker into an error for clients.
func roomError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, backend.ErrUnavailable):
		return &Error{Code: CodeUnavailable, Message: "the other servers cannot be reached now: try again later", Err: err}
	case errors.Is(err, backend.ErrFull):
		return &Error{Code: CodeResourceExhausted, Message: "there is no room for more members", Err: err}
	}
	return err
}

// Status returns the number of members of the room in the whole cluster, and the ids of the first
// Config.RoomStatusLimit members. Status asks no [RoomMiddleware]: to show the status to a client, call [Rooms.View].
func (r *Rooms) Status(ctx context.Context, room string) (RoomStatus, error) {
	members, total, err := r.broker.Members(ctx, room, r.api.cfg.RoomStatusLimit)
	if err != nil || len(members) == 0 {
		return RoomStatus{MembersCount: total}, roomError(err)
	}
	status := RoomStatus{Members: make([]string, len(members)), MembersCount: total}
	for i := range members {
		id := members[i].ID
		status.Members[i] = id
		if !r.api.cfg.RoomDetails {
			continue
		}
		details := members[i].Details
		if c := r.conn(id); c != nil {
			details, _ = c.appendDetails(nil)
		}
		if len(details) > 0 {
			if status.Details == nil {
				status.Details = map[string]json.RawMessage{}
			}
			status.Details[id] = details
		}
	}
	return status, nil
}

// Members returns the first Config.RoomStatusLimit members of the room in the whole cluster. Members asks no [RoomMiddleware]: before showing the members to a
// client, call [Rooms.MayEnter].
func (r *Rooms) Members(ctx context.Context, room string) ([]Member, error) {
	list, _, err := r.broker.Members(ctx, room, r.api.cfg.RoomStatusLimit)
	members := make([]Member, len(list))
	for i := range list {
		members[i] = Member{ID: list[i].ID, Node: list[i].Node}
		if c := r.conn(list[i].ID); c != nil {
			members[i].Details = c.Details()
		} else if len(list[i].Details) > 0 {
			if err := jsonx.Unmarshal(list[i].Details, &members[i].Details); err != nil {
				return nil, fmt.Errorf("the details of member %q do not decode: %w", list[i].ID, err)
			}
		}
	}
	return members, roomError(err)
}

// conn returns the client of this node with the public id, or nil if this node has no such client.
func (r *Rooms) conn(id string) *Conn {
	return r.conns.load(id)
}

// clients returns the number of persistent clients of this node.
func (r *Rooms) clients() int { return r.conns.len() }

// targets holds the slices that one delivery needs.
type targets struct {
	places []place  // the members, as they are when the delivery begins
	flush  []sender // whose send queues the delivery must flush
}

var targetsPool = sync.Pool{New: func() any { return new(targets) }}

// noticeOf returns the message by which clients hear the news m, or false if the room has announced Config.AnnounceRate
// comings and goings within a second. The caller holds rm.delivery.
func (r *Rooms) noticeOf(rm *room, m backend.Message) (backend.Message, bool) {
	if !rm.notices.take(time.Now(), r.api.cfg.AnnounceRate) {
		return m, false
	}
	if m.Body = enteredBody; m.Kind == backend.Left {
		m.Body = leftBody
	}
	return m, true
}

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
	rm.delivery.Lock()
	defer rm.delivery.Unlock()
	if m.Kind != backend.Said {
		notice, ok := r.noticeOf(rm, m)
		if !ok {
			return nil
		}
		m = notice
	} else if m.At.Seq != 0 {
		rm.last = m.At
	}
	t := targetsPool.Get().(*targets)
	rm.mu.Lock()
	t.places = append(t.places[:0], rm.places...)
	positions := rm.followers > 0
	rm.mu.Unlock()
	r.queue(rm, m, t, positions)
	return func() {
		flushAll(t.flush)
		clear(t.places)
		clear(t.flush)
		targetsPool.Put(t)
	}
}

// queue queues a message for each of the members in t.places, except the sending client and members for which a Deliver
// function returns false. queue sets t.flush. positions says whether a member of rm follows positions. The caller must
// hold rm.delivery.
func (r *Rooms) queue(rm *room, m backend.Message, t *targets, positions bool) {
	message := forms{rooms: r, message: m, positions: positions, plain: r.delivery(m, positions)}
	sender := r.conn(m.From)
	if sender != nil && sender.hearsItself {
		sender = nil
	}
	places := t.places
	if hooks := r.api.registry.Load().rooms.deliver; len(hooks) > 0 {
		places = r.receivers(rm, hooks, &message, sender, places)
	}
	flush := t.flush[:0]
	for i := range places {
		to := &places[i]
		if to.conn != sender && !to.enteredAfter(m.At) && to.sender.Deliver(message.of(to)) {
			flush = append(flush, to.sender)
		}
	}
	t.flush = flush
}

// delivery returns the message in the form for members whose current room is the room. If positions is true, it has its
// position.
func (r *Rooms) delivery(m backend.Message, positions bool) *RoomMessage {
	d := &RoomMessage{Room: m.Room, From: m.From, Body: m.Body}
	if d.From == "" {
		d.From = r.api.cfg.ServerName
	}
	if positions && m.At.Seq != 0 {
		d.forms.KeepPosition(appendPosition(nil, m.At))
	}
	return d
}

// flushTogether is the minimum number of send queues that flushAll writes in one goroutine. Writing one queue takes
// about 10 µs, so fewer queues are not worth a goroutine.
const flushTogether = 64

func flushAll(queues []sender) {
	workers := min(runtime.GOMAXPROCS(0), len(queues)/flushTogether)
	var wg sync.WaitGroup
	for i := 1; i < workers; i++ {
		part := queues[i*len(queues)/workers : (i+1)*len(queues)/workers]
		wg.Go(func() { flushEach(part) })
	}
	flushEach(queues[:len(queues)/max(workers, 1)])
	wg.Wait()
}

func flushEach(queues []sender) {
	for _, q := range queues {
		q.Flush()
	}
}
