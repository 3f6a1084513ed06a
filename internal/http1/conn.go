package http1

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// The states of a connection. Server.Shutdown closes a connection in stateFresh or stateIdle at once. If a connection is in
// stateActive, Server.Shutdown waits for the running request.
const (
	stateFresh int32 = iota // no request has come yet
	stateIdle
	stateActive
	stateClosing
)

// end is the reason why conn.serve ended.
type end int

const (
	endClose end = iota
	endFallback
	endHijacked
)

// blockSize is the size of the input buffer of a connection, in bytes. If the head and the body of a request are larger
// together, the connection takes a buffer of the size largeSize. If they are larger than that, the request is passed to
// net/http.
const (
	blockSize = 8 << 10
	largeSize = 24 << 10
)

var (
	blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}
	larges = sync.Pool{New: func() any { return new([largeSize]byte) }}
)

// bodyTimeout is the time within which the rest of a small body must arrive. If the body is incomplete after this time,
// the request is passed to net/http, which has its own time limits.
const bodyTimeout = 200 * time.Millisecond

type conn struct {
	server *Server
	nc     net.Conn
	remote string
	tls    *tls.ConnectionState // nil: a connection without TLS
	reader pooledreader.Reader
	state  atomic.Int32

	block    []byte // of one of the pools; nil while nothing has been read
	from, to int    // the unused input is block[from:to]
	bodyLent bool   // the input before from is the body of the running request

	end end // set while serve runs; valid after serve has ended
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, remote: nc.RemoteAddr().String()}
	if secure, ok := nc.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := secure.ConnectionState()
		c.tls = &state
	}
	c.reader.Init(nc)
	return c
}

// abort closes the connection at once. The Close of a TLS connection could block, because it sends an alert.
func (c *conn) abort() {
	if secure, ok := c.nc.(interface{ NetConn() net.Conn }); ok {
		_ = secure.NetConn().Close()
		return
	}
	_ = c.nc.Close()
}

