package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// appendStatus appends the status line of a response to dst.
func appendStatus(dst []byte, status int) []byte {
	if status == http.StatusOK {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(status), 10)
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
	for _, name := range sortedNames(space[:0], c.header) {
		values := c.header[name]
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
			if !bodyAllowed(c.status) || len(values) == 1 && values[0] == "chunked" {
				continue // the default
			}
			c.hasCoding = true
		case "Connection":
			c.closes = c.closes || hasToken(values, "close")
			continue // see appendDefaults
		case "Trailer":
			c.declareTrailers(values)
		}
		if slices.Contains(c.trailers, name) {
			continue
		}
		dst = appendField(dst, name, values)
	}
	return dst
}

// acceptLength parses the Content-Length that the handler has set, and records it in c.length. It returns false if the
// header is invalid or the response has no body; the header must then not be sent.
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
		return true
	}
	return false
}

// declareTrailers records the names in the header Trailer. The handler sets the headers with these names while it
// writes the body. They are sent after the body.
func (c *call) declareTrailers(values []string) {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				c.trailers = append(c.trailers, name)
			}
		}
	}
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

// appendDefaults appends the headers Content-Type and Date to dst if the handler has not set them. It appends
// "Connection: close" if the connection closes after the response. body is the beginning of the response body, from
// which the Content-Type is detected.
func (c *call) appendDefaults(dst, body []byte) []byte {
	if !c.hasType && len(body) > 0 && bodyAllowed(c.status) {
		dst = append(append(append(dst, "Content-Type: "...), http.DetectContentType(body)...), "\r\n"...)
	}
	if !c.hasDate {
		dst = append(dst, date()...)
	}
	if c.closes = c.closes || c.conn.server.stopping.Load(); c.closes {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return dst
}

// appendField appends one header line to dst for each of values. Spaces replace the line ends in a value. If name is
// not a valid header name, appendField appends nothing.
func appendField(dst []byte, name string, values []string) []byte {
	if name == "" || !onlyBytes(name, &tokenByte) {
		return dst
	}
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n") {
			value = lineEnds.Replace(value)
		}
		dst = append(append(dst, name...), ": "...)
		dst = append(append(dst, strings.Trim(value, " \t")...), "\r\n"...)
	}
	return dst
}

var lineEnds = strings.NewReplacer("\r", " ", "\n", " ")

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
