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

// session is one connection.
type session struct {
	handler *Handler
	ctx     context.Context
	ws      ws.Conn
	loop    connloop.Loop
	ip      string
	conn    *actionhero.Conn
	end     error // how it ends; of the loop alone
}

// serve is the life of the connection, up to where its requests begin; the loop does the rest.
func (ss *session) serve(remote netip.AddrPort) {
	defer func() {
		if p := recover(); p != nil {
			ss.Fault(p)
		}
	}()
	ss.greet(remote)
	ss.loop.Touch()
	ss.loop.Run()
}

// greet is what a client gets before it asks for anything. It is a function of its own to leave the stack when it is
// done: how large the stacks of new goroutines are depends on what waiting ones use.
func (ss *session) greet(remote netip.AddrPort) {
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
		ss.log(end.Reason)
	}
	ss.handler.api.Disconnect(ss.conn)
	ss.ws.Finish(ss.end)
	ss.handler.forget(ss)
}

// Fault implements connloop.Conn: a fault in this package does not take the process along, only the connection.
func (ss *session) Fault(p any) {
	ss.fault(p)
	ss.ws.CloseNow()
	if ss.conn != nil {
		ss.handler.api.Disconnect(ss.conn)
	}
	ss.handler.forget(ss)
}

func (ss *session) fault(p any) {
	ss.handler.api.Log().Error("a fault of the server in a WebSocket connection", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

func (ss *session) log(reason string) {
	ss.handler.api.Log().Info("a WebSocket client was closed", "to", ss.ip, "reason", reason)
}

// doesNotRead is told that the client was given up.
func (ss *session) doesNotRead(err error) {
	ss.loop.Cancel()
	ss.log(err.Error())
}

// reply queues an answer, or anything else that this client alone gets. object is still open; id is the request's.
func (ss *session) reply(object, id []byte) {
	if id == nil {
		ss.ws.Text(object, closing)
		return
	}
	var tail [maxID + 8]byte
	ss.ws.Text(object, append(append(append(tail[:0], `,"id":`...), id...), '}'))
}

var closing = []byte{'}'}

// roomFrame identifies the two kinds of this wire to Delivery.Encoded.
type roomFrame struct{ deflated bool }

// Deliver implements transport.Sender.
func (ss *session) Deliver(d *actionhero.RoomMessage) bool {
	if ss.ws.Deflates() {
		return ss.ws.Out.Add(transport.Encoded(d, roomFrame{true}, func(d *actionhero.RoomMessage) []byte { return ws.DeflatedTextFrame(roomMessage(d)) }))
	}
	return ss.ws.Out.Add(transport.Encoded(d, roomFrame{false}, func(d *actionhero.RoomMessage) []byte { return ws.TextFrame(roomMessage(d)) }))
}

func roomMessage(d *actionhero.RoomMessage) []byte { return append(wire.RoomMessage(nil, d), '}') }

// Flush implements transport.Sender.
func (ss *session) Flush() { ss.ws.Out.Flush() }

// Close implements transport.Sender.
func (ss *session) Close(reason string) {
	ss.log(reason)
	ss.loop.Cancel()
	ss.ws.Close(ws.PolicyError, reason)
}
