package engine

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// closeTimeout is the time within which a client must complete the closing handshake of a WebSocket.
const closeTimeout = 500 * time.Millisecond

var (
	pingFrame = ws.TextFrame(pingPacket)
	probePong = []byte{typePong}
)

// socket is the WebSocket of a session, or the WebSocket of an upgrade that has begun.
type socket struct {
	conn       ws.Conn
	loop       connloop.Loop
	session    *Session
	probeTimer *time.Timer // closes conn after UpgradeTimeout; nil if no upgrade is in progress
	err        error       // the reason why reading ended
}

// openSocket opens a session over WebSocket and sends the open packet. registered is false if the handshake fails or the
// engine is stopping, so that it has registered no session. If the engine is stopping, openSocket closes the WebSocket.
func (e *Engine) openSocket(w http.ResponseWriter, r *http.Request, remote netip.AddrPort) (registered bool) {
	k := e.accept(w, r, remote.Addr())
	if k == nil {
		return false
	}
	s := e.newSession(r, remote, webSocket)
	if s == nil || !s.setSocket(k) {
		k.conn.Reject(ws.StopCode(), errStopping.Error())
		return s != nil
	}
	k.conn.Text(s.appendOpen(nil, ""), nil)
	e.startLoop(k)
	return true
}

// setSocket makes k the WebSocket of the new session s. It returns false if s is already closed.
func (s *Session) setSocket(k *socket) bool {
	k.session = s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == webSocket {
		s.socket.Store(k)
	}
	return s.state == webSocket
}

// accept performs the WebSocket handshake of the client with the address and returns the socket. If the handshake fails, accept answers the HTTP
// request with an error and returns nil.
func (e *Engine) accept(w http.ResponseWriter, r *http.Request, client netip.Addr) *socket {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		badRequest.send(w)
		return nil
	}
	k := new(socket)
	if err := k.conn.Upgrade(w, r, &e.socket, client, k.doesNotRead); err != nil {
		e.cfg.Log.Debug("a WebSocket was not opened", "to", r.RemoteAddr, "error", err.Error())
		return nil
	}
	k.loop.Init(e.pool, k, &k.conn.Out)
	return k
}

// startLoop runs the connection loop of k in a new goroutine, so that the HTTP handler returns and frees the memory of
// the request.
func (e *Engine) startLoop(k *socket) {
	k.conn.Out.Send()
	k.loop.Touch()
	e.pool.Go(k.loop.Run)
}

// doesNotRead closes the session of a client that does not read. The send queue calls doesNotRead with the reason err.
func (k *socket) doesNotRead(err error) {
	k.loop.Cancel()
	if s := k.session; s != nil && s.socket.Load() == k {
		s.closeWith(err, typeClose, 0)
	}
}

// Next implements connloop.Conn. It handles the next WebSocket message that has been read completely.
func (k *socket) Next() connloop.NextResult {
	m, ok, err := k.conn.Next()
	if err == nil && !ok {
		return connloop.Incomplete
	}
	if err == nil {
		err = k.handleMessage(m)
	}
	if err != nil {
		k.err = err
		return connloop.Ended
	}
	return connloop.Handled
}

// handleMessage handles a WebSocket message. A text message is a packet; a binary message is the data of a message
// packet. handleMessage returns an error if the WebSocket must be closed.
func (k *socket) handleMessage(m ws.Message) error {
	p, err := packet{kind: typeMessage, binary: true, data: m.Data}, error(nil)
	if !m.Binary {
		p, err = parsePacket(m.Data)
	}
	switch {
	case err != nil:
		return err
	case k.probeTimer != nil:
		return k.handleProbe(p)
	case p.kind != typeMessage:
		return k.session.control(p)
	}
	if req := k.session.client.Message(p.data, p.binary); req != nil {
		k.loop.Enqueue(req)
	}
	return nil
}

// Read implements connloop.Conn. It blocks until bytes come, and reads these bytes. Read also returns if the connection
// ends, or if the loop requests parking, which moves an unused connection to a new goroutine.
func (k *socket) Read() connloop.ReadResult {
	switch err := k.conn.Read(k.loop.ParkRequested); err {
	case nil:
		return connloop.More
	case ws.ErrPark:
		return connloop.Park
	default:
		k.err = err
		return connloop.EOF
	}
}

// Gone implements connloop.Conn.
func (k *socket) Gone() bool {
	err := k.conn.Gone()
	if err != nil && k.err == nil {
		k.err = err
	}
	return err != nil
}

// Leave implements connloop.Conn. It closes the session, unless the WebSocket belongs to an upgrade that is not complete.
// If the server stops, the session stays open until the running requests have replied.
func (k *socket) Leave() {
	if end := k.closeError(); end.ByClient || !ws.IsStop(end.Code) {
		k.closeSession()
	}
}

func (k *socket) closeSession() {
	switch closed := k.closeError(); {
	case k.probeTimer != nil:
		k.session.endProbe(k)
	case closed == ws.ErrBusy:
		k.session.socketClosed(ErrBusy)
	case closed.Code == ws.TryAgainLater && !closed.ByClient:
		k.session.socketClosed(sendqueue.ErrFull)
	default:
		k.session.socketClosed(closed)
	}
}

// Wake implements connloop.Conn. It interrupts a blocked Read.
func (k *socket) Wake() { k.conn.Wake() }

// DetachBuffer implements connloop.Conn. It replaces the read buffer by a new buffer, because running requests still
// use messages in the old buffer.
func (k *socket) DetachBuffer() { k.conn.DetachBuffer() }

// Finish implements connloop.Conn. It closes the session and the WebSocket. If the WebSocket belongs to an upgrade that
// is not complete, Finish ends the upgrade, and the session stays open.
func (k *socket) Finish() {
	if k.probeTimer != nil {
		k.probeTimer.Stop()
	}
	k.closeSession()
	k.conn.Finish(k.closeError())
}

// closeError returns the reason why reading ended, in the form in which a WebSocket client reads it.
func (k *socket) closeError() *ws.CloseError {
	if closed := new(ws.CloseError); errors.As(k.err, &closed) {
		return closed
	}
	return &ws.CloseError{Code: closeCode(k.err), Reason: k.err.Error()}
}

// Fault implements connloop.Conn. It logs the panic with the value p and closes the session and the WebSocket.
func (k *socket) Fault(p any) {
	k.session.engine.fault(p)
	k.session.closeWith(errFault, typeClose, 0)
	k.conn.Abort()
}

func (e *Engine) fault(p any) {
	buf := make([]byte, 8<<10)
	e.cfg.Log.Error("a fault of the server in a Socket.IO connection", "panic", fmt.Sprint(p), "stack", string(buf[:runtime.Stack(buf, false)]))
}

// closeCode returns the WebSocket close code for reason, the reason of a session's close.
func closeCode(reason error) int {
	switch {
	case errors.Is(reason, errLeft), errors.As(reason, new(orderlyClose)):
		return ws.Normal
	case errors.Is(reason, errStopping):
		return ws.StopCode()
	case errors.Is(reason, errFault):
		return ws.InternalError
	case errors.Is(reason, ErrBusy):
		return ws.TryAgainLater
	}
	return ws.PolicyError
}
