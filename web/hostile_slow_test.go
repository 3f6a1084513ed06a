//go:build hostile

package web_test

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/hostile"
)

// goneWithin is how soon a client that keeps the server waiting must be gone.
const goneWithin = 15 * time.Second

const host = "Host: x\r\n"

// The tests of this file use the default limits. They are not parallel, so that goroutines and files can be counted.

func TestSlowSendersAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil)
	innocent := v.innocent(t)
	h2 := v.handshake("h2")
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "nothing at all", Dial: v.dial},
		{Name: "headers", Dial: v.dial, Open: "GET /api/status HTTP/1.1\r\n" + host + "X-Long: ", Drip: "a"},
		{Name: "headers over HTTPS", Dial: v.handshake("http/1.1"), Open: "G", Drip: "ET /api/status?key=aaaaaaaaaaaaaaaaaaaaaaa"},
		{Name: "headers of a second request", Dial: v.dial, Open: "GET /api/randomNumber HTTP/1.1\r\n" + host + "\r\nGET /", Drip: "a"},
		{Name: "body with a length", Dial: v.dial, Open: post("/api/cacheTest", "application/json", 1000) + `{"key":"`, Drip: "a"},
		{Name: "body in chunks", Dial: v.dial, Open: chunked("/api/cacheTest") + "3e8\r\n{", Drip: "a"},
		{Name: "length of a chunk", Dial: v.dial, Open: chunked("/api/cacheTest") + "3e8;", Drip: "a"},
		{Name: "body that nobody reads", Dial: v.dial, Open: post("/public/plain.txt", "text/plain", 1000), Drip: "a"},
		{Name: "end of a multipart body", Dial: v.dial, Open: post("/api/cacheTest", "multipart/form-data; boundary=b", 1000) + "--b--\r\n", Drip: "a"},
		{Name: "TLS hello", Dial: v.dialTLS, Open: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Drip: "\x00"},
		{Name: "half-closed in the headers", Dial: v.dial, Open: "GET /api/status HTTP/1.1\r\n" + host, HalfClose: true},
		{Name: "half-closed in the body", Dial: v.dial, Open: post("/api/cacheTest", "application/json", 1000) + `{"key":"`, HalfClose: true},
		{Name: "frame of HTTP/2", Dial: h2, Open: h2Open + frame(1, 4, 1, strings.Repeat("\x00", 16000))[:9], Drip: "\x82"},
		{Name: "headers of HTTP/2", Dial: h2, Open: h2Open + frame(1, 0, 1, "\x82") + frame(9, 0, 1, ""), Drip: frame(9, 0, 1, "")},
	})
	innocent()
	stop()
	leaks()
}

// large is an action whose answer no buffer of a socket holds.
var large = actionhero.Action[actionhero.None, map[string]string]{
	Name: "large", Description: "Answers much",
	Run: func(context.Context, actionhero.None) (map[string]string, error) {
		return map[string]string{"text": largeText}, nil
	},
}

var largeText = strings.Repeat("all work and no play ", 20_000)

func TestClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil, large)
	innocent := v.innocent(t)
	pipeline := func(path string) string {
		return strings.Repeat("GET /api/randomNumber HTTP/1.1\r\n"+host+"\r\n", 2) + strings.Repeat("GET "+path+" HTTP/1.1\r\n"+host+"\r\n", 20)
	}
	h1, h2 := v.handshake("http/1.1"), v.handshake("h2")
	hostile.Storm(t, goneWithin, []hostile.Kind{
		{Name: "files", Dial: v.dial, Open: pipeline("/public/big.bin"), Unread: true},
		{Name: "answers", Dial: v.dial, Open: pipeline("/api/large"), Unread: true},
		{Name: "files over HTTPS", Dial: h1, Open: pipeline("/public/big.bin"), Unread: true},
		{Name: "answers over HTTPS", Dial: h1, Open: pipeline("/api/large"), Unread: true},
		{Name: "answers over HTTP/2", Dial: h2, Open: h2Open + h2Window + h2Get(1, "/api/large") + h2Get(3, "/api/large") + h2Get(5, "/api/large"), Unread: true},
	})
	innocent()
	stop()
	leaks()
}

// TestHTTP2WithoutWindow has clients that read what is sent, but never allow an answer to be sent: each answer must
// end, and with it the file that it holds open. The connection itself stays, as an idle one.
func TestHTTP2WithoutWindow(t *testing.T) {
	leaks := hostile.CheckLeaks(t)
	v, stop := newVictim(t, nil, large)
	before := hostile.Now()
	innocent := v.innocent(t)
	var requests strings.Builder
	requests.WriteString(h2Open)
	for stream := range uint32(20) {
		requests.WriteString(h2Get(2*stream+1, []string{"/public/big.bin", "/api/large", "/public/plain.txt"}[stream%3]))
	}
	dial := v.handshake("h2")
	clients := hostile.Many() / 10
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
	opened := func() bool { return hostile.Now().Files >= before.Files+clients*(2+6) }
	if !hostile.Eventually(patience, opened) {
		t.Error("the answers do not wait for the clients: the test shows nothing")
	}
	var files int
	closed := func() bool {
		files = hostile.Now().Files - before.Files - 2*clients
		return files < 16
	}
	if !hostile.Eventually(goneWithin+hostile.Grace, closed) {
		t.Errorf("the server still holds %d files for clients that take no answer", files)
	}
	innocent()
	for _, nc := range conns {
		_ = nc.Close()
	}
	stop()
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
	h2Open   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "\x00\x04\x00\x00\x00\x00")
	h2Window = frame(8, 0, 0, "\x7f\xff\x00\x00") + frame(4, 0, 0, "\x00\x04\x7f\xff\xff\xff") // after it: as many as it likes
)

// frame is one frame of HTTP/2.
func frame(kind, flags byte, stream uint32, payload string) string {
	head := make([]byte, 0, 9)
	head = append(head, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// h2Get is a whole GET: the headers by their indices in HPACK's static table (RFC 7541 appendix A), the path as a
// literal.
func h2Get(stream uint32, path string) string {
	return frame(1, 1|4, stream, "\x82\x87\x41\x01x\x04"+string(rune(len(path)))+path)
}
