package http1

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// emptyRequest is the template of each http.Request. newCall copies emptyRequest with the method WithContext, because
// only WithContext can set the context of a request.
var emptyRequest http.Request

// newCall creates a call from text, the head of a request: the request line, the headers and the empty line. It returns
// false if the request must be passed to net/http. Passed requests may be valid or malformed.
func newCall(c *conn, text string) (*call, bool) {
	line, rest, _ := strings.Cut(text, "\r\n")
	method, target, isOld, ok := requestLine(line)
	if !ok {
		return nil, false
	}
	call := takeCall(c, method)
	call.isOld = isOld
	call.path, _, _ = strings.Cut(target, "?")
	if call.url, ok = parseTarget(target, &call.urlSpace); !ok {
		return nil, false
	}
	r := &call.requestSpace
	if !call.readHeaders(r.Header, rest) || !call.hasClearEnd() {
		return nil, false
	}
	r.Method, r.URL, r.RequestURI = method, call.url, target
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if isOld {
		r.Proto, r.ProtoMinor, call.closes = "HTTP/1.0", 0, true
	}
	r.Host, r.RemoteAddr, r.Close, r.ContentLength = call.host, c.remote, call.closes, call.length
	r.TLS = c.tls
	if call.isChunked {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	call.request = r
	return call, true
}

// hasClearEnd reports whether all programs agree where the request ends, and whether it has all that its version requires.
func (c *call) hasClearEnd() bool {
	if c.isOld {
		return c.length == 0 && !c.isChunked && !c.expects
	}
	return c.host != "" && !(c.isChunked && (c.hasLength || c.expects))
}

// requestLine parses a request line of the form "METHOD TARGET HTTP/1.1". isOld reports whether the version is HTTP/1.0. If
// the request must be passed to net/http, ok is false.
func requestLine(line string) (method, target string, isOld, ok bool) {
	method, rest, _ := strings.Cut(line, " ")
	switch method {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
	default:
		return "", "", false, false
	}
	target, version, _ := strings.Cut(rest, " ")
	if isOld = version == "HTTP/1.0"; !isOld && version != "HTTP/1.1" || target == "" || target[0] != '/' {
		return "", "", false, false
	}
	return method, target, isOld, true
}

// parseTarget parses the path and the query of a request. It returns false if the request must be passed to net/http,
// for example if the path contains "//" or "/.". A client may use these paths to reach another path. If nothing in the
// path is escaped, the result is space, which saves an allocation.
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

// pathByte marks the bytes that need no escaping in the path of a URL.
var pathByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+,/:;=@")

// tokenByte marks the bytes that may occur in the name of a header (RFC 9110 section 5.6.2).
var tokenByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")

// hostByte marks the bytes that may occur in the Host header of a request that the fast path serves.
var hostByte = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]")

func byteSet(bytes string) (set [256]bool) {
	for i := range len(bytes) {
		set[bytes[i]] = true
	}
	return set
}

func onlyBytes(text string, set *[256]bool) bool {
	for i := range len(text) {
		if !set[text[i]] {
			return false
		}
	}
	return true
}

// maxHeaders is the largest number of headers of a request that the fast path serves.
const maxHeaders = 64

// readHeaders parses the header lines in text and adds them to header. If the request must be passed to net/http,
// readHeaders returns false.
func (c *call) readHeaders(header http.Header, text string) bool {
	for n := 0; ; n++ {
		line, rest, _ := strings.Cut(text, "\r\n")
		if line == "" {
			return rest == ""
		}
		name, value, ok := strings.Cut(line, ":")
		if value = trim(value); !ok || n == maxHeaders || name == "" || !onlyBytes(name, &tokenByte) || !validValue(value) {
			return false
		}
		text = rest
		if keep, ok := c.readSpecial(&name, value); !ok {
			return false
		} else if !keep {
			continue
		}
		if have := header[name]; have != nil {
			header[name] = append(have, value)
			continue
		}
		if c.valuesUsed < len(c.valueSpace) {
			c.valueSpace[c.valuesUsed] = value
			header[name] = c.valueSpace[c.valuesUsed : c.valuesUsed+1 : c.valuesUsed+1]
			c.valuesUsed++
		} else {
			header[name] = []string{value}
		}
	}
}

// validValue reports whether value has no control characters, except tabs. It looks at eight bytes at a time: the values
// of a browser have hundreds.
func validValue(value string) bool {
	for len(value) >= 8 {
		if !allPrintable(value) && !validBytes(value[:8]) {
			return false
		}
		value = value[8:]
	}
	return validBytes(value)
}

// allPrintable reports whether the first eight bytes of value are printable ASCII characters.
func allPrintable(value string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	v := uint64(value[0]) | uint64(value[1])<<8 | uint64(value[2])<<16 | uint64(value[3])<<24 |
		uint64(value[4])<<32 | uint64(value[5])<<40 | uint64(value[6])<<48 | uint64(value[7])<<56
	return (v|(v+ones)|(v-' '*ones))&highs == 0 // v+ones turns 0x7f into 0x80; v-' '*ones borrows below a space
}

func validBytes(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

// readSpecial makes name canonical. If the header affects the connection or the body, readSpecial also evaluates the
// header. For the header Host, keep is false, because net/http does not keep Host in the headers of a request. If the
// request must be passed to net/http, ok is false.
func (c *call) readSpecial(name *string, value string) (keep, ok bool) {
	*name = textproto.CanonicalMIMEHeaderKey(*name)
	switch *name {
	case "Host":
		if c.host != "" || value == "" || !onlyBytes(value, &hostByte) {
			return false, false
		}
		c.host = value
		return false, true
	case "Content-Length":
		if c.hasLength || !c.setLength(value) {
			return false, false
		}
	case "Connection":
		if c.closes || (c.isOld || !equalFold(value, "keep-alive")) && !equalFold(value, "close") {
			return false, false
		}
		c.closes = len(value) == len("close")
	case "Transfer-Encoding":
		if c.isChunked || !equalFold(value, "chunked") {
			return false, false
		}
		c.isChunked = true
		return false, true
	case "Expect":
		if c.expects || !equalFold(value, "100-continue") {
			return false, false
		}
		c.expects = true
	case "Upgrade", "Trailer", "Te", "Keep-Alive", "Proxy-Connection", "Http2-Settings", "Pragma":
		return false, false
	}
	return true, true
}

// equalFold reports whether value is lower, an ASCII text in small letters, apart from the case of ASCII letters. For
// strings.EqualFold, the Kelvin sign is a k: another program would see another coding of the body.
func equalFold(value, lower string) bool {
	return len(value) == len(lower) && strings.EqualFold(value, lower)
}

// setLength parses value, the Content-Length, and stores the number in c.length. If value is not a number of 1 to 6
// digits, setLength returns false.
func (c *call) setLength(value string) bool {
	if value == "" || len(value) > 6 {
		return false
	}
	c.hasLength = true
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return false
		}
		c.length = 10*c.length + int64(value[i]-'0')
	}
	return true
}
