package websocket_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// Pages of an origin that is not allowed get a 403, and do not count as clients.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Origins: []string{"https://friend.example", "https://*.friends.example"}})
	for _, origin := range []string{
		"https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81", "https://friend.example.evil.example", "https://xfriends.example", "http://friend.example",
		"https://friend.example\r\nOrigin: https://friend.example", "http://evil.example@localhost",
	} {
		if _, err := openFrames(connect(t, s), "Origin: "+origin+"\r\n"); err == nil || err.Error() != "403 Forbidden" {
			t.Errorf("a page of %q gets %v", origin, err)
		}
	}
	for _, origin := range []string{"http://localhost", "https://friend.example", "https://a.friends.example"} {
		c, err := openFrames(connect(t, s), "Origin: "+origin+"\r\n")
		if err != nil {
			t.Errorf("a page of %q gets %v", origin, err)
			continue
		}
		if err := c.Await("welcome"); err != nil {
			t.Error(err)
		}
	}
	if n := s.WebSocket.Clients(); n != 3 {
		t.Errorf("there are %d clients", n)
	}
}

// An operator learns from the log why pages cannot connect: browsers show no reason.
func TestRefusedOriginIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	for range 3 {
		_, _ = openFrames(connect(t, s), "Origin: https://shop.example\r\n")
	}
	found := 0
	for _, e := range s.Log.Entries() {
		if strings.Contains(e.Message, "their origin is not in webSockets.origins") {
			found++
		}
	}
	if found != 1 {
		t.Errorf("the log has %d warnings about the origin", found)
	}
}

func TestAnyOriginIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Origins: []string{"*"}})
	if _, err := openFrames(connect(t, s), "Origin: https://evil.example\r\n"); err != nil {
		t.Error(err)
	}
	warnings := 0
	for _, e := range s.Log.Entries() {
		if strings.Contains(e.Message, "pages of any site may connect") {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("the log has %d warnings that pages of any site may connect", warnings)
	}
}

// The address of a client is the one that RemoteIP returns, or the address of the connection if that is none.
func TestRemoteIP(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	action := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "who",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			req := actionhero.RequestFrom(ctx)
			seen <- req.RemoteIP + " " + req.Conn.Remote.String() + " " + req.Transport
			return n, nil
		},
	}
	for forwarded, want := range map[string]string{"192.0.2.7": "192.0.2.7 192.0.2.7:0 websocket", "nonsense": "127.0.0.1 127.0.0.1:", "": "127.0.0.1 127.0.0.1:", "127.0.0.1": "127.0.0.1 127.0.0.1:"} {
		cfg := websocket.Config{RemoteIP: func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }}
		if forwarded == "" {
			cfg.RemoteIP = nil
		}
		s := testkit.New(t, testkit.Options{Parts: actionhero.Parts{action}})
		own := websocket.New(s.API, cfg)
		s.API.Add(own)
		if err := s.Web.Mount("/own", own); err != nil {
			t.Fatal(err)
		}
		s.Start()
		p := testkit.NewWS(t, "ws://"+s.Web.Addr().String()+"/own", &client.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {forwarded}}})
		p.Send(`{"event":"action","params":{"action":"who"}}`)
		if got := <-seen; !strings.HasPrefix(got, want) || strings.HasSuffix(want, ":") && strings.Contains(got, ":0 ") {
			t.Errorf("behind %q: %s, want %s", forwarded, got, want)
		}
	}
}

// A client that asks for subprotocols gets the first one that the setting lists, and none otherwise. The path may end in a slash.
func TestSubprotocols(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Subprotocols: []string{"chat.v1", "chat.v2"}})
	for asked, want := range map[string]string{"chat.v2": "chat.v2", "other,chat.v1,chat.v2": "chat.v1", "other": "", "CHAT.v1": "", "": ""} {
		options := &client.DialOptions{}
		if asked != "" {
			options.Subprotocols = strings.Split(asked, ",")
		}
		p := testkit.NewWS(t, "ws://"+s.Web.Addr().String()+"/ws/", options)
		if got := p.Subprotocol(); got != want {
			t.Errorf("a client that asks for %q gets %q, want %q", asked, got, want)
		}
		p.Call(`{"event":"say","message":"hi"}`, `{"context":"response","status":"OK"}`)
		_ = p.CloseNow()
		testkit.Eventually(t, "the client is disconnected", func() bool { return s.WebSocket.Clients() == 0 })
	}
}
