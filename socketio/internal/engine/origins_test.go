package engine_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

func TestOrigins(t *testing.T) {
	origins, err := browserguard.NewOrigins("webSockets.origins", []string{"https://friend.example", "https://*.wide.example"})
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(cfg *engine.Config) { cfg.Origins = origins }, func(t *testing.T, s *server) {
		send := func(method, query, origin, body string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"?"+query, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", origin)
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "x-mine")
			}
			resp, err := s.HTTP.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body = io.NopCloser(strings.NewReader(string(text)))
			return resp
		}
		q := s.OpenPolling()
		sessions := s.sessions()
		for _, origin := range []string{"https://friend.example", "https://a.wide.example", "http://test"} {
			for _, resp := range []*http.Response{send("POST", q, origin, "4a"), send("GET", q, origin, ""), send("GET", "EIO=3&transport=polling", origin, "")} {
				head := resp.Header
				if resp.StatusCode == 403 || head.Get("Access-Control-Allow-Origin") != origin || head.Get("Access-Control-Allow-Credentials") != "true" || head.Get("Vary") != "Origin" {
					t.Errorf("%s: %d %v", origin, resp.StatusCode, head)
				}
			}
			resp := send("OPTIONS", q, origin, "")
			if head := resp.Header; resp.StatusCode != 204 || head.Get("Access-Control-Allow-Methods") != "GET, POST" || head.Get("Access-Control-Allow-Headers") != "x-mine" {
				t.Errorf("%s: %d %v", origin, resp.StatusCode, head)
			}
		}
		for _, origin := range []string{"https://evil.example", "null", "https://friend.example.evil.example", "http://friend.example", "https://wide.example", "http://test:8080", "file://"} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				for _, query := range []string{enginetest.Polling, q, "EIO=4&transport=websocket"} {
					resp := send(method, query, origin, "4a")
					text, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != 403 || string(text) != `{"code":4,"message":"Forbidden"}` || resp.Header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s: %s %s: %d %s", origin, method, query, resp.StatusCode, text)
					}
				}
			}
			_, resp, err := websocket.Dial(t.Context(), s.URL+"?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: s.HTTP, HTTPHeader: http.Header{"Origin": {origin}}})
			if err == nil || resp.StatusCode != 403 {
				t.Errorf("%s: %v, %v", origin, resp, err)
			}
		}
		if n := s.sessions(); n != sessions {
			t.Errorf("%d sessions were opened", n-sessions)
		}
	})
}

// An operator learns from the log why pages and old clients cannot connect: clients show no reason.
func TestRefusalsAreLogged(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		for _, test := range []struct{ query, origin, text string }{
			{enginetest.Polling, "https://shop.example", "their origin is not in webSockets.origins"},
			{"EIO=3&transport=polling", "http://test", "the server needs a Socket.IO client of version 3 or 4"},
		} {
			for range 3 {
				r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"?"+test.query, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Origin", test.origin)
				resp, err := s.HTTP.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
			}
			found := 0
			for _, e := range s.log.Entries() {
				if strings.Contains(e.Message, test.text) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%q is in the log %d times", test.text, found)
			}
		}
	})
}
