package engine

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
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

	before, after *Session // of the list of the absent, under the engine's lock
	listed        bool

	mu       sync.Mutex
	state    state
	awaiting bool // the answer to a ping
	posting  bool // a POST is at work
	failed   bool // the queue was full: the next Flush ends the session
	timer    *time.Timer
	poll     *poll
	queue    queue
}

// Reasons for which a session ends.
var (
	ErrFull     = errors.New("the client does not fetch what it is sent: its queue of outgoing messages is full")
	errTimeout  = errors.New("ping timeout")
	errOverlap  = errors.New("two requests of the same kind at a time")
	errAborted  = errors.New("a request was aborted")
	errLeft     = errors.New("the client has left")
	errAbsent   = errors.New("too many clients have no connection, and this one has had none for the longest time")
	errTooLarge = errors.New("a request is too large")
)

// finalGrace is for how long the last words to a client that polls are kept, and closedGrace for how long one that has
// left finds a friendly answer for the GET that was on its way when its POST came first.
const (
	finalGrace  = 5 * time.Second
	closedGrace = 100 * time.Millisecond
)

// newSession makes a session with its heart beating, or returns nil if the engine has stopped.
func (e *Engine) newSession(st state) *Session {
	s := &Session{engine: e, sid: newSID(), state: st}
	s.mu.Lock() // the first beat waits until the session is complete
	defer s.mu.Unlock()
	if !e.add(s) {
		return nil
	}
	s.timer = time.AfterFunc(e.cfg.PingInterval, s.beat)
	s.client = e.cfg.Open(s)
	return s
}

// appendOpen appends the packet that opens a session.
func (s *Session) appendOpen(dst []byte) []byte {
	cfg := &s.engine.cfg
	dst = append(append(append(dst, typeOpen), `{"sid":"`...), s.sid...)
	if dst = append(dst, `","upgrades":[`...); s.state == polling {
		dst = append(dst, `"websocket"`...)
	}
	dst = strconv.AppendInt(append(dst, `],"pingInterval":`...), cfg.PingInterval.Milliseconds(), 10)
	dst = strconv.AppendInt(append(dst, `,"pingTimeout":`...), cfg.PingTimeout.Milliseconds(), 10)
	return append(strconv.AppendInt(append(dst, `,"maxPayload":`...), int64(cfg.MaxPayload), 10), '}')
}

// beat is what the timer of the session calls.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.state == over:
		s.mu.Unlock()
	case s.state == ending:
		s.state = over
		s.mu.Unlock()
		s.engine.remove(s)
	case s.awaiting:
		s.mu.Unlock()
		s.end(errTimeout, nil, 0)
	default:
		s.awaiting = true
		s.timer.Reset(s.engine.cfg.PingTimeout)
		s.sendPing()
		s.mu.Unlock()
	}
}

// pong takes the answer to a ping.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaiting && s.state < ending {
		s.awaiting = false
		s.timer.Reset(s.engine.cfg.PingInterval)
	}
}

// Close ends the session. What was queued before still reaches a client that reads it. The client is told nothing but
// that it is over.
func (s *Session) Close(reason string) {
	s.end(errors.New(reason), []byte{typeClose}, finalGrace)
}

// end ends the session for a reason. A GET that waits gets what is queued and final, by default a close packet; if there
// is none, one that comes within grace gets that.
func (s *Session) end(reason error, final []byte, grace time.Duration) {
	s.mu.Lock()
	if s.state >= ending {
		s.mu.Unlock()
		return
	}
	s.queue.finish(final)
	s.awaiting, s.state = false, ending
	if s.poll != nil || grace == 0 {
		s.hand(http.StatusOK)
		s.state = over
		s.timer.Stop()
	} else {
		s.timer.Reset(grace)
	}
	gone := s.state == over
	s.mu.Unlock()
	if gone {
		s.engine.remove(s)
	}
	s.client.Closed(reason.Error())
}
