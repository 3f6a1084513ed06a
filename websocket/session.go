package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/transport"
)

// session is the connection of one client. A session implements connloop.Conn and transport.Sender.
type session struct {
	handler *Handler
	ws      ws.Conn
	loop    connloop.Loop
	ip      string
	conn    *actionhero.Conn
	hello   *actionhero.Handshake // until the client is accepted; nil without connection middleware

	commands connloop.Serial // runs the commands of the client in the order of its messages

	end     error       // why the connection ends, for ws.Conn.Finish; used by the loop only
	left    atomic.Bool // the client is not counted any more
	follows bool        // the client has asked for notices of its rooms
	places  bool        // the client has asked for the positions of messages
	quit    *tag        // the id of the event "quit" that the client has sent; nil: none was sent
}

// serve sends the welcome message to the client and then runs the connection loop.
func (ss *session) serve(remote netip.AddrPort) {
	welcomed := false
	defer func() { // the loop handles its own panics
		if !welcomed {
			ss.Fault(recover())
		}
	}()
	accepted := ss.meet(remote)
	welcomed = true
	if !accepted {
		ss.Finish()
		return
	}
	ss.loop.Touch()
	ss.loop.Run()
}

// meet calls welcome. The connection middleware of the app may be slow, so its context ends if the client goes.
func (ss *session) meet(remote netip.AddrPort) (accepted bool) {
	if ss.hello == nil {
		return ss.welcome(ss.loop.PoolContext(), remote)
	}
	var gone error
	left := ss.loop.Attend(func() bool { gone = ss.ws.Gone(); return gone != nil }, func(ctx context.Context) { accepted = ss.welcome(ctx, remote) })
	if left && !accepted {
		ss.end = gone
	}
	return accepted
}

// welcome sends the welcome message and moves the client into the default room. It returns false if the client may not
// connect. welcome is a function of its own,
// because its stack frame must not remain on the stack while the connection waits. The reason: the Go runtime derives
// the size of new stacks from the stack use of waiting goroutines.
func (ss *session) welcome(ctx context.Context, remote netip.AddrPort) (accepted bool) {
	api := ss.handler.api
	text := api.Config().WelcomeMessage // not the whole Config, which the function welcome would keep
	ss.conn = api.Connect("websocket", remote, ss)
	hello := ss.hello
	ss.hello = nil // an idle connection keeps no header
	if refusal := api.Accept(ctx, ss.conn, hello); refusal != nil {
		if !ss.loop.Canceled() { // else the app has closed the client
			ss.end = refusedWith(refusal)
		}
		return false
	}
	api.Log().Debug("[connection @ websocket]", "to", ss.ip, "id", ss.conn.ID)
	welcome := func(room string) {
		buf := getBuffer()
		defer putBuffer(buf)
		*buf = wire.Welcome((*buf)[:0], text, room)
		ss.reply(*buf, tag{})
	}
	if refusal, failure := wire.Enter(ctx, nil, api, ss.conn, welcome); failure != nil {
		ss.answer(refusal, failure, tag{})
	}
	ss.ws.Out.Send()
	api.Connected(ctx, ss.conn)
	return true
}

// refusedWith returns the close frame for a client that the app has refused with err.
func refusedWith(err *actionhero.Error) *ws.CloseError {
	switch err.Code {
	case actionhero.CodeUnauthenticated:
		return &ws.CloseError{Code: ws.LoginRequired, Reason: err.Message}
	case actionhero.CodeUnavailable, actionhero.CodeResourceExhausted, actionhero.CodeDeadlineExceeded, actionhero.CodeCanceled, actionhero.CodeInternal:
		return &ws.CloseError{Code: ws.TryAgainLater, Reason: err.Message}
	}
	return &ws.CloseError{Code: ws.Dismissed, Reason: err.Message}
}

// Next implements connloop.Conn. It handles the next message that has been read completely.
func (ss *session) Next() connloop.NextResult {
	m, ok, err := ss.ws.Next()
	switch {
	case err != nil:
		ss.end = err
		ss.loop.Enqueue(leaving{ss}) // after the requests that the client sent before its close frame
		return connloop.Ended
	case !ok:
		return connloop.Incomplete
	case m.Binary:
		ss.end = &ws.CloseError{Code: ws.Unsupported, Reason: "a message must be text"}
		return connloop.Ended
	}
	return ss.message(m.Data)
}

// Read implements connloop.Conn. It blocks until more bytes have been read, the connection ends or the loop requests
// parking.
func (ss *session) Read() connloop.ReadResult {
	switch err := ss.ws.Read(ss.loop.ParkRequested); err {
	case nil:
		return connloop.More
	case ws.ErrPark:
		return connloop.Park
	default:
		ss.end = err
		ss.leave()
		return connloop.EOF
	}
}

// leave cancels the running requests after the connection has ended, because no client reads their answers. If the
// server stops, the requests finish.
func (ss *session) leave() {
	if end := ss.endReason(); end == nil || end.ByClient || !ws.IsStop(end.Code) {
		ss.loop.Cancel()
	}
}

// leaving is a request that calls session.leave.
type leaving struct{ session *session }

// Run implements connloop.Request.
func (l leaving) Run() (done bool) {
	l.session.leave()
	return true
}

func (ss *session) endReason() (end *ws.CloseError) {
	errors.As(ss.end, &end)
	return end
}

// Gone implements connloop.Conn.
func (ss *session) Gone() bool {
	err := ss.ws.Gone()
	if err != nil && ss.end == nil {
		ss.end = err
	}
	return err != nil
}

// Leave implements connloop.Conn. It takes the client out of all its rooms and off the status.
func (ss *session) Leave() {
	ss.uncount()
	ss.handler.api.Disconnect(ss.conn)
}

