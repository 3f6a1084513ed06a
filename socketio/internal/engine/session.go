package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// state is the state of a session. The value only increases, with one exception: a failed upgrade changes probing back
// to polling.
type state uint8

const (
	polling   state = iota
	probing         // polling, and an upgrade to WebSocket has begun
	webSocket       // the session uses a WebSocket
	closing         // the client may still fetch the last packets with a GET
	closed
)

// Session is the Engine.IO session of one client, over long-polling or over a WebSocket.
type Session struct {
	engine *Engine
	sid    string
	client Client
	remote netip.AddrPort

	links [linksCount]links // under the engine's lock
	due   time.Duration     // when the ping or the ping timeout is due, since pinger.epoch; under the engine's lock

	socket atomic.Pointer[socket] // the WebSocket of the session, or nil; set with mu held

	mu           sync.Mutex
	state        state
	awaitingPong bool      // a ping was sent and not answered
	posting      bool      // a POST is running
	excess       bool      // the budget was exceeded: the next Flush relieves it
	overflowed   bool      // a message was dropped because the queue was full: the next Flush closes the session
	lastPacket   byte      // the answer to a GET while the session is closing and the queue is empty
	poll         *poll     // the waiting GET, or nil
	queue        pollQueue // packets for the next GET
	place        sendqueue.Place
	detached     time.Duration // when the session was last left without a waiting GET, since pinger.epoch
	slots        chan struct{} // holds an element for each running request of a POST; created by the first
	probe        *socket       // the WebSocket of an upgrade that has begun, or nil
}

// The reasons with which the engine closes a session.
var (
	errStopping        = errors.New("the server is stopping")
	errFault           = errors.New("a fault of the server")
	errQueueFull       = errors.New("the client does not fetch what it is sent: its queue of outgoing messages is full")
	errTimeout         = errors.New("ping timeout")
	errOverlap         = errors.New("two requests of the same kind at a time")
	errAborted         = errors.New("a request was aborted")
	errSlowBody        = errors.New("the body of a POST has not come in time")
	errLeft            = errors.New("the client has left")
	errTooManyDetached = errors.New("too many clients have no connection, and this one has had none for the longest time")
	errTooLarge        = errors.New("a request is too large")
)

// ErrBusy is the reason with which a session is closed whose incomplete message would exceed Config.Incoming.
var ErrBusy = errors.New("the server holds as many incomplete messages as it may: try again later")

const (
	// closeGrace is the time within which a polling client can still fetch the last packets of a closing session.
	closeGrace = 5 * time.Second
	// leaveGrace is the time for which the server still answers a GET without an error after the client has closed the
	// session. The reason is that the POST with the client's close packet may overtake a GET.
	leaveGrace = 100 * time.Millisecond
)

// newSession opens a session in the state st for the client with the address remote, and schedules the first ping. r is the
// request of the client. newSession returns nil if the engine is stopping.
func (e *Engine) newSession(r *http.Request, remote netip.AddrPort, st state) *Session {
	s := &Session{engine: e, sid: e.newSID(), state: st, remote: remote}
	s.mu.Lock() // another goroutine cannot close the session before it is complete
	defer s.mu.Unlock()
	if !e.add(s) {
		return nil
	}
	s.client = e.cfg.Open(s, r)
	e.schedulePing(s)
	return s
}

// Remote returns the network address from which the client opened the session.
func (s *Session) Remote() netip.AddrPort { return s.remote }

// appendOpen appends the open packet (Engine.IO protocol 4, "Handshake") to dst. upgrades is the list of transports to
// which the client may upgrade, as comma-separated JSON strings.
func (s *Session) appendOpen(dst []byte, upgrades string) []byte {
	cfg := &s.engine.cfg
	dst = append(append(append(dst, typeOpen), `{"sid":"`...), s.sid...)
	dst = append(append(append(dst, `","upgrades":[`...), upgrades...), `],"pingInterval":`...)
	dst = strconv.AppendInt(dst, cfg.PingInterval.Milliseconds(), 10)
	dst = strconv.AppendInt(append(dst, `,"pingTimeout":`...), cfg.PingTimeout.Milliseconds(), 10)
	return append(strconv.AppendInt(append(dst, `,"maxPayload":`...), int64(cfg.MaxPayload), 10), '}')
}

