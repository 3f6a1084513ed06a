package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// addressed is a connection with an address only.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// net/http accepts every ordinary request, too, with the same meaning and the same end.
func FuzzSameAsNetHTTP(f *testing.F) {
	f.Add("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")
	f.Add("POST /a%20b HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3\r\nConnection: close\r\nx-a: \tb\r\nX-A: c\r\n\r\nabc")
	f.Add("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f.Add("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n000\r\n\r\nGET / HTTP/1.1\r\n")
	f.Add("GET / HTTP/1.0\r\nConnection: close\r\n\r\n")
	f.Add("POST / HTTP/1.0\r\nContent-Length: 0\r\nHost: x\r\n\r\nx")
	f.Add("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}x")
	f.Add("GET /\xff?\xff HTTP/1.1\r\nHost: [::1]\r\nA: \xff\r\n\r\nrest")
	server := New(Config{MaxHead: 64 << 10})
	f.Fuzz(func(t *testing.T, text string) {
		end := strings.Index(text, "\r\n\r\n")
		if end < 0 {
			return
		}
		c := &conn{server: server, nc: addressed{}, remote: "127.0.0.1:1"}
		call, ok := newCall(c, text[:end+4])
		if !ok || int(call.length) > len(text)-end-4 {
			return
		}
		length, body := int(call.length), []byte(text[end+4:])
		if call.isChunked {
			var s chunks
			if !s.scan(body) || s.isOdd {
				return
			}
			length = s.end
			call.finishRequest(s.join(body[:length]))
		} else {
			call.finishRequest(body[:length])
		}
		in := bufio.NewReaderSize(strings.NewReader(text), len(text)+16)
		want, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", text, err)
		}
		got := call.request
		type meaning struct {
			Method, URL, Path, RawPath, Query, URI, Host, Body string
			Force, Close                                       bool
			Length                                             int64
			Proto                                              string
			Major, Minor                                       int
			Codings                                            []string
			Header                                             http.Header
			Rest                                               int
		}
		read := func(r *http.Request, rest func() int) meaning {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatalf("the body of %q: %v", text, err)
			}
			return meaning{
				r.Method, r.URL.String(), r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.Host, string(body),
				r.URL.ForceQuery, r.Close, r.ContentLength, r.Proto, r.ProtoMajor, r.ProtoMinor, r.TransferEncoding, r.Header, rest(),
			}
		}
		here := read(got, func() int { return len(text) - end - 4 - length })
		if diff := cmp.Diff(read(want, in.Buffered), here); diff != "" {
			t.Fatalf("%q has another meaning (-net/http +here):\n%s", text, diff)
		}
	})
}
