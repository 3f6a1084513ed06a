package http1

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/poison"
)

// response is the response of a call. It buffers the body until the handler has written more than maxPending bytes,
// flushes or returns. A small response therefore has a Content-Length and needs only one write. A larger response of
// unknown length is sent in chunks (RFC 9112 section 7.1).
type response struct {
	closes      bool // the connection is closed after this response
	hijacked    bool
	hasDeadline bool        // the handler has set a write deadline
	returned    atomic.Bool // the handler has returned

	prepared   *Prepared            // the headers, while header is nil
	more       [maxMore]*Prepared   // further headers, while header is nil
	limits     [maxLimits]toldLimit // further headers, while header is nil
	moreCount  int
	limitCount int
	header     http.Header // the headers that the handler sets; nil until the handler needs them
	status     int         // 0: not set yet
	head       *[]byte     // status line and headers, without the headers that depend on the body
	pending    *[]byte     // the buffered part of the body
	headSent   bool
	chunked    bool
	written    int64 // bytes of the body that the handler has written
	broken     bool  // a write failed, or the body has another length than the handler declared

	hasType, hasDate bool     // the handler has set Content-Type, Date
	coding           string   // the Transfer-Encoding that the handler has set
	connection       []string // the header Connection that the handler has set
	hasTrailers      bool     // headers may follow the body
	trailers         []string // the names that the handler has declared in the header Trailer
}

// maxPending is the size of the largest buffered body of a response, in bytes.
const maxPending = 16 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

func putBuffer(b *[]byte) {
	if b != nil && cap(*b) <= 4*maxPending {
		*b = (*b)[:0]
		poison.Bytes(*b)
		buffers.Put(b)
	}
}

func (a *response) free() {
	putBuffer(a.head)
	putBuffer(a.pending)
	a.head, a.pending = nil, nil
}

// Header implements http.ResponseWriter. It returns the headers of the response. The handler may change these headers.
func (c *call) Header() http.Header {
	if c.header == nil {
		c.header = make(http.Header, 8)
		if c.prepared != nil {
			maps.Copy(c.header, c.prepared.header)
		}
		for _, p := range c.more[:c.moreCount] {
			maps.Copy(c.header, p.header)
		}
		for i := range c.limitCount {
			c.limits[i].limit.Add(c.header, c.limits[i].left, c.limits[i].next)
		}
	}
	return c.header
}

// WriteHeader implements http.ResponseWriter. If status is informational (from 100 to 199, but not 101), WriteHeader
// sends an informational response at once. Any other status is recorded and sent later, with the head.
func (c *call) WriteHeader(status int) {
	if !c.returned.Load() {
		c.writeHeader(status)
	}
}

func (c *call) writeHeader(status int) {
	switch {
	case c.hijacked || c.status != 0:
		return
	case status < 100 || status > 999:
		panic("the HTTP status " + strconv.Itoa(status) + " is invalid: it must have three digits")
	case status == http.StatusSwitchingProtocols:
		c.closes = true
	case status < 200:
		c.writeInformational(status)
		return
	}
	c.status, c.length = status, -1
	c.head = buffers.Get().(*[]byte)
	var done bool
	if *c.head, done = c.usePrepared(c.appendStatus((*c.head)[:0], status)); !done {
		*c.head = c.appendHeader(*c.head)
	}
}

// writeInformational sends an informational response, with a status from 100 to 199. Several of these responses may
// precede the final response (RFC 9110 section 15.2). A client of HTTP/1.0 would take it for the final response, and gets none.
func (c *call) writeInformational(status int) {
	if c.isOld {
		return
	}
	text := c.appendStatus(nil, status)
	for _, name := range sortedNames(nil, c.Header()) {
		if name != "Content-Length" && name != "Transfer-Encoding" { // they describe the body of the final response
			text = appendField(text, name, c.header[name])
		}
	}
	c.write(append(text, "\r\n"...))
}

