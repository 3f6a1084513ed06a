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
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// session is one connection.
type session struct {
	server *Server
	nc     net.Conn
	conn   *actionhero.Conn
	ip     string
	out    sendqueue.Queue

	count   atomic.Uint64 // lines read that were not empty: the messageCount
	stopped atomic.Bool   // the server is stopping: read no more
	loop    connloop.Loop
	files   files // those that are sent

	// Of the loop alone:
	in       *input
	begun    bool              // a part of a line has been read
	params   actionhero.Params // the sticky ones
	goodbye  []byte            // what to say at the end, if anything
	lingerOK bool              // the client is still there to read what was said
	armed    bool              // a read deadline is set
	until    time.Time         // which
	parked   bool              // its goroutine is new, because the connection rests
}

func newSession(s *Server, nc net.Conn) *session {
	ss := &session{server: s, nc: nc}
	ss.out.Init(&s.sendQueue, nc, func(err error) { ss.Close(err.Error()) })
	ss.loop.Init(s.pool, ss, &ss.out)
	return ss
}

// serve is the life of the connection, up to where its requests begin; the loop does the rest.
func (ss *session) serve() {
	if !ss.handshake() {
		ss.close()
		return
	}
	api := ss.server.api
	cfg := api.Config()
	ss.in = newInput(ss.nc, ss.server.cfg.MaxLineBytes)
	ss.conn = api.Connect("tcp", addrPort(ss.nc.RemoteAddr()), ss)
	ss.ip = ss.conn.Remote.Addr().String()
	api.Log().Debug("[connection @ tcp]", "to", ss.ip, "id", ss.conn.ID)
	ss.reply(wire.Welcome(nil, cfg.WelcomeMessage, cfg.DefaultChatRoom), 0)
	if refusal, refused := wire.Enter(ss.server.ctx, nil, api.API, ss.conn); refused {
		ss.reply(refusal, 0)
	}
	ss.wait(time.Time{})
	ss.loop.Touch()
	ss.loop.Run()
}

// Finish implements connloop.Conn.
func (ss *session) Finish() {
	if ss.stopped.Load() {
		ss.goodbye, ss.lingerOK = wire.Goodbye(nil), true
	}
	if ss.goodbye != nil {
		ss.reply(ss.goodbye, ss.count.Load())
	}
	ss.out.Wait()
	ss.server.api.Disconnect(ss.conn)
	ss.out.Close()
	ss.in.release()
	if ss.lingerOK {
		ss.linger()
	}
	ss.close()
}

func (ss *session) close() {
	_ = ss.nc.Close()
	ss.server.forget(ss)
}

// Fault implements connloop.Conn: a fault in this package does not take the process along, only the connection.
func (ss *session) Fault(p any) {
	ss.fault(p)
	ss.out.Close()
	ss.server.api.Disconnect(ss.conn)
	ss.close()
}

func (ss *session) fault(p any) {
	buf := make([]byte, 8<<10)
	ss.server.api.Log().Error("a fault of the server in a TCP connection", "panic", fmt.Sprint(p), "stack", string(buf[:runtime.Stack(buf, false)]))
}

