package socketio

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/transport"
)

// transportName is the name of this transport in requests and in the log.
const transportName = "socketio"

// client is the Socket.IO client of one Engine.IO session. The client is connected while it is in the default
// namespace. While the client is not connected, the field member is nil.
type client struct {
	*serving
	session *engine.Session
	ip      string
	places  bool // the client has asked for the positions of messages

	hello *actionhero.Handshake // of the request that opened the session; nil without connection middleware

	mu           sync.Mutex
	member       *member     // nil: the client is not connected
	hasLeft      bool        // the client was connected before
	connectTimer *time.Timer // closes the session after ConnectTimeout; nil while connected
	partialTimer *time.Timer // closes the session if the attachments of partial do not come in time; nil: never started
	closed       bool
	address      netip.Prefix     // of the client, for share
	share        bytebudget.Share // the text and the attachments of partial

	commands commandQueue
	partial  *partialPacket // the packet whose attachments are being received, or nil; used by Message only
}

// member is the connection of a client to the default namespace. If the client leaves the namespace and connects again,
// it gets another member.
type member struct {
	*client
	conn   *actionhero.Conn
	auth   []byte          // the payload of the connect packet; nil without connection middleware
	ctx    context.Context // of the requests; ends when the client leaves the namespace or the session ends
	cancel context.CancelCauseFunc

	accepted atomic.Bool // the app has accepted the client: events may run
	left     atomic.Bool // no answer is sent any more: the client could take it for the answer to a later request
}

// errClientGone is the cause with which the contexts of requests end.
var errClientGone = errors.New("the connection of the client has ended")

// The errors with which the server closes a session.
var (
	errConnectTimeout      = errors.New("the client has not connected to a namespace in time")
	errUnexpectedPacket    = errors.New("a packet that does not fit the state of the connection")
	errAttachmentOrder     = errors.New("an attachment without its packet, or another packet in place of an attachment")
	errAttachmentsTimeout  = errors.New("the attachments of a packet have not come in time")
	errAttachmentsTooLarge = errors.New("the attachments of a packet are too large")
)

func newClient(v *serving, s *engine.Session, places bool) *client {
	c := &client{serving: v, session: s, places: places, ip: s.Remote().Addr().Unmap().String()}
	c.address = netlisten.ClientKey(s.Remote().Addr())
	c.share.Init(v.api.IncomingBudget(), &c.address)
	c.startConnectTimer()
	return c
}

func (c *client) startConnectTimer() {
	c.connectTimer = time.AfterFunc(c.cfg.ConnectTimeout, func() { c.session.Refuse(errConnectTimeout) })
}

// Closed implements engine.Client. It disconnects the client from the namespace and stops the timers.
func (c *client) Closed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if m := c.member; m != nil && reason != "" {
		c.api.Closing(m.conn, reason)
	}
	c.share.Release()
	c.disconnect()
	for _, timer := range []*time.Timer{c.connectTimer, c.partialTimer} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// disconnect ends the client's connection to the namespace. It cancels the running requests, because no client reads their
// answers. A new goroutine removes the client from its rooms, because api.Disconnect and the connection middleware may
// block. The caller must hold c.mu.
func (c *client) disconnect() {
	if m := c.member; m != nil {
		c.member, c.hasLeft = nil, true
		m.left.Store(true)
		m.cancel(errClientGone)
		c.clients.Add(-1)
		c.leaving.Go(func() {
			c.api.Disconnect(m.conn)
			c.api.Disconnected(m.conn)
		})
	}
}

// connected returns the client's connection to the namespace, or nil if the client is not connected.
func (c *client) connected() *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.member
}

// Message implements engine.Client. If binary is false, data is a Socket.IO packet, which Message parses. If binary is
// true, data is an attachment of c.partial, the packet whose attachments are being received. Message returns the
// request to run, or nil if there is no request to run. A malformed or unexpected message closes the session.
func (c *client) Message(data []byte, binary bool) connloop.Request {
	if binary != (c.partial != nil) {
		c.session.Refuse(errAttachmentOrder)
		return nil
	}
	if binary {
		return c.addAttachment(data)
	}
	p, err := parsePacket(data)
	if err != nil {
		c.session.Refuse(err)
		return nil
	}
	if p.attachments > 0 {
		if !c.hold(len(data)) {
			return nil
		}
		c.partial = &partialPacket{text: slices.Clone(data), want: p.attachments}
		c.startPartialTimer()
		return nil
	}
	return c.handlePacket(p)
}

