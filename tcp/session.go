package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// session is the connection of one client. A session implements connloop.Conn and transport.Sender.
type session struct {
	server *Server
	nc     net.Conn
	conn   *actionhero.Conn
	count  atomic.Uint64 // number of lines read, without empty ones: the messageCount
	out    sendqueue.Queue

	ip      string
	actions atomic.Uint64 // number of requests to run an action
	loop    connloop.Loop
	files   connloop.Serial // sends one file at a time, so only one file is open
	ordered connloop.Serial // runs one command at a time
	heard   atomic.Bool     // messages of rooms were sent since the last look at the idle time
	left    atomic.Bool     // the client is not counted any more
	stopped atomic.Bool     // the server is stopping: read no more

	// Only the connection loop uses these fields:
	used      bool // a line was handled since the last look at the idle time
	inLine    bool // deadline is the time limit for the rest of a line
	armed     bool // a deadline is set
	idleArmed bool // the deadline, if there is one, is of the idle time
	parked    bool // Read has returned Park: the next Read continues with the same deadline
	quiet     int8 // looks in a row that found the client idle
	deadline  time.Time
	in        *input
	params    *actionhero.Params // the sticky params; nil: none
	messageID *string            // the sticky messageId; nil: none
	last      *answer            // sent before the connection ends; nil if the client is gone
}

func newSession(s *Server, nc net.Conn) *session {
	ss := &session{server: s, nc: nc}
	ss.out.Init(&s.sendQueue, nc, netlisten.ClientKey(addrPort(nc.RemoteAddr()).Addr()), func(err error) { ss.Close(err.Error()) })
	ss.loop.Init(s.pool, ss, &ss.out)
	return ss
}

// serve performs the TLS handshake if the connection needs one, sends the welcome message and moves the client into the
// default room. It then runs the connection loop.
func (ss *session) serve() {
	if !ss.handshake() {
		ss.close()
		return
	}
	if ss.meet() {
		ss.loop.Touch()
		ss.loop.Run()
	}
}

// meet calls open. The connection middleware of the app may be slow, so its context ends if the client resets the
// connection. A client that has closed only its side still reads.
func (ss *session) meet() (ok bool) {
	if !ss.server.api.MeetsConns() {
		return ss.open(ss.server.ctx)
	}
	ss.loop.Attend(ss.Gone, func(ctx context.Context) { ok = ss.open(ctx) })
	return ok
}

// open registers the client and sends the welcome message. It returns false if the client is refused. The code of the
// app, which runs when the client enters the default room, may panic or end the goroutine: this closes the connection.
func (ss *session) open(ctx context.Context) (ok bool) {
	api, dialect := ss.server.api, ss.server.dialect
	text := api.Config().WelcomeMessage // not the whole Config, which the function welcome would keep
	ss.in = newInput(ss.nc, ss.server.cfg.MaxLineBytes)
	ss.in.crEnds = dialect.crEndsLine
	ss.in.share.Init(api.IncomingBudget(), ss.out.ClientKey())
	ss.conn = api.Connect("tcp", addrPort(ss.nc.RemoteAddr()), ss)
	ss.ip = ss.conn.Remote.Addr().String()
	whole := false
	defer func() {
		if !whole {
			ss.Fault(recover())
		}
	}()
	if _, refusal := api.Admit(ss.ip); refusal != nil {
		whole = true
		ss.turnAway(refusal)
		return false
	}
	if refusal := api.Accept(ctx, ss.conn, ss.hello()); refusal != nil {
		whole = true
		ss.turnAway(refusal)
		return false
	}
	api.Log().Debug("[connection @ tcp]", "to", ss.ip, "id", ss.conn.ID)
	if dialect.hearsItself {
		api.HearItself(ss.conn)
	}
	welcome := func(room string) {
		buf := getBuffer()
		defer putBuffer(buf)
		a := answer{object: dialect.welcome((*buf)[:0], text, room)}
		ss.queue(lineID{count: ss.count.Load()}, &a)
		ss.out.Send()
		*buf = a.object
	}
	if !dialect.entersRoom {
		welcome("")
	} else if object, failure := wire.Enter(ctx, nil, api, ss.conn, welcome); failure != nil {
		ss.queue(lineID{}, &answer{object: object, failure: failure})
		ss.out.Send()
	}
	api.Connected(ctx, ss.conn)
	ss.arm(time.Time{})
	whole = true
	return true
}

// turnAway answers a client that may not connect, and ends its connection.
func (ss *session) turnAway(refusal *actionhero.Error) {
	if !ss.Gone() {
		ss.server.api.Closing(ss.conn, refusal.Message)
		ss.sendFailure(lineID{}, refusal)
	}
	ss.Finish()
}

