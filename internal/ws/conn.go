package ws

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Conn is the server's end of one WebSocket connection. Set up a Conn with [Conn.Upgrade]. A Conn must not be copied.
type Conn struct {
	// Out is the send queue of the connection. Callers may add only whole frames.
	Out sendqueue.Queue

	nc      net.Conn
	options *Options
	fail    func(error)
	closing atomic.Pointer[CloseError] // set when the server closes the connection
	closed  atomic.Bool                // the close frame is queued
	deflate bool

	// Only the goroutine that reads uses these fields:
	in         input
	inMessage  bool          // deadline is the time limit for the rest of a message
	armed      bool          // a deadline is set
	pongQueued bool          // pongs are queued but not sent
	misses     int8          // deadlines that have passed since bytes were last read
	deadline   time.Duration // as time since epoch; 0: no deadline
	lastRead   time.Duration // when bytes were last read, as time since epoch
}

// epoch is the time from which uptime counts.
var epoch = time.Now()

// uptime returns the time since epoch. Only the monotonic clock is read, which takes half as long as time.Now.
func uptime() time.Duration { return time.Since(epoch) }

func (c *Conn) init(nc net.Conn, unread []byte, options *Options, deflate bool, fail func(error)) {
	c.nc, c.options, c.deflate, c.fail, c.lastRead = nc, options, deflate, fail, uptime()
	c.in.init(nc, options.MaxMessage, unread)
	c.Out.Init(&options.SendQueue, nc, c.doesNotRead)
}

// RemoteAddr returns the network address of the client. If the client connects through a proxy, it returns the address
// of the proxy.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Deflates reports whether the client and the server have agreed on compression in the handshake.
func (c *Conn) Deflates() bool { return c.deflate }

// Next returns the next message that has been received completely; ok is false if there is none. Next also replies to
// the pings before that message. The error is a *[CloseError]; the connection must end after an error.
func (c *Conn) Next() (m Message, ok bool, err error) {
	if closing := c.closing.Load(); closing != nil {
		return m, false, closing // messages that have been read but not returned are dropped
	}
	m, ok, err = c.next()
	if c.pongQueued { // one write for all pongs
		c.pongQueued = false
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
			c.pongQueued = true
		case opPong: // Read has noted the time of the pong
		default:
			if m, ok, fault = c.in.add(h, payload); fault != nil {
				return m, false, fault
			}
			if ok {
				if c.inMessage { // the next message, which may have begun, gets a deadline of its own
					c.inMessage, c.armed = false, false
				}
				return m, true, nil
			}
		}
	}
}

// ErrPark is the error with which [Conn.Read] asks its caller to call Read again from another goroutine, with a small
// stack.
var ErrPark = errors.New("the connection is to wait in another goroutine")

// Read blocks until more bytes have been received. The error is [ErrPark] or a *[CloseError]. After ErrPark, another
// Read continues with the same deadline. A CloseError is final, for example if the client was silent for PingInterval
// and did not answer the ping.
//
// After [Conn.Wake], Read calls park and returns ErrPark if park returns true. Read also returns ErrPark after a
// deadline that does not end the connection, because handling a deadline needs a larger stack than waiting.
func (c *Conn) Read(park func() bool) error {
	switch begun := c.in.begun(); {
	case !begun && (c.inMessage || !c.armed):
		c.inMessage = false
		c.arm(c.options.PingInterval)
	case begun && !c.inMessage:
		c.inMessage = true
		c.arm(c.options.MessageTimeout)
	}
	err := c.in.fill()
	if err == nil {
		c.lastRead, c.misses = uptime(), 0
		return nil
	}
	if closing := c.closing.Load(); closing != nil {
		return closing
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return &CloseError{Code: codeGone, Reason: err.Error(), ByClient: true}
	}
	if park() {
		c.setDeadline()
		return ErrPark
	}
	if fault := c.late(); fault != nil {
		return fault
	}
	return ErrPark
}

// late handles a read deadline that has passed. After PingInterval without input, late sends a ping. It returns an
// error if a message took longer than MessageTimeout, or if the client did not answer the ping within PongTimeout.
// PongTimeout is divided into two deadlines, because one of them may pass while the reader handles messages.
func (c *Conn) late() *CloseError {
	if c.inMessage {
		return &CloseError{Code: PolicyError, Reason: "a message must end within " + c.options.MessageTimeout.String()}
	}
	if c.options.PingInterval == 0 {
		c.arm(0)
		return nil
	}
	if idle := uptime() - c.lastRead; idle < c.options.PingInterval {
		c.arm(c.options.PingInterval - idle)
		return nil
	}
	switch c.misses++; c.misses {
	case 1:
		c.control(opPing, nil)
		c.Out.Send()
	case 3:
		return &CloseError{Code: PolicyError, Reason: "no answer to a ping within " + c.options.PongTimeout.String()}
	}
	c.arm(c.options.PongTimeout / 2)
	return nil
}

