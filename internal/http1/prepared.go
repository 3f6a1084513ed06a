package http1

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Prepared is a set of headers that many responses have in common, and its text. A response with a Prepared needs no map
// of headers, unless the handler asks for the map.
type Prepared struct {
	header  http.Header
	text    string // the header lines, in the order in which they are sent
	hasType bool   // the type cannot be detected from the body: it is given, or the body is encoded
}

// Prepare returns the Prepared with the headers of header, whose slices must not be changed any more. It returns nil if
// one of the headers changes how a response is sent.
func Prepare(header http.Header) *Prepared {
	var text []byte
	for _, name := range sortedNames(nil, header) {
		if slices.Contains(notPrepared, name) || strings.HasPrefix(name, http.TrailerPrefix) {
			return nil
		}
		text = appendField(text, name, header[name])
	}
	return &Prepared{header, string(text), header["Content-Type"] != nil || header.Get("Content-Encoding") != ""}
}

// notPrepared lists the headers that appendHeader does not just append.
var notPrepared = []string{"Date", "Content-Length", "Transfer-Encoding", "Connection", "Trailer"}

// SwapPrepared replaces the headers of the response, which must be those of old, with those of p. old is nil for a response
// without headers. If p is nil, if the response has other headers than these and those of AddPrepared and AddLimit, or if the handler
// has called Header or has begun the response, SwapPrepared changes nothing and returns false.
func (c *call) SwapPrepared(old, p *Prepared) bool {
	if c.header != nil || c.status != 0 || c.prepared != old || p == nil {
		return false
	}
	c.prepared = p
	return true
}

// maxMore is the number of Prepareds that AddPrepared takes for one response.
const maxMore = 2

// AddPrepared adds the headers of p to the response, which has none of them and then still needs no map of headers. If the
// response has no Prepared, if it has other headers already or has begun, or if it has maxMore, AddPrepared changes nothing
// and returns false: the handler then adds the headers with Header.
func (c *call) AddPrepared(p *Prepared) bool {
	if c.header != nil || c.status != 0 || c.prepared == nil || p == nil || c.moreCount == maxMore {
		return false
	}
	c.more[c.moreCount] = p
	c.moreCount++
	return true
}

// Limit writes the headers that tell a client about one limit. None of them changes how a response is sent.
type Limit interface {
	// AppendLines appends the header lines to dst: the events that are left, and the time until there are more.
	AppendLines(dst []byte, left int, next time.Duration) []byte
	// Add adds the same headers to header.
	Add(header http.Header, left int, next time.Duration)
}

// maxLimits is the number of limits that AddLimit takes for one response.
const maxLimits = 3

// toldLimit is a limit that a response tells of.
type toldLimit struct {
	limit Limit
	left  int
	next  time.Duration
}

// AddLimit adds the headers of a limit to the response, which then still needs no map of headers. If the response has no
// Prepared, if it has other headers already or has begun, or if it tells of maxLimits, AddLimit changes nothing and
// returns false: the handler then adds the headers with Header.
func (c *call) AddLimit(limit Limit, left int, next time.Duration) bool {
	if c.header != nil || c.status != 0 || c.prepared == nil || c.limitCount == maxLimits {
		return false
	}
	c.limits[c.limitCount] = toldLimit{limit, left, next}
	c.limitCount++
	return true
}

// usePrepared appends the headers of c.prepared to dst. It returns false if the response has others.
func (c *call) usePrepared(dst []byte) ([]byte, bool) {
	if c.header != nil || c.prepared == nil || c.status == http.StatusNotModified {
		return dst, false
	}
	c.hasType = c.prepared.hasType
	dst = append(dst, c.prepared.text...)
	for _, p := range c.more[:c.moreCount] {
		dst = append(dst, p.text...)
	}
	for i := range c.limitCount {
		told := &c.limits[i]
		dst = told.limit.AppendLines(dst, told.left, told.next)
	}
	return dst, true
}
