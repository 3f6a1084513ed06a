package http1

import (
	"net/http"
	"slices"
	"strings"
)

// Prepared is a set of headers that many responses have in common, and its text. A response with a Prepared needs no map
// of headers, unless the handler asks for the map.
type Prepared struct {
	header http.Header
	text   string // the header lines, in the order in which they are sent
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
	return &Prepared{header, string(text)}
}

// notPrepared lists the headers that appendHeader does not just append.
var notPrepared = []string{"Date", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Connection", "Trailer"}

// SwapPrepared replaces the headers of the response, which must be those of old, with those of p. old is nil for a response
// without headers. If p is nil or has a header that AddHeader has added, if the response has other headers, or if the handler
// has called Header or has begun the response, SwapPrepared changes nothing and returns false.
func (c *call) SwapPrepared(old, p *Prepared) bool {
	if c.header != nil || c.status != 0 || c.prepared != old || p == nil {
		return false
	}
	for _, h := range c.added[:c.addedCount] {
		if p.header[h.name] != nil {
			return false
		}
	}
	c.prepared = p
	return true
}

// maxAdded is the number of headers that AddHeader takes.
const maxAdded = 4

// addedHeader is a header next to those of a Prepared.
type addedHeader struct{ name, value string }

// AddHeader adds a header to the response, which then still needs no map of headers. name must be in the canonical format.
// If the response has no Prepared, if it has other headers already or has begun, or if the header changes how a response is
// sent, AddHeader changes nothing and returns false: the handler then adds the header with Header.
func (c *call) AddHeader(name, value string) bool {
	if c.header != nil || c.status != 0 || c.prepared == nil || c.addedCount == maxAdded ||
		slices.Contains(notPrepared, name) || c.prepared.header[name] != nil || strings.HasPrefix(name, http.TrailerPrefix) {
		return false
	}
	c.added[c.addedCount] = addedHeader{name, value}
	c.addedCount++
	return true
}

// usePrepared appends the headers of c.prepared to dst. It returns false if the response has others.
func (c *call) usePrepared(dst []byte) ([]byte, bool) {
	if c.header != nil || c.prepared == nil || c.status == http.StatusNotModified {
		return dst, false
	}
	c.hasType = c.prepared.header["Content-Type"] != nil
	dst = append(dst, c.prepared.text...)
	for i := range c.addedCount {
		dst = appendLine(dst, c.added[i].name, c.added[i].value)
	}
	return dst, true
}
