package auth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// What a page of another site makes a browser send changes nothing, and no answer to it can be read by the page, even if
// the browser sent the cookie.
func TestAPageOfAnotherSiteDoesNothingWithTheCookie(t *testing.T) {
	t.Parallel()
	for name, origins := range map[string][]string{"by default": nil, "with all origins": {"*"}, "with a listed origin": {"https://friend.example"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newSite(auth.SessionConfig{})
			s := app.start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = origins })
			c := s.HTTP(t)
			cookie := "Cookie: " + newBrowser(c).login(t, "ann")
			const evil = "Origin: https://evil.example"
			for name, r := range map[string]struct {
				method, path, body string
				headers            []string
			}{
				"a form":                    {"POST", "/api/change", "user=x", []string{evil, "Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"}},
				"a form of an old browser":  {"POST", "/api/change", "user=x", []string{evil, "Content-Type: application/x-www-form-urlencoded"}},
				"a form without an origin":  {"POST", "/api/change", "user=x", []string{"Origin: null", "Content-Type: application/x-www-form-urlencoded"}},
				"a form as text":            {"POST", "/api/change", `{"a":"="}`, []string{evil, "Content-Type: text/plain"}},
				"a form that names it":      {"POST", "/api/", "action=change", []string{evil, "Content-Type: application/x-www-form-urlencoded"}},
				"a fetch":                   {"POST", "/api/change", "{}", []string{evil, "Sec-Fetch-Site: cross-site", "Content-Type: application/json"}},
				"a sibling domain":          {"POST", "/api/change", "{}", []string{"Origin: https://a.localhost", "Sec-Fetch-Site: same-site", "Content-Type: application/json"}},
				"another port":              {"POST", "/api/change", "{}", []string{"Origin: http://127.0.0.1:1", "Content-Type: application/json"}},
				"a link":                    {"GET", "/api/change", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}},
				"an image":                  {"GET", "/?action=change", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}},
				"a logout":                  {"POST", "/api/logout", "", []string{evil, "Sec-Fetch-Site: cross-site"}},
				"a login as the attacker":   {"POST", "/api/login", "user=mallory", []string{evil, "Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"}},
				"a page of a listed origin": {"POST", "/api/change", "{}", []string{"Origin: https://friend.example", "Sec-Fetch-Site: cross-site", "Content-Type: application/json"}},
			} {
				got := c.Ask(r.method, r.path, r.body, append(r.headers, cookie)...)
				if got.StatusCode != 403 || got.Header.Get("Set-Cookie") != "" || app.changes.Load() != 0 {
					t.Errorf("%s: %d %.200s, Set-Cookie %q, %d changes", name, got.StatusCode, got.Text, got.Header.Get("Set-Cookie"), app.changes.Load())
				}
			}
			got := c.Ask("GET", "/api/who", "", evil, "Sec-Fetch-Site: cross-site", cookie)
			if got.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("a page of another site may read the answer to the cookie: %v", got.Header)
			}
			got = c.Ask("GET", "/api/who?callback=steal", "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", cookie)
			if strings.Contains(got.Text, "steal(") {
				t.Errorf("a script of another site reads %s", got.Text)
			}
			c.Ask("POST", "/api/change", "{}", "Origin: "+c.Base, "Content-Type: application/json", cookie).Want(t, 200, "")
			if app.changes.Load() != 1 {
				t.Error("a page of the server itself changes nothing")
			}
		})
	}
}

// A page of another site opens no connection with the cookie: not over WebSocket, and not over Socket.IO with either of
// its transports.
func TestAPageOfAnotherSiteOpensNoConnectionWithTheCookie(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	s := app.start(t)
	c := s.HTTP(t)
	cookie := newBrowser(c).login(t, "ann")
	for _, origin := range []string{"https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"} {
		for name, path := range map[string]string{"websocket": testkit.WSPath, "socketio": testkit.SIOPath} {
			header := http.Header{"Cookie": {cookie}, "Origin": {origin}}
			conn, answer, err := websocket.Dial(t.Context(), "ws://"+s.Web.Addr().String()+path, &websocket.DialOptions{HTTPHeader: header})
			if err == nil {
				_ = conn.CloseNow()
				t.Errorf("a page of %s opens a connection over %s", origin, name)
			} else if answer == nil || answer.StatusCode != 403 {
				t.Errorf("%s over %s: %v", origin, name, err)
			}
		}
		got := c.Ask("GET", "/socket.io/?EIO=4&transport=polling", "", "Cookie: "+cookie, "Origin: "+origin)
		if got.StatusCode != 403 || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("long-polling of %s: %d %s", origin, got.StatusCode, got.Text)
		}
	}
}

// If the setting lets pages of all origins connect, they do so without the cookie.
func TestAPageOfAnyOriginConnectsWithoutTheCookie(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	s := app.start(t, func(cfg *server.Config) {
		cfg.WebSockets.Plain.Origins, cfg.WebSockets.SocketIO.Origins = []string{"*"}, []string{"*"}
	})
	c := s.HTTP(t)
	cookie := newBrowser(c).login(t, "ann")
	for origin, who := range map[string]string{"https://evil.example": "", c.Base: "ann"} {
		header := http.Header{"Cookie": {cookie}, "Origin": {origin}}
		ws := testkit.NewWS(t, s.WSURL(), &websocket.DialOptions{HTTPHeader: header})
		sio := sioDial(t, s, header)
		for name, c := range map[string]testkit.Client{"websocket": ws, "socketio": sio} {
			if got := c.Do("open", nil); !strings.Contains(got.JSON, `"who":"`+who+`"`) {
				t.Errorf("a page of %s over %s: %s", origin, name, got.JSON)
			}
		}
	}
}

// A cookie that was planted over plain HTTP is no session over HTTPS, on no transport.
func TestACookieForHTTPIsNoSessionOverHTTPS(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	s := app.start(t)
	cookie := newBrowser(s.HTTP(t)).login(t, "mallory")
	if !strings.HasPrefix(cookie, "session=") {
		t.Fatal(cookie)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.ClientTLS}}
	for _, action := range []string{"open", "logout"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.Web.TLSAddr().String()+"/api/"+action, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookie)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != 200 || strings.Contains(string(text), "mallory") {
			t.Errorf("%s over HTTPS: %s, %v", action, text, err)
		}
	}
	secure := strings.Replace(s.WSURL(), "ws://"+s.Web.Addr().String(), "wss://"+s.Web.TLSAddr().String(), 1)
	ws := testkit.NewWS(t, secure, &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Cookie": {cookie}}})
	if got := ws.Do("open", nil); !strings.Contains(got.JSON, `"who":""`) {
		t.Errorf("over WSS: %s", got.JSON)
	}
	ws = testkit.NewWS(t, s.WSURL(), &websocket.DialOptions{HTTPHeader: http.Header{
		"Cookie": {cookie}, "Origin": {"https://" + s.Web.Addr().String()}, // behind a proxy that ends TLS
	}})
	if got := ws.Do("open", nil); !strings.Contains(got.JSON, `"who":""`) {
		t.Errorf("over WSS behind a proxy: %s", got.JSON)
	}
	isUser(t, s.HTTP(t), cookie, "mallory")
}
