package web

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
)

// maxFree is the number of bytes of a body or an answer that count against no budget, because the connection alone bounds
// them.
const maxFree = 16 << 10

// errBusy is the answer to a request that would exceed a budget.
var errBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server holds as many uploads and answers as it may: try again later", RetryAfter: time.Second,
}

// budget is a number of bytes that all requests of a server share.
type budget struct {
	max  int64
	used atomic.Int64
}

// take takes n bytes. If fewer are left, take takes none and returns false.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// holdings is what a request holds of its server's budgets.
type holdings struct {
	server   *Server
	inMemory int64    // bytes of uploads in memory, up to maxFree
	read     int64    // bytes of the body in memory
	buffered int64    // the part of read that was taken from the budget
	file     *os.File // holds large uploads; nil: there are none
	spilled  int64    // bytes in file
	raw      []byte   // the whole body, if the action sets RawBody
}

func (c *call) holdings() *holdings {
	if c.held == nil {
		c.held = &holdings{server: c.server}
	}
	return c.held
}

// buffering returns a reader of body for callers that keep what they read in memory. If the bodies of all requests fill
// the budget, it returns errBusy.
func (c *call) buffering(body io.Reader) io.Reader { return &bufferingReader{body, c} }

type bufferingReader struct {
	io.Reader
	call *call
}

func (r *bufferingReader) Read(p []byte) (n int, err error) {
	n, err = r.Reader.Read(p)
	h := r.call.holdings()
	h.read += int64(n)
	if more := h.read - maxFree - h.buffered; more > 0 {
		if !h.server.buffered.take(more) {
			return n, errBusy
		}
		h.buffered += more
	}
	return n, err
}

// release frees the body and the params of a request, which are not needed any more when the answer is encoded: a slow
// client can take minutes to read it.
func (c *call) release() {
	c.req.Params = actionhero.Params{}
	h := c.held
	if h == nil {
		return
	}
	c.held = nil
	h.server.buffered.give(h.buffered)
	h.server.uploads.give(h.spilled)
	if h.file != nil {
		closeTemp(h.file)
	}
}
