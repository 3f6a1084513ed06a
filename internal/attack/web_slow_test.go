//go:build hostile

package attack_test

import (
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The tests of this file use the default limits. They are not parallel, so that goroutines and files can be counted.

func TestHTTPSlowSendersAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil)
	wellBehaved := s.wellBehavedHTTP(t)
	h2, tlsPort := s.DialHTTPS("h2"), below(s.Web.TLSAddr())
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "nothing at all", Dial: s.DialHTTP},
		{Name: "headers", Dial: s.DialHTTP, Open: "GET /api/status HTTP/1.1\r\n" + host + "X-Long: ", Drip: "a"},
		{Name: "headers over HTTPS", Dial: s.DialHTTPS("http/1.1"), Open: "G", Drip: "ET /api/status?key=aaaaaaaaaaaaaaaaaaaaaaa"},
		{Name: "headers of a second request", Dial: s.DialHTTP, Open: "GET /api/randomNumber HTTP/1.1\r\n" + host + "\r\nGET /", Drip: "a"},
		{Name: "body with a length", Dial: s.DialHTTP, Open: post("/api/cacheTest", "application/json", 1000) + `{"key":"`, Drip: "a"},
		{Name: "body in chunks", Dial: s.DialHTTP, Open: chunked("/api/cacheTest") + "3e8\r\n{", Drip: "a"},
		{Name: "length of a chunk", Dial: s.DialHTTP, Open: chunked("/api/cacheTest") + "3e8;", Drip: "a"},
		{Name: "body that nobody reads", Dial: s.DialHTTP, Open: post("/public/plain.txt", "text/plain", 1000), Drip: "a"},
		{Name: "end of a multipart body", Dial: s.DialHTTP, Open: post("/api/cacheTest", "multipart/form-data; boundary=b", 1000) + "--b--\r\n", Drip: "a"},
		{Name: "TLS hello", Dial: tlsPort, Open: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Drip: "\x00"},
		{Name: "half-closed in the headers", Dial: s.DialHTTP, Open: "GET /api/status HTTP/1.1\r\n" + host, HalfClose: true},
		{Name: "half-closed in the body", Dial: s.DialHTTP, Open: post("/api/cacheTest", "application/json", 1000) + `{"key":"`, HalfClose: true},
		{Name: "frame of HTTP/2", Dial: h2, Open: h2Open + h2Frame(1, 4, 1, strings.Repeat("\x00", 16000))[:9], Drip: "\x82"},
		{Name: "headers of HTTP/2", Dial: h2, Open: h2Open + h2Frame(1, 0, 1, "\x82") + h2Frame(9, 0, 1, ""), Drip: h2Frame(9, 0, 1, "")},
	})
	wellBehaved()
	s.Stop()
	leaks()
}

func TestHTTPClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	// A client whose requests are refused for want of memory has short answers and is idle, so the memory is unbounded here.
	s := newTarget(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = 1 << 40 }, large)
	wellBehaved := s.wellBehavedHTTP(t)
	pipeline := func(path string) string {
		return strings.Repeat("GET /api/randomNumber HTTP/1.1\r\n"+host+"\r\n", 2) + strings.Repeat("GET "+path+" HTTP/1.1\r\n"+host+"\r\n", 20)
	}
	h1, h2 := s.DialHTTPS("http/1.1"), s.DialHTTPS("h2")
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "files", Dial: s.DialHTTP, Open: pipeline("/public/big.bin"), Unread: true},
		{Name: "answers", Dial: s.DialHTTP, Open: pipeline("/api/large"), Unread: true},
		{Name: "files over HTTPS", Dial: h1, Open: pipeline("/public/big.bin"), Unread: true},
		{Name: "answers over HTTPS", Dial: h1, Open: pipeline("/api/large"), Unread: true},
		{Name: "answers over HTTP/2", Dial: h2, Open: h2Open + h2Window + h2Get(1, "/api/large") + h2Get(3, "/api/large") + h2Get(5, "/api/large"), Unread: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
}

// TestHTTP2WithoutWindow has clients that read what is sent, but never allow an answer to be sent: each answer must
// end, and with it the file that it holds open. The connection itself stays, as an idle one.
func TestHTTP2WithoutWindow(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	// The default bound on the requests of one address would end most of them at once.
	s := newTarget(t, func(cfg *server.Config) { cfg.HTTPSServer.MaxRequests = 1 << 20 }, large)
	before := testkit.InUse()
	wellBehaved := s.wellBehavedHTTP(t)
	var requests strings.Builder
	requests.WriteString(h2Open)
	for stream := range uint32(20) {
		requests.WriteString(h2Get(2*stream+1, []string{"/public/big.bin", "/api/large", "/public/plain.txt"}[stream%3]))
	}
	dial := s.DialHTTPS("h2")
	clients := testkit.Many() / 10
	conns := make([]net.Conn, clients)
	for i := range conns {
		nc, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = nc
		if _, err := nc.Write([]byte(requests.String())); err != nil {
			t.Fatal(err)
		}
	}
	opened := func() bool { return testkit.InUse().Files >= before.Files+clients*(2+6) }
	if !testkit.Within(atOnce, opened) {
		t.Error("the answers do not wait for the clients: the test shows nothing")
	}
	var files int
	closed := func() bool {
		files = testkit.InUse().Files - before.Files - 2*clients
		return files < 16
	}
	if !testkit.Within(goneWithin+testkit.Grace, closed) {
		t.Errorf("the server still holds %d files for clients that take no answer", files)
	}
	wellBehaved()
	for _, nc := range conns {
		_ = nc.Close()
	}
	s.Stop()
	leaks()
}

func post(path, contentType string, length int) string {
	return "POST " + path + " HTTP/1.1\r\n" + host + "Content-Type: " + contentType + "\r\nContent-Length: " + strconv.Itoa(length) + "\r\n\r\n"
}

func chunked(path string) string {
	return "POST " + path + " HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
}

// What a client of HTTP/2 sends (RFC 9113): the preface, and settings by which a stream may get no byte.
var (
	h2Open   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2Frame(4, 0, 0, "\x00\x04\x00\x00\x00\x00")
	h2Window = h2Frame(8, 0, 0, "\x7f\xff\x00\x00") + h2Frame(4, 0, 0, "\x00\x04\x7f\xff\xff\xff") // after it: as many as it likes
)

// h2Frame is one frame of HTTP/2.
func h2Frame(kind, flags byte, stream uint32, payload string) string {
	head := make([]byte, 0, 9)
	head = append(head, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// h2Get is a whole GET: the headers by their indices in HPACK's static table (RFC 7541 appendix A), the path as a
// literal.
func h2Get(stream uint32, path string) string {
	return h2Frame(1, 1|4, stream, "\x82\x87\x41\x09localhost\x04"+string(rune(len(path)))+path)
}
