package web_test

import (
	"context"
	"net/http"
	"testing"

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
