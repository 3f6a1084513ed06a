package http1

import (
	"bytes"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// The states of a connection, so that a shutdown closes it only while it is idle.
const (
	stateIdle int32 = iota
	stateWork
	stateClosing
)

// How serving a connection ends.
type end int

const (
	endClose end = iota
	endHandOver
	endHijacked
)

// blockSize is the most that is read of one request, head and body.
const blockSize = 8 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// bodyWait is how long the rest of a small body may take; one that takes longer is read by net/http, with its limits.
const bodyWait = 200 * time.Millisecond

type conn struct {
	server *Server
	nc     net.Conn
	remote string
	reader pooledreader.Reader
	state  atomic.Int32

	block    *[blockSize]byte // nil while nothing has been read
	from, to int              // what was read and not yet used is block[from:to]
	lent     bool             // what is before that is the body of the request at work
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, remote: nc.RemoteAddr().String()}
	c.reader.Init(nc)
	return c
}

// Space implements pooledreader.Buffer.
func (c *conn) Space() []byte {
	if c.block == nil {
		c.block = blocks.Get().(*[blockSize]byte)
	}
	return c.block[c.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer.
func (c *conn) ReleaseIfEmpty() (empty bool) {
	if empty = c.from == c.to && !c.lent; empty {
		c.release()
	}
	return empty
}

func (c *conn) release() {
	if c.block != nil {
		blocks.Put(c.block)
		c.block, c.from, c.to = nil, 0, 0
	}
}

// takeRest returns what was read and not used, and gives the buffer back.
func (c *conn) takeRest() []byte {
	var rest []byte
	if c.block != nil {
		rest = bytes.Clone(c.block[c.from:c.to])
	}
	c.release()
	return rest
}

// fill reads more behind what is there.
func (c *conn) fill() error {
	if c.from > 0 {
		c.to = copy(c.block[:], c.block[c.from:c.to])
		c.from = 0
	}
	begun := c.to > 0
	n, err := c.reader.Read(c)
	if c.to += n; n > 0 && !begun {
		c.server.cfg.OnPhase(c.nc, PhaseHead)
	}
	return err
}

func (c *conn) serve() end {
	defer func() {
		if c.block != nil && c.from == c.to {
			c.release()
		}
	}()
	for first := true; ; first = false {
		switch {
		case first:
		case c.from == c.to:
			c.server.cfg.OnPhase(c.nc, PhaseIdle)
		default:
			c.server.cfg.OnPhase(c.nc, PhaseHead)
		}
		call, verdict := c.next()
		switch verdict {
		case verdictGone:
			return endClose
		case verdictUnusual:
			if !c.state.CompareAndSwap(stateIdle, stateWork) {
				return endClose
			}
			return endHandOver
		}
		if !c.state.CompareAndSwap(stateIdle, stateWork) {
			return endClose // a shutdown was quicker
		}
		c.server.cfg.OnPhase(c.nc, PhaseActive)
		if end, more := c.run(call); !more {
			return end
		}
		c.state.Store(stateIdle)
		if c.server.stopping.Load() {
			return endClose
		}
	}
}

// The verdicts on what was read.
type verdict int

const (
	verdictOrdinary verdict = iota
	verdictMore             // there must be more to tell
	verdictUnusual
	verdictGone // the client
)

var headEnd = []byte("\r\n\r\n")

// next reads the next request.
func (c *conn) next() (*call, verdict) {
	seen := 0
	for {
		have := c.rest()
		if i := bytes.Index(have[max(0, seen-3):], headEnd); i >= 0 {
			return c.parse(max(0, seen-3) + i + len(headEnd))
		}
		seen = len(have)
		if len(have) >= c.server.cfg.MaxHead || len(have) == blockSize || len(have) > 0 && !plausible(have) {
			return nil, verdictUnusual
		}
		if err := c.fill(); err != nil {
			return nil, verdictGone
		}
	}
}

func (c *conn) rest() []byte {
	if c.block == nil {
		return nil
	}
	return c.block[c.from:c.to]
}

// plausible reports whether a request may begin so; it spares a client that speaks something else, such as TLS, the
// wait for the end of a head that will not come.
func plausible(have []byte) bool { return 'A' <= have[0] && have[0] <= 'Z' }

// parse makes a call of the head of the given length, and waits for the body if it is not there yet.
func (c *conn) parse(length int) (*call, verdict) {
	if length > c.server.cfg.MaxHead {
		return nil, verdictUnusual
	}
	call, ok := newCall(c, string(c.block[c.from:c.from+length]))
	if !ok || int64(length)+call.length > blockSize || !c.server.cfg.Eligible(call.method, call.path) {
		return nil, verdictUnusual
	}
	whole := length + int(call.length)
	if c.to-c.from < whole {
		if v := c.waitFor(whole); v != verdictOrdinary {
			return nil, v
		}
	}
	call.finishRequest(c.block[c.from+length : c.from+whole])
	c.from += whole
	return call, verdictOrdinary
}

// waitFor reads until as much is there.
func (c *conn) waitFor(whole int) verdict {
	_ = c.nc.SetReadDeadline(time.Now().Add(bodyWait))
	for c.to-c.from < whole {
		if err := c.fill(); isTimeout(err) && !c.server.stopping.Load() {
			_ = c.nc.SetReadDeadline(time.Time{})
			return verdictUnusual
		} else if err != nil {
			return verdictGone
		}
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	return verdictOrdinary
}

// run has a call handled. more is false if the connection is not to be read any further.
func (c *conn) run(call *call) (end end, more bool) {
	defer func() {
		if p := recover(); p != nil {
			call.end()
			end, more = endClose, false
			if call.hijacked {
				end = endHijacked
			}
			if !errAborted(p) {
				c.server.cfg.Log.Error("a fault in a web request", "to", c.remote, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}
		c.lent = false
		call.free()
	}()
	c.server.cfg.Handler.ServeHTTP(call, call.request)
	call.end()
	if call.hijacked {
		return endHijacked, false
	}
	return endClose, call.finish() && !call.closes
}
