package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// appendStatus appends the status line of the response to dst.
func (c *call) appendStatus(dst []byte, status int) []byte {
	if c.isOld {
		dst = append(dst, "HTTP/1.0 "...)
	} else {
		dst = append(dst, "HTTP/1.1 "...)
	}
	if status == http.StatusOK {
		return append(dst, "200 OK\r\n"...)
	}
	dst = strconv.AppendInt(dst, int64(status), 10)
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return append(append(append(dst, ' '), text...), "\r\n"...)
}

// appendHeader appends to dst the headers that the handler has set. It also records in c the headers that change how
// this package sends the response, for example Content-Length and Connection.
func (c *call) appendHeader(dst []byte) []byte {
	var space [16]string
	header := c.header
	if header == nil && c.prepared != nil {
		header = c.Header()
	}
	c.coding = header.Get("Transfer-Encoding")
	for _, name := range sortedNames(space[:0], header) {
		values := header[name]
		switch name {
		case "Content-Type":
			c.hasType = true
			if c.status == http.StatusNotModified {
				continue
			}
		case "Date":
			c.hasDate = true
		case "Content-Encoding":
			c.hasType = c.hasType || len(values) > 0 && values[0] != "" // the type cannot be detected from compressed bytes
		case "Content-Length":
			if !c.acceptLength(values) {
				continue
			}
		case "Transfer-Encoding":
			if c.isOld || !c.lengthUnknown() || c.coding == "identity" || c.coding == "chunked" {
				continue // HTTP/1.0 has none, or there is none, or sendHead appends it
			}
		case "Connection":
			c.connection = values
			c.closes = c.closes || hasToken(values, "close")
			continue // see appendDefaults
		case "Trailer":
			c.hasTrailers = true
			c.declareTrailers(values)
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				c.hasTrailers = true
				continue
			}
		}
		dst = appendField(dst, name, values)
	}
	return dst
}

// acceptLength parses the Content-Length that the handler has set, and records it in c.length. It returns false if the
// header is invalid, the response has no body or a Transfer-Encoding; the header must then not be sent.
func (c *call) acceptLength(values []string) bool {
	if len(values) == 0 {
		return false
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < 0 {
		return false
	}
	if bodyAllowed(c.status) {
		c.length = n
		return c.coding == "" || c.coding == "identity" || c.method == http.MethodHead
	}
	return false
}

// declareTrailers records the names in the header Trailer. The handler sets the headers with these names while it
// writes the body. They are sent after the body.
func (c *call) declareTrailers(values []string) {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" && mayTrail(name) {
				c.trailers = append(c.trailers, name)
			}
		}
	}
}

// neverTrail has the headers that must not follow a body, because they decide how it is read (RFC 9110 section 6.5.1).
var neverTrail = map[string]bool{
	"Authorization": true, "Cache-Control": true, "Connection": true, "Content-Encoding": true, "Content-Length": true,
	"Content-Range": true, "Content-Type": true, "Expect": true, "Host": true, "Keep-Alive": true, "Max-Forwards": true,
	"Pragma": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Range": true,
	"Realm": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Www-Authenticate": true,
}

func mayTrail(name string) bool { return !strings.HasPrefix(name, "If-") && !neverTrail[name] }

// appendTrailers appends the headers that follow the body: the declared ones, and those with the prefix
// [http.TrailerPrefix].
func (c *call) appendTrailers(dst []byte) []byte {
	if len(c.trailers) == 0 && len(c.header) == 0 {
		return dst
	}
	trailer := http.Header{}
	for name, values := range c.header {
		if rest, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailer[rest] = values
		}
	}
	for _, name := range c.trailers {
		trailer[name] = append(trailer[name], c.header[name]...)
	}
	for _, name := range sortedNames(nil, trailer) {
		dst = appendField(dst, name, trailer[name])
	}
	return dst
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// appendDefaults appends the headers Content-Type and Date to dst if the handler has not set them, and the header
// Connection. Connection is "close" if the connection closes after the response. body is the beginning of the response body, from
// which the Content-Type is detected.
func (c *call) appendDefaults(dst, body []byte) []byte {
	if !c.hasType && c.coding == "" && len(body) > 0 && bodyAllowed(c.status) {
		dst = append(append(append(dst, "Content-Type: "...), http.DetectContentType(body)...), "\r\n"...)
	}
	if !c.hasDate {
		dst = append(dst, date()...)
	}
	c.closes = c.closes || c.conn.server.ending.Load() != 0
	if c.closes && c.status != http.StatusSwitchingProtocols && !hasToken(c.connection, "close") {
		if c.isOld {
			return dst // the end of the connection needs no header
		}
		return append(dst, "Connection: close\r\n"...)
	}
	return appendField(dst, "Connection", c.connection)
}

// appendField appends one header line to dst for each of values. Spaces replace line ends and other control characters
// in a value. If name is not a valid header name, appendField appends nothing.
func appendField(dst []byte, name string, values []string) []byte {
	if name == "" || !onlyBytes(name, &tokenByte) {
		return dst
	}
	for _, value := range values {
		if !validValue(value) {
			value = strings.Map(printable, value)
		}
		dst = append(append(dst, name...), ": "...)
		dst = append(append(dst, trim(value)...), "\r\n"...)
	}
	return dst
}

// trim returns value without the spaces and tabs around it. Nearly all values have none, and strings.Trim would build the
// set of characters for each value.
func trim(value string) string {
	if value == "" || value[0] > ' ' && value[len(value)-1] > ' ' {
		return value
	}
	return strings.Trim(value, " \t")
}

func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

func sortedNames(names []string, header http.Header) []string {
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type dateLine struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[dateLine]

// date returns the header line of Date with the current time. It formats the line once per second.
func date() string {
	now := time.Now()
	if last := lastDate.Load(); last != nil && last.second == now.Unix() {
		return last.text
	}
	next := &dateLine{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat) + "\r\n"}
	lastDate.Store(next)
	return next.text
}