// arm sets the read deadline to the duration within from now. If within is 0, arm removes the deadline.
func (c *Conn) arm(within time.Duration) {
	c.armed = within > 0 || c.options.PingInterval == 0
	if c.deadline = 0; within > 0 {
		c.deadline = uptime() + within
	}
	c.setDeadline()
}

// setDeadline applies c.deadline to the network connection. If the server is closing the connection, setDeadline calls
// Wake again, because it may have replaced the deadline that Wake has set.
func (c *Conn) setDeadline() {
	var deadline time.Time
	if c.deadline != 0 {
		deadline = time.Now().Add(c.deadline - uptime())
	}
	_ = c.nc.SetReadDeadline(deadline)
	if c.closing.Load() != nil {
		c.Wake()
	}
}

// Wake interrupts a blocked Read. Read then checks whether it must return. Any goroutine may call Wake.
func (c *Conn) Wake() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }

// DetachBuffer replaces the read buffer by a new one. Messages that Next has returned stay valid, because the old
// buffer is not used again.
func (c *Conn) DetachBuffer() { c.in.detach() }

// Text queues a text message that the client has requested: the concatenation of head and tail. The caller must call
// Out.Send to send the message. Text blocks while the send queue is at least half full, see [sendqueue.Queue.AddLater].
func (c *Conn) Text(head, tail []byte) {
	var array [headSize]byte
	n := len(head) + len(tail)
	if c.deflate && n >= minDeflate {
		plain, packed := getBytes(), getBytes()
		defer putBytes(plain)
		defer putBytes(packed)
		*plain = append(append((*plain)[:0], head...), tail...) // head and tail would escape to the heap if the compressor got them
		if *packed = deflate((*packed)[:0], *plain); len(*packed) < n {
			c.Out.AddLater(appendHead(array[:0], bitFin|bitRSV1|opText, len(*packed)), *packed)
			return
		}
	}
	c.Out.AddLater(appendHead(array[:0], bitFin|opText, n), head, tail)
}

// Binary queues a binary message that the client has requested. Like [Conn.Text], Binary may block, and the caller must
// call Out.Send. Binary does not compress data.
func (c *Conn) Binary(data []byte) {
	var array [headSize]byte
	c.Out.AddLater(appendHead(array[:0], bitFin|opBinary, len(data)), data)
}

// control queues a control frame with the opcode op.
func (c *Conn) control(op byte, payload []byte) {
	c.Out.AddLater([]byte{bitFin | op, byte(len(payload))}, payload)
}

// Stop ends reading: Next and Read return a [CloseError] with the code and reason. Finish then sends the code and
// reason to the client.
func (c *Conn) Stop(code int, reason string) {
	if c.closing.CompareAndSwap(nil, &CloseError{Code: code, Reason: reason}) {
		c.Wake()
	}
}

// Close calls Stop and queues the close frame at once, after the queued messages. Later messages are dropped. If the
// client has not finished the closing handshake within [Options.CloseTimeout], Close closes the connection in a new
// goroutine.
func (c *Conn) Close(code int, reason string) {
	c.Stop(code, reason)
	if c.closed.CompareAndSwap(false, true) {
		if c.Out.End(closeFrame(code, reason)) {
			c.Out.Flush()
		}
		time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
	}
}

// CloseNow closes the connection at once, without a close frame, and drops the queued messages.
func (c *Conn) CloseNow() {
	c.Out.Close()
	_ = c.nc.Close()
}

// doesNotRead closes the connection of a client that does not read. The send queue calls doesNotRead with the reason
// err. The queued messages are dropped. If the queue was full, the client gets a close frame after the message that is
// being written.
func (c *Conn) doesNotRead(err error) {
	if errors.Is(err, sendqueue.ErrFull) {
		c.Close(TryAgainLater, "too much waits for you to read")
	} else {
		c.CloseNow()
	}
	c.fail(err)
}

// Finish ends the connection. Only the goroutine that reads may call Finish. It sends the queued messages and a close
// frame for err, the error of Next or Read. It then waits up to [Options.CloseTimeout] for the client to read these
// messages, and closes the connection.
func (c *Conn) Finish(err error) {
	c.in.release()
	var why *CloseError
	if !errors.As(err, &why) {
		why = &CloseError{Code: InternalError, Reason: "a fault of the server"}
	}
	if c.closed.CompareAndSwap(false, true) && why.Code != codeGone && c.Out.End(closeFrame(why.Code, why.Reason)) {
		c.Out.Flush()
	}
	switch {
	case why.Code == codeGone:
	case why.ByClient:
		c.Out.Wait()
	default:
		c.linger()
	}
	c.Out.Close()
	_ = c.nc.Close()
}

// linger gives the client time to read the last frames. Closing a socket with unread input resets the connection, so
// the client would lose these frames. linger therefore reads until the client closes the connection, for at most
// lingerBytes and CloseTimeout.
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