// Space implements pooledreader.Buffer. It returns the free part of the input buffer. If the connection has no input
// buffer, Space takes one from the pool.
func (c *conn) Space() []byte {
	if c.block == nil {
		c.block = blocks.Get().(*[blockSize]byte)[:]
	}
	return c.block[c.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer. If the input buffer holds no input, ReleaseIfEmpty returns the buffer
// to the pool and reports true.
func (c *conn) ReleaseIfEmpty() (empty bool) {
	if empty = c.from == c.to && !c.bodyLent; empty {
		c.release()
	}
	return empty
}

func (c *conn) release() {
	putBlock(c.block)
	c.block, c.from, c.to = nil, 0, 0
}

func putBlock(block []byte) {
	poison.Bytes(block)
	switch len(block) {
	case blockSize:
		blocks.Put((*[blockSize]byte)(block))
	case largeSize:
		larges.Put((*[largeSize]byte)(block))
	}
}

// grow moves the unused input to a buffer of the size largeSize.
func (c *conn) grow() {
	next := larges.Get().(*[largeSize]byte)[:]
	c.to = copy(next, c.block[c.from:c.to])
	c.from = 0
	putBlock(c.block)
	c.block = next
}

// detachRest returns a copy of the unused input and releases the input buffer to the pool.
func (c *conn) detachRest() []byte {
	var rest []byte
	if c.block != nil {
		rest = bytes.Clone(c.block[c.from:c.to])
	}
	c.release()
	return rest
}

// fill reads more input from the connection and appends it to the unused input in the buffer.
func (c *conn) fill() error {
	if c.from > 0 {
		c.to = copy(c.block, c.block[c.from:c.to])
		c.from = 0
	}
	begun := c.to > 0
	n, err := c.reader.Read(c)
	if c.to += n; !begun && c.skipLineEnds() {
		c.server.cfg.OnPhase(c.nc, PhaseHead)
	}
	return err
}

// skipLineEnds skips the line ends before a request, which some clients send after a body (RFC 9112 section 2.2). It
// reports whether there is input after them.
func (c *conn) skipLineEnds() (more bool) {
	for c.from < c.to && (c.block[c.from] == '\r' || c.block[c.from] == '\n') {
		c.from++
	}
	return c.from < c.to
}

// serve serves requests until the connection ends or needs Config.Fallback, and records the reason in c.end. A handler
// can end the goroutine with [runtime.Goexit]. The deferred function therefore releases what the connection holds.
func (c *conn) serve() {
	defer c.leave()
	for waits := stateFresh; ; waits = stateIdle {
		switch {
		case waits == stateFresh:
		case c.skipLineEnds():
			c.server.cfg.OnPhase(c.nc, PhaseHead)
		default:
			c.server.cfg.OnPhase(c.nc, PhaseIdle)
		}
		call, verdict := c.next()
		if verdict == verdictGone || !c.state.CompareAndSwap(waits, stateActive) {
			return // the client has disconnected, or Shutdown is closing the connection
		}
		if verdict == verdictFallback {
			c.end = endFallback
			return
		}
		c.server.cfg.OnPhase(c.nc, PhaseActive)
		if !c.run(call) {
			return
		}
		c.state.Store(stateIdle)
		if c.server.ending.Load() == stopping {
			return
		}
	}
}

func (c *conn) leave() {
	if c.from == c.to {
		c.release()
	}
	c.server.remove(c)
	if c.end == endClose {
		_ = c.nc.Close()
	}
}

// verdict is the decision of conn.next about the next request on a connection.
type verdict int

const (
	verdictServe    verdict = iota // an ordinary request
	verdictFallback                // any other request
	verdictGone                    // the client has disconnected
)

var headEnd = []byte("\r\n\r\n")

// next reads the next request and decides whether this package serves the request. If the verdict is not verdictServe,
// the returned call is nil.
func (c *conn) next() (*call, verdict) {
	seen := 0
	for {
		have := c.rest()
		if i := bytes.Index(have[max(0, seen-3):], headEnd); i >= 0 {
			return c.parse(max(0, seen-3) + i + len(headEnd))
		}
		if len(have) >= c.server.cfg.MaxHead || len(have) == largeSize || len(have) > 0 && !maybeRequest(have) || hasBareLineFeed(have, seen) {
			return nil, verdictFallback
		}
		if seen = len(have); seen == blockSize && len(c.block) == blockSize {
			c.grow()
		}
		if err := c.fill(); err != nil {
			return nil, verdictGone
		}
	}
}

// hasBareLineFeed reports whether a line in have, the beginning of a request, ends without a carriage return. have was
// already checked up to seen. The end of that head can look different from headEnd, so net/http reads it.
func hasBareLineFeed(have []byte, seen int) bool {
	for i := seen; i < len(have); i++ {
		next := bytes.IndexByte(have[i:], '\n')
		if next < 0 {
			return false
		}
		if i += next; i == 0 || have[i-1] != '\r' {
			return true
		}
	}
	return false
}

func (c *conn) rest() []byte {
	if c.block == nil {
		return nil
	}
	return c.block[c.from:c.to]
}

// maybeRequest reports whether have, the input, can be the beginning of an HTTP request. Input of another protocol,
// such as TLS, is passed to net/http at once, because the end of a head would never come.
func maybeRequest(have []byte) bool { return 'A' <= have[0] && have[0] <= 'Z' }

// parse creates a call from the next request, whose head has length bytes. If the body is incomplete, parse waits up to
// bodyTimeout for the rest of the body.
func (c *conn) parse(length int) (*call, verdict) {
	if length > c.server.cfg.MaxHead {
		return nil, verdictFallback
	}
	call, ok := newCall(c, string(c.block[c.from:c.from+length]))
	if !ok || int64(length)+call.length > largeSize || !c.server.cfg.Eligible(call.method, call.path) {
		return nil, verdictFallback
	}
	var text []byte
	whole := length + int(call.length)
	switch {
	case call.isChunked:
		var body chunks
		verdict := c.waitFor(func() bool { return body.scan(c.rest()[length:]) })
		if verdict == verdictServe && body.isOdd || verdict == verdictGone && c.server.ending.Load() != stopping {
			verdict = verdictFallback // net/http answers a body that ends too early
		}
		if verdict != verdictServe {
			return nil, verdict
		}
		whole = length + body.end
		text = body.join(c.rest()[length:whole])
	default:
		if verdict := c.waitForLength(call, length, whole); verdict != verdictServe {
			return nil, verdict
		}
		text = c.rest()[length:whole]
	}
	call.finishRequest(text)
	c.from += whole
	return call, verdictServe
}

// waitForLength waits until the buffer holds a request with the given length of its head and of the whole. If the client may
// wait for "100 Continue" before it sends the body, waitForLength sends it.
func (c *conn) waitForLength(call *call, head, whole int) verdict {
	if len(c.rest()) >= whole {
		return verdictServe
	}
	if call.expects {
		if _, err := c.nc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return verdictGone
		}
	}
	verdict := c.waitFor(func() bool { return len(c.rest()) >= whole })
	if verdict == verdictFallback && call.expects {
		c.dropExpect(head) // net/http would send it a second time
	}
	return verdict
}

// dropExpect removes the header Expect from the head of the next request, which has length bytes.
func (c *conn) dropExpect(length int) {
	lines := bytes.SplitAfter(c.rest()[:length], []byte("\n"))
	at := c.from
	for _, line := range lines {
		if name, _, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Expect")) {
			c.to = at + copy(c.block[at:], c.block[at+len(line):c.to])
			return
		}
		at += len(line)
	}
}

