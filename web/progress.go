package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// progressListener is a listener that accepts connections of type progressConn, whose writes fail if the client does
// not read. The write timeout of net/http is no substitute, because it limits the whole response. A limit of the whole
// response is too short for a large file and a slow client, and too long for a client that does not read.
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

// progressConn is a connection that limits the time for each written chunk, without reading the clock for each chunk.
// It sets a write deadline of half the timeout, and sets the next deadline only after the previous deadline has passed.
// A write fails if two deadlines pass while the client reads less than a chunk. Therefore, if a client does not read, the
// connection closes after at least half the timeout and at most the whole timeout.
type progressConn struct {
	net.Conn
	timeout      time.Duration
	armed        atomic.Bool // a write deadline was set; it may have passed since
	userDeadline atomic.Bool // net/http, TLS or a handler that hijacked the connection has set the write deadline
	yields       bool        // see Write

	unread          []byte // bytes that Read returns first: the fast path has read them already
	reaper          *reaper
	phase           atomic.Int32
	silent          atomic.Bool  // no byte had come at the last Drain
	since           atomic.Int64 // the tick of the reaper in which the phase began
	readDeadlineSet atomic.Bool  // a read deadline is set
}

// chunk is the number of bytes of a response that a client must read within the write timeout.
const chunk = 64 << 10

// arm sets the next write deadline, half the timeout from now.
func (c *progressConn) arm() error {
	c.armed.Store(true)
	return c.Conn.SetWriteDeadline(time.Now().Add(c.timeout / 2))
}

// SetWriteDeadline sets a write deadline that replaces the automatic write deadline of the connection. A zero t clears
// a deadline that an earlier call of SetWriteDeadline has set, but never the automatic deadline. The reason: net/http
// clears the write deadline after each request and after a TLS handshake, even if net/http has set no write deadline.
func (c *progressConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && !c.userDeadline.Load() {
		return nil
	}
	c.userDeadline.Store(!t.IsZero())
	c.armed.Store(false)
	return c.Conn.SetWriteDeadline(t)
}

// pace judges the speed of a client that reads one response, by the bytes that it has read when a deadline passes. A write
// may therefore be as large as the client takes.
type pace struct {
	read int64 // bytes since the client had read a whole chunk
	late bool  // a deadline has passed since then
}

// again decides what follows a write of n bytes that ended with err. It returns true if the deadline has passed and the
// client has not used up its time: the caller writes the rest. If the client has read less than a chunk within two
// deadlines, again closes the connection.
func (c *progressConn) again(p *pace, n int64, err error) bool {
	if err == nil || !isTimeout(err) || c.userDeadline.Load() {
		return false
	}
	switch p.read += n; {
	case p.read >= chunk:
		*p = pace{}
	case p.late:
		// Close without a delay: TLS would try to send its close alert for some seconds, HTTP/2 would wait for frames
		// of the client.
		_ = c.Close()
		return false
	default:
		p.late = true
	}
	return c.arm() == nil
}

// Write writes p. For HTTP/2, it first lets the other goroutines run that can: while a write runs, net/http collects
// the frames of all other streams for the next one. This saves most writes of a busy connection.
func (c *progressConn) Write(p []byte) (n int, err error) {
	if c.yields {
		runtime.Gosched()
	}
	if !c.armed.Load() && !c.userDeadline.Load() {
		if err := c.arm(); err != nil {
			return 0, err
		}
	}
	for client := (pace{}); ; {
		m, err := c.Conn.Write(p[n:])
		if n += m; !c.again(&client, int64(m), err) {
			return n, err
		}
	}
}

// corked is the number of bytes of a file from which on it is sent in whole segments. A smaller file fits into the buffers of
// most clients and costs less without that.
const corked = 2 << 20

// ReadFrom copies r to the connection. If r is a file, the kernel copies the file to the network (sendfile). If r is
// any other reader, ReadFrom reads from r and calls Write, because ReadFrom must know the number of sent bytes after a
// deadline has passed. This number is known only for a file and for Write.
func (c *progressConn) ReadFrom(r io.Reader) (n int64, err error) {
	src, most := r, int64(1<<63-1)
	limited, isLimited := r.(*io.LimitedReader)
	if isLimited {
		src, most = limited.R, limited.N
	}
	file, isFile := src.(*os.File)
	rf, ok := c.Conn.(io.ReaderFrom)
	if !ok || !isFile || most <= 0 {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if isLimited {
		defer func() { limited.N -= n }()
	}
	if !c.userDeadline.Load() {
		if err := c.arm(); err != nil { // a deadline that is nearly over would cut the time of the first chunk
			return 0, err
		}
	}
	if most >= corked {
		defer cork(c.Conn)()
	}
	for client := (pace{}); ; {
		m, err := rf.ReadFrom(&io.LimitedReader{R: file, N: most - n})
		if n += m; !c.again(&client, m, err) {
			return n, err
		}
		if _, err := file.Seek(start+n, io.SeekStart); err != nil { // without sendfile, more was read than sent
			return n, err
		}
	}
}

// SyscallConn returns the raw connection of the socket. If the connection holds bytes that the fast path has read from
// the socket, SyscallConn returns an error, because these bytes are no longer in the socket.
func (c *progressConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok && len(c.unread) == 0 {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite closes the sending side of the connection. net/http calls CloseWrite at the end of a response, before it
// closes the connection.
func (c *progressConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// progressBody is the body of a request. It extends the read deadline of the connection while the body is being read.
// The time limit of the whole body is the read timeout plus one second for each KiB that was read. The time limit of
// the next 4 KiB is at most the read timeout.
type progressBody struct {
	io.ReadCloser
	w       *http.ResponseController
	timeout time.Duration
	start   time.Time
	read    int64
	next    int64 // the deadline moves when this number of bytes was read
	ended   bool
	scope   *scope // the time in which the app may read the body; nil: no limit
}

// minRate is the lowest average rate, in bytes per second, at which a body may arrive after the read timeout has
// passed.
const minRate = 1 << 10

func newProgressBody(w http.ResponseWriter, body io.ReadCloser, timeout time.Duration) *progressBody {
	return &progressBody{ReadCloser: body, w: http.NewResponseController(w), timeout: timeout}
}

func (b *progressBody) Read(p []byte) (int, error) {
	if b.scope != nil && b.scope.use(func() error { return nil }) != nil {
		return 0, http.ErrBodyReadAfterClose
	}
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
		// After the end of the body, a deadline that passes would cancel the context of the request. Before the end of
		// the body, the deadline stays, because net/http reads the rest of the body.
		b.ended = true
		_ = b.w.SetReadDeadline(time.Time{})
	}
	return n, err
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
