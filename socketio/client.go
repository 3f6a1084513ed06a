package socketio

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/transport"
)

// transportName is the name of this transport, in requests and in the log.
const transportName = "socketio"

// client is the client of one session. It is connected while it is connected to the default namespace.
type client struct {
	*serving
	session *engine.Session
	ip      string

	mu           sync.Mutex
	conn         *actionhero.Conn // nil: not connected
	connectTimer *time.Timer      // closes the session after ConnectTimeout; nil while connected
	closed       bool

	commands commandQueue
	partial  *partialPacket // the packet whose attachments are being received, or nil; used by Message only
}

// The reasons for closing a session.
var (
	errConnectTimeout      = errors.New("the client has not connected to a namespace in time")
	errUnexpectedPacket    = errors.New("a packet that does not fit the state of the connection")
	errAttachmentOrder     = errors.New("an attachment without its packet, or another packet in place of an attachment")
	errAttachmentsTooLarge = errors.New("the attachments of a packet are too large")
)

func newClient(v *serving, s *engine.Session) *client {
	c := &client{serving: v, session: s, ip: s.Remote().Addr().Unmap().String()}
	c.startConnectTimer()
	return c
}

func (c *client) startConnectTimer() {
	c.connectTimer = time.AfterFunc(c.cfg.ConnectTimeout, func() { c.session.Refuse(errConnectTimeout) })
}

// Closed implements engine.Client.
func (c *client) Closed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.disconnect()
	if c.connectTimer != nil {
		c.connectTimer.Stop()
	}
}

// disconnect ends the connection to the namespace. A new goroutine removes the client from its rooms, because that may
// block. The caller must hold the lock.
func (c *client) disconnect() {
	if conn := c.conn; conn != nil {
		c.conn = nil
		c.clients.Add(-1)
		c.leaving.Go(func() { c.api.Disconnect(conn) })
	}
}

// connected returns the Conn of the client, or nil if it is not connected.
func (c *client) connected() *actionhero.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// Message implements engine.Client.
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
		c.partial = &partialPacket{text: slices.Clone(data), want: p.attachments}
		return nil
	}
	return c.handlePacket(p)
}

// partialPacket is a packet and those of its attachments that have been received.
type partialPacket struct {
	text        []byte
	want        int
	attachments [][]byte
	size        int
}

// addAttachment adds an attachment to the partial packet. After the last one it handles the packet.
func (c *client) addAttachment(data []byte) connloop.Request {
	partial := c.partial
	if partial.size += len(data); partial.size > c.cfg.MaxHTTPBufferSize {
		c.session.Refuse(errAttachmentsTooLarge)
		return nil
	}
	if partial.attachments = append(partial.attachments, slices.Clone(data)); len(partial.attachments) < partial.want {
		return nil
	}
	c.partial = nil
	p, err := parsePacket(partial.text)
	if err == nil && p.kind == typeBinaryEvent {
		p.data, err = insertAttachments(p.data, partial.attachments)
	}
	if err != nil {
		return &errorReply{c, p.id, err}
	}
	return c.handlePacket(p)
}

// handlePacket handles a packet that has been received with all its attachments.
func (c *client) handlePacket(p packet) connloop.Request {
	conn := c.connected()
	switch {
	case p.kind == typeConnect && p.namespace != nil:
		return &connectError{c, p.namespace}
	case p.kind == typeConnect && conn == nil:
		return c.connect()
	case p.kind == typeConnect: // stock clients may ask twice
		return nil
	case p.kind == typeDisconnect && (p.namespace != nil || conn == nil): // its connect was refused
		return nil
	case p.namespace != nil || conn == nil:
		c.session.Refuse(errUnexpectedPacket)
		return nil
	case p.kind == typeDisconnect:
		c.leaveNamespace()
		return nil
	case p.kind == typeEvent || p.kind == typeBinaryEvent:
		c.requests.Add(1)
		return c.handleEvent(conn, p)
	}
	return nil // an acknowledgement: the server never requests one
}

// connect connects the client to the namespace. It creates the Conn now, because the next packet may already need it.
func (c *client) connect() connloop.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.connectTimer.Stop() {
		return nil
	}
	c.connectTimer = nil
	c.clients.Add(1)
	c.conn = c.api.Connect(transportName, c.session.Remote(), c)
	c.log().Debug("[connection @ "+transportName+"]", "to", c.ip, "id", c.conn.ID)
	return c.commands.add(command{client: c, conn: c.conn, run: (*command).completeConnect})
}

// leaveNamespace disconnects the client at its request. The session stays open: the client may connect again within
// ConnectTimeout.
func (c *client) leaveNamespace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnect()
	if !c.closed {
		c.startConnectTimer()
	}
}

// wireKind is the key of this transport's encoding of room messages; see [transport.Encoded].
type wireKind struct{}

// Deliver implements transport.Sender.
func (c *client) Deliver(d *actionhero.RoomMessage) (flush bool) {
	return c.session.Queue(transport.Encoded(d, wireKind{}, encodeMessage))
}

func encodeMessage(d *actionhero.RoomMessage) []byte {
	event := "say"
	if transport.IsNotice(d) {
		event = "api" // a notice has no envelope, which listeners of say expect
	}
	text := wire.RoomMessage(appendEventHead(make([]byte, 0, 64+len(d.Body)+len(d.From)), event), d)
	return engine.Prepare(append(text, '}', ']'))
}

// Flush implements transport.Sender.
func (c *client) Flush() { c.session.Flush() }

var disconnected = engine.Prepare([]byte{typeDisconnect})

// Close implements transport.Sender. It sends a disconnect packet, after which stock clients do not reconnect
// automatically. The packet has no field for the reason.
func (c *client) Close(reason string) {
	c.session.Queue(disconnected)
	c.session.Flush()
	c.session.Close(reason)
}

// handleEvent returns the request for an event.
func (c *client) handleEvent(conn *actionhero.Conn, p packet) connloop.Request {
	quoted, args, err := parseEvent(p.data)
	if err != nil {
		return &errorReply{c, p.id, err}
	}
	name, plain := jsonx.Plain(quoted)
	switch {
	case string(name) == "action" && plain:
		return newCall(c, conn, p.id, args)
	case !plain || !isKnownEvent(name):
		return &errorReply{c, p.id, unknownEvent(quoted)}
	}
	cmd := command{client: c, conn: conn, id: p.id, name: string(name), run: (*command).runCommand}
	if key := commandArguments[cmd.name]; key != "" {
		cmd.arg, cmd.err = argument(firstArgument(args), key)
	} else if quitEvents[cmd.name] {
		cmd.run = (*command).quit
	}
	return c.commands.add(cmd)
}
