package ws

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Conn is one connection. Set it up with [Conn.Upgrade]; it must not be copied.
type Conn struct {
	// Out is the queue of what is sent. What is added there must be whole frames.
	Out sendqueue.Queue

	nc      net.Conn
	options *Options
	fail    func(error)
	closing atomic.Pointer[CloseError] // the server closes the connection
	closed  atomic.Bool                // and has queued its close frame
	deflate bool

	// Of the reader alone:
	in      input
	partly  bool          // the deadline is that of a message that was begun
	armed   bool          // there is a deadline
	pinged  bool          // pongs wait to be sent
	silence int8          // how often it has passed since something was last read
	until   time.Duration // when that is, as since has it; 0 is none
	heard   time.Duration // when something was last read
}

// epoch is when since began: to read one clock takes half the time that it takes to ask for the time of day.
var epoch = time.Now()

func since() time.Duration { return time.Since(epoch) }

func (c *Conn) init(nc net.Conn, unread []byte, options *Options, deflate bool, fail func(error)) {
	c.nc, c.options, c.deflate, c.fail, c.heard = nc, options, deflate, fail, since()
	c.in.init(nc, options.MaxMessage, unread)
	c.Out.Init(&options.SendQueue, nc, c.doesNotRead)
}

// RemoteAddr returns where the client is.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Deflates reports whether compression was agreed.
func (c *Conn) Deflates() bool { return c.deflate }

// Next returns the next message that has come whole; ok is false if there is none. It answers pings on the way. The
// error is a *[CloseError], and final.
func (c *Conn) Next() (m Message, ok bool, err error) {
	if closing := c.closing.Load(); closing != nil {
		return m, false, closing // what was read but not begun is not begun any more
	}
	m, ok, err = c.next()
	if c.pinged { // all together
		c.pinged = false
		c.Out.Send()
	}
	return m, ok, err
}

func (c *Conn) next() (m Message, ok bool, err error) {
	for {
		h, payload, ok, fault := c.in.frame()
		if fault == nil && ok && h.rsv1 && !c.deflate {
			fault = protocolError("a reserved bit is set: compression was not agreed")
		}
		if fault != nil {
			return m, false, fault
		}
		if !ok {
			return m, false, nil
		}
		switch h.op {
		case opClose:
			return m, false, readClose(payload)
		case opPing:
			c.control(opPong, payload)
			c.pinged = true
		case opPong: // it is enough that something came
		default:
			if m, ok, fault = c.in.add(h, payload); fault != nil {
				return m, false, fault
			}
			if ok {
				if c.partly { // its time is over; the next message, which may have begun, has its own
					c.partly, c.armed = false, false
				}
				return m, true, nil
			}
		}
	}
}

// ErrPark is what Read returns when its argument says so.
var ErrPark = errors.New("the connection is to wait in another goroutine")

// Read waits until more has come, for as long as a client may be silent. The error is [ErrPark], after which another
// Read goes on where it was, or a *[CloseError], which is final. resting is asked when [Conn.Wake] was called; true ends
// the Read with ErrRest, and so does a client that is silent.
func (c *Conn) Read(resting func() bool) error {
	switch begun := c.in.begun(); {
	case !begun && (c.partly || !c.armed):
		c.partly = false
		c.arm(c.options.PingInterval)
	case begun && !c.partly:
		c.partly = true
		c.arm(c.options.MessageTimeout)
	}
	err := c.in.fill()
	if err == nil {
		c.heard, c.silence = since(), 0
		return nil
	}
	if closing := c.closing.Load(); closing != nil {
		return closing
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return &CloseError{Code: gone, Reason: err.Error(), ByClient: true}
	}
	if resting() {
		c.setDeadline()
		return ErrPark
	}
	if fault := c.late(); fault != nil {
		return fault
	}
	return ErrPark // what had to be done took more of a stack than waiting does
}

// late decides what to do when the deadline has passed: after silence the client is asked whether it is there. The time
// to answer is two deadlines, because one may pass while the reader is at something else.
func (c *Conn) late() *CloseError {
	if c.partly {
		return &CloseError{Code: PolicyError, Reason: "a message must end within " + c.options.MessageTimeout.String()}
	}
	if c.options.PingInterval == 0 {
		c.arm(0)
		return nil
	}
	if quiet := since() - c.heard; quiet < c.options.PingInterval {
		c.arm(c.options.PingInterval - quiet)
		return nil
	}
	switch c.silence++; c.silence {
	case 1:
		c.control(opPing, nil)
		c.Out.Send()
	case 3:
		return &CloseError{Code: PolicyError, Reason: "no answer to a ping within " + c.options.PongTimeout.String()}
	}
	c.arm(c.options.PongTimeout / 2)
	return nil
}

