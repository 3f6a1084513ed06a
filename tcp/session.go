package tcp

import (
	"bytes"
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
	"github.com/actionhero-go/actionhero/internal/outbox"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// session is one connection. One goroutine reads its lines and runs its commands; each action runs in one of its own.
type session struct {
	server *Server
	nc     net.Conn
	conn   *actionhero.Conn
	ip     string
	out    outbox.Outbox

	count   atomic.Uint64 // lines read that were not empty: the messageCount
	stopped atomic.Bool   // the server is stopping: read no more

	jobs jobs

	// Of the reading goroutine alone:
	params   actionhero.Params // the sticky ones
	goodbye  []byte            // what to say at the end, if anything
	lingerOK bool              // the client is still there to read what was said
	armed    bool              // a read deadline is set
}

func newSession(s *Server, nc net.Conn) *session {
	ss := &session{server: s, nc: nc}
	ss.out.Init(&s.outbox, nc, func(err error) { ss.Close(err.Error()) })
	return ss
}

// serve is the life of the connection.
func (ss *session) serve() {
	defer ss.server.forget(ss)
	defer ss.nc.Close()
	defer ss.recover()
	if !ss.handshake() {
		return
	}
	api := ss.server.api
	cfg := api.Config()
	remote := addrPort(ss.nc.RemoteAddr())
	ss.conn = api.Connect("tcp", remote, ss)
	ss.ip = ss.conn.Remote.Addr().String()
	api.Log().Debug("[connection @ tcp]", "to", ss.ip, "id", ss.conn.ID)
	defer ss.out.Close()
	defer api.Disconnect(ss.conn)
	ss.reply(wire.Welcome(nil, cfg.WelcomeMessage, cfg.DefaultChatRoom), 0)
	if err := api.Rooms.Join(ss.server.ctx, ss.conn, cfg.DefaultChatRoom); err != nil {
		api.Log().Error("a TCP client cannot join the default room", "error", err.Error())
	}
	ss.read()
	ss.begin()
	ss.jobs.done.Wait()
	if ss.stopped.Load() {
		ss.goodbye, ss.lingerOK = wire.Goodbye(nil), true
	}
	if ss.goodbye != nil {
		ss.reply(ss.goodbye, ss.count.Load())
	}
	ss.out.Wait()
	if ss.lingerOK {
		ss.linger()
	}
}

// recover keeps a fault in this package from taking the process along.
func (ss *session) recover() {
	if p := recover(); p != nil {
		buf := make([]byte, 8<<10)
		ss.server.api.Log().Error("a TCP connection was closed by a fault of the server", "panic", fmt.Sprint(p), "stack", string(buf[:runtime.Stack(buf, false)]))
	}
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

// A connection's buffer is this small while it has nothing to say, and grows with the line.
const smallBuffer = 512

// read reads lines until the client is done, breaks a rule, or the server stops.
func (ss *session) read() {
	buf := make([]byte, smallBuffer)
	n := 0               // bytes in buf
	begun := false       // buf holds the beginning of a line
	ss.wait(time.Time{}) // a deadline for the idle time
	for {
		if n == len(buf) {
			if n >= ss.server.cfg.MaxLineBytes {
				ss.refuse("a line may have %d bytes at most", ss.server.cfg.MaxLineBytes)
				return
			}
			buf = append(make([]byte, 0, min(2*n, ss.server.cfg.MaxLineBytes)), buf[:n]...)
			buf = buf[:cap(buf)]
		}
		got, err := ss.nc.Read(buf[n:])
		end := n + got
		rest := buf[:end]
		for {
			i := bytes.IndexByte(rest[n:], '\n')
			if i < 0 {
				break
			}
			line := rest[:n+i]
			rest, n = rest[n+i+1:], 0
			begun = false
			if !ss.line(bytes.TrimSuffix(line, []byte{'\r'})) {
				return
			}
		}
		ss.begin()
		if err != nil {
			ss.ended(err, len(rest) > 0)
			return
		}
		n = len(rest)
		switch {
		case n == 0 && len(buf) > smallBuffer:
			buf = make([]byte, smallBuffer)
		default:
			copy(buf, rest)
		}
		if n > 0 && !begun {
			begun = true
			ss.wait(time.Now().Add(ss.server.cfg.LineTimeout))
		} else if n == 0 {
			ss.wait(time.Time{})
		}
	}
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
	if !errors.Is(err, os.ErrDeadlineExceeded) || ss.stopped.Load() {
		return
	}
	if midLine {
		ss.refuse("a line must end within %v", ss.server.cfg.LineTimeout)
		return
	}
	ss.goodbye, ss.lingerOK = wire.Goodbye(nil), true
}

// refuse is the one answer to a client that breaks a rule, before the connection is closed.
func (ss *session) refuse(format string, args ...any) {
	ss.goodbye = wire.Error(nil, actionhero.Errorf(actionhero.InvalidInput, format, args...))
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
	if ss.out.Add(object, appendTail(tail[:0], count)) {
		ss.out.FlushWait()
	}
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

// Deliver implements actionhero.Sink.
func (ss *session) Deliver(d *actionhero.Delivery) bool {
	object := d.Encoded(roomMessage{}, func(d *actionhero.Delivery) []byte { return wire.RoomMessage(nil, d) })
	var tail [tailSize]byte
	return ss.out.Add(object, appendTail(tail[:0], ss.count.Load()))
}

// Flush implements actionhero.Sink.
func (ss *session) Flush() { ss.out.Flush() }

// Close implements actionhero.Sink: it ends the connection at once. TCP has no way to say why but the log.
func (ss *session) Close(reason string) {
	ss.server.api.Log().Info("a TCP client was closed", "to", ss.ip, "reason", reason)
	ss.out.Close()
	_ = ss.nc.Close()
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}
