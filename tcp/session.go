package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/nonblock"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// session is the connection of one client. A session implements connloop.Conn and transport.Sender.
type session struct {
	server *Server
	nc     net.Conn
	conn   *actionhero.Conn
	ip     string
	out    sendqueue.Queue

	count   atomic.Uint64 // number of lines read, without empty ones: the messageCount
	stopped atomic.Bool   // the server is stopping: read no more
	loop    connloop.Loop
	files   connloop.Serial // sends one file at a time, so only one file is open

	// Only the connection loop uses these fields:
	in        *input
	params    actionhero.Params // the sticky params
	lastReply []byte            // sent before the connection ends; nil if the client is gone
	inLine    bool              // deadline is the time limit for the rest of a line
	armed     bool              // a deadline is set
	deadline  time.Time
	parked    bool // Read has returned Park: the next Read continues with the same deadline
}

func newSession(s *Server, nc net.Conn) *session {
	ss := &session{server: s, nc: nc}
	ss.out.Init(&s.sendQueue, nc, func(err error) { ss.Close(err.Error()) })
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
	api := ss.server.api
	cfg := api.Config()
	ss.in = newInput(ss.nc, ss.server.cfg.MaxLineBytes)
	ss.conn = api.Connect("tcp", addrPort(ss.nc.RemoteAddr()), ss)
	ss.ip = ss.conn.Remote.Addr().String()
	api.Log().Debug("[connection @ tcp]", "to", ss.ip, "id", ss.conn.ID)
	ss.reply(wire.Welcome(nil, cfg.WelcomeMessage, cfg.DefaultChatRoom), 0)
	if refusal, failure := wire.Enter(ss.loop.Context(), nil, api.API, ss.conn); failure != nil {
		ss.reply(refusal, 0)
	}
	ss.arm(time.Time{})
	ss.loop.Touch()
	ss.loop.Run()
}

// Finish implements connloop.Conn. It sends the last reply if lastReply is not nil, waits until all queued messages are
// written, and closes the connection.
func (ss *session) Finish() {
	if ss.stopped.Load() {
		ss.lastReply = wire.Goodbye(nil)
	}
	if ss.lastReply != nil {
		ss.reply(ss.lastReply, ss.count.Load())
	}
	ss.out.Wait()
	ss.server.api.Disconnect(ss.conn)
	ss.out.Close()
	ss.in.release()
	if ss.lastReply != nil {
		ss.linger()
	}
	ss.close()
}

func (ss *session) close() {
	_ = ss.nc.Close()
	ss.server.remove(ss)
}

