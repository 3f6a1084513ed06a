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

// call is one request and its response. It is also the context of the request and, in response.go, the ResponseWriter, so
// that one allocation holds most of them.
type call struct {
	conn    *conn
	request *http.Request

	// The request:
	method, path, host string
	url                *url.URL
	urlSpace           url.URL
	length             int64
	hasLength          bool
	valueSpace         [6]string // of the headers
	valuesUsed         int
	body               body

	// The context:
	mu     sync.Mutex
	real   context.Context // created when the handler needs one
	cancel context.CancelFunc
	read   chan struct{} // closed when readInBackground returns
	ended  bool

	response
}

// body is the body of a request, which has been read before the handler runs.
type body struct{ bytes.Reader }

// Close implements io.Closer.
func (*body) Close() error { return nil }

// finishRequest sets the body of the request.
func (c *call) finishRequest(text []byte) {
	c.request.Body = http.NoBody
	if c.conn.bodyLent = len(text) > 0; c.conn.bodyLent {
		c.body.Reset(text)
		c.request.Body = &c.body
	}
}

// Deadline implements context.Context. A request has no deadline.
func (c *call) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context. The first call starts reading the connection in the background, so that the context is
// canceled when the client disconnects.
func (c *call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realize().Done()
}

// Err implements context.Context.
func (c *call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended && c.real == nil {
		return context.Canceled
	}
	return c.realize().Err()
}

// Value implements context.Context. It asks the real context, too, so that contexts derived from this one find it.
func (c *call) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return c.conn.nc.LocalAddr()
	}
	c.mu.Lock()
	real := c.real
	c.mu.Unlock()
	if real == nil {
		return nil
	}
	return real.Value(key)
}

// realize returns the real context, and creates it if there is none. The caller must hold the lock.
func (c *call) realize() context.Context {
	if c.real != nil {
		return c.real
	}
	c.real, c.cancel = context.WithCancel(context.Background())
	switch {
	case c.ended:
		c.cancel()
	case c.hijacked:
	default:
		c.read = make(chan struct{})
		go c.conn.readInBackground(c.cancel, c.read)
	}
	return c.real
}

// readInBackground blocks until something comes, which stays for the next request, or the client disconnects.
func (c *conn) readInBackground(gone func(), done chan<- struct{}) {
	defer close(done)
	if c.from == c.to && !c.bodyLent {
		c.from, c.to = 0, 0
	}
	if c.to == blockSize {
		return // there is no room; a client that sends so much in advance is connected
	}
	if n, err := c.reader.Read(c); err == nil {
		c.to += n
	} else if !isTimeout(err) {
		gone()
	}
}

// stopReading stops readInBackground if it runs.
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

// end is called when the handler has returned. It cancels the context.
func (c *call) end() {
	c.stopReading()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Hijack implements http.Hijacker.
func (c *call) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if c.hijacked {
		return nil, nil, http.ErrHijacked
	}
	c.stopReading()
	c.mu.Lock()
	c.hijacked = true
	c.mu.Unlock()
	nc := c.conn.nc
	c.conn.server.cfg.OnPhase(nc, PhaseHijacked)
	rest := c.conn.detachRest()
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), nc), blockSize)
	_, _ = in.Peek(len(rest)) // callers of Hijack look at the buffered input
	return nc, bufio.NewReadWriter(in, bufio.NewWriter(nc)), nil
}

// SetReadDeadline is for an [http.ResponseController]. It does nothing: the body has been read already.
func (c *call) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for an [http.ResponseController].
func (c *call) SetWriteDeadline(t time.Time) error { return c.conn.nc.SetWriteDeadline(t) }

// EnableFullDuplex is for an [http.ResponseController]. It does nothing: the body has been read already.
func (c *call) EnableFullDuplex() error { return nil }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
