package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/transport"
)

// session is one connection. It implements connloop.Conn and transport.Sender.
type session struct {
	handler *Handler
	ctx     context.Context
	ws      ws.Conn
	loop    connloop.Loop
	ip      string
	conn    *actionhero.Conn
	end     error // the reason of the end, for ws.Conn.Finish; used by the loop only
}

// serve welcomes the client and runs the loop.
func (ss *session) serve(remote netip.AddrPort) {
	defer func() {
		if p := recover(); p != nil {
			ss.Fault(p)
		}
	}()
	ss.welcome(remote)
	ss.loop.Touch()
	ss.loop.Run()
}

// welcome sends the welcome and moves the client into the default room. It is a separate function so that its stack frame
// is gone while the connection waits: the runtime sets the size of new stacks by what waiting goroutines use.
func (ss *session) welcome(remote netip.AddrPort) {
	api := ss.handler.api
	cfg := api.Config()
	ss.conn = api.Connect("websocket", remote, ss)
	api.Log().Debug("[connection @ websocket]", "to", ss.ip, "id", ss.conn.ID)
	ss.reply(wire.Welcome(nil, cfg.WelcomeMessage, cfg.DefaultChatRoom), nil)
	if refusal, refused := wire.Enter(ss.ctx, nil, api.API, ss.conn); refused {
		ss.reply(refusal, nil)
	}
	ss.ws.Out.Send()
}

// Next implements connloop.Conn.
func (ss *session) Next() connloop.NextResult {
	m, ok, err := ss.ws.Next()
	switch {
	case err != nil:
		ss.end = err
		return connloop.Ended
	case !ok:
		return connloop.Incomplete
	case m.Binary:
		ss.end = &ws.CloseError{Code: ws.Unsupported, Reason: "a message must be text"}
		return connloop.Ended
	}
	return ss.message(m.Data)
}

// Read implements connloop.Conn.
func (ss *session) Read() connloop.ReadResult {
	switch err := ss.ws.Read(ss.loop.ParkRequested); err {
	case nil:
		return connloop.More
	case ws.ErrPark:
		return connloop.Park
	default:
		ss.end = err
		return connloop.EOF
	}
}

// Wake implements connloop.Conn.
func (ss *session) Wake() { ss.ws.Wake() }

// DetachBuffer implements connloop.Conn.
func (ss *session) DetachBuffer() { ss.ws.DetachBuffer() }

// Finish implements connloop.Conn.
func (ss *session) Finish() {
	var end *ws.CloseError
	if errors.As(ss.end, &end) && !end.ByClient && end.Code != ws.Normal && end.Code != ws.GoingAway {
		ss.logClosed(end.Reason)
	}
	ss.handler.api.Disconnect(ss.conn)
	ss.ws.Finish(ss.end)
	ss.handler.remove(ss)
}

// Fault implements connloop.Conn. A panic in this package ends the connection, not the process.
func (ss *session) Fault(p any) {
	ss.logPanic(p)
	ss.ws.CloseNow()
	if ss.conn != nil {
		ss.handler.api.Disconnect(ss.conn)
	}
	ss.handler.remove(ss)
}

func (ss *session) logPanic(p any) {
	ss.handler.api.Log().Error("a panic in a WebSocket connection", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

func (ss *session) logClosed(reason string) {
	ss.handler.api.Log().Info("a WebSocket client was closed", "to", ss.ip, "reason", reason)
}

// doesNotRead is the fail function of the send queue. The connection has been closed.
func (ss *session) doesNotRead(err error) {
	ss.loop.Cancel()
	ss.logClosed(err.Error())
}

// reply queues an object for this client. The object is open: it has no closing brace. id is the id of the request, nil
// if there is none.
func (ss *session) reply(object, id []byte) {
	if id == nil {
		ss.ws.Text(object, closingBrace)
		return
	}
	var tail [maxID + 8]byte
	ss.ws.Text(object, append(append(append(tail[:0], `,"id":`...), id...), '}'))
}

var closingBrace = []byte{'}'}

// wireKind identifies the two forms of this wire to transport.Encoded.
type wireKind struct{ deflated bool }

// Deliver implements transport.Sender.
func (ss *session) Deliver(m *actionhero.RoomMessage) (flush bool) {
	if ss.ws.Deflates() {
		return ss.ws.Out.Add(transport.Encoded(m, wireKind{true}, func(m *actionhero.RoomMessage) []byte { return ws.DeflatedTextFrame(encodeRoomMessage(m)) }))
	}
	return ss.ws.Out.Add(transport.Encoded(m, wireKind{false}, func(m *actionhero.RoomMessage) []byte { return ws.TextFrame(encodeRoomMessage(m)) }))
}

func encodeRoomMessage(m *actionhero.RoomMessage) []byte {
	return append(wire.RoomMessage(nil, m), '}')
}

// Flush implements transport.Sender.
func (ss *session) Flush() { ss.ws.Out.Flush() }

// Close implements transport.Sender.
func (ss *session) Close(reason string) {
	ss.logClosed(reason)
	ss.loop.Cancel()
	ss.ws.Close(ws.PolicyError, reason)
}