// Fault implements connloop.Conn. It logs the panic with the value p and closes the connection, so a panic in package
// tcp does not end the process.
func (ss *session) Fault(p any) {
	ss.logPanic(p)
	ss.out.Close()
	ss.server.api.Disconnect(ss.conn)
	ss.close()
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

// Next implements connloop.Conn. It handles the next complete line that has been read.
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

// DetachBuffer implements connloop.Conn. It replaces the read buffer, so that requests can keep using lines in the old
// buffer.
func (ss *session) DetachBuffer() { ss.in.detach() }

// Read implements connloop.Conn. It blocks until more bytes have been read. It returns EOF if the client has closed its
// side of the connection, a deadline has passed, the line is too long or the server is stopping.
func (ss *session) Read() connloop.ReadResult {
	switch begun := ss.in.begun(); {
	case ss.parked:
		ss.parked = false
	case !begun:
		ss.inLine = false
		ss.arm(time.Time{})
	case !ss.inLine:
		ss.inLine = true
		ss.arm(time.Now().Add(ss.server.cfg.LineTimeout))
	}
	for err := ss.in.fill(); err != nil; err = ss.in.fill() {
		if ss.parkRequested(err) {
			return connloop.Park
		}
		deadline, ok := ss.nextDeadline(err)
		if !ok {
			ss.readEnded(err)
			return connloop.EOF
		}
		ss.arm(deadline)
	}
	return connloop.More
}

// Gone implements connloop.Conn. A client that has closed only its side of the connection has not gone: it still reads.
func (ss *session) Gone() bool {
	_, err := nonblock.Ended(ss.nc)
	return err != nil
}

// Leave implements connloop.Conn. It takes the client out of all its rooms.
func (ss *session) Leave() { ss.server.api.Disconnect(ss.conn) }

// Wake implements connloop.Conn. It interrupts a blocked Read by setting the read deadline to the current time.
func (ss *session) Wake() { _ = ss.nc.SetReadDeadline(time.Now()) }

// parkRequested reports whether a read has returned err only because the connection loop has requested parking. If so,
// parkRequested restores the read deadline that Wake has replaced.
func (ss *session) parkRequested(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !ss.loop.ParkRequested() || ss.stopped.Load() {
		return false
	}
	ss.setDeadline(ss.deadline)
	ss.parked = true
	return true
}

// nextDeadline returns the read deadline for the next read, after a read has returned err. If the session must stop
// reading, ok is false. A client that waits for a reply is not idle. The idle time of a client starts with the last
// reply to the client.
func (ss *session) nextDeadline(err error) (deadline time.Time, ok bool) {
	if !errors.Is(err, os.ErrDeadlineExceeded) || ss.in.begun() || ss.stopped.Load() {
		return deadline, false
	}
	if ss.loop.InFlight() > 0 {
		return time.Now().Add(ss.server.cfg.IdleTimeout), true
	}
	deadline = ss.loop.LastRequestDone().Add(ss.server.cfg.IdleTimeout)
	return deadline, deadline.After(time.Now())
}

// arm sets the read deadline of the connection to deadline. If deadline is zero, arm sets the read deadline to
// IdleTimeout from now. If IdleTimeout is zero too, arm removes the read deadline.
func (ss *session) arm(deadline time.Time) {
	if deadline.IsZero() && ss.server.cfg.IdleTimeout > 0 {
		deadline = time.Now().Add(ss.server.cfg.IdleTimeout)
	}
	if deadline.IsZero() && !ss.armed {
		return
	}
	ss.armed = !deadline.IsZero()
	ss.setDeadline(deadline)
}

// setDeadline sets the read deadline of the network connection. If another goroutine calls stopReading at the same
// time, the deadline that stopReading sets stays in effect.
func (ss *session) setDeadline(deadline time.Time) {
	ss.deadline = deadline
	if !ss.stopped.Load() {
		_ = ss.nc.SetReadDeadline(deadline)
		if ss.stopped.Load() {
			_ = ss.nc.SetReadDeadline(time.Now())
		}
	}
}

// stopReading makes a blocked Read return EOF, because the server is stopping. Any goroutine may call stopReading.
func (ss *session) stopReading() {
	ss.stopped.Store(true)
	_ = ss.nc.SetReadDeadline(time.Now())
}

// readEnded sets lastReply, the last message to the client, according to err, the error of the last read. If the client
// has closed the connection or the server is stopping, readEnded leaves lastReply unchanged.
func (ss *session) readEnded(err error) {
	switch {
	case errors.Is(err, errLineTooLong):
		ss.refuse("a line may have %d bytes at most", ss.server.cfg.MaxLineBytes)
	case err == io.EOF: // a client that has closed its side of the connection still reads
	case !errors.Is(err, os.ErrDeadlineExceeded):
		ss.loop.Cancel() // no client reads the replies
	case ss.stopped.Load():
	case ss.in.begun():
		ss.refuse("a line must end within %v", ss.server.cfg.LineTimeout)
	default: // idle for IdleTimeout
		ss.lastReply = wire.Goodbye(nil)
	}
}

// refuse sets lastReply to an error for a client that exceeds a limit, and logs the reason. format and args describe
// the reason, as for fmt.Sprintf.
func (ss *session) refuse(format string, args ...any) {
	ss.lastReply = wire.Error(nil, actionhero.Errorf(actionhero.CodeInvalidInput, format, args...))
	ss.server.api.Log().Info("a TCP client was closed", "to", ss.ip, "reason", fmt.Sprintf(format, args...))
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

// reply sends a JSON object to the client. object has no closing brace; reply appends the brace, after the key
// "messageCount" with the value count.
func (ss *session) reply(object []byte, count uint64) {
	var tail [tailSize]byte
	ss.out.AddLater(object, appendTail(tail[:0], count))
	ss.out.Send()
}

// tailSize is the size, in bytes, of a buffer that is large enough for the output of appendTail.
const tailSize = 40

// appendTail appends the end of a JSON object to dst: the key "messageCount" with the value count, the closing brace
// and the line end.
func appendTail(dst []byte, count uint64) []byte {
	dst = strconv.AppendUint(append(dst, `,"messageCount":`...), count, 10)
	return append(dst, "}\r\n"...)
}

// wireKind identifies the encoding of room messages for TCP clients in calls of transport.Encoded. All TCP clients
// share one encoded copy of a message.
type wireKind struct{}

// Deliver implements transport.Sender. It queues a room message for the client. If flush is true, the caller must call
// Flush.
func (ss *session) Deliver(m *actionhero.RoomMessage) (flush bool) {
	object := transport.Encoded(m, wireKind{}, func(m *actionhero.RoomMessage) []byte { return wire.RoomMessage(nil, m) })
	var tail [tailSize]byte
	return ss.out.AddShared(object, appendTail(tail[:0], ss.count.Load()))
}

// Flush implements transport.Sender. It writes the queued messages without blocking.
func (ss *session) Flush() { ss.out.Flush() }

// Close implements transport.Sender. It closes the connection at once and logs the reason, because the TCP protocol has
// no message for a reason.
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
