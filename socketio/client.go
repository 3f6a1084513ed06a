package socketio

import (
	"errors"
	"slices"
	"strings"
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

// client is one session, from when it is opened; it is connected only after it has connected to the namespace.
type client struct {
	*serving
	session *engine.Session
	ip      string

	mu       sync.Mutex
	conn     *actionhero.Conn // nil: not connected
	deadline *time.Timer      // until it must be connected; nil while it is
	closed   bool

	verbs verbs
	parts *parts // of a packet whose attachments are still to come; of the reader alone
}

// What a client does wrong and is closed for.
var (
	errLate     = errors.New("the client has not connected to a namespace in time")
	errState    = errors.New("a packet that does not fit the state of the connection")
	errExpected = errors.New("an attachment without its packet, or another packet in place of an attachment")
	errBinary   = errors.New("the attachments of a packet are too large")
)

func newClient(v *serving, s *engine.Session) *client {
	c := &client{serving: v, session: s, ip: s.Remote().Addr().Unmap().String()}
	c.expectConnect()
	return c
}

// expectConnect sets the time within which the client must connect.
func (c *client) expectConnect() {
	c.deadline = time.AfterFunc(c.cfg.ConnectTimeout, func() { c.session.Refuse(errLate) })
}

// Closed implements engine.Client.
func (c *client) Closed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.disconnect()
	if c.deadline != nil {
		c.deadline.Stop()
	}
}

// disconnect takes the client out of its rooms, which may take a while; the lock is held.
func (c *client) disconnect() {
	if conn := c.conn; conn != nil {
		c.conn = nil
		c.clients.Add(-1)
		c.leaving.Go(func() { c.api.Disconnect(conn) })
	}
}

// connected returns the Conn of the client, nil if it is not connected.
func (c *client) connected() *actionhero.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// Message implements engine.Client.
func (c *client) Message(data []byte, binary bool) connloop.Request {
	if binary != (c.parts != nil) {
		c.session.Refuse(errExpected)
		return nil
	}
	if binary {
		return c.attachment(data)
	}
	p, err := parsePacket(data)
	if err != nil {
		c.session.Refuse(err)
		return nil
	}
	if p.attachments > 0 {
		c.parts = &parts{text: slices.Clone(data), want: p.attachments}
		return nil
	}
	return c.packet(p)
}

// parts are a packet that came, and those of its attachments that did.
type parts struct {
	text        []byte
	want        int
	attachments [][]byte
	size        int
}

// attachment takes an attachment, and after the last one the packet that has it.
func (c *client) attachment(data []byte) connloop.Request {
	parts := c.parts
	if parts.size += len(data); parts.size > c.cfg.MaxHTTPBufferSize {
		c.session.Refuse(errBinary)
		return nil
	}
	if parts.attachments = append(parts.attachments, slices.Clone(data)); len(parts.attachments) < parts.want {
		return nil
	}
	c.parts = nil
	p, err := parsePacket(parts.text)
	if err == nil && p.kind == typeBinaryEvent {
		p.data, err = attach(p.data, parts.attachments)
	}
	if err != nil {
		return &refusal{c, p.id, err}
	}
	return c.packet(p)
}

// packet handles a packet that has come whole.
func (c *client) packet(p packet) connloop.Request {
	conn := c.connected()
	switch {
	case p.kind == typeConnect && p.namespace != nil:
		return &unknownNamespace{c, p.namespace}
	case p.kind == typeConnect && conn == nil:
		return c.connect()
	case p.kind == typeConnect: // stock clients may ask twice
		return nil
	case p.kind == typeDisconnect && (p.namespace != nil || conn == nil): // it was refused
		return nil
	case p.namespace != nil || conn == nil:
		c.session.Refuse(errState)
		return nil
	case p.kind == typeDisconnect:
		c.left()
		return nil
	case p.kind == typeEvent || p.kind == typeBinaryEvent:
		c.requests.Add(1)
		return c.event(conn, p)
	}
	return nil // an acknowledgement, which nobody has asked for
}