// hello returns the handshake for the connection middleware.
func (ss *session) hello() *actionhero.Handshake {
	h := &actionhero.Handshake{}
	if tc, isTLS := ss.nc.(*tls.Conn); isTLS {
		state := tc.ConnectionState()
		h.TLS = &state
	}
	return h
}

// Finish implements connloop.Conn. It takes the client out of its rooms, sends the last reply if there is one, waits
// until all queued messages are written, and closes the connection. Nothing follows the last reply.
func (ss *session) Finish() {
	if ss.stopped.Load() {
		ss.server.api.Closing(ss.conn, "the server is stopping")
		ss.last = &answer{object: wire.Goodbye(nil)}
	}
	ss.Leave()
	if ss.last != nil && ss.out.End(appendTail(ss.last.object, lineID{count: ss.count.Load()}, ss.last)) {
		ss.out.FlushWait()
	}
	ss.out.Wait()
	ss.out.Close()
	ss.in.release()
	if ss.last != nil {
		ss.linger()
	}
	_ = ss.nc.Close()
	ss.server.api.Disconnected(ss.conn)
	ss.server.remove(ss)
}

func (ss *session) close() {
	_ = ss.nc.Close()
	ss.server.remove(ss)
}

// Fault implements connloop.Conn. It logs the panic with the value p and closes the connection, so a panic in package
// tcp does not end the process. Without a panic, p is nil.
func (ss *session) Fault(p any) {
	if p != nil {
		ss.logPanic(p)
	}
	ss.out.Close()
	ss.in.share.Release()
	ss.server.api.Closing(ss.conn, "a fault of the server")
	ss.server.api.Disconnect(ss.conn)
	_ = ss.nc.Close()
	ss.server.api.Disconnected(ss.conn)
	ss.server.remove(ss)
}

func (ss *session) logPanic(p any) {
	buf := make([]byte, 8<<10)
	ss.server.api.Log().Error("a panic in a TCP connection", "panic", fmt.Sprint(p), "stack", string(buf[:runtime.Stack(buf, false)]))
}

// handshake performs the TLS handshake of a TLS connection within LineTimeout. It returns false if the handshake fails.
// For a plain TCP connection, handshake returns true at once.
func (ss *session) handshake() (ok bool) {
	tc, isTLS := ss.nc.(*tls.Conn)
	if !isTLS {
		return true
	}
	ctx, cancel := context.WithTimeout(ss.server.ctx, ss.server.cfg.LineTimeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		ss.server.api.Log().Debug("a TLS handshake failed", "to", ss.nc.RemoteAddr().String(), "error", err.Error())
		return false
	}
	return true
}

// linger gives the client time to read the last reply. If a socket with unread input is closed, the operating system
// resets the connection, and the client may lose the reply. linger therefore reads until the client closes the
// connection, but for lingerTime and up to lingerBytes bytes at most.
func (ss *session) linger() {
	const lingerTime, lingerBytes = 500 * time.Millisecond, 1 << 20
	if half, ok := ss.nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	buf := make([]byte, 4<<10)
	for read := 0; read < lingerBytes; {
		_ = ss.nc.SetReadDeadline(end)
		n, err := ss.nc.Read(buf)
		if early := errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end); err != nil && !early { // a late Wake comes early
			return
		}
		read += n
	}
}

// Deliver implements transport.Sender. It queues a room message for the client. If flush is true, the caller must call
// Flush. All clients of one dialect share the encoded message.
func (ss *session) Deliver(m *actionhero.RoomMessage) (flush bool) {
	if !ss.heard.Load() {
		ss.heard.Store(true)
	}
	dialect := ss.server.dialect
	object := transport.Encoded(m, dialect, func(m *actionhero.RoomMessage) []byte { return dialect.message(ss.server.api, m) })
	var tail [tailSize]byte
	return ss.out.AddShared(object, appendTail(tail[:0], lineID{count: ss.count.Load()}, nil))
}

// tailSize is the size, in bytes, of a buffer that is large enough for the end of a room message.
const tailSize = 40

// Flush implements transport.Sender. It writes the queued messages without blocking.
func (ss *session) Flush() { ss.out.Flush() }

// Close implements transport.Sender. It closes the connection at once and logs the reason, because the TCP protocol has
// no message for a reason.
func (ss *session) Close(reason string) {
	ss.server.api.Closing(ss.conn, reason)
	ss.server.api.Log().Info("a TCP client was closed", "to", ss.ip, "reason", reason)
	ss.loop.Cancel()
	ss.out.Close()
	_ = ss.nc.Close()
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}
