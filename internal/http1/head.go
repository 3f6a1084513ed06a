package http1

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// empty is what requests are made of: only WithContext sets the context of one.
var empty http.Request

// newCall reads a head: the request line and the headers up to and with the empty line. It returns false if the head
// is not an ordinary one, be it right or wrong.
func newCall(c *conn, text string) (*call, bool) {
	line, rest, _ := strings.Cut(text, "\r\n")
	method, target, ok := requestLine(line)
	if !ok {
		return nil, false
	}
	call := &call{conn: c, method: method}
	call.path, _, _ = strings.Cut(target, "?")
	if call.url, ok = parseTarget(target, &call.urlSpace); !ok {
		return nil, false
	}
	header := make(http.Header, 8)
	if !call.readHeaders(header, rest) || call.host == "" {
		return nil, false
	}
	r := empty.WithContext(call)
	r.Method, r.URL, r.RequestURI = method, call.url, target
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Header, r.Host, r.RemoteAddr, r.Close = header, call.host, c.remote, call.closes
	r.ContentLength = call.length
	call.request = r
	return call, true
}

// requestLine cuts METHOD TARGET HTTP/1.1.
func requestLine(line string) (method, target string, ok bool) {
	method, rest, _ := strings.Cut(line, " ")
	switch method {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
	default:
		return "", "", false
	}
	target, version, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.1" || target == "" || target[0] != '/' {
		return "", "", false
	}
	return method, target, true
}

// parseTarget reads the path and the query. Dots and double slashes may be meant to lead elsewhere: that is net/http's
// to judge.
func parseTarget(target string, space *url.URL) (*url.URL, bool) {
	path, query, hasQuery := strings.Cut(target, "?")
	for i := range len(query) {
		if query[i] <= ' ' || query[i] == 0x7f || query[i] == '#' {
			return nil, false
		}
	}
	if strings.Contains(path, "//") || strings.Contains(path, "/.") {
		return nil, false
	}
	for i := range len(path) {
		if !pathByte[path[i]] {
			u, err := url.ParseRequestURI(target)
			return u, err == nil && !strings.Contains(u.Path, "//") && !strings.Contains(u.Path, "/.") && !strings.Contains(target, "#")
		}
	}
	space.Path, space.RawQuery, space.ForceQuery = path, query, hasQuery && query == ""
	return space, true
}

// pathByte are the bytes that mean themselves in a path.
var pathByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+,/:;=@")

// tokenByte are those of the name of a header (RFC 9110 section 5.6.2).
var tokenByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")

// hostByte are those of an ordinary Host.
var hostByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]")

func byteSet(bytes string) (set [256]bool) {
	for i := range len(bytes) {
		set[bytes[i]] = true
	}
	return set
}

func all(text string, set *[256]bool) bool {
	for i := range len(text) {
		if !set[text[i]] {
			return false
		}
	}
	return true
}

// maxHeaders is how many headers an ordinary request has at most.
const maxHeaders = 64

// readHeaders reads the headers up to the empty line.
func (c *call) readHeaders(header http.Header, text string) bool {
	for n := 0; ; n++ {
		line, rest, _ := strings.Cut(text, "\r\n")
		if line == "" {
			return rest == ""
		}
		name, value, ok := strings.Cut(line, ":")
		if value = strings.Trim(value, " \t"); !ok || n == maxHeaders || name == "" || !all(name, &tokenByte) || !validValue(value) {
			return false
		}
		text = rest
		if keep, ok := c.control(&name, value); !ok {
			return false
		} else if !keep {
			continue
		}
		if have := header[name]; have != nil {
			header[name] = append(have, value)
			continue
		}
		if c.used < len(c.values) {
			c.values[c.used] = value
			header[name] = c.values[c.used : c.used+1 : c.used+1]
			c.used++
		} else {
			header[name] = []string{value}
		}
	}
}

func validValue(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// control looks at a header that has a meaning for the connection or the body, and gives name its usual form. keep is
// false for the Host, which is not kept among the headers; ok is false for what is not ordinary.
func (c *call) control(name *string, value string) (keep, ok bool) {
	*name = textproto.CanonicalMIMEHeaderKey(*name)
	switch *name {
	case "Host":
		if c.host != "" || value == "" || !all(value, &hostByte) {
			return false, false
		}
		c.host = value
		return false, true
	case "Content-Length":
		if c.sized || !c.setLength(value) {
			return false, false
		}
	case "Connection":
		if c.closes || !strings.EqualFold(value, "keep-alive") && !strings.EqualFold(value, "close") {
			return false, false
		}
		c.closes = len(value) == len("close")
	case "Transfer-Encoding", "Upgrade", "Expect", "Trailer", "Te", "Keep-Alive", "Proxy-Connection", "Http2-Settings", "Pragma":
		return false, false
	}
	return true, true
}

// setLength reads a Content-Length of a few digits.
func (c *call) setLength(value string) bool {
	if value == "" || len(value) > 6 {
		return false
	}
	c.sized = true
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return false
		}
		c.length = 10*c.length + int64(value[i]-'0')
	}
	return true
}