// partialPacket is a packet whose attachments have not all been received. It holds the text of the packet and the
// received attachments. All attachments must come within MessageTimeout, because the packet needs memory until then.
type partialPacket struct {
	text        []byte
	want        int
	attachments [][]byte
	size        int
}

// hold makes n the number of bytes of the partial packet. If they would exceed the budget, hold closes the session and
// returns false.
func (c *client) hold(n int) (ok bool) {
	c.mu.Lock()
	ok = c.closed || c.share.Hold(n)
	c.mu.Unlock()
	if !ok {
		c.session.Refuse(engine.ErrBusy)
	}
	return ok
}

func (c *client) startPartialTimer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.partialTimer = time.AfterFunc(c.cfg.MessageTimeout, func() { c.session.Refuse(errAttachmentsTimeout) })
	}
}

// stopPartialTimer returns false if the session is closed, or is being closed because the attachments came too late.
func (c *client) stopPartialTimer() (inTime bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && c.partialTimer.Stop()
}

// addAttachment adds a received attachment to the partial packet. If further attachments are missing, addAttachment
// returns nil. After the last attachment, addAttachment inserts all attachments into the packet, handles the packet and
// returns the request to run. If the attachments are larger than MaxHTTPBufferSize in total, addAttachment closes the
// session.
func (c *client) addAttachment(data []byte) connloop.Request {
	partial := c.partial
	if partial.size += len(data); partial.size > c.cfg.MaxHTTPBufferSize {
		c.session.Refuse(errAttachmentsTooLarge)
		return nil
	}
	if !c.hold(len(partial.text) + partial.size) {
		return nil
	}
	if partial.attachments = append(partial.attachments, slices.Clone(data)); len(partial.attachments) < partial.want {
		return nil
	}
	c.partial = nil
	defer c.hold(0)
	if !c.stopPartialTimer() {
		return nil
	}
	p, err := parsePacket(partial.text)
	if err == nil && p.kind == typeBinaryEvent {
		p.data, err = insertAttachments(p.data, partial.attachments)
	}
	if err != nil {
		return c.refuseEvent(p.id, err)
	}
	return c.handlePacket(p)
}

// handlePacket handles a packet whose attachments have all been received. It returns the request to run for the packet,
// or nil. If the packet does not fit the state of the connection, handlePacket closes the session.
func (c *client) handlePacket(p packet) connloop.Request {
	m := c.connected()
	switch {
	case p.kind == typeConnect && p.namespace != nil:
		return &connectError{c, p.namespace, errNamespaceUnknown}
	case p.kind == typeConnect && m == nil:
		return c.connect(p.data)
	case p.kind == typeConnect: // stock clients may send the connect packet twice
		return nil
	case p.kind == typeDisconnect && (p.namespace != nil || m == nil): // the client's connect was refused
		return nil
	case p.namespace != nil || m == nil, !m.accepted.Load() && p.kind != typeDisconnect:
		c.session.Refuse(errUnexpectedPacket)
		return nil
	case p.kind == typeDisconnect:
		c.leaveNamespace()
		return nil
	case p.kind == typeEvent || p.kind == typeBinaryEvent:
		c.requests.Add(1)
		return m.handleEvent(p)
	}
	return nil // an acknowledgement: the server never requests one
}

// connect connects the client to the namespace and returns the request that sends the reply. connect creates the
// actionhero.Conn at once, because the next packet of the client may already need the Conn. If the client comes back, that
// counts toward its allowance of requests, because the members of the room get messages about it. auth is the payload of
// the client's packet.
func (c *client) connect(auth []byte) connloop.Request {
	if c.hello == nil {
		auth = nil
	} else if len(auth) > 0 && jsonx.Valid(auth) != nil {
		c.session.Refuse(errPayload)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	if c.hasLeft { // opening the session has counted for the first one
		if _, limited := c.api.Admit(c.ip); limited != nil {
			return &connectError{c, nil, limited}
		}
	}
	if !c.connectTimer.Stop() {
		return nil
	}
	c.connectTimer = nil
	c.clients.Add(1)
	m := &member{client: c, conn: c.api.Connect(transportName, c.session.Remote(), c), auth: slices.Clone(auth)}
	m.accepted.Store(c.hello == nil)
	m.ctx, m.cancel = context.WithCancelCause(c.serving.ctx)
	c.member = m
	c.log().Debug("[connection @ "+transportName+"]", "to", c.ip, "id", m.conn.ID)
	return c.commands.add(command{member: m, run: (*command).completeConnect})
}

// accept asks the connection middleware whether the client may connect. If not, accept refuses the connect packet, and the
// client may send another one within ConnectTimeout.
func (m *member) accept() (ok bool) {
	if m.hello != nil {
		hello := *m.hello
		hello.Auth = m.auth
		m.auth = nil
		if refusal := m.api.Accept(m.ctx, m.conn, &hello); refusal != nil {
			m.refuse(refusal)
			return false
		}
		m.accepted.Store(true)
	}
	return !m.left.Load()
}

// refuse answers the connect packet of a client that the app has refused, unless the client has left.
func (m *member) refuse(refusal *actionhero.Error) {
	m.mu.Lock()
	waits := m.member == m
	if waits {
		m.api.Closing(m.conn, refusal.Message)
		m.disconnect()
		m.startConnectTimer()
	}
	m.mu.Unlock()
	if waits {
		m.session.Reply(appendConnectError(nil, nil, refusal))
	}
}

// leaveNamespace disconnects the client from the namespace, at the client's request. The session stays open: the client
// may connect to the namespace again within ConnectTimeout.
func (c *client) leaveNamespace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnect()
	if !c.closed {
		c.startConnectTimer()
	}
}

