package web_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// After Drain, each response closes its connection and says so: on the fast path, in net/http, for a request that began
// before, over HTTPS and over HTTP/2. New connections are served, and a restart ends the draining.
func TestADrainingServerEndsConnectionsWithTheirResponses(t *testing.T) {
	t.Parallel()
	begun, open := make(chan struct{}), make(chan struct{})
	gate := does("gate", noError(func(context.Context) {
		close(begun)
		<-open
	}))
	s := start(t, func(cfg *server.Config) { cfg.HTTPServer.Port = testkit.FreePort(t) }, gate)
	request := func(action, header string) string {
		return "GET /api/" + action + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"
	}
	paths := map[string]string{"fast path": "", "net/http": "Pragma: no-cache\r\n"}
	kept := map[string]*testkit.HTTPConn{}
	for name, header := range paths {
		kept[name] = s.HTTPConn(t)
		kept[name].Send(request("randomNumber", header))
		if got := kept[name].Next("GET"); got.Close {
			t.Errorf("%s: the connection closes before Drain", name)
		}
	}
	running := s.HTTPConn(t)
	running.Send(request("gate", ""))
	<-begun
	s.Web.Drain()
	close(open)
	if got := running.Next("GET"); got.StatusCode != http.StatusOK || !got.Close {
		t.Errorf("the running request: %d, closing %v", got.StatusCode, got.Close)
	}
	running.WantClosed()
	for name, header := range paths {
		for _, c := range []*testkit.HTTPConn{kept[name], s.HTTPConn(t)} {
			c.Send(request("randomNumber", header))
			if got := c.Next("GET"); got.StatusCode != http.StatusOK || !got.Close {
				t.Errorf("%s: %d, closing %v", name, got.StatusCode, got.Close)
			}
			c.WantClosed()
		}
	}
	for _, h2 := range []bool{false, true} {
		client := s.HTTPS(t, h2)
		for range 2 { // over HTTP/2, the second request needs a new connection
			got := client.Send("GET", "/api/randomNumber", http.NoBody)
			got.Want(t, http.StatusOK, "")
			if !h2 && !got.Close {
				t.Error("HTTPS: the connection stays open")
			}
		}
	}
	if err := s.API.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := s.HTTPConn(t)
	c.Send(request("randomNumber", ""))
	if got := c.Next("GET"); got.Close {
		t.Error("the server still drains after a restart")
	}
}

// After Resume, connections stay open again: on the fast path, in net/http and over HTTPS.
func TestResumeEndsTheDraining(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Web.Drain()
	s.Web.Resume()
	for _, header := range []string{"", "Pragma: no-cache\r\n"} {
		c := s.HTTPConn(t)
		for range 2 {
			c.Send("GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
			if got := c.Next("GET"); got.StatusCode != http.StatusOK || got.Close {
				t.Errorf("%q: %d, closing %v", header, got.StatusCode, got.Close)
			}
		}
	}
	if got := s.HTTPS(t, false).Send("GET", "/api/randomNumber", http.NoBody); got.Close {
		t.Error("HTTPS: the connection ends")
	}
}

// Settle waits for the first request of each connection that was accepted, and gives kept connections the time for one
// more.
func TestSettleWaitsForRequestsThatMayBeUnderWay(t *testing.T) {
	t.Parallel()
	// A port that the system never gives to a client, so that no connection is from another program.
	s := start(t, func(cfg *server.Config) { cfg.HTTPServer.Port = testkit.FreePort(t) })
	const request = "GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n"
	kept := s.HTTPConn(t)
	kept.Send(request)
	kept.Next("GET")
	s.Web.Drain()
	fresh := s.HTTPConn(t)
	testkit.Eventually(t, "both connections wait", func() bool {
		fresh, idle := s.Web.Waiting()
		return fresh == 1 && idle == 1
	})
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		s.Web.Settle(t.Context())
	}()
	fresh.Send(request[:20])
	kept.Send(request)
	if got := kept.Next("GET"); got.StatusCode != http.StatusOK || !got.Close {
		t.Errorf("the kept connection: %d, closing %v", got.StatusCode, got.Close)
	}
	select {
	case <-settled:
		t.Fatal("Settle does not wait for the first request of a connection")
	default:
	}
	fresh.Send(request[20:])
	if got := fresh.Next("GET"); got.StatusCode != http.StatusOK || !got.Close {
		t.Errorf("the fresh connection: %d, closing %v", got.StatusCode, got.Close)
	}
	<-settled
	silent := s.HTTPConn(t) // as of a browser that connects ahead of its requests
	testkit.Eventually(t, "the connection is accepted", func() bool {
		fresh, _ := s.Web.Waiting()
		return fresh == 1
	})
	limited, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Web.Settle(limited)
	if limited.Err() == nil {
		t.Error("Settle does not see a connection without a request")
	}
	s.Web.Resume()
	s.Web.Drain()
	s.Web.Settle(t.Context()) // the connection is silent since before Drain
	silent.Send(request)
	silent.Next("GET")
}

// Settle counts the connections of both ports and both engines: no connection that was silent before Drain, and each that
// was opened, or sent a part of a handshake or of a request since.
func TestSettleCountsHandshakesAndBothEngines(t *testing.T) {
	t.Parallel()
	for _, fast := range []bool{true, false} {
		s := start(t, func(cfg *server.Config) {
			cfg.HTTPServer.Port, cfg.HTTPSServer.Port, cfg.CommonWeb.FastPath = testkit.FreePort(t), testkit.FreePort(t), &fast
		})
		wait := func(what string, fresh, idle int) {
			t.Helper()
			testkit.Eventually(t, what, func() bool {
				f, i := s.Web.Waiting()
				return f == fresh && i == idle
			})
		}
		dial := func(addr net.Addr) net.Conn {
			t.Helper()
			nc, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = nc.Close() })
			_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
			return nc
		}
		plain, secure := dial(s.Web.Addr()), dial(s.Web.TLSAddr())
		kept := s.HTTPConn(t)
		kept.Send("GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n")
		kept.Next("GET")
		wait("two connections are silent", 2, 1)
		s.Web.Drain()
		wait("none counts, because they were silent before Drain", 0, 1)
		kept.Send("GET /api/")
		wait("a part of a request came", 1, 0)
		client := tls.Client(secure, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		wait("a handshake ended", 2, 0)
		_, _ = io.WriteString(plain, "GET /api/randomNumber HTTP/1.1\r\n")
		wait("the silent connection sends a request", 3, 0)
		dial(s.Web.TLSAddr())
		wait("a connection came after Drain", 4, 0)
	}
}
