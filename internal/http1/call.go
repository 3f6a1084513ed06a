package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// call is one request and its response. The type call is also the context.Context of the request and, in response.go,
// the http.ResponseWriter.
type call struct {
	mu sync.Mutex // guards the fields of the context; it is never copied or reset
	callState
}

type callState struct {
	conn         *conn
	request      *http.Request
	requestSpace http.Request

	// The request:
	method, path, host string
	url                *url.URL
	urlSpace           url.URL
	length             int64
	hasLength          bool
	isOld              bool      // the version is HTTP/1.0
	isChunked          bool      // the body is in chunks
	expects            bool      // the client may wait for "100 Continue"
	valueSpace         [6]string // space for the values of the first headers
	valuesUsed         int
	body               body

	// The context:
	real   context.Context // created when the handler needs one
	cancel context.CancelFunc
	read   chan struct{} // closed when readInBackground returns
	phase  phase

	reusable bool // see Reuse
	response
}

// phase says how far a call is. A goroutine that an earlier request has left behind may use the call as a context at any time.
// It may read the field conn and start readInBackground only in the phases that permit it.
type phase uint8

const (
	phaseFree    phase = iota // no handler has the call: it waits for a request, or is becoming one
	phaseRunning              // the handler runs
	phaseEnded                // the handler has returned
)

// calls holds the calls that later requests may use again.
var calls = sync.Pool{New: func() any { return new(call) }}

// takeCall returns a call without any values, except an empty map of headers.
func takeCall(c *conn, method string) *call {
	call := calls.Get().(*call)
	header := call.requestSpace.Header
	if header == nil {
		header = make(http.Header)
	}
	call.conn = c
	call.method = method
	call.requestSpace = *emptyRequest.WithContext(call)
	call.requestSpace.Header = header
	return call
}

// Reuse permits this package to use the request, the headers of the request and the writer for a later request. The
// handler must call Reuse as its last action, and only if no other code keeps one of them. Code may keep the context of the
// request and contexts derived from it.
func (c *call) Reuse() { c.reusable = true }

// recycle returns the call to the pool if its handler permits it, and if neither the context nor the body of the request
// has been used. A stale context then never shows the values of a later request: its methods Done and Err create a real
// context, and a call with a real context is not used again.
func (c *call) recycle() {
	if !c.reusable || c.hijacked || c.request.Body != http.NoBody {
		return
	}
	c.mu.Lock()
	unused := c.real == nil
	if header := c.requestSpace.Header; unused {
		clear(header)
		c.callState = callState{}
		c.requestSpace.Header = header
	}
	c.mu.Unlock()
	if unused {
		calls.Put(c)
	}
}

// body is the body of a request. The whole body is in memory before the handler runs. The memory is the input buffer of
// the connection, which holds the next request after the handler has returned. Therefore end and Read exclude each other.
type body struct {
	mu    sync.Mutex
	text  []byte
	ended bool
}

// Read implements io.Reader. After Close, or after the handler has returned, it returns [http.ErrBodyReadAfterClose].
func (b *body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
		return 0, http.ErrBodyReadAfterClose
	case len(b.text) == 0:
		return 0, io.EOF
	}
	n = copy(p, b.text)
	b.text = b.text[n:]
	return n, nil
}

// Close implements io.Closer. It ends the use of the body.
func (b *body) Close() error {
	b.end()
	return nil
}

func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text, b.ended = nil, true
}

// finishRequest sets the body of the request to text.
func (c *call) finishRequest(text []byte) {
	c.request.Body = http.NoBody
	if c.conn.bodyLent = len(text) > 0; c.conn.bodyLent {
		c.body.text = text
		c.request.Body = &c.body
	}
}

// Deadline implements context.Context. A request has no deadline.
func (c *call) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context. The first call of Done or Err starts readInBackground, so that the context is
// canceled when the client disconnects.
func (c *call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realize().Done()
}

// Err implements context.Context. It returns an error if the client has disconnected or the handler has returned.
func (c *call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil && c.phase != phaseRunning {
		return context.Canceled
	}
	return c.realize().Err()
}

