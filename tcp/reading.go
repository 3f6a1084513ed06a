package tcp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/nonblock"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// Next implements connloop.Conn. It handles the next complete line that has been read.
func (ss *session) Next() connloop.NextResult {
	line, ok := ss.in.line()
	switch {
	case !ok && ss.in.interrupted():
		return connloop.Ended
	case !ok:
		return connloop.Incomplete
	case ss.line(line):
		ss.used = true
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
	case !begun && !ss.idleArmed:
		ss.inLine, ss.used, ss.quiet = false, false, 0
		ss.arm(time.Time{})
	case !begun:
	case !ss.inLine:
		ss.inLine = true
		ss.arm(time.Now().Add(ss.server.cfg.LineTimeout))
	}
	for err := ss.in.fill(); err != nil; err = ss.in.fill() {
		if ss.parkRequested(err) {
			return connloop.Park
		}
		switch {
		case err == io.EOF && ss.in.endLine(): // the last line needs no end
			return connloop.More
		case err == errLineTooLong && ss.server.dialect.skipsLong:
			ss.skipLine()
		case ss.stillIdle(err):
			ss.arm(time.Time{})
		default:
			ss.readEnded(err)
			return connloop.EOF
		}
	}
	return connloop.More
}

// Gone implements connloop.Conn. A client that has closed only its side of the connection has not gone: it still reads.
func (ss *session) Gone() bool {
	_, err := nonblock.Ended(ss.nc)
	return err != nil
}

// Leave implements connloop.Conn. It takes the client out of all its rooms and off the status.
func (ss *session) Leave() {
	ss.uncount()
	ss.server.api.Disconnect(ss.conn)
}

func (ss *session) uncount() {
	if !ss.left.Swap(true) {
		ss.server.clients.Add(-1)
	}
}

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

// looks is the number of deadlines into which the idle time is divided. A deadline is not moved with each line, because
// this would cost more than reading the line: a client is closed after looks deadlines without use.
const looks = 4

// stillIdle reports whether the session may go on after a read has returned err. It is false unless err is a deadline of
// the idle time, and false if the idle time is over. A client that waits for a reply or receives messages is not idle.
// The idle time begins with the last line, reply or message.
func (ss *session) stillIdle(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || ss.in.begun() || ss.stopped.Load() {
		return false
	}
	replied, heard := ss.loop.TakeRequestDone(), ss.heard.Swap(false)
	if heard || ss.used || replied || ss.loop.InFlight() > 0 {
		ss.used, ss.quiet = false, 0
		return true
	}
	ss.quiet++
	return ss.quiet < looks
}

// arm sets the read deadline of the connection to deadline. If deadline is zero, arm sets the next deadline of the idle
// time. If IdleTimeout is zero too, arm removes the read deadline.
func (ss *session) arm(deadline time.Time) {
	idle := ss.server.cfg.IdleTimeout
	ss.idleArmed = deadline.IsZero()
	if deadline.IsZero() && idle > 0 {
		deadline = time.Now().Add(max(idle/looks, 1))
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

// readEnded sets last, the last message to the client, according to err, the error of the last read. If the client
// has closed the connection or the server is stopping, readEnded leaves last unchanged.
func (ss *session) readEnded(err error) {
	switch {
	case errors.Is(err, errLineTooLong):
		ss.refuse("a line may have %d bytes at most", ss.server.cfg.MaxLineBytes)
	case err == errBusy:
		ss.refuseWith(&actionhero.Error{Code: actionhero.CodeUnavailable, Message: errBusy.Error() + ": try again later", RetryAfter: time.Second})
	case err == io.EOF: // a client that has closed its side of the connection still reads
	case !errors.Is(err, os.ErrDeadlineExceeded):
		ss.loop.Cancel() // no client reads the replies
	case ss.stopped.Load():
	case ss.in.begun():
		ss.refuse("a line must end within %v", ss.server.cfg.LineTimeout)
	default: // idle for IdleTimeout
		ss.server.api.Closing(ss.conn, fmt.Sprintf("the client was idle for %v", ss.server.cfg.IdleTimeout))
		ss.last = &answer{object: wire.Goodbye(nil)}
	}
}

// skipLine answers a line that is too long, of which the rest is skipped.
func (ss *session) skipLine() {
	ss.in.skip()
	limit := ss.server.cfg.MaxLineBytes
	failure := invalid("data length is too big (%d bytes at most)", limit)
	object := jsonx.AppendString([]byte(`{"status":"error","error":`), failure.Message)
	ss.queue(lineID{count: ss.count.Add(1)}, &answer{object: append(object, `,"context":"response"`...), failure: failure})
	ss.out.Send()
}

// refuse sets last to an error for a client that exceeds a limit, and logs the reason. format and args describe the
// reason, as for fmt.Sprintf.
func (ss *session) refuse(format string, args ...any) { ss.refuseWith(invalid(format, args...)) }

func (ss *session) refuseWith(err *actionhero.Error) {
	ss.last = new(answer)
	ss.last.fail(err)
	ss.server.api.Closing(ss.conn, err.Message)
	ss.server.api.Log().Info("a TCP client was closed", "to", ss.ip, "reason", err.Message)
}
