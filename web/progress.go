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

// progressListener accepts connections that fail if a write makes no progress. The write timeout of net/http limits the
// whole response. That is too short for a large file and a slow client, and too long for a client that does not read.
type progressListener struct {
	net.Listener
	writeTimeout time.Duration
	reaper       *reaper // nil: net/http sets the read deadlines
}

func (l progressListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &progressConn{Conn: nc, timeout: l.writeTimeout, reaper: l.reaper}
	if l.reaper != nil {
		l.reaper.add(c)
	}
	return c, nil
}

// progressConn limits the time for each chunk that is written, without reading the clock for each chunk. It sets a
// deadline of half the timeout, and the next one only after that one has passed. A write fails if two deadlines pass
// during it. So the connection of a client that does not read is closed after half the timeout at least and the whole
// timeout at most.
type progressConn struct {
	net.Conn
	timeout      time.Duration
	armed        atomic.Bool // a write deadline was set; it may have passed since
	userDeadline atomic.Bool // net/http, TLS or a handler that hijacked the connection has set the write deadline

	unread          []byte // bytes that Read returns first: the fast path has read them already
	reaper          *reaper
	phase           atomic.Int32
	since           atomic.Int64 // the tick of the reaper in which the phase began
	readDeadlineSet atomic.Bool  // a read deadline is set
}

// chunk is the number of bytes that a client must read within the timeout.
const chunk = 64 << 10

// arm sets the next write deadline.
func (c *progressConn) arm() error {
	c.armed.Store(true)
	return c.Conn.SetWriteDeadline(time.Now().Add(c.timeout / 2))
}

// SetWriteDeadline sets a deadline that replaces the one of the connection until it is cleared. Clearing the deadline of
// the connection itself has no effect: net/http clears the write deadline after each request and after a TLS handshake,
// even if it has set none.
func (c *progressConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.userDeadline.Load() {
		return nil
	}
	c.userDeadline.Store(!t.IsZero())
	c.armed.Store(false)
	return c.Conn.SetWriteDeadline(t)
}

// writeChunk runs the write of one chunk. If the deadline passes, it sets a new one and runs write once more.
func (c *progressConn) writeChunk(write func() (int64, error)) (n int64, err error) {
	if c.userDeadline.Load() {
		return write()
	}
	if !c.armed.Load() {
		if err := c.arm(); err != nil {
			return 0, err
		}
	}
	n, err = write()
	if err == nil || !isTimeout(err) || c.userDeadline.Load() {
		return n, err
	}
	if err := c.arm(); err != nil {
		return n, err
	}
	m, err := write()
	if err != nil {
		// At once: TLS would try to send its close alert for some seconds, HTTP/2 would wait for frames of the client.
		_ = c.Close()
	}
	return n + m, err
}

func (c *progressConn) Write(p []byte) (n int, err error) {
	for {
		end := min(len(p), n+chunk)
		_, err := c.writeChunk(func() (int64, error) {
			m, err := c.Conn.Write(p[n:end])
			n += m
			return int64(m), err
		})
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// ReadFrom lets the kernel copy a file to the network (sendfile). Any other reader is copied with Write: if a deadline
// passes during a copy, the number of bytes that were sent is known only for a file and for Write.
func (c *progressConn) ReadFrom(r io.Reader) (n int64, err error) {
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
		part := &io.LimitedReader{R: file, N: min(left, chunk)}
		m, err := c.writeChunk(func() (int64, error) { return rf.ReadFrom(part) })
		n, left = n+m, left-m
		if err != nil || part.N > 0 {
			return n, err
		}
	}
	return n, nil
}

// SyscallConn gives access to the socket. It fails while there are unread bytes, which the socket no longer has.
func (c *progressConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok && len(c.unread) == 0 {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite lets net/http end a response before it closes the connection.
func (c *progressConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// progressBody is the body of a request with a read deadline that moves. The whole body has the read timeout plus one
// second for each KiB that was read. The next 4 KiB never have more than the read timeout.
type progressBody struct {
	io.ReadCloser
	w       *http.ResponseController
	timeout time.Duration
	start   time.Time
	read    int64
	next    int64 // the deadline moves when this number of bytes was read
	ended   bool
}

// minRate is the least average rate of a body after the read timeout, in bytes per second.
const minRate = 1 << 10

func newProgressBody(w http.ResponseWriter, body io.ReadCloser, timeout time.Duration) *progressBody {
	return &progressBody{ReadCloser: body, w: http.NewResponseController(w), timeout: timeout}
}

func (b *progressBody) Read(p []byte) (int, error) {
	if b.start.IsZero() {
		b.start = time.Now()
	}
	if b.read >= b.next && !b.ended {
		b.next = b.read + 4*minRate
		now := time.Now()
		until := b.start.Add(b.timeout + time.Duration(b.read/minRate)*time.Second)
		if latest := now.Add(b.timeout); until.After(latest) {
			until = latest // a fast start must not allow a long pause
		}
		_ = b.w.SetReadDeadline(until)
	}
	n, err := b.ReadCloser.Read(p)
	if b.read += int64(n); errors.Is(err, io.EOF) && !b.ended {
		// A deadline that passes later would cancel the context of the request. If the body has not ended, the deadline
		// stays: net/http reads the rest.
		b.ended = true
		_ = b.w.SetReadDeadline(time.Time{})
	}
	return n, err
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