// arm sets the time within which something must come; 0 is none.
func (c *Conn) arm(within time.Duration) {
	c.armed = within > 0 || c.options.PingInterval == 0
	if c.until = 0; within > 0 {
		c.until = since() + within
	}
	c.setDeadline()
}

// setDeadline sets until when something must come.
func (c *Conn) setDeadline() {
	var until time.Time
	if c.until != 0 {
		until = time.Now().Add(c.until - since())
	}
	_ = c.nc.SetReadDeadline(until)
	if c.closing.Load() != nil {
		c.Wake()
	}
}

// Wake has a Read look whether it is to go on. Any goroutine may call it.
func (c *Conn) Wake() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }

// DetachBuffer leaves the memory of the messages that have come to whoever still uses them.
func (c *Conn) DetachBuffer() { c.in.detach() }

// Text queues a text message that the client has asked for, made of two parts, which Out.Send will send: it waits while
// too much waits already, see [sendqueue.Queue.AddLater].
func (c *Conn) Text(head, tail []byte) {
	var array [headSize]byte
	n := len(head) + len(tail)
	if c.deflate && n >= minDeflate {
		plain, packed := getBytes(), getBytes()
		defer putBytes(plain)
		defer putBytes(packed)
		*plain = append(append((*plain)[:0], head...), tail...) // the compressor would keep head and tail from the stack
		if *packed = deflate((*packed)[:0], *plain); len(*packed) < n {
			c.Out.AddLater(appendHead(array[:0], bitFin|bitRSV1|opText, len(*packed)), *packed)
			return
		}
	}
	c.Out.AddLater(appendHead(array[:0], bitFin|opText, n), head, tail)
}

// Binary queues a binary message as Text does.
func (c *Conn) Binary(data []byte) {
	var array [headSize]byte
	c.Out.AddLater(appendHead(array[:0], bitFin|opBinary, len(data)), data)
}

// control queues a control frame.
func (c *Conn) control(op byte, payload []byte) {
	c.Out.AddLater([]byte{bitFin | op, byte(len(payload))}, payload)
}

// Stop ends reading: Read will return the code and the reason, for Finish to tell the client.
func (c *Conn) Stop(code int, reason string) {
	if c.closing.CompareAndSwap(nil, &CloseError{Code: code, Reason: reason}) {
		c.Wake()
	}
}

// Close is Stop that does not wait for Finish: the client is told now, behind what is queued already, and nothing that
// is added later is sent. The connection is cut if the client has not taken part within [Options.CloseTimeout].
func (c *Conn) Close(code int, reason string) {
	c.Stop(code, reason)
	if c.closed.CompareAndSwap(false, true) {
		if c.Out.End(closeFrame(code, reason)) {
			c.Out.Flush()
		}
		time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
	}
}

// CloseNow ends the connection at once, with no word to the client.
func (c *Conn) CloseNow() {
	c.Out.Close()
	_ = c.nc.Close()
}

// doesNotRead is the end of a client that does not read: what waits is dropped, and it is told why if it takes what is
// on its way already.
func (c *Conn) doesNotRead(err error) {
	if errors.Is(err, sendqueue.ErrFull) {
		c.Close(TryAgainLater, "too much waits for you to read")
	} else {
		c.CloseNow()
	}
	c.fail(err)
}

// Finish is the end, for the reader alone: it sends what is queued and a close frame for err, the error of Next or Read,
// waits a little for the client to read that, and closes the connection.
func (c *Conn) Finish(err error) {
	c.in.release()
	var why *CloseError
	if !errors.As(err, &why) {
		why = &CloseError{Code: InternalError, Reason: "a fault of the server"}
	}
	if c.closed.CompareAndSwap(false, true) && why.Code != gone && c.Out.End(closeFrame(why.Code, why.Reason)) {
		c.Out.Flush()
	}
	switch {
	case why.Code == gone:
	case why.ByClient:
		c.Out.Wait()
	default:
		c.linger()
	}
	c.Out.Close()
	_ = c.nc.Close()
}

// linger lets the client read the last frames: closing a socket with unread input would reset it, and they would be
// lost. It reads at most lingerBytes.
func (c *Conn) linger() {
	const lingerBytes = 1 << 20
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		c.Out.Wait()
		if half.CloseWrite() != nil {
			return
		}
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.options.CloseTimeout))
	buf := make([]byte, 512)
	for read := 0; read < lingerBytes; {
		n, err := c.nc.Read(buf)
		if err != nil {
			return
		}
		read += n
	}
}
