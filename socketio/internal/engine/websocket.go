package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// closeTime is for how long a client can take part in closing its WebSocket.
const closeTime = 500 * time.Millisecond

var (
	pingFrame = ws.TextFrame(pingPacket)
	probePong = []byte{typePong}
)

// socket is a WebSocket: that of a session, or one that asks to be.
type socket struct {
	conn    ws.Conn
	loop    connloop.Loop
	session *Session
	probing *time.Timer // nil: it is the session's own; else what ends it if it does not become that in time
	err     error       // how reading ended
}

// openSocket opens a session.
func (e *Engine) openSocket(w http.ResponseWriter, r *http.Request) {
	k := e.accept(w, r)
	if k == nil {
		return
	}
	s := e.newSession(r, socketed)
	if s == nil || !s.attach(k) {
		k.conn.Close(ws.GoingAway, errStopping.Error())
		return
	}
	k.conn.Text(s.appendOpen(nil, ""), nil)
	e.startLoop(k)
}

// attach gives a new session its socket, unless it is over already.
func (s *Session) attach(k *socket) bool {
	k.session = s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == socketed {
		s.socket.Store(k)
	}
	return s.state == socketed
}

// accept does the handshake of a WebSocket; if it fails, the request is answered.
func (e *Engine) accept(w http.ResponseWriter, r *http.Request) *socket {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		badRequest.send(w)
		return nil
	}
	k := new(socket)
	if err := k.conn.Upgrade(w, r, &e.socket, k.doesNotRead); err != nil {
		e.cfg.Log.Debug("a WebSocket was not opened", "to", r.RemoteAddr, "error", err.Error())
		return nil
	}
	k.loop.Init(e.pool, k, &k.conn.Out)
	return k
}

// startLoop has a socket read by a goroutine of its own, so that the request that brought it can end.
func (e *Engine) startLoop(k *socket) {
	k.conn.Out.Send()
	k.loop.Touch()
	e.pool.Go(k.loop.Run)
}

// doesNotRead is called by the send queue.
func (k *socket) doesNotRead(err error) {
	k.loop.Cancel()
	if s := k.session; s != nil && s.socket.Load() == k {
		s.end(err, typeClose, 0)
	}
}

// Next implements connloop.Conn.
func (k *socket) Next() connloop.NextResult {
	m, ok, err := k.conn.Next()
	if err == nil && !ok {
		return connloop.Incomplete
	}
	if err == nil {
		err = k.message(m)
	}
	if err != nil {
		k.err = err
		return connloop.Ended
	}
	return connloop.Handled
}

// message handles a message: a packet, or the data of a binary one.
func (k *socket) message(m ws.Message) error {
	p, err := packet{kind: typeMessage, binary: true, data: m.Data}, error(nil)
	if !m.Binary {
		p, err = parsePacket(m.Data)
	}
	switch {
	case err != nil:
		return err
	case k.probing != nil:
		return k.probe(p)
	case p.kind != typeMessage:
		return k.session.control(p)
	}
	if job := k.session.client.Message(p.data, p.binary); job != nil {
		k.loop.Enqueue(job)
	}
	return nil
}

// Read implements connloop.Conn.
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

// Wake implements connloop.Conn.
func (k *socket) Wake() { k.conn.Wake() }

// DetachBuffer implements connloop.Conn.
func (k *socket) DetachBuffer() { k.conn.DetachBuffer() }

// Finish implements connloop.Conn.
func (k *socket) Finish() {
	var closed *ws.CloseError
	if !errors.As(k.err, &closed) {
		closed = &ws.CloseError{Code: closeCode(k.err), Reason: k.err.Error()}
	}
	switch {
	case k.probing != nil:
		k.probing.Stop()
		k.session.endProbe(k)
	case closed.Code == ws.TryAgainLater && !closed.ByClient:
		k.session.lost(sendqueue.ErrFull)
	default:
		k.session.lost(closed)
	}
	k.conn.Finish(closed)
}

// Fault implements connloop.Conn.
func (k *socket) Fault(p any) {
	k.session.engine.fault(p)
	k.session.end(errFault, typeClose, 0)
	k.conn.CloseNow()
}

func (e *Engine) fault(p any) {
	buf := make([]byte, 8<<10)
	e.cfg.Log.Error("a fault of the server in a Socket.IO connection", "panic", fmt.Sprint(p), "stack", string(buf[:runtime.Stack(buf, false)]))
}

// closeCode is the code of WebSocket for the end of a session.
func closeCode(reason error) int {
	switch {
	case errors.Is(reason, errLeft), errors.As(reason, new(goodbye)):
		return ws.Normal
	case errors.Is(reason, errStopping):
		return ws.GoingAway
	case errors.Is(reason, errFault):
		return ws.InternalError
	}
	return ws.PolicyError
}

// upgrade takes a WebSocket that is to take over from long-polling. Clients want its handshake to succeed even if it may
// not.
func (s *Session) upgrade(w http.ResponseWriter, r *http.Request) {
	k := s.engine.accept(w, r)
	if k == nil {
		return
	}
	k.session = s
	if !s.beginProbe(k) {
		k.conn.Close(ws.PolicyError, "the session has a WebSocket, or is over")
		return
	}
	s.engine.startLoop(k)
}

func (s *Session) beginProbe(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != polling || s.probe != nil {
		return false
	}
	s.probe = k
	k.probing = time.AfterFunc(s.engine.cfg.UpgradeTimeout, func() {
		k.conn.Close(ws.PolicyError, "the upgrade took too long")
	})
	return true
}

// probe handles a packet of a socket that asks to take over: a ping with a word in it, then an upgrade.
func (k *socket) probe(p packet) error {
	s := k.session
	switch {
	case p.binary:
		return errPacket
	case p.kind == typePing && string(p.data) == "probe":
		if !s.expect(k) {
			return errPacket
		}
		k.conn.Text(probePong, p.data)
		k.conn.Out.Send()
		return nil
	case p.kind == typeUpgrade && s.takeOver(k):
		k.conn.Out.Flush()
		return nil
	}
	return errPacket
}

// expect notes that a socket is about to take over, so that no GET waits any longer.
func (s *Session) expect(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != k || s.state >= socketed {
		return false
	}
	s.state = probing
	if s.poll != nil {
		s.answer([]byte{typeNoop})
	}
	return true
}

// takeOver makes a socket the session's, and moves what waits for a GET to its queue.
func (s *Session) takeOver(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != k || s.state != probing || s.posting || !k.probing.Stop() {
		return false
	}
	if s.poll != nil {
		s.answer(nil)
	}
	s.engine.present(s)
	s.state, s.probe, k.probing = socketed, nil, nil
	for more, buf := len(s.queue.buf) > 0, s.queue.take(); more; {
		var text []byte
		text, buf, more = bytes.Cut(buf, []byte{separator})
		k.conn.Out.Add(ws.TextFrame(text)) // the caller sends it
	}
	s.socket.Store(k)
	return true
}

// endProbe notes that a socket did not take over. The session goes on without it.
func (s *Session) endProbe(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe == k {
		s.probe = nil
		if s.state == probing {
			s.state = polling
		}
	}
}
