package web_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// closedWindow is an HTTP/2 client that never lets a response body through: its flow-control window is 0.
type closedWindow struct {
	*tls.Conn
	stream uint32
}

func dialClosedWindow(t *testing.T, s *testkit.Server) *closedWindow {
	t.Helper()
	cfg := s.ClientTLS.Clone()
	cfg.NextProtos = []string{"h2"}
	nc, err := tls.Dial("tcp", s.Web.TLSAddr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	c := &closedWindow{nc, 1}
	c.write(t, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	c.frame(t, 4, 0, 0, []byte{0, 4, 0, 0, 0, 0}) // SETTINGS_INITIAL_WINDOW_SIZE is 0
	return c
}

func (c *closedWindow) write(t *testing.T, p []byte) {
	t.Helper()
	if _, err := c.Write(p); err != nil {
		t.Fatal(err)
	}
}

func (c *closedWindow) frame(t *testing.T, kind, flags byte, stream uint32, payload []byte) {
	t.Helper()
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8|uint32(kind))
	head[4] = flags
	binary.BigEndian.PutUint32(head[5:], stream)
	c.write(t, append(head, payload...))
}

// get sends a GET request on a new stream.
func (c *closedWindow) get(t *testing.T, path string) {
	t.Helper()
	text := append([]byte{0x82, 0x87, 0x04, byte(len(path))}, path...)        // :method, :scheme, :path
	text = append(append(text, 0x01, byte(len("localhost"))), "localhost"...) // :authority
	c.frame(t, 1, 0x5, c.stream, text)                                        // HEADERS with END_STREAM and END_HEADERS
	c.stream += 2
}

// next returns the next frame of the server.
func (c *closedWindow) next(t *testing.T) (kind byte, payload []byte) {
	t.Helper()
	head := make([]byte, 9)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	payload = make([]byte, binary.BigEndian.Uint32(head)>>8)
	if _, err := io.ReadFull(c, payload); err != nil {
		t.Fatal(err)
	}
	return head[3], payload
}

// HTTP/2 clients that ask on many streams and let no response through occupy a bounded number of requests. A client over
// the limit is refused without a body, and is served as soon as the others are gone.
func TestHTTP2RequestsAreBounded(t *testing.T) {
	t.Parallel()
	const most, perConn = 32, 20
	s := start(t, func(cfg *server.Config) { cfg.HTTPSServer.MaxRequests, cfg.HTTPSServer.MaxStreams = most, perConn })
	s.Put(t, "a.bin", strings.Repeat("a", 100_000))
	for _, path := range []string{"/api/randomNumber", "/public/a.bin", "/public/none"} {
		attacker := dialClosedWindow(t, s)
		limit, heads := uint32(0), 0
		for asked := 0; heads < perConn; {
			if asked == heads {
				attacker.get(t, path)
				asked++
			}
			switch kind, payload := attacker.next(t); kind {
			case 0:
				if len(payload) > 0 {
					t.Fatalf("%s: a body comes through", path)
				}
			case 1:
				heads++
			case 4:
				for ; len(payload) >= 6; payload = payload[6:] {
					if binary.BigEndian.Uint16(payload) == 3 {
						limit = binary.BigEndian.Uint32(payload[2:])
					}
				}
			}
		}
		if limit != perConn {
			t.Errorf("a connection may have %d streams, want %d", limit, perConn)
		}
		c := s.HTTPS(t, true)
		got := c.Ask("GET", "/api/randomNumber", "")
		if got.StatusCode != http.StatusServiceUnavailable || got.Text != "" || got.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: above the limit comes %d %v %q", path, got.StatusCode, got.Header, got.Text)
		}
		_ = attacker.Close()
		testkit.Eventually(t, "another client is served", func() bool {
			return c.Ask("GET", "/api/randomNumber", "").StatusCode == http.StatusOK
		})
	}
	c := s.HTTPS(t, true)
	for range 100 { // the responses that a client reads give their places back
		c.Ask("GET", "/public/none", "").Want(t, 404, "Sorry")
	}
}