// waitFor reads until isWhole reports that the buffer holds a whole request. Then it returns verdictServe. If bodyTimeout
// passes first, or the request is too large, waitFor returns verdictFallback. If the client disconnects first, waitFor
// returns verdictGone.
func (c *conn) waitFor(isWhole func() bool) verdict {
	if isWhole() {
		return verdictServe
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(bodyTimeout))
	defer func() { _ = c.nc.SetReadDeadline(time.Time{}) }() // the reads of a next request, or of net/http, have limits of their own
	for !isWhole() {
		switch have := len(c.rest()); {
		case have == largeSize:
			return verdictFallback
		case have == blockSize && len(c.block) == blockSize: // fill makes room if there is less
			c.grow()
		}
		if err := c.fill(); isTimeout(err) && c.server.ending.Load() != stopping {
			return verdictFallback
		} else if err != nil {
			return verdictGone
		}
	}
	return verdictServe
}

// run calls the handler and sends the rest of the response. It reports whether the connection can serve another request.
func (c *conn) run(call *call) (more bool) {
	returned := false
	defer func() {
		if !returned {
			c.abandon(call, recover())
		}
		c.takeBody(call)
		call.free()
		call.recycle()
	}()
	call.begin()
	c.server.cfg.Handler.ServeHTTP(call, call.request)
	returned = true
	call.end()
	if call.hijacked {
		c.end = endHijacked
		return false
	}
	return call.finish() && !call.closes
}

// abandon ends a call whose handler has not returned. If the handler panicked with p, the response stays incomplete, and
// the client notices. If the handler ended its goroutine with [runtime.Goexit], p is nil. Deferred functions of the
// handler may then have written a response, which is sent unless a part of it was sent before. An empty response becomes
// an internal error.
func (c *conn) abandon(call *call, p any) {
	call.end()
	if call.hijacked {
		c.end = endHijacked
	}
	switch {
	case p == nil:
		if call.hijacked || call.headSent {
			return
		}
		if call.closes = true; call.status == 0 {
			c.server.cfg.Log.Error("a web request ended its goroutine with runtime.Goexit", "to", c.remote)
			call.writeHeader(http.StatusInternalServerError)
		}
		call.finish()
	case !isAbort(p):
		c.server.cfg.Log.Error("a fault in a web request", "to", c.remote, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// takeBody ends the use of the input buffer as the body of call.
func (c *conn) takeBody(call *call) {
	if c.bodyLent {
		c.bodyLent = false
		call.body.end()
	}
}
