package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// paced is a listener whose connections must make progress: net/http's own write timeout is one for the whole answer,
// which is too short for a large file to a slow client and too long for one that does not read at all.
type paced struct {
	net.Listener
	writeTimeout time.Duration
}

func (l paced) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &pacedConn{Conn: nc, timeout: l.writeTimeout}, nil
}

// pacedConn gives each piece of what is written its own time.
type pacedConn struct {
	net.Conn
	timeout time.Duration
	armed   time.Time // when the deadline was set last; only the one that writes touches it
}

// piece is how much must be taken within the timeout.
const piece = 64 << 10

// arm sees to it that a write has at least half of the timeout left. Setting a deadline is not cheap, so one serves
// for the many small answers of a busy connection.
func (c *pacedConn) arm() error {
	now := time.Now()
	if now.Sub(c.armed) < c.timeout/2 {
		return nil
	}
	c.armed = now
	return c.Conn.SetWriteDeadline(now.Add(c.timeout))
}

func (c *pacedConn) Write(p []byte) (n int, err error) {
	for {
		if err := c.arm(); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(p[n:min(len(p), n+piece)])
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// ReadFrom keeps the way open by which the kernel copies a file to the network.
func (c *pacedConn) ReadFrom(r io.Reader) (n int64, err error) {
	rf, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	left := int64(1<<63 - 1)
	if limited, ok := r.(*io.LimitedReader); ok {
		r, left = limited.R, limited.N
		defer func() { limited.N -= n }()
	}
	for left > 0 {
		if err := c.arm(); err != nil {
			return n, err
		}
		want := min(left, piece)
		m, err := rf.ReadFrom(&io.LimitedReader{R: r, N: want})
		n, left = n+m, left-m
		if err != nil || m < want {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite lets net/http end an answer before the connection.
func (c *pacedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// pacedBody is a request's body that must keep coming: it has the read timeout, and a second more for each KiB.
type pacedBody struct {
	io.ReadCloser
	w       *http.ResponseController
	timeout time.Duration
	start   time.Time
	read    int64
	next    int64 // how much must be read before the deadline moves
}

// minRate is how many bytes a second a body must have on the average, after the read timeout.
const minRate = 1 << 10

func newPacedBody(w http.ResponseWriter, body io.ReadCloser, timeout time.Duration) *pacedBody {
	return &pacedBody{ReadCloser: body, w: http.NewResponseController(w), timeout: timeout, start: time.Now()}
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if b.read >= b.next {
		b.next = b.read + 4*minRate
		_ = b.w.SetReadDeadline(b.start.Add(b.timeout + time.Duration(b.read/minRate)*time.Second))
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// finish takes the deadline away: it would end the request's context later on.
func (b *pacedBody) finish() { _ = b.w.SetReadDeadline(time.Time{}) }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