// bodyAllowed reports whether responses with this status have a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// Write implements http.ResponseWriter. It buffers p. If the buffer would exceed maxPending bytes or the head has been
// sent, Write sends p instead.
func (c *call) Write(p []byte) (int, error) {
	if err := c.prepareWrite(len(p)); err != nil {
		return 0, err
	}
	c.written += int64(len(p))
	switch {
	case c.method == http.MethodHead:
		if c.pending == nil { // the body is not sent, but its Content-Type may have to be detected
			c.hold(p[:min(len(p), sniffLen)])
		}
	case c.headSent:
		c.send(p)
	case c.pending == nil && len(p) <= maxPending:
		c.hold(p)
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

// sniffLen is the number of bytes that [http.DetectContentType] examines.
const sniffLen = 512

func (c *call) hold(p []byte) {
	c.pending = buffers.Get().(*[]byte)
	*c.pending = append((*c.pending)[:0], p...)
}

// WriteString implements io.StringWriter.
func (c *call) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

var (
	errBroken   = errors.New("the client does not read the response any more")
	errReturned = errors.New("the handler has returned, and its response has ended")
)

// prepareWrite sets status 200 if the handler has set no status. If the handler may not write n more bytes of the body,
// prepareWrite returns an error.
func (c *call) prepareWrite(n int) error {
	switch {
	case c.hijacked:
		return http.ErrHijacked
	case c.returned.Load():
		return errReturned
	case c.status == 0:
		c.writeHeader(http.StatusOK)
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

// FlushError sends the head and the buffered part of the body. [http.ResponseController.Flush] calls FlushError.
func (c *call) FlushError() error {
	if err := c.prepareWrite(0); err != nil {
		return err
	}
	if !c.headSent {
		c.sendHead(nil)
	}
	if c.broken {
		return errBroken
	}
	return nil
}

// ReadFrom implements io.ReaderFrom. If src is a file, the kernel can copy the file to the network without copying it
// into the memory of this process.
func (c *call) ReadFrom(src io.Reader) (int64, error) {
	if err := c.prepareWrite(0); err != nil {
		return 0, err
	}
	to, ok := c.conn.nc.(io.ReaderFrom)
	if !ok || c.length < 0 || !c.hasType || !bodyAllowed(c.status) || c.method == http.MethodHead || !fromFile(src) {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	if !c.headSent {
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

// sendHead sends the head and the buffered part of the body while the handler is still running. next is the part of the
// body that the handler is writing; sendHead does not send next. If the buffer is empty, sendHead detects the
// Content-Type from next.
func (c *call) sendHead(next []byte) {
	var buffered []byte
	if c.pending != nil {
		buffered = *c.pending
	}
	body := buffered
	if len(body) == 0 {
		body = next
	}
	if c.lengthUnknown() {
		c.chunked = c.coding != "identity" && !c.isOld
		c.closes = c.closes || !c.chunked // the end of the connection is the end of the body
	}
	*c.head = c.appendDefaults(*c.head, body)
	if c.chunked {
		*c.head = append(*c.head, "Transfer-Encoding: chunked\r\n"...)
	}
	*c.head = append(*c.head, "\r\n"...)
	switch {
	case c.method == http.MethodHead:
	case c.chunked:
		*c.head = appendChunk(*c.head, buffered)
	default:
		*c.head = append(*c.head, buffered...)
	}
	c.headSent = true
	c.write(*c.head)
	if c.pending != nil {
		*c.pending = (*c.pending)[:0]
	}
}

// send sends p, a part of the body, after the head has been sent.
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

// lengthUnknown reports whether the response has a body whose length the head cannot tell.
func (c *call) lengthUnknown() bool {
	return bodyAllowed(c.status) && c.method != http.MethodHead && (c.length < 0 || c.coding != "" && c.coding != "identity")
}

func appendChunk(dst, p []byte) []byte {
	if len(p) == 0 {
		return dst // an empty chunk would end the body
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

// finish sends the rest of the response after the handler has returned. It returns false if the connection cannot serve
// another request.
func (c *call) finish() bool {
	if c.status == 0 {
		c.writeHeader(http.StatusOK)
	}
	if !c.headSent {
		if (c.hasTrailers || c.coding != "") && c.lengthUnknown() {
			c.sendHead(nil)
		} else {
			c.finishSmall()
		}
	}
	if c.chunked {
		*c.head = append(c.appendTrailers(append((*c.head)[:0], "0\r\n"...)), "\r\n"...)
		c.write(*c.head)
	}
	if c.hasDeadline {
		_ = c.conn.nc.SetWriteDeadline(time.Time{}) // the deadline of this response is not the one of the next
	}
	short := c.length >= 0 && c.written != c.length && c.method != http.MethodHead && bodyAllowed(c.status)
	return !c.broken && !short
}

// finishSmall sends a response whose head and body are still completely in the buffers.
func (c *call) finishSmall() {
	var body []byte
	if c.pending != nil {
		body = *c.pending
	}
	dst := *c.head
	if c.length < 0 && bodyAllowed(c.status) && !c.hasTrailers && c.coding == "" && (c.method != http.MethodHead || c.written > 0) {
		dst = append(strconv.AppendInt(append(dst, "Content-Length: "...), c.written, 10), "\r\n"...)
	}
	dst = append(c.appendDefaults(dst, body), "\r\n"...)
	if c.method != http.MethodHead {
		dst = append(dst, body...)
	}
	*c.head = dst
	c.headSent = true
	c.write(*c.head)
}