// pingOrTimeOut sends a ping to the client. If the client has not answered the previous ping, pingOrTimeOut closes the
// session instead.
func (s *Session) pingOrTimeOut() {
	s.mu.Lock()
	late := s.awaitingPong && s.state < closing
	ping := !late && s.state < closing && s.engine.awaitPong(s)
	s.awaitingPong = s.awaitingPong || ping
	s.mu.Unlock()
	if late {
		s.closeWith(errTimeout, typeClose, 0)
	} else if ping {
		s.sendPing()
	}
}

// pong handles the client's answer to a ping and schedules the next ping. If no ping is unanswered, pong does nothing.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaitingPong && s.state < closing {
		s.awaitingPong = false
		s.engine.schedulePing(s)
	}
}

// orderlyClose is the reason of a close with [Session.Close]. It indicates no fault of the client or the server.
type orderlyClose string

func (o orderlyClose) Error() string { return string(o) }

// Close closes the session for the given reason. A client that reads still gets the queued messages. Close does not
// block until the client has read these messages.
func (s *Session) Close(reason string) { s.closeWith(orderlyClose(reason), typeClose, closeGrace) }

// Refuse closes the session of a client that has violated the protocol or a limit. Refuse differs from [Session.Close]
// in the close code and the log level.
func (s *Session) Refuse(reason error) { s.closeWith(reason, typeClose, closeGrace) }

// closeWith closes the session and logs the reason. A polling client gets the queued packets and then a final packet,
// whose type is the parameter last, if the client's GETs come within the duration grace. If grace is 0, only a GET that
// is already waiting gets these packets.
func (s *Session) closeWith(reason error, last byte, grace time.Duration) {
	socket, probe, ok := s.beginClose(reason, last, grace)
	if !ok {
		return
	}
	if socket != nil {
		socket.loop.Cancel()
		socket.conn.Close(closeCode(reason), reason.Error())
	}
	if probe != nil {
		probe.conn.Close(closeCode(reason), reason.Error())
	}
	s.logClose(reason)
}

// socketClosed closes the session after its WebSocket has closed, and logs the reason.
func (s *Session) socketClosed(reason error) {
	if _, _, ok := s.beginClose(reason, typeClose, 0); ok {
		s.logClose(reason)
	}
}

// logClose logs the close of the session. The log level is Debug if the reason is an expected one, otherwise Info.
func (s *Session) logClose(reason error) {
	level := slog.LevelInfo
	var socket *ws.CloseError
	if errors.As(reason, new(orderlyClose)) || errors.As(reason, &socket) && socket.ByClient || slices.Contains(expectedReasons, reason) {
		level = slog.LevelDebug
	}
	s.engine.cfg.Log.Log(context.Background(), level, "a Socket.IO client was closed", "to", s.remote.Addr().String(), "reason", reason.Error())
}

// shownReason returns the text of reason, or "" if the client has ended the connection.
func shownReason(reason error) string {
	var socket *ws.CloseError
	switch closed := errors.As(reason, &socket); {
	case reason == errLeft, reason == errAborted, closed && socket.ByClient:
		return ""
	case closed:
		return socket.Reason
	}
	return reason.Error()
}

// expectedReasons are the close reasons that indicate no fault. logClose logs these reasons at level Debug.
var expectedReasons = []error{errLeft, errAborted, errStopping}

// beginClose changes the state of the session to closing. It returns the WebSocket of the session and the WebSocket of
// an upgrade, which the caller must close; either may be nil. ok is false if the session is already closing.
func (s *Session) beginClose(reason error, last byte, grace time.Duration) (socket, probe *socket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state >= closing {
		return nil, nil, false
	}
	s.state, s.lastPacket = closing, last
	s.client.Closed(shownReason(reason)) // before forget, because Engine.Stop does not wait for forgotten sessions
	s.queue.signalSpace()
	switch s.flushToPoll(); {
	case s.poll != nil:
		s.answerPoll([][]byte{{last}})
		s.forget()
	case grace == 0 || s.socket.Load() != nil:
		s.forget()
	default:
		s.engine.stopPinging(s)
		time.AfterFunc(grace, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.forget()
		})
	}
	return s.socket.Load(), s.probe, true
}

// forget drops the queued packets and removes the session from the engine. The caller must hold s.mu.
func (s *Session) forget() {
	s.state = closed
	s.takeQueue()
	s.engine.remove(s)
}
