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

// call is one request and its answer: the context of the request (context.go) and the writer of the answer (answer.go) are parts of
// it, so that most of it is one piece of memory.
type call struct {
	conn    *conn
	request *http.Request

	// Of the request:
	method, path, host string
	url                *url.URL
	urlSpace           url.URL
	length             int64
	sized              bool
	values             [6]string // of its headers
	used               int
	body               body

	// Of the context:
	mu     sync.Mutex
	real   context.Context
	cancel context.CancelFunc
	read   chan struct{} // closed when reading in the background has ended
	ended  bool

	answer
}

// body is a request's body that has been read already.
type body struct{ bytes.Reader }

// Close implements io.Closer.
func (*body) Close() error { return nil }

// finishRequest gives the request its body.
func (c *call) finishRequest(text []byte) {
	c.request.Body = http.NoBody
	if c.conn.lent = len(text) > 0; c.conn.lent {
		c.body.Reset(text)
		c.request.Body = &c.body
	}
}

// Deadline implements context.Context: a request has none.
func (c *call) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context. The first who asks makes the connection be read in the background, so that the
// context ends when the client goes away.
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

// Value implements context.Context. The real context answers, too, so that contexts made of this one find it.
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
		go c.conn.watch(c.cancel, c.read)
	}
	return c.real
}

// watch reads until something comes, which is left for the next request, or the client has gone.
func (c *conn) watch(gone func(), done chan<- struct{}) {
	defer close(done)
	if c.from == c.to && !c.lent {
		c.from, c.to = 0, 0
	}
	if c.to == blockSize {
		return // there is no room; a client that sends so much ahead has not gone
	}
	if n, err := c.reader.Read(c); err == nil {
		c.to += n
	} else if !isTimeout(err) {
		gone()
	}
}

// stopReading ends the reading in the background, if there is any.
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

// end is the end of the handler: whoever still has the context is told.
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
	rest := c.conn.takeRest()
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), nc), blockSize)
	_, _ = in.Peek(len(rest)) // who takes the connection asks for what is buffered
	return nc, bufio.NewReadWriter(in, bufio.NewWriter(nc)), nil
}

// SetReadDeadline is for an [http.ResponseController]. The body has been read: nothing is left that could be late.
func (c *call) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for an [http.ResponseController].
func (c *call) SetWriteDeadline(t time.Time) error { return c.conn.nc.SetWriteDeadline(t) }

// EnableFullDuplex is for an [http.ResponseController]: reading and writing never get in each other's way here.
func (c *call) EnableFullDuplex() error { return nil }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
