package ws

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Conn is the server's end of one WebSocket connection. Set up a Conn with [Conn.Upgrade]. A Conn must not be copied.
type Conn struct {
	// Out is the send queue of the connection. Callers may add only whole frames.
	Out sendqueue.Queue

	options *Options
	fail    func(error)
	closing atomic.Pointer[CloseError] // set when the server closes the connection
	ending  sync.Mutex                 // held while the close frame is queued
	closed  atomic.Bool                // the close frame is queued, or is about to be
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

// uptime returns the time since epoch. It reads only the monotonic clock, which takes half as long as time.Now.
func uptime() time.Duration { return time.Since(epoch) }

func (c *Conn) init(nc net.Conn, unread []byte, options *Options, client netip.Prefix, deflate bool, fail func(error)) {
	c.options, c.deflate, c.fail, c.lastRead = options, deflate, fail, uptime()
	c.in.init(nc, options.MaxMessage, unread)
	c.Out.Init(&options.SendQueue, nc, client, c.doesNotRead)
	c.in.share.Init(options.Incoming, c.Out.ClientKey())
}

// RemoteAddr returns the network address of the client. If the client connects through a proxy, it returns the address
// of the proxy.
func (c *Conn) RemoteAddr() net.Addr { return c.Out.Conn().RemoteAddr() }

// Deflates reports whether the client and the server have agreed on compression in the handshake.
func (c *Conn) Deflates() bool { return c.deflate }

// Next returns the next completely received message. If no message has been received completely, ok is false. Next also
// replies to the received pings that precede the message. Each error is a *[CloseError]. After an error, the connection
// must end.
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

// ErrPark is an error that [Conn.Read] returns. The caller must then call Read again from another goroutine, which has
// a small stack.
var ErrPark = errors.New("the connection is to wait in another goroutine")

// Read blocks until more bytes have been received. Each error is [ErrPark] or a *[CloseError]. After ErrPark, the
// caller calls Read again, and the deadline stays the same. After a CloseError, the connection must end. For example,
// Read returns a CloseError if the client did not answer a ping.
//
// After [Conn.Wake], Read calls park and returns ErrPark if park returns true. Read also returns ErrPark if a deadline
// has passed that does not end the connection, because code that handles a deadline needs a larger stack than code that
// waits.
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
	if err == ErrBusy {
		return err
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

// late is called if a read deadline has passed. If no input has come for PingInterval, late sends a ping. It returns an
// error if a message took longer than MessageTimeout, or if the client did not answer the ping within PongTimeout. late
// divides PongTimeout into two deadlines, because one deadline may pass while the reading goroutine handles messages.
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

// arm sets the read deadline to the current time plus the duration within. If within is 0, arm removes the deadline.
func (c *Conn) arm(within time.Duration) {
	c.armed = within > 0 || c.options.PingInterval == 0
	if c.deadline = 0; within > 0 {
		c.deadline = uptime() + within
	}
	c.setDeadline()
}

// setDeadline applies c.deadline to the network connection. If the server is closing the connection, setDeadline also
// calls Wake, because setDeadline may have replaced the deadline that an earlier Wake has set.
func (c *Conn) setDeadline() {
	var deadline time.Time
	if c.deadline != 0 {
		deadline = time.Now().Add(c.deadline - uptime())
	}
	_ = c.Out.Conn().SetReadDeadline(deadline)
	if c.closing.Load() != nil {
		c.Wake()
	}
}

// Wake interrupts a blocked Read. Read then checks whether it must return. Any goroutine may call Wake.
func (c *Conn) Wake() { _ = c.Out.Conn().SetReadDeadline(time.Unix(1, 0)) }

// Gone returns a [CloseError] if the client has closed the connection, and nil otherwise. It is for callers that do not
// read at the time.
func (c *Conn) Gone() error {
	if eof, err := nonblock.Ended(c.Out.Conn()); eof || err != nil {
		return &CloseError{Code: codeGone, Reason: "the client has gone", ByClient: true}
	}
	return nil
}

// ClientGone reports whether err, the error of [Conn.Next] or [Conn.Read], means that no client reads any more.
func ClientGone(err error) bool {
	var end *CloseError
	return errors.As(err, &end) && (end.ByClient || end.Code == codeGone)
}

// DetachBuffer replaces the read buffer by a new one. Messages that Next has returned stay valid, because the old
// buffer is not used again.
func (c *Conn) DetachBuffer() { c.in.detach() }

// Text queues a text message that the client has requested. The text is the concatenation of head and tail. The caller
// must call Out.Send to send the message. While the send queue is at least half full, Text blocks; see
// [sendqueue.Queue.AddLater].
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

// Stop makes Next and Read return a [CloseError] with the code and reason. If that error is passed to Finish, Finish
// sends the code and reason to the client.
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
	if c.end(closeFrame(code, reason)) {
		time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
	}
}

// end queues the close frame after the queued messages, and returns true, unless an earlier call has queued one. When end
// returns, the close frame is in the queue in any case.
func (c *Conn) end(frame []byte) (first bool) {
	c.ending.Lock()
	defer c.ending.Unlock()
	if !c.closed.CompareAndSwap(false, true) {
		return false
	}
	if c.Out.End(frame) {
		c.Out.Flush()
	}
	return true
}

// CloseNow closes the connection at once, without a close frame, and drops the queued messages.
func (c *Conn) CloseNow() {
	c.Out.Close()
	_ = c.Out.Conn().Close()
}

// doesNotRead closes the connection and drops the queued messages. The send queue calls doesNotRead with the reason err
// if the client does not read. If the send queue was full, the client receives a close frame after the message that is
// being written, unless the server is closing the connection already.
func (c *Conn) doesNotRead(err error) {
	if full := errors.Is(err, sendqueue.ErrFull) || errors.Is(err, sendqueue.ErrBudget); full && !c.closed.Load() {
		c.Close(TryAgainLater, "too much waits for you to read")
	} else {
		c.CloseNow()
	}
	c.fail(err)
}

// Reject sends the code and reason to the client of a new connection that gets no reader, and closes the connection. It
// blocks until the client has read the close frame, but not longer than [Options.CloseTimeout] for each direction.
func (c *Conn) Reject(code int, reason string) { c.Finish(&CloseError{Code: code, Reason: reason}) }

// Finish ends the connection. Only the goroutine that reads may call Finish. Finish sends the queued messages and a
// close frame for err, the error of Next or Read. It then waits up to [Options.CloseTimeout] for the client to read the
// messages, and closes the connection.
func (c *Conn) Finish(err error) {
	c.forget()
	var why *CloseError
	if !errors.As(err, &why) {
		why = &CloseError{Code: InternalError, Reason: "a fault of the server"}
	}
	if why.Code == codeGone {
		c.closed.Store(true)
	} else {
		c.end(closeFrame(why.Code, why.Reason))
	}
	switch {
	case why.Code == codeGone:
	case why.ByClient:
		c.awaitOutput()
	default:
		c.linger()
	}
	c.Out.Close()
	_ = c.Out.Conn().Close()
}

// Abort closes the connection at once, like CloseNow, and ends the use of its input. Only the goroutine that reads may
// call Abort.
func (c *Conn) Abort() {
	c.CloseNow()
	c.in.share.Release()
}

// forget frees the memory of the input.
func (c *Conn) forget() {
	c.in.message = nil
	c.in.release()
	c.in.share.Release()
}

// awaitOutput waits until all queued messages are written, but for CloseTimeout at most: a client that does not read
// would keep the connection open for the write timeout.
func (c *Conn) awaitOutput() {
	timer := time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
	defer timer.Stop()
	c.Out.Wait()
}

// linger gives the client time to read the last frames. If a socket with unread input is closed, the operating system
// resets the connection, and the client may lose these frames. linger therefore reads until the client closes the
// connection, but for CloseTimeout and up to lingerBytes bytes at most.
func (c *Conn) linger() {
	const lingerBytes = 1 << 20
	if half, ok := c.Out.Conn().(interface{ CloseWrite() error }); ok {
		c.awaitOutput()
		if half.CloseWrite() != nil {
			return
		}
	}
	end := time.Now().Add(c.options.CloseTimeout)
	buf := make([]byte, 512)
	for read := 0; read < lingerBytes; {
		_ = c.Out.Conn().SetReadDeadline(end)
		n, err := c.Out.Conn().Read(buf)
		if early := errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end); err != nil && !early { // a late Wake comes early
			return
		}
		read += n
	}
}
