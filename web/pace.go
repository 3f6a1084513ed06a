package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// paced is a listener whose connections must make progress: net/http's own write timeout is one for the whole answer,
// which is too short for a large file to a slow client and too long for one that does not read at all.
type paced struct {
	net.Listener
	writeTimeout time.Duration
	watch        *watch // nil: net/http sets the deadlines for reading
}

func (l paced) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &pacedConn{Conn: nc, timeout: l.writeTimeout, watch: l.watch}
	if l.watch != nil {
		l.watch.add(c)
	}
	return c, nil
}

// pacedConn gives each piece of what is written a time of its own, without a look at the clock for each: it sets a
// deadline of half the timeout when the one before has passed, and a write fails when it sees two pass. So a client that
// does not read is given up after half the timeout at least and all of it at most.
type pacedConn struct {
	net.Conn
	timeout time.Duration
	armed   atomic.Bool // a deadline for writing was set; it may have passed since
	theirs  atomic.Bool // it is not ours: net/http, TLS or whoever took the connection over has set one

	unread  []byte // what is to be read again, before anything else
	watch   *watch
	phase   atomic.Int32
	since   atomic.Int64 // the tick of the watch in which the phase began
	limited atomic.Bool  // a deadline for reading is set
}

// piece is how much must be taken within the timeout.
const piece = 64 << 10

// arm sets the next deadline.
func (c *pacedConn) arm() error {
	c.armed.Store(true)
	return c.Conn.SetWriteDeadline(time.Now().Add(c.timeout / 2))
}

// SetWriteDeadline sets a deadline in place of ours, until it is taken away. To take ours away does nothing: net/http
// does that after each request and after a TLS handshake, whether it has set one or not.
func (c *pacedConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.theirs.Load() {
		return nil
	}
	c.theirs.Store(!t.IsZero())
	c.armed.Store(false)
	return c.Conn.SetWriteDeadline(t)
}

// paced runs a write of one piece, and once more with a new deadline if the old one passed.
func (c *pacedConn) paced(write func() (int64, error)) (n int64, err error) {
	if c.theirs.Load() {
		return write()
	}
	if !c.armed.Load() {
		if err := c.arm(); err != nil {
			return 0, err
		}
	}
	n, err = write()
	if err == nil || !isTimeout(err) || c.theirs.Load() {
		return n, err
	}
	if err := c.arm(); err != nil {
		return n, err
	}
	m, err := write()
	if err != nil {
		_ = c.Close() // now: TLS would try for some seconds more to say goodbye, HTTP/2 would wait for what the client sends
	}
	return n + m, err
}

func (c *pacedConn) Write(p []byte) (n int, err error) {
	for {
		end := min(len(p), n+piece)
		_, err := c.paced(func() (int64, error) {
			m, err := c.Conn.Write(p[n:end])
			n += m
			return int64(m), err
		})
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// ReadFrom keeps the way open by which the kernel copies a file to the network. Anything else goes through Write: after
// a deadline has passed in the middle of a copy, only a file and Write know how far it got.
func (c *pacedConn) ReadFrom(r io.Reader) (n int64, err error) {
	src, left := r, int64(1<<63-1)
	limited, isLimited := r.(*io.LimitedReader)
	if isLimited {
		src, left = limited.R, limited.N
	}
	file, isFile := src.(*os.File)
	rf, ok := c.Conn.(io.ReaderFrom)
	if !ok || !isFile {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if isLimited {
		defer func() { limited.N -= n }()
	}
	for left > 0 {
		part := &io.LimitedReader{R: file, N: min(left, piece)}
		m, err := c.paced(func() (int64, error) { return rf.ReadFrom(part) })
		n, left = n+m, left-m
		if err != nil || part.N > 0 {
			return n, err
		}
	}
	return n, nil
}

// SyscallConn gives access to the socket, except while there is something to be read that the socket no longer has.
func (c *pacedConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok && len(c.unread) == 0 {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite lets net/http end an answer before the connection.
func (c *pacedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// pacedBody is a request's body that must keep coming: it has the read timeout, and a second more for each KiB, but never
// more than the read timeout for the next 4 KiB.
type pacedBody struct {
	io.ReadCloser
	w       *http.ResponseController
	timeout time.Duration
	start   time.Time
	read    int64
	next    int64 // how much must be read before the deadline moves
	ended   bool
}

// minRate is how many bytes a second a body must have on the average, after the read timeout.
const minRate = 1 << 10

func newPacedBody(w http.ResponseWriter, body io.ReadCloser, timeout time.Duration) *pacedBody {
	return &pacedBody{ReadCloser: body, w: http.NewResponseController(w), timeout: timeout}
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if b.start.IsZero() {
		b.start = time.Now()
	}
	if b.read >= b.next && !b.ended {
		b.next = b.read + 4*minRate
		now := time.Now()
		until := b.start.Add(b.timeout + time.Duration(b.read/minRate)*time.Second)
		if latest := now.Add(b.timeout); until.After(latest) {
			until = latest // who has sent much has not bought the right to stop
		}
		_ = b.w.SetReadDeadline(until)
	}
	n, err := b.ReadCloser.Read(p)
	if b.read += int64(n); errors.Is(err, io.EOF) && !b.ended {
		// The deadline would end the request's context later on. A body that did not end keeps it: net/http reads the rest.
		b.ended = true
		_ = b.w.SetReadDeadline(time.Time{})
	}
	return n, err
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