func (ss *session) uncount() {
	if !ss.left.Swap(true) {
		ss.handler.clients.Add(-1)
	}
}

// Wake implements connloop.Conn. It interrupts a blocked Read.
func (ss *session) Wake() { ss.ws.Wake() }

// DetachBuffer implements connloop.Conn. It replaces the read buffer, so that requests can keep using messages in the
// old buffer.
func (ss *session) DetachBuffer() { ss.ws.DetachBuffer() }

// Finish implements connloop.Conn. It removes the client from its rooms, answers the event "quit", sends the close frame
// and closes the connection. Finish logs the reason if the server ends the connection for another reason than the event
// "quit" or a stop of the server.
func (ss *session) Finish() {
	end := ss.endReason()
	if end != nil && !end.ByClient && end.Code != ws.Normal {
		ss.handler.api.Closing(ss.conn, end.Reason)
		if !ws.IsStop(end.Code) {
			ss.logClosed(end.Reason)
		}
	}
	ss.handler.api.Disconnect(ss.conn)
	if ss.quit != nil {
		ss.reply(wire.Status(nil, "Bye!"), *ss.quit)
	}
	ss.ws.Finish(ss.end)
	ss.handler.api.Disconnected(ss.conn)
	ss.handler.remove(ss)
}

// Fault implements connloop.Conn. It logs the panic with the value p and closes the connection, so a panic in package
// websocket does not end the process.
func (ss *session) Fault(p any) {
	ss.logPanic(p)
	ss.ws.Abort()
	if ss.conn != nil {
		ss.handler.api.Closing(ss.conn, "a fault of the server")
		ss.handler.api.Disconnect(ss.conn)
		ss.handler.api.Disconnected(ss.conn)
	}
	ss.handler.remove(ss)
}

func (ss *session) logPanic(p any) {
	ss.handler.api.Log().Error("a panic in a WebSocket connection", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

func (ss *session) logClosed(reason string) {
	ss.handler.api.Log().Info("a WebSocket client was closed", "to", ss.ip, "reason", reason)
}

// doesNotRead drops the requests that have not started and logs err. If a client does not read, ws.Conn closes the
// connection and calls doesNotRead.
func (ss *session) doesNotRead(err error) {
	ss.loop.Cancel()
	if ss.conn != nil {
		ss.handler.api.Closing(ss.conn, err.Error())
	}
	ss.logClosed(err.Error())
}

// reply queues a JSON object for the client. object has no closing brace; reply appends id, the id of the request, and the
// brace.
func (ss *session) reply(object []byte, id tag) {
	var tail [tagSize + 1]byte
	ss.ws.Text(object, append(id.append(tail[:0]), '}'))
}

// answer queues the answer to a request: object, a result of package wire, with the error failure of that result or nil.
// It returns the memory of object, which may have grown.
func (ss *session) answer(object []byte, failure *actionhero.Error, id tag) []byte {
	if failure == nil {
		ss.reply(object, id)
		return object
	}
	object = transport.AppendError(id.append(object), failure)
	ss.reply(object, tag{})
	return object
}

// fail queues the answer to a request that failed with err. id is the id of the request.
func (ss *session) fail(err error, id tag) {
	object, failure := wire.Failed(nil, err)
	ss.answer(object, failure, id)
}

// messageForm is an encoding of room messages. Clients with and without compression get different forms, and so do clients
// that have asked for positions. Its address identifies the form in calls of transport.Encoded.
type messageForm struct {
	encode func(*actionhero.RoomMessage) []byte
}

var (
	plainForm = &messageForm{func(m *actionhero.RoomMessage) []byte {
		return ws.TextFrame(append(wire.RoomMessage(nil, m), '}'))
	}}
	deflatedForm = &messageForm{func(m *actionhero.RoomMessage) []byte {
		return ws.DeflatedTextFrame(append(wire.RoomMessage(nil, m), '}'))
	}}
	positionedForm = &messageForm{func(m *actionhero.RoomMessage) []byte {
		return ws.TextFrame(append(wire.PositionedRoomMessage(nil, m), '}'))
	}}
	deflatedPositionedForm = &messageForm{func(m *actionhero.RoomMessage) []byte {
		return ws.DeflatedTextFrame(append(wire.PositionedRoomMessage(nil, m), '}'))
	}}
)

// Deliver implements transport.Sender. It queues a room message for the client. If flush is true, the caller must call
// Flush.
func (ss *session) Deliver(m *actionhero.RoomMessage) (flush bool) {
	form := plainForm
	switch deflates := ss.ws.Deflates(); {
	case deflates && ss.places:
		form = deflatedPositionedForm
	case deflates:
		form = deflatedForm
	case ss.places:
		form = positionedForm
	}
	return ss.ws.Out.AddShared(transport.Encoded(m, form, form.encode), nil)
}

// Flush implements transport.Sender. It writes the queued messages without blocking.
func (ss *session) Flush() { ss.ws.Out.Flush() }

// FollowsRooms implements transport.RoomFollower.
func (ss *session) FollowsRooms() bool { return ss.follows }

// FollowsPositions implements transport.PositionFollower.
func (ss *session) FollowsPositions() bool { return ss.places }

// Close implements transport.Sender. It logs the reason, drops the requests that have not started, and closes the
// connection with the reason and the close code 4403, which means that the client must not come back.
func (ss *session) Close(reason string) { ss.closeWith(ws.Dismissed, reason) }

// CloseForLogin implements transport.LoginSender. It is Close with the code 4401, which means that the client must log in
// before it comes back.
func (ss *session) CloseForLogin(reason string) { ss.closeWith(ws.LoginRequired, reason) }

func (ss *session) closeWith(code int, reason string) {
	ss.logClosed(reason)
	ss.loop.Cancel()
	ss.ws.Close(code, reason)
}
