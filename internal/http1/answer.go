package http1

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

// answer is the answer to a call. What the handler writes is kept until it has written much, flushes or returns, so
// that a small answer has its Content-Length and goes out in one write; a larger one of unknown length goes in chunks
// (RFC 9112 section 7.1).
type answer struct {
	closes   bool // the connection ends with this answer
	hijacked bool

	header  http.Header // as the handler sees it
	status  int         // 0: not set yet
	head    *[]byte     // status line and headers, but for those that depend on the body
	pending *[]byte     // of the body
	sent    bool        // the head has been
	chunked bool
	written int64 // what the handler has written of the body
	broken  bool  // the client does not take it, or the handler gave it another length than it said

	typed, dated, coded bool // the handler has set Content-Type, Date, Transfer-Encoding
	trailers            []string
}

// maxPending is how much of a body waits for the handler's end.
const maxPending = 16 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

func putBuffer(b *[]byte) {
	if b != nil && cap(*b) <= 4*maxPending {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

func (a *answer) free() {
	putBuffer(a.head)
	putBuffer(a.pending)
	a.head, a.pending = nil, nil
}

// Header implements http.ResponseWriter.
func (c *call) Header() http.Header {
	if c.header == nil {
		c.header = make(http.Header, 8)
	}
	return c.header
}

// WriteHeader implements http.ResponseWriter.
func (c *call) WriteHeader(status int) {
	switch {
	case c.hijacked || c.status != 0:
		return
	case status < 100 || status > 999:
		panic("the HTTP status " + strconv.Itoa(status) + " is not one: it has three digits")
	case status == http.StatusSwitchingProtocols:
		c.closes = true
	case status < 200:
		c.inform(status)
		return
	}
	c.status, c.length = status, -1
	c.head = buffers.Get().(*[]byte)
	*c.head = c.appendHeader(appendStatus((*c.head)[:0], status))
}

// inform sends an informational answer, of which there may be several before the answer (RFC 9110 section 15.2).
func (c *call) inform(status int) {
	text := appendStatus(nil, status)
	for _, name := range sortedNames(nil, c.header) {
		text = appendField(text, name, c.header[name])
	}
	c.write(append(text, "\r\n"...))
}

// bodyAllowed reports whether answers with this status have a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// Write implements http.ResponseWriter.
func (c *call) Write(p []byte) (int, error) {
	if err := c.writable(len(p)); err != nil {
		return 0, err
	}
	c.written += int64(len(p))
	switch {
	case c.method == http.MethodHead:
		if c.pending == nil { // the body is not sent, but may have to tell of what type it is
			c.keep(p[:min(len(p), sniffed)])
		}
	case c.sent:
		c.send(p)
	case c.pending == nil && len(p) <= maxPending:
		c.keep(p)
	case c.pending != nil && len(*c.pending)+len(p) <= maxPending:
		*c.pending = append(*c.pending, p...)
	default:
		c.sendHead(p)
		c.send(p)
	}
	if c.broken {
		return 0, errBroken
	}
	return len(p), nil
}

// sniffed is how much of a body [http.DetectContentType] looks at.
const sniffed = 512

func (c *call) keep(p []byte) {
	c.pending = buffers.Get().(*[]byte)
	*c.pending = append((*c.pending)[:0], p...)
}

// WriteString implements io.StringWriter.
func (c *call) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

var errBroken = errors.New("the client does not take the answer any more")

// writable prepares for writing as many bytes of the body.
func (c *call) writable(n int) error {
	if c.hijacked {
		return http.ErrHijacked
	}
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	switch {
	case n > 0 && !bodyAllowed(c.status):
		return http.ErrBodyNotAllowed
	case c.length >= 0 && c.written+int64(n) > c.length:
		return http.ErrContentLength
	case c.broken:
		return errBroken
	}
	return nil
}

// Flush implements http.Flusher.
func (c *call) Flush() { _ = c.FlushError() }

// FlushError is the Flush of an [http.ResponseController].
func (c *call) FlushError() error {
	if err := c.writable(0); err != nil {
		return err
	}
	if !c.sent {
		c.sendHead(nil)
	}
	if c.broken {
		return errBroken
	}
	return nil
}

// ReadFrom implements io.ReaderFrom, which lets the system copy a file to the network by itself.
func (c *call) ReadFrom(src io.Reader) (int64, error) {
	if err := c.writable(0); err != nil {
		return 0, err
	}
	to, ok := c.conn.nc.(io.ReaderFrom)
	if !ok || c.length < 0 || !c.typed || !bodyAllowed(c.status) || c.method == http.MethodHead || !fromFile(src) {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	if !c.sent {
		c.sendHead(nil)
	}
	n, err := to.ReadFrom(src)
	if c.written += n; err != nil || c.written > c.length {
		c.broken = true
	}
	return n, err
}

func fromFile(src io.Reader) bool {
	if limited, ok := src.(*io.LimitedReader); ok {
		src = limited.R
	}
	_, ok := src.(*os.File)
	return ok
}

// sendHead sends the head before the handler has come to its end, and what of the body waits. next is what the handler
// writes now.
func (c *call) sendHead(next []byte) {
	var waiting []byte
	if c.pending != nil {
		waiting = *c.pending
	}
	body := waiting
	if len(body) == 0 {
		body = next
	}
	c.chunked = c.length < 0 && bodyAllowed(c.status) && !c.coded && c.method != http.MethodHead
	*c.head = c.appendRest(*c.head, body)
	if c.chunked {
		*c.head = append(*c.head, "Transfer-Encoding: chunked\r\n"...)
	} else if c.coded {
		c.closes = true
	}
	*c.head = append(*c.head, "\r\n"...)
	switch {
	case c.method == http.MethodHead:
	case c.chunked:
		*c.head = appendChunk(*c.head, waiting)
	default:
		*c.head = append(*c.head, waiting...)
	}
	c.sent = true
	c.write(*c.head)
	if c.pending != nil {
		*c.pending = (*c.pending)[:0]
	}
}

// send sends a part of the body behind the head.
func (c *call) send(p []byte) {
	if len(p) == 0 {
		return
	}
	if !c.chunked {
		c.write(p)
		return
	}
	*c.head = appendChunk((*c.head)[:0], p)
	c.write(*c.head)
}

func appendChunk(dst, p []byte) []byte {
	if len(p) == 0 {
		return dst // an empty chunk would be the last
	}
	dst = append(strconv.AppendInt(dst, int64(len(p)), 16), "\r\n"...)
	return append(append(dst, p...), "\r\n"...)
}

func (c *call) write(p []byte) {
	if c.broken {
		return
	}
	if _, err := c.conn.nc.Write(p); err != nil {
		c.broken = true
	}
}

// finish sends what is left when the handler has returned. It returns false if the connection cannot go on.
func (c *call) finish() bool {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	switch {
	case !c.sent:
		c.finishSmall()
	case c.chunked:
		*c.head = append((*c.head)[:0], "0\r\n"...)
		for _, name := range c.trailers {
			*c.head = appendField(*c.head, name, c.header[name])
		}
		*c.head = append(*c.head, "\r\n"...)
		c.write(*c.head)
	}
	short := c.length >= 0 && c.written != c.length && c.method != http.MethodHead && bodyAllowed(c.status)
	return !c.broken && !short
}

// finishSmall sends an answer of which nothing has been sent yet.
func (c *call) finishSmall() {
	var body []byte
	if c.pending != nil {
		body = *c.pending
	}
	dst := *c.head
	if c.length < 0 && bodyAllowed(c.status) && !c.coded && (c.method != http.MethodHead || c.written > 0) {
		dst = append(strconv.AppendInt(append(dst, "Content-Length: "...), c.written, 10), "\r\n"...)
	}
	dst = append(c.appendRest(dst, body), "\r\n"...)
	if c.method != http.MethodHead {
		dst = append(dst, body...)
	}
	*c.head = dst
	c.sent = true
	c.write(*c.head)
}