// connect makes the client a connected one. Its Conn is there at once, so that requests which follow have it.
func (c *client) connect() connloop.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.deadline.Stop() {
		return nil
	}
	c.deadline = nil
	c.clients.Add(1)
	c.conn = c.api.Connect(transportName, c.session.Remote(), c)
	c.log().Debug("[connection @ "+transportName+"]", "to", c.ip, "id", c.conn.ID)
	return c.verbs.add(verb{client: c, conn: c.conn, run: (*verb).enter})
}

// left is the end of the connection to the namespace, by the client. The session goes on: the client may connect again.
func (c *client) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnect()
	if !c.closed {
		c.expectConnect()
	}
}

// wireKind is the form in which this transport sends messages of rooms.
type wireKind struct{}

// Deliver implements transport.Sender.
func (c *client) Deliver(d *actionhero.RoomMessage) (flush bool) {
	return c.session.Queue(transport.Encoded(d, wireKind{}, encodeMessage))
}

func encodeMessage(d *actionhero.RoomMessage) []byte {
	event := "say"
	if transport.IsNotice(d) {
		event = "api" // listeners of say expect what somebody said
	}
	text := wire.RoomMessage(appendEventHead(make([]byte, 0, 64+len(d.Body)+len(d.From)), event), d)
	return engine.Prepare(append(text, '}', ']'))
}

// Flush implements transport.Sender.
func (c *client) Flush() { c.session.Flush() }

var disconnected = engine.Prepare([]byte{typeDisconnect})

// Close implements transport.Sender. The client is told that the server wants it to go, so that it does not come back by
// itself; the protocol has no room for the reason.
func (c *client) Close(reason string) {
	c.session.Queue(disconnected)
	c.session.Flush()
	c.session.Close(reason)
}

// event makes a request of an event.
func (c *client) event(conn *actionhero.Conn, p packet) connloop.Request {
	quoted, args, err := parseEvent(p.data)
	if err != nil {
		return &refusal{c, p.id, err}
	}
	name, plain := jsonx.Plain(quoted)
	switch {
	case string(name) == "action" && plain:
		return newCall(c, conn, p.id, args)
	case !plain || !known(name):
		return &refusal{c, p.id, unknownEvent(quoted)}
	}
	v := verb{client: c, conn: conn, id: p.id, name: string(name), run: (*verb).answer}
	if key := verbArguments[v.name]; key != "" {
		v.arg, v.err = argument(firstArgument(args), key)
	} else if goodbyes[v.name] {
		v.run = (*verb).quit
	}
	return c.verbs.add(v)
}

// verbArguments are the verbs that want an argument, and the member of the event's object that it is.
var verbArguments = map[string]string{"say": "message", "roomChange": "room", "roomAdd": "room", "roomLeave": "room"}

var goodbyes = map[string]bool{"quit": true, "exit": true, "close": true}

// known reports whether there is an event of that name besides action.
func known(name []byte) bool {
	return goodbyes[string(name)] || slices.Contains(verbNames, string(name))
}

var verbNames = wire.Commands()

func unknownEvent(quoted []byte) error {
	name, err := jsonx.Unquote(quoted)
	if err != nil {
		return errEventName
	}
	return actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a known event: use action, %s or quit", name, strings.Join(verbNames, ", "))
}

// argument returns the member of the object that is the argument of an event. Text in place of the object is taken for
// the member; a name of a room may be missing, because the core says what it must be.
func argument(arg []byte, key string) (text string, err error) {
	found := key == "room"
	switch {
	case len(arg) > 0 && arg[0] == '"':
		return jsonx.Unquote(arg)
	case len(arg) > 0 && arg[0] == '{':
		err = jsonx.Members(arg, func(name string, raw []byte) error {
			if name != key {
				return nil
			}
			if raw[0] != '"' {
				return actionhero.Errorf(actionhero.CodeInvalidInput, "%s must be a string", key)
			}
			found = true
			text, err = jsonx.Unquote(raw)
			return err
		})
	case arg != nil && string(arg) != "null":
		if err = jsonx.Valid(arg); err == nil {
			err = actionhero.Errorf(actionhero.CodeInvalidInput, "the argument of an event must be an object")
		}
	}
	if err == nil && !found {
		err = actionhero.Errorf(actionhero.CodeInvalidInput, "%s is a required key of say", key)
	}
	return text, err
}