// wireKind is the type of the value that identifies the Socket.IO protocol in calls of [transport.Encoded]. Because of
// this value, all Socket.IO clients share one encoded copy of a room message. Clients that have asked for positions share
// another one.
type wireKind struct{ positions bool }

// Deliver implements transport.Sender. It queues a room message for the client. If flush is true, the caller must call
// Flush.
func (c *client) Deliver(d *actionhero.RoomMessage) (flush bool) {
	if c.places {
		return c.session.Queue(transport.Encoded(d, wireKind{positions: true}, encodePositioned))
	}
	return c.session.Queue(transport.Encoded(d, wireKind{}, encodePlain))
}

// FollowsPositions implements transport.PositionFollower.
func (c *client) FollowsPositions() bool { return c.places }

func encodePlain(d *actionhero.RoomMessage) []byte { return encodeMessage(d, wire.RoomMessage) }

func encodePositioned(d *actionhero.RoomMessage) []byte {
	return encodeMessage(d, wire.PositionedRoomMessage)
}

func encodeMessage(d *actionhero.RoomMessage, appendMessage func([]byte, *actionhero.RoomMessage) []byte) []byte {
	event := "say"
	if transport.IsNotice(d) {
		event = "api" // a notice has no envelope, but listeners for the event "say" expect one
	}
	text := appendMessage(appendEventHead(make([]byte, 0, 64+len(d.Body)+len(d.From)), event), d)
	return engine.Prepare(append(text, '}', ']'))
}

// Flush implements transport.Sender. It sends the queued messages without blocking.
func (c *client) Flush() { c.session.Flush() }

var disconnected = engine.Prepare([]byte{typeDisconnect})

// Close implements transport.Sender. It sends a disconnect packet and closes the session. After a disconnect packet,
// stock clients do not reconnect automatically. The packet has no field for the reason.
func (c *client) Close(reason string) {
	c.session.Queue(disconnected)
	c.session.Flush()
	c.session.Close(reason)
}

// CloseForLogin implements transport.LoginSender. Without a disconnect packet, stock clients connect again, and ask their
// function auth for new credentials.
func (c *client) CloseForLogin(reason string) { c.session.Close(reason) }

// handleEvent returns the request that runs the action or command of the event in the packet p and sends the reply. If
// the event is malformed or unknown, the request replies with an error.
func (m *member) handleEvent(p packet) connloop.Request {
	quoted, args, err := parseEvent(p.data)
	if err != nil {
		return m.refuseEvent(p.id, err)
	}
	name, plain := jsonx.Plain(quoted)
	switch {
	case string(name) == "action" && plain:
		return newCall(m, p.id, args)
	case !plain || !isKnownEvent(name):
		return m.refuseEvent(p.id, unknownEvent(quoted))
	}
	cmd := command{member: m, id: ackNumberOf(p.id), name: string(name), run: (*command).runCommand}
	if key := commandArguments[cmd.name]; key != "" {
		cmd.args, cmd.err = arguments(cmd.name, firstArgument(args), key)
	} else if quitEvents[cmd.name] {
		cmd.run = (*command).quit
	}
	return m.commands.add(cmd)
}

// refuseEvent returns the request that replies with err to an event, which also counts toward the client's allowance of
// requests.
func (c *client) refuseEvent(id []byte, err error) connloop.Request {
	if _, limited := c.api.Admit(c.ip); limited != nil {
		err = limited
	}
	return &errorReply{c, id, err}
}
