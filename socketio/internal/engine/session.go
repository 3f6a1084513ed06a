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

	"github.com/actionhero-go/actionhero/internal/ws"
)

// state is what has become of a session.
type state uint8

const (
	polling  state = iota
	probing        // it polls, and a WebSocket has asked to take over
	socketed       // it has its WebSocket
	ending         // it is over, but for what one more GET may fetch
	over
)

// Session is one client, whatever its connections.
type Session struct {
	engine *Engine
	sid    string
	client Client
	remote netip.AddrPort

	links [linksCount]links // under the engine's lock
	due   time.Duration     // the same; see heart

	socket atomic.Pointer[socket] // its WebSocket, once it has one; set under the lock

	mu       sync.Mutex
	state    state
	awaiting bool          // the answer to a ping
	posting  bool          // a POST is at work
	full     bool          // the queue has overflown: the next Flush ends the session
	last     byte          // what a GET gets that finds the session ending, and the queue empty
	poll     *poll         // the GET that waits
	queue    queue         // what waits for a GET
	slots    chan struct{} // one for each request of a POST that is at work; made with the first
	probe    *socket       // a WebSocket that asks to take over
}

// Reasons for which a session ends.
var (
	errStopping = errors.New("the server is stopping")
	errFault    = errors.New("a fault of the server")
	errFull     = errors.New("the client does not fetch what it is sent: its queue of outgoing messages is full")
	errTimeout  = errors.New("ping timeout")
	errOverlap  = errors.New("two requests of the same kind at a time")
	errAborted  = errors.New("a request was aborted")
	errLeft     = errors.New("the client has left")
	errAbsent   = errors.New("too many clients have no connection, and this one has had none for the longest time")
	errTooLarge = errors.New("a request is too large")
)

const (
	// lastGrace is for how long the last words to a client that polls are kept.
	lastGrace = 5 * time.Second
	// leftGrace is for how long a client that has left finds a friendly answer: the POST that said so may have been
	// quicker than a GET.
	leftGrace = 100 * time.Millisecond
)

// newSession makes a session with its heart beating, or returns nil if the engine has stopped.
func (e *Engine) newSession(r *http.Request, st state) *Session {
	s := &Session{engine: e, sid: newSID(), state: st, remote: ws.Remote(r, e.cfg.RemoteIP)}
	s.mu.Lock() // whoever ends it waits until it is complete
	defer s.mu.Unlock()
	if !e.add(s) {
		return nil
	}
	s.client = e.cfg.Open(s)
	e.waitToPing(s)
	return s
}

// Remote returns where the client came from when it opened the session.
func (s *Session) Remote() netip.AddrPort { return s.remote }

// appendOpen appends the packet that opens a session.
func (s *Session) appendOpen(dst []byte, upgrades string) []byte {
	cfg := &s.engine.cfg
	dst = append(append(append(dst, typeOpen), `{"sid":"`...), s.sid...)
	dst = append(append(append(dst, `","upgrades":[`...), upgrades...), `],"pingInterval":`...)
	dst = strconv.AppendInt(dst, cfg.PingInterval.Milliseconds(), 10)
	dst = strconv.AppendInt(append(dst, `,"pingTimeout":`...), cfg.PingTimeout.Milliseconds(), 10)
	return append(strconv.AppendInt(append(dst, `,"maxPayload":`...), int64(cfg.MaxPayload), 10), '}')
}

// beat pings the client, or ends the session if the ping before was not answered.
func (s *Session) beat() {
	s.mu.Lock()
	late := s.awaiting && s.state < ending
	ping := !late && s.state < ending && s.engine.waitForPong(s)
	s.awaiting = s.awaiting || ping
	s.mu.Unlock()
	if late {
		s.end(errTimeout, typeClose, 0)
	} else if ping {
		s.sendPing()
	}
}

// pong takes the answer to a ping.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaiting && s.state < ending {
		s.awaiting = false
		s.engine.waitToPing(s)
	}
}

// goodbye is the reason of a session that ends in an orderly way.
type goodbye string

func (g goodbye) Error() string { return string(g) }

// Close ends the session. What was sent before still reaches a client that reads; Close does not wait for that.
func (s *Session) Close(reason string) { s.end(goodbye(reason), typeClose, lastGrace) }

// Refuse is Close for a client that breaks a rule.
func (s *Session) Refuse(reason error) { s.end(reason, typeClose, lastGrace) }

// end ends the session for a reason. A client that polls gets what is queued, and by its next GET last, a packet, if it
// does so within grace.
func (s *Session) end(reason error, last byte, grace time.Duration) {
	socket, probe, ok := s.conclude(last, grace)
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
	s.logEnd(reason)
}

// lost is the end of a session whose WebSocket has ended.
func (s *Session) lost(reason error) {
	if _, _, ok := s.conclude(typeClose, 0); ok {
		s.logEnd(reason)
	}
}

// logEnd logs the end of a session, louder if it is out of the ordinary.
func (s *Session) logEnd(reason error) {
	level := slog.LevelInfo
	var socket *ws.CloseError
	if errors.As(reason, new(goodbye)) || errors.As(reason, &socket) && socket.ByClient || slices.Contains(ordinary, reason) {
		level = slog.LevelDebug
	}
	s.engine.cfg.Log.Log(context.Background(), level, "a Socket.IO client was closed", "to", s.remote.Addr().String(), "reason", reason.Error())
}

// ordinary are the reasons that are nobody's fault.
var ordinary = []error{errLeft, errAborted, errStopping}

// conclude makes the session one that ends, if it is not that already, and returns what else there is to close.
func (s *Session) conclude(last byte, grace time.Duration) (socket, probe *socket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state >= ending {
		return nil, nil, false
	}
	s.state, s.last = ending, last
	s.client.Closed() // before the session is forgotten: a stop waits for those that are not
	s.queue.wake()
	switch s.hand(); {
	case s.poll != nil:
		s.answer([]byte{last})
		s.bury()
	case grace == 0 || s.socket.Load() != nil:
		s.bury()
	default:
		s.engine.rest(s)
		time.AfterFunc(grace, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.bury()
		})
	}
	return s.socket.Load(), s.probe, true
}

// bury forgets the session; the lock is held.
func (s *Session) bury() {
	s.state = over
	s.queue.take()
	s.engine.remove(s)
}