// Value implements context.Context. It looks up key in the real context, so that package context can find the real
// context if a context is derived from the call.
func (c *call) Value(key any) any {
	var conn *conn
	c.mu.Lock()
	real := c.real
	if c.phase != phaseFree { // a free call loses its connection, and gets another one, without the lock
		conn = c.conn
	}
	c.mu.Unlock()
	switch {
	case key == http.LocalAddrContextKey && conn != nil:
		return conn.nc.LocalAddr()
	case real == nil:
		return nil
	}
	return real.Value(key)
}

// realize returns c.real, the context of the request that package context has created. If c.real is nil, realize first
// creates the context. While the handler runs, it also starts readInBackground. If no handler has the call, realize returns
// a context that has ended, and does not keep it for the next request. The caller must hold c.mu.
func (c *call) realize() context.Context {
	switch {
	case c.real != nil:
		return c.real
	case c.phase == phaseFree:
		return endedContext
	}
	c.real, c.cancel = context.WithCancel(context.Background())
	switch {
	case c.phase == phaseEnded:
		c.cancel()
	case c.hijacked:
	default:
		c.read = make(chan struct{})
		go c.conn.readInBackground(c.cancel, c.read)
	}
	return c.real
}

// endedContext is the context of all requests that have ended and whose calls wait for another one.
var endedContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// readInBackground blocks until the client sends input or disconnects. The input stays in the buffer for the next
// request. If the client disconnects, readInBackground calls gone. Before it returns, readInBackground closes the
// channel done.
func (c *conn) readInBackground(gone func(), done chan<- struct{}) {
	defer close(done)
	if c.from == c.to && !c.bodyLent {
		c.from, c.to = 0, 0
	}
	if c.to == len(c.block) && c.to > 0 {
		return // there is no room; a client that sends so much in advance is connected
	}
	if n, err := c.reader.Read(c); err == nil {
		c.to += n
	} else if !isTimeout(err) {
		gone()
	}
}

// stopReading stops readInBackground and blocks until it has returned. If readInBackground does not run, stopReading
// does nothing.
func (c *call) stopReading() {
	c.mu.Lock()
	read := c.read
	c.read = nil
	c.mu.Unlock()
	if read == nil {
		return
	}
	_ = c.conn.nc.SetReadDeadline(time.Unix(1, 0))
	<-read
	_ = c.conn.nc.SetReadDeadline(time.Time{})
}

// begin permits the context of the request to read the connection. The connection calls begin before the handler runs.
func (c *call) begin() {
	c.mu.Lock()
	c.phase = phaseRunning
	c.mu.Unlock()
}

// end stops readInBackground and cancels the context of the request. The connection calls end when the handler has
// returned. The phase changes first: from then on, realize does not start readInBackground again.
func (c *call) end() {
	c.mu.Lock()
	c.phase = phaseEnded
	cancel := c.cancel
	c.mu.Unlock()
	c.stopReading()
	c.returned.Store(true)
	if cancel != nil {
		cancel()
	}
}

// Hijack implements http.Hijacker. The returned reader first returns the input that was already read from the
// connection.
func (c *call) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	switch {
	case c.hijacked:
		return nil, nil, http.ErrHijacked
	case c.returned.Load():
		return nil, nil, errReturned
	}
	c.mu.Lock()
	c.hijacked = true // first: realize must not start readInBackground again
	c.mu.Unlock()
	c.stopReading()
	c.conn.takeBody(c)
	nc := c.conn.nc
	c.conn.server.cfg.OnPhase(nc, PhaseHijacked)
	rest := c.conn.detachRest()
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), nc), blockSize)
	_, _ = in.Peek(len(rest)) // callers of Hijack look at the buffered input
	return nc, bufio.NewReadWriter(in, bufio.NewWriter(nc)), nil
}

// SetReadDeadline does nothing, because the whole body has been read already. [http.ResponseController.SetReadDeadline]
// calls this method.
func (c *call) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline sets the write deadline of the response. [http.ResponseController.SetWriteDeadline] calls this
// method.
func (c *call) SetWriteDeadline(t time.Time) error {
	if c.returned.Load() {
		return errReturned
	}
	c.hasDeadline = true
	return c.conn.nc.SetWriteDeadline(t)
}

// EnableFullDuplex does nothing, because the whole body has been read already.
// [http.ResponseController.EnableFullDuplex] calls this method.
func (c *call) EnableFullDuplex() error { return nil }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
