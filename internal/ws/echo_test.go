package ws_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

func defaults() ws.Options {
	return ws.Options{
		SendQueue:  sendqueue.Config{MaxMessages: 256, MaxBytes: 1 << 20, WriteTimeout: testTimeout},
		MaxMessage: 64 << 10, MessageTimeout: 15 * time.Second, PingInterval: 20 * time.Second, PongTimeout: 20 * time.Second, CloseTimeout: time.Second,
	}
}

// echo starts a server that sends every message back.
func echo(t testing.TB, options ws.Options, secure bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := new(ws.Conn)
		if c.Upgrade(w, r, &options, netip.Addr{}, func(error) {}) == nil {
			go serveEcho(c)
		}
	}))
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func serveEcho(c *ws.Conn) {
	for {
		m, ok, err := c.Next()
		switch {
		case ok && m.Binary:
			c.Binary(m.Data)
		case ok:
			c.Text(m.Data, nil)
		case err == nil:
			c.Out.Send()
			if err = c.Read(func() bool { return false }); err == ws.ErrPark {
				err = nil
			}
		}
		if err != nil {
			c.Finish(err)
			return
		}
	}
}

func dial(t testing.TB, s *httptest.Server, o websocket.DialOptions) *websocket.Conn {
	t.Helper()
	o.HTTPClient = s.Client()
	c, _, err := websocket.Dial(t.Context(), s.URL, &o)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func TestEcho(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		for _, compress := range []bool{false, true} {
			options := defaults()
			options.Compress = compress
			s := echo(t, options, secure)
			mode := websocket.CompressionDisabled
			if compress {
				mode = websocket.CompressionNoContextTakeover
			}
			c := dial(t, s, websocket.DialOptions{CompressionMode: mode})
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			for _, n := range []int{0, 1, 125, 126, 1000, 16 << 10, 40_000, 64 << 10} {
				text := strings.Repeat("é", n/2) + strings.Repeat("x", n%2)
				if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
					t.Fatal(err)
				}
				kind, got, err := c.Read(ctx)
				if err != nil || kind != websocket.MessageText || string(got) != text {
					t.Fatalf("secure %v, compress %v: sent %d bytes, got %d, %v", secure, compress, n, len(got), err)
				}
			}
			if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
				t.Error(err)
			}
		}
	}
}