func (ss *session) handshake() bool {
	tc, ok := ss.nc.(*tls.Conn)
	if !ok {
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

// Next implements connloop.Conn.
func (ss *session) Next() connloop.NextResult {
	line, ok := ss.in.line()
	switch {
	case !ok:
		return connloop.Incomplete
	case ss.line(line):
		return connloop.Handled
	}
	return connloop.Ended
}

// DetachBuffer implements connloop.Conn.
func (ss *session) DetachBuffer() { ss.in.detach() }

// Read implements connloop.Conn: it ends when the client is done or late, or the server stops.
func (ss *session) Read() connloop.ReadResult {
	switch begun := ss.in.begun(); {
	case ss.parked: // the time that was set goes on
		ss.parked = false
	case !begun:
		ss.begun = false
		ss.wait(time.Time{})
	case !ss.begun:
		ss.begun = true
		ss.wait(time.Now().Add(ss.server.cfg.LineTimeout))
	}
	for err := ss.in.fill(); err != nil; err = ss.in.fill() {
		if ss.parkRequested(err) {
			return connloop.Park
		}
		until, ok := ss.notIdle(err)
		if !ok {
			ss.ended(err, ss.in.begun())
			return connloop.EOF
		}
		ss.wait(until)
	}
	return connloop.More
}

// Wake implements connloop.Conn.
func (ss *session) Wake() { _ = ss.nc.SetReadDeadline(time.Now()) }

// parkRequested reports whether reading ended with err only because the connection is to wait with less.
func (ss *session) parkRequested(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !ss.loop.ParkRequested() || ss.stopped.Load() {
		return false
	}
	ss.deadline(ss.until)
	ss.parked = true
	return true
}

// notIdle tells a client that waits for an answer from one that is idle, when reading ended with err: who got an answer
// is idle from then on only. It returns until when such a client may stay.
func (ss *session) notIdle(err error) (until time.Time, ok bool) {
	if !errors.Is(err, os.ErrDeadlineExceeded) || ss.in.begun() || ss.stopped.Load() {
		return until, false
	}
	if ss.loop.InFlight() > 0 {
		return time.Now().Add(ss.server.cfg.IdleTimeout), true
	}
	until = ss.loop.LastRequestDone().Add(ss.server.cfg.IdleTimeout)
	return until, until.After(time.Now())
}

// wait sets until when the next bytes must come: a time for a line that was begun, none for the idle time.
func (ss *session) wait(until time.Time) {
	if until.IsZero() && ss.server.cfg.IdleTimeout > 0 {
		until = time.Now().Add(ss.server.cfg.IdleTimeout)
	}
	if until.IsZero() && !ss.armed {
		return
	}
	ss.armed = !until.IsZero()
	ss.deadline(until)
}

// deadline sets until when the next bytes must come, unless the server stops.
func (ss *session) deadline(until time.Time) {
	ss.until = until
	if !ss.stopped.Load() {
		_ = ss.nc.SetReadDeadline(until)
		if ss.stopped.Load() {
			_ = ss.nc.SetReadDeadline(time.Now())
		}
	}
}

func (ss *session) stopReading() {
	ss.stopped.Store(true)
	_ = ss.nc.SetReadDeadline(time.Now())
}

// ended is told how reading ended.
func (ss *session) ended(err error, midLine bool) {
	switch {
	case errors.Is(err, errLong):
		ss.refuse("a line may have %d bytes at most", ss.server.cfg.MaxLineBytes)
	case !errors.Is(err, os.ErrDeadlineExceeded) || ss.stopped.Load():
	case midLine:
		ss.refuse("a line must end within %v", ss.server.cfg.LineTimeout)
	default: // idle for too long
		ss.goodbye, ss.lingerOK = wire.Goodbye(nil), true
	}
}

// refuse is the one answer to a client that breaks a rule, before the connection is closed.
func (ss *session) refuse(format string, args ...any) {
	ss.goodbye = wire.Error(nil, actionhero.Errorf(actionhero.CodeInvalidInput, format, args...))
	ss.lingerOK = true
	ss.server.api.Log().Info("a TCP client was closed", "to", ss.ip, "reason", fmt.Sprintf(format, args...))
}

// linger lets the client read the last answer: closing a socket with unread input would reset it, and the answer
// would be lost. It costs at most half a second and reads at most lingerBytes.
func (ss *session) linger() {
	const lingerTime, lingerBytes = 500 * time.Millisecond, 1 << 20
	if half, ok := ss.nc.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_ = ss.nc.SetReadDeadline(time.Now().Add(lingerTime))
	buf := make([]byte, 4<<10)
	for read := 0; read < lingerBytes; {
		n, err := ss.nc.Read(buf)
		if err != nil {
			return
		}
		read += n
	}
}

// reply sends an answer, or anything else that this client alone gets. object is still open.
func (ss *session) reply(object []byte, count uint64) {
	var tail [tailSize]byte
	ss.out.AddLater(object, appendTail(tail[:0], count))
	ss.out.Send()
}

// tailSize is enough for any messageCount.
const tailSize = 40

// appendTail appends the end of an object.
func appendTail(dst []byte, count uint64) []byte {
	dst = strconv.AppendUint(append(dst, `,"messageCount":`...), count, 10)
	return append(dst, "}\r\n"...)
}

// roomMessage identifies this kind of wire to Delivery.Encoded.
type roomMessage struct{}

// Deliver implements transport.Sender.
func (ss *session) Deliver(d *actionhero.RoomMessage) bool {
	object := transport.Encoded(d, roomMessage{}, func(d *actionhero.RoomMessage) []byte { return wire.RoomMessage(nil, d) })
	var tail [tailSize]byte
	return ss.out.Add(object, appendTail(tail[:0], ss.count.Load()))
}

// Flush implements transport.Sender.
func (ss *session) Flush() { ss.out.Flush() }

// Close implements transport.Sender: it ends the connection at once. TCP has no way to say why but the log.
func (ss *session) Close(reason string) {
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
