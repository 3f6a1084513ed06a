package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// counted returns an action that counts its runs.
func counted(name, route string, kind actionhero.Kind, runs *atomic.Int64) actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: name, Route: route, Kind: kind,
		Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
			runs.Add(1)
			return n, nil
		},
	}
}

// A page of an allowed origin runs actions and handlers with a visitor's cookies only if commonWeb.corsCredentials is on.
func TestCookiesOfAllowedOriginsNeedCredentials(t *testing.T) {
	t.Parallel()
	for on, status := range map[bool]int{true: 200, false: 403} {
		var runs atomic.Int64
		s := start(t, func(cfg *server.Config) {
			cfg.CommonWeb.AllowedOrigins, cfg.CommonWeb.CORSCredentials = []string{"https://friend.example", "https://*.wide.example"}, on
		}, counted("write", "", actionhero.KindWrite, &runs), counted("read", "", actionhero.KindRead, &runs), web.Mount("/mine", echo("mine")))
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			for _, origin := range []string{"Origin: https://friend.example", "Origin: https://a.wide.example"} {
				for target, text := range map[string]string{"/api/write": "may not run the action write", "/mine": "may not send POST to this path"} {
					c.Ask("POST", target, "a=b", isForm, origin).Want(t, 200, "")
					got := c.Ask("POST", target, "a=b", isForm, origin, "Cookie: session=s")
					if got.Want(t, status, ""); !on {
						got.Want(t, 403, text)
						got.Want(t, 403, "the page may send it without cookies, or with them if commonWeb.allowedOrigins lists its origin and commonWeb.corsCredentials is on")
					}
				}
				c.Ask("GET", "/api/read", "", origin, "Cookie: session=s").Want(t, 200, `"error":"OK"`)
			}
		})
	}
}

// What a browser marks as sent by a page of another site runs only actions that read. No other client is restricted.
func TestAPageOfAnotherSiteRunsOnlyWhatReads(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"https://friend.example"} },
		counted("write", "POST /writes", actionhero.KindWrite, &runs), counted("destroy", "", actionhero.KindDestructive, &runs), counted("read", "GET /reads", actionhero.KindRead, &runs))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for headers, passes := range map[string]bool{
			"":                            true,
			"Cookie: a=b":                 true,
			"Sec-Fetch-Site: same-origin": true,
			"Sec-Fetch-Site: none":        true,
			"Origin: " + c.Base:           true,
			"Sec-Fetch-Site: cross-site|Origin: https://friend.example":                        true,
			"Sec-Fetch-Site: same-site|Origin: https://friend.example|Authorization: Bearer t": true,
			"Sec-Fetch-Site: cross-site|Origin: https://friend.example|Cookie: a=b":            false,
			"Origin: https://friend.example|Authorization: Basic YTpi":                         false,
			"Sec-Fetch-Site: cross-site":                                                       false,
			"Sec-Fetch-Site: same-site|Origin: https://friend.example.evil":                    false,
			"Origin: https://evil.example":                                                     false,
			"Origin: null":                                                                     false,
			"Origin: " + strings.Replace(c.Base, "://", "://user@", 1):                         false,
		} {
			var list []string
			if headers != "" {
				list = strings.Split(headers, "|")
			}
			for _, ask := range []struct{ method, target, body string }{
				{"POST", "/writes", ""}, {"POST", "/api/write", ""}, {"POST", "/write", "a=b"}, {"POST", "/api", "action=write"}, {"POST", "/", "action=destroy"},
				{"POST", "/?action=destroy", ""}, {"GET", "/api/destroy", ""}, {"GET", "/destroy", ""}, {"DELETE", "/api?action=destroy", ""}, {"HEAD", "/api/destroy", ""},
			} {
				status := 200
				if !passes {
					status = 403
				}
				if ask.body != "" {
					list = append(list[:len(list):len(list)], isForm)
				}
				got := c.Ask(ask.method, ask.target, ask.body, list...)
				if got.Want(t, status, ""); !passes && ask.method != "HEAD" {
					got.Want(t, 403, `"error":"a page of another site may not run the action `)
					got.Want(t, 403, `"errorCode":"permissionDenied"`)
				}
			}
			for _, target := range []string{"/reads", "/api/read", "/read", "/?action=read"} {
				c.Ask("GET", target, "", list...).Want(t, 200, `"error":"OK"`)
			}
			c.Ask("POST", "/api", "action=read", append(list[:len(list):len(list)], isForm)...).Want(t, 200, `"error":"OK"`)
		}
	})
}

// OPTIONS is answered with the methods of the path and runs nothing, whether or not it is a preflight.
func TestOptionsRunsNothing(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	parts := actionhero.Parts{
		counted("write", "DELETE /writes/{x}", actionhero.KindWrite, &runs), counted("any", "", actionhero.KindWrite, &runs), counted("read", "GET /reads", actionhero.KindRead, &runs),
		web.Mount("POST /form", echo("form")),
	}
	// The route names an input.
	parts[0] = actionhero.Action[struct {
		X string `json:"x"`
	}, actionhero.None]{Name: "write", Route: "DELETE /writes/{x}", Run: func(context.Context, struct {
		X string `json:"x"`
	}) (n actionhero.None, err error) {
		runs.Add(1)
		return n, nil
	}}
	plain := start(t, nil, parts)
	withCORS := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"*"} }, parts)
	for _, s := range []*testkit.Server{plain, withCORS} {
		s.Put(t, "a.txt", "the file")
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			for target, allowed := range map[string]string{
				"/api/any": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS", "/any": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
				"/api?action=any": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS", "/api/none": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
				"/api/write": "POST, PUT, PATCH, DELETE, OPTIONS", "/writes/7": "DELETE, OPTIONS", "/reads": "GET, HEAD, OPTIONS",
				"/public/a.txt": "GET, HEAD, OPTIONS", "/form": "POST, OPTIONS",
			} {
				for _, headers := range [][]string{nil, {page, "Access-Control-Request-Method: DELETE"}, {"Sec-Fetch-Site: cross-site"}} {
					got := c.Ask("OPTIONS", target, "", headers...)
					if got.StatusCode != 204 || got.Text != "" || got.Header.Get("Allow") != allowed {
						t.Errorf("OPTIONS %s is answered with %d %q, Allow %q, want %q", target, got.StatusCode, got.Text, got.Header.Get("Allow"), allowed)
					}
				}
			}
			c.Ask("OPTIONS", "/api/any", "action=any", isForm).Want(t, 204, "")
		})
	}
	t.Cleanup(func() {
		if n := runs.Load(); n > 0 {
			t.Errorf("OPTIONS ran %d actions", n)
		}
	})
}

// An action whose route has another method than GET is not run by a link or an image under its name.
func TestAnActionWithoutSafeRoutesIsNotRunByGET(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("remove", "DELETE /people/{name}"), routed("show", "GET /people/{name}"), routed("free", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, target := range []string{"/api/remove?name=ann", "/remove?name=ann", "/api?action=remove", "/?action=remove&name=ann"} {
			got := c.Ask("GET", target, "")
			got.Want(t, 405, `"error":"the action remove is not run by GET, because its route has another method"`)
			got.WantHeader(t, "Allow: POST, PUT, PATCH, DELETE, OPTIONS")
			if got := c.Ask("HEAD", target, ""); got.StatusCode != 405 {
				t.Errorf("HEAD %s is answered with %d", target, got.StatusCode)
			}
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				c.Ask(method, target, "").Want(t, 200, `"ran":"remove"`)
			}
		}
		c.Ask("DELETE", "/people/ann", "").Want(t, 200, `{"got":"ann|","ran":"remove"`)
		c.Ask("GET", "/people/ann", "").Want(t, 200, `"ran":"show"`)
		c.Ask("GET", "/api/show", "").Want(t, 200, `"ran":"show"`)
		c.Ask("GET", "/api/free", "").Want(t, 200, `"ran":"free"`)
	})
}

// The param "action" in the query names the action at the path of actions and at the root, and nowhere else.
func TestActionParamCountsAtTheActionPathAndTheRoot(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("a", ""), routed("b", "GET /people/{name}"))
	s.Put(t, "a.css", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for target, want := range map[string]string{
			"/api?action=a": `"ran":"a"`, "/api/?action=a": `"ran":"a"`, "/?action=a": `"ran":"a"`, "/api/b?action=a": `"ran":"a"`,
			"/public/a.css?action=a": "the file", "/file/a.css?action=a": "the file", "/people/x?action=a": `"ran":"b"`, "/b?action=a": `"ran":"b"`,
		} {
			c.Ask("GET", target, "").Want(t, 200, want)
		}
		c.Ask("GET", "/public?action=a", "").Want(t, 404, "")
		c.Ask("GET", "/none?action=a", "").Want(t, 404, `"error":"none is not a known action."`)
	})
}

// A name that an attacker points at the server (DNS rebinding) is refused, for actions, files, mounted handlers and
// upgrades alike.
func TestForeignHostsAreRefused(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	parts := actionhero.Parts{counted("write", "", actionhero.KindWrite, &runs), web.Mount("/mine", echo("mine"))}
	for name, test := range map[string]struct {
		hosts []string
		want  map[string]bool
	}{
		"a loopback port": {nil, map[string]bool{"localhost": true, "app.localhost": true, "127.0.0.1": true, "attacker.example": false, "localhost.attacker.example": false}},
		"listed":          {[]string{"shop.example", "*.wide.example"}, map[string]bool{"localhost": true, "shop.example": true, "a.wide.example": true, "attacker.example": false}},
		"any":             {[]string{"*"}, map[string]bool{"attacker.example": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedHosts = test.hosts }, parts)
			s.Put(t, "a.txt", "the file")
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				for host, ok := range test.want {
					for _, target := range []string{"/api/write", "/public/a.txt", "/mine", "/socket.io/?EIO=4&transport=polling", "/ws", "/none"} {
						r, err := http.NewRequestWithContext(t.Context(), "GET", c.Base+target, http.NoBody)
						if err != nil {
							t.Fatal(err)
						}
						r.Host = host + ":8080"
						r.Header.Set("Origin", "http://"+r.Host)
						for _, header := range c.Headers {
							name, value, _ := strings.Cut(header, ": ")
							r.Header.Set(name, value)
						}
						got, err := c.Client.Do(r)
						if err != nil {
							t.Fatal(err)
						}
						text, _ := io.ReadAll(got.Body)
						_ = got.Body.Close()
						refused := got.StatusCode == http.StatusMisdirectedRequest && strings.Contains(string(text), `"errorCode":"permissionDenied"`)
						if refused == ok || refused && got.Header.Get("X-Content-Type-Options") != "nosniff" {
							t.Errorf("host %s, %s: %d %.300s", host, target, got.StatusCode, text)
						}
					}
				}
			})
			if test.hosts != nil {
				return
			}
			p := s.HTTPConn(t)
			p.Send("GET /ws HTTP/1.1\r\nHost: attacker.example\r\nOrigin: http://attacker.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
			p.Next("GET").Want(t, 421, `this server does not serve the host \"attacker.example\"`)
			warnings := 0
			for _, e := range s.Log.Entries() {
				if strings.Contains(e.Message, "their host is not in commonWeb.allowedHosts") {
					warnings++
				}
			}
			if warnings != 1 {
				t.Errorf("the log has %d warnings about the host", warnings)
			}
		})
	}
}

// A server that listens beyond loopback does not know its names, so it serves every host unless they are listed.
func TestHostsOfAPublicPort(t *testing.T) {
	t.Parallel()
	s, err := web.New(testkit.NewAPI(t), web.Config{HTTP: web.HTTPConfig{BindIP: "0.0.0.0"}})
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/api/none", http.NoBody)
	r.Host = "shop.example"
	if s.ServeHTTP(w, r); w.Code != 404 {
		t.Errorf("the answer is %d %s", w.Code, w.Body)
	}
}

// A path with an escaped slash, a backslash or a NUL leads neither around a mounted handler nor to an action.
func TestOddPathsNameNothing(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := start(t, nil, counted("write", "", actionhero.KindWrite, &runs), routed("show", "GET /people/{name}"),
		web.Mount("/public/private/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "log in", http.StatusUnauthorized) })), web.Mount("/v/{id}", echo("v")))
	s.Put(t, "private/f", "secret")
	s.Put(t, "a/b", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/public/private/f", "").Want(t, 401, "log in")
		c.Ask("GET", "/public/a/b", "").Want(t, 200, "the file")
		for _, target := range []string{"/public/private%2ff", "/public/private%2Ff", "/public%2fprivate/f", "/public/private%5cf", `/public/private\f`, "/public/a%2fb", "/public/a/b%00"} {
			if got := c.Ask("GET", target, ""); got.StatusCode != 404 || strings.Contains(got.Text, "secret") {
				t.Errorf("%s is answered with %d %q", target, got.StatusCode, got.Text)
			}
		}
		for _, target := range []string{"/api%2fwrite", "/api/write%2f", "/api%5Cwrite", "/api/write%00", "/write%00", "/v/a%2fb", "/v/a%00"} {
			c.Ask("POST", target, "").Want(t, 404, `"errorCode":"notFound"`)
		}
		c.Ask("GET", "/people/a%2Fb", "").Want(t, 200, `{"got":"a/b|"`) // the value of a route
	})
	t.Cleanup(func() {
		if n := runs.Load(); n > 0 {
			t.Errorf("odd paths ran %d actions", n)
		}
	})
}

// A script that any page can include shows nothing to which a visitor's cookies lead, and has no effects.
func TestJSONPShowsNothingOfAVisitor(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := start(t, nil, counted("write", "", actionhero.KindWrite, &runs), counted("read", "", actionhero.KindRead, new(atomic.Int64)))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, header := range []string{"Cookie: session=s", "Authorization: Bearer t"} {
			got := c.Ask("GET", "/api/read?callback=f", "", header)
			got.Want(t, 403, `"error":"callback must not be sent with Cookie or Authorization`)
			got.WantHeader(t, "Content-Type: application/json")
		}
		got := c.Ask("GET", "/api/write?callback=f", "")
		got.Want(t, 403, `"error":"callback is only for actions that read: write may change something"`)
		got.WantHeader(t, "Content-Type: application/json")
		c.Ask("POST", "/api/write", "callback=f", isForm).Want(t, 403, "")
		c.Ask("GET", "/api/read?callback=f", "", "Sec-Fetch-Site: cross-site").Want(t, 200, "f({")
	})
	t.Cleanup(func() {
		if n := runs.Load(); n > 0 {
			t.Errorf("JSONP ran %d actions", n)
		}
	})
}

// An app sends no more than it decided to send. The part Original and the settings bring back what the original sent.
func TestOriginalIsAPart(t *testing.T) {
	t.Parallel()
	read := counted("read", "", actionhero.KindRead, new(atomic.Int64))
	for name, test := range map[string]struct {
		change func(*server.Config)
		parts  actionhero.Parts
		on     bool
	}{
		"app":      {nil, actionhero.Parts{read}, false},
		"original": {nil, actionhero.Parts{read, web.Original}, true},
		"settings": {func(cfg *server.Config) {
			cfg.CommonWeb.JSONP, cfg.CommonWeb.EchoParams, cfg.CommonWeb.PoweredBy = new(true), new(true), new(true)
		}, actionhero.Parts{read}, true},
		"original without": {func(cfg *server.Config) {
			cfg.CommonWeb.JSONP, cfg.CommonWeb.EchoParams, cfg.CommonWeb.PoweredBy = new(false), new(false), new(false)
		}, actionhero.Parts{read, web.Original}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serverOf(t, test.change, test.parts)
			resp, err := http.Get("http://" + s.Web.Addr().String() + "/api/read?callback=f")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			isScript, hasEcho, hasName := strings.HasPrefix(string(text), "f({"), strings.Contains(string(text), "recievedParams"), resp.Header.Get("X-Powered-By") != ""
			if isScript != test.on || hasEcho != test.on || hasName != test.on {
				t.Errorf("JSONP %v, echo %v, X-Powered-By %v, want all %v: %s", isScript, hasEcho, hasName, test.on, text)
			}
		})
	}
}

// serverOf starts a server with these parts alone.
func serverOf(t *testing.T, change func(*server.Config), parts actionhero.Parts) *server.Server {
	t.Helper()
	var cfg server.Config
	cfg.Log.Logging, cfg.Tasks.Memory = new(false), true
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP, cfg.TCPServer.Enable = -1, "127.0.0.1", new(false)
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(cfg, parts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// The answer of an action belongs to one client: no cache keeps it, unless the action decides otherwise. Static files
// are for every client.
func TestAnswersOfActionsAreNotCached(t *testing.T) {
	t.Parallel()
	content := func(name string) actionhero.Part {
		return actionhero.Action[actionhero.None, *actionhero.Content]{Name: name, Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			if name == "shared" {
				web.Header(ctx).Set("Cache-Control", "public, max-age=5")
			}
			return &actionhero.Content{Body: strings.NewReader("bytes"), Name: "a.txt", Size: 5}, nil
		}}
	}
	s := start(t, nil, content("own"), content("shared"),
		does("away", noError(func(ctx context.Context) { web.Redirect(ctx, "/", 303) })),
		does("stream", noError(func(ctx context.Context) { _, _ = io.WriteString(web.Writer(ctx), "x") })))
	s.Put(t, "a.txt", "the file")
	const private, public = "Cache-Control: private, no-store", "Cache-Control: max-age=60, must-revalidate"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for target, want := range map[string]string{
			"/api/randomNumber": private, "/api/none": private, "/api/own": private, "/api/away": private, "/api/stream": private, "/api/cacheTest": private,
			"/api/shared": "Cache-Control: public, max-age=5", "/public/a.txt": public, "/file/a.txt": public, "/api/file?fileName=a.txt": public,
		} {
			c.Ask("GET", target, "").WantHeader(t, want)
		}
	})
	own := start(t, func(cfg *server.Config) { cfg.CommonWeb.HTTPHeaders = map[string]string{"cache-control": "no-cache"} })
	own.HTTP(t).Ask("GET", "/api/randomNumber", "").WantHeader(t, "Cache-Control: no-cache")
}

// No browser guesses the type of a response, whatever kind of response it is.
func TestNoResponseIsSniffed(t *testing.T) {
	t.Parallel()
	s := start(t, nil, does("away", noError(func(ctx context.Context) { web.Redirect(ctx, "/", 303) })), web.Mount("/mine/", echo("mine")))
	s.Put(t, "a.txt", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, ask := range []string{
			"GET /api/randomNumber", "GET /api/none", "GET /api/randomNumber?outputType=xml", "GET /api/randomNumber?callback=f", "GET /api/away", "GET /public/a.txt", "GET /public/none",
			"GET /public/a%2fb", "OPTIONS /api/x", "TRACE /api/x", "GET /mine/x", "GET /mine", "GET /mine/../mine/x", "GET /ws", "GET /socket.io/", "POST /ws", "GET /public/javascript/actionhero.js",
		} {
			method, target, _ := strings.Cut(ask, " ")
			c.Ask(method, target, "").WantHeader(t, "X-Content-Type-Options: nosniff")
		}
		c.Ask("GET", "/public/a.txt", "", "Range: bytes=99-").WantHeader(t, "X-Content-Type-Options: nosniff")
	})
}

// The length of a compressed answer shows no secret: an answer that repeats params is not compressed for a request with
// credentials.
func TestCompressionShowsNoSecret(t *testing.T) {
	t.Parallel()
	s := start(t, nil, textAction("large", largeText))
	off := start(t, func(cfg *server.Config) { cfg.CommonWeb.EchoParams = new(false) }, textAction("large", largeText))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, header := range []string{"Cookie: a=b", "Authorization: Bearer t"} {
			c.Ask("GET", "/api/large", "", "Accept-Encoding: gzip", header).WantHeader(t, "Content-Encoding")
		}
		c.Ask("GET", "/api/large", "", "Accept-Encoding: gzip").WantHeader(t, "Content-Encoding: gzip")
	})
	off.HTTP(t).Ask("GET", "/api/large", "", "Accept-Encoding: gzip", "Cookie: a=b").WantHeader(t, "Content-Encoding: gzip")
}

// A mounted handler gets requests with effects only from pages of its own and of allowed origins, unless it checks the
// origin itself.
func TestMountedHandlersAreGuarded(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"https://friend.example"} },
		web.Mount("/mine", echo("mine")), web.Mount("/open", web.CrossOrigin(echo("open"))))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		const foreign, friend = "Origin: https://evil.example", "Origin: https://friend.example"
		for _, site := range []string{foreign, "Sec-Fetch-Site: cross-site", "Origin: null"} {
			for _, method := range []string{"POST", "PUT", "DELETE", "PROPFIND"} {
				c.Ask(method, "/mine", "", site).Want(t, 403, `"error":"a page of another site may not send `+method+` to this path: `)
				c.Ask(method, "/open", "", site).Want(t, 200, "open: "+method)
			}
			c.Ask("GET", "/mine", "", site).Want(t, 200, "mine: GET")
		}
		c.Ask("POST", "/mine", "").Want(t, 200, "mine: POST")
		got := c.Ask("POST", "/mine", "", friend)
		got.Want(t, 200, "mine: POST")
		got.WantHeader(t, "Access-Control-Allow-Origin: https://friend.example")
		got = c.Ask("OPTIONS", "/open", "", friend, "Access-Control-Request-Method: POST")
		got.Want(t, 200, "open: OPTIONS")
		got.WantHeader(t, "Access-Control-Allow-Origin")
	})
}

// The origins of Socket.IO are those of webSockets.origins, even if other pages may use the actions.
func TestSocketIOHasItsOwnOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.AllowedOrigins, cfg.WebSockets.SocketIO.Origins = []string{"https://a.example"}, []string{"https://b.example"}
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		const polling = "/socket.io/?EIO=4&transport=polling"
		got := c.Ask("OPTIONS", polling, "", "Origin: https://b.example", "Access-Control-Request-Method: POST")
		got.WantHeader(t, "Access-Control-Allow-Origin: https://b.example", "Access-Control-Allow-Credentials: true")
		c.Ask("GET", polling, "", "Origin: https://a.example").Want(t, 403, "Forbidden")
	})
}

// Settings of CORS decide which answers a page of an allowed origin may read, and how.
func TestCORSSettings(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		c := &cfg.CommonWeb
		c.AllowedOrigins, c.CORSCredentials, c.CORSMethods, c.CORSExposedHeaders, c.CORSMaxAge = []string{"https://page.example"}, true, []string{"GET", "PUT"}, []string{"X-Request-Id"}, 90_000_000_000
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/api/randomNumber", "", page)
		got.WantHeader(t, "Access-Control-Allow-Origin: https://page.example", "Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: X-Request-Id")
		got = c.Ask("OPTIONS", "/api/randomNumber", "", page, "Access-Control-Request-Method: PUT")
		got.WantHeader(t, "Access-Control-Allow-Methods: PUT", "Access-Control-Max-Age: 90", "Access-Control-Allow-Credentials: true")
		c.Ask("OPTIONS", "/api/randomNumber", "", page, "Access-Control-Request-Method: DELETE").WantHeader(t, "Access-Control-Allow-Methods", "Access-Control-Allow-Origin")
	})
	for want, change := range map[string]func(*web.CommonConfig){
		"commonWeb.allowedOrigins has * and commonWeb.corsCredentials is on": func(c *web.CommonConfig) { c.AllowedOrigins, c.CORSCredentials = []string{"*"}, true },
		`commonWeb.allowedOrigins has "page.example": write an origin`:       func(c *web.CommonConfig) { c.AllowedOrigins = []string{"page.example"} },
		`commonWeb.corsMethods has "get": it must be one of GET, POST`:       func(c *web.CommonConfig) { c.CORSMethods = []string{"get"} },
		`commonWeb.allowedHosts has "http://a.example": write a name`:        func(c *web.CommonConfig) { c.AllowedHosts = []string{"http://a.example"} },
		"commonWeb.corsMaxAge is -1s: it must be 0 or more":                  func(c *web.CommonConfig) { c.CORSMaxAge = -1_000_000_000 },
	} {
		var cfg web.Config
		change(&cfg.Common)
		if _, err := web.New(s.API, cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s…", err, want)
		}
	}
}

// A handler that would hide an action, and a route that would hide another action, are refused with a sentence.
func TestHiddenActionsAreRefused(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string]actionhero.Parts{
		`the handler at "/tickets" hides the route "GET /tickets" of action "list": change one`:                        {routed("list", "GET /tickets"), web.Mount("/tickets", echo("x"))},
		`the handler at "/tickets/" hides the route "GET /tickets/{name}" of action "show": change one`:                {routed("show", "GET /tickets/{name}"), web.Mount("/tickets/", echo("x"))},
		`the handler at "/v/{id}" hides the route "POST /v/{name}" of action "show": change one`:                       {routed("show", "POST /v/{name}"), web.Mount("/v/{id}", echo("x"))},
		`the handler at "/ws" hides the route "GET /ws" of action "sock": change one`:                                  {routed("sock", "GET /ws")},
		`the handler at "/" hides the action "show" at /api/show: mount it at a path that no action has`:               {routed("show", ""), web.Mount("/", echo("x"))},
		`the handler at "/api/" hides the action "show" at /api/show: mount it at a path that no action has`:           {routed("show", ""), web.Mount("/api/", echo("x"))},
		`the handler at "POST /api/show" hides the action "show" at /api/show: mount it at a path that no action has`:  {routed("show", ""), web.Mount("POST /api/show", echo("x"))},
		`a route of action "other" hides the action "show" at /api/show: change it`:                                    {routed("show", ""), routed("other", "GET /api/show")},
		`the route "OPTIONS /x" of action "other" has the method OPTIONS, which runs no action: choose another method`: {routed("other", "OPTIONS /x")},
	} {
		s, err := server.New(server.Config{Log: server.LogConfig{Logging: new(false)}, Tasks: server.TasksConfig{Memory: true},
			HTTPServer: web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}}, parts)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
			_ = s.Stop(context.Background())
		}
	}
	s := start(t, nil, routed("show", "GET /people/{name}"), routed("folk", "GET /folk/{name}"))
	if err := s.Web.Mount("/", echo("root")); err == nil || !strings.Contains(err.Error(), `hides the action "`) {
		t.Errorf("in a running server: %v", err)
	}
	for _, pattern := range []string{"/people/me", "POST /folk/{name}", "/api/stream"} { // a literal is more precise than a name
		if err := s.Web.Mount(pattern, echo("mine")); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	s.HTTP(t).Ask("GET", "/people/me", "").Want(t, 200, "mine: GET")
	s.HTTP(t).Ask("POST", "/folk/ann", "").Want(t, 200, "mine: POST")
	s.HTTP(t).Ask("GET", "/folk/ann", "").Want(t, 200, `{"got":"ann|"`)
	s.HTTP(t).Ask("PUT", "/folk/ann", "").Want(t, 405, `"error":"this path answers to GET only"`)
	s.HTTP(t).Ask("GET", "/api/stream", "").Want(t, 200, "mine: GET")
}

// A route that begins with a name catches neither the actions nor the files.
func TestARouteOfNamesHidesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("page", "GET /{name}"), routed("pair", "POST /{name}/{other}"))
	s.Put(t, "a.txt", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/api?action=randomNumber", "").Want(t, 200, `{"randomNumber"`)
		c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `{"randomNumber"`)
		c.Ask("POST", "/api/randomNumber", "").Want(t, 200, `{"randomNumber"`)
		c.Ask("GET", "/public/a.txt", "").Want(t, 200, "the file")
		c.Ask("GET", "/about", "").Want(t, 200, `{"got":"about|","ran":"page"`)
		c.Ask("POST", "/a/b", "").Want(t, 200, `{"got":"a|b","ran":"pair"`)
	})
}

// Handlers can be mounted while the server serves requests.
func TestMountWhileServing(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	c := s.HTTP(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
		}
	}()
	for i := range 50 {
		path := fmt.Sprintf("/late/%d", i)
		if err := s.Web.Mount(path, echo("late")); err != nil {
			t.Error(err)
		}
		s.HTTP(t).Ask("GET", path, "").Want(t, 200, "late")
	}
	<-done
}

// The server closes connections above commonWeb.maxConnections, and serves again when one has ended.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxConns, cfg.CommonWeb.MaxConnsPerAddr = 2, 1 })
	const ask = "GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n"
	open := []*testkit.HTTPConn{s.HTTPConn(t), s.HTTPConn(t)}
	for _, p := range open {
		p.Send(ask)
		p.Next("GET").Want(t, 200, "")
	}
	for _, dial := range []func() (net.Conn, error){s.DialHTTP, func() (net.Conn, error) { return net.Dial("tcp", s.Web.TLSAddr().String()) }} {
		nc, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := nc.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("a connection above the limit reads %d bytes, %v", n, err)
		}
		_ = nc.Close()
	}
	_ = open[0].Close()
	testkit.Eventually(t, "another client is served", func() bool {
		_, err := s.HTTP(t).Try(t.Context(), "GET", "/api/randomNumber", http.NoBody)
		return err == nil
	})
}

// Answers with cookies name the one origin that may read them, tell caches so, and never open a private network.
func TestCORSNamesOneOriginAndOpensNoPrivateNetwork(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.AllowedOrigins, cfg.CommonWeb.CORSCredentials = []string{"https://page.example", "https://*.friend.example"}, true
	}, web.Mount("/mine", echo("mine")))
	s.Put(t, "a.txt", "a")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, target := range []string{"/api/randomNumber", "/api/none", "/public/a.txt", "/public/none", "/mine"} {
			for origin, allowed := range map[string]string{
				"https://page.example": "https://page.example", "https://a.friend.example": "https://a.friend.example",
				"https://evil.example": "", "null": "", "": "",
			} {
				for _, method := range []string{"GET", "OPTIONS"} {
					headers := []string{"Origin: " + origin, "Access-Control-Request-Private-Network: true"}
					if method == "OPTIONS" {
						headers = append(headers, "Access-Control-Request-Method: POST")
					}
					if origin == "" {
						headers = nil
					}
					got := c.Ask(method, target, "", headers...)
					if header := got.Header.Get("Access-Control-Allow-Origin"); header != allowed {
						t.Errorf("%s %s of %q: the allowed origin is %q", method, target, origin, header)
					}
					if vary := strings.Join(got.Header["Vary"], ","); !strings.Contains(vary, "Origin") && (method == "GET" || origin != "") {
						t.Errorf("%s %s of %q: Vary is %q", method, target, origin, vary)
					}
					if got.Header["Access-Control-Allow-Private-Network"] != nil {
						t.Errorf("%s %s of %q opens the private network", method, target, origin)
					}
				}
			}
		}
	})
}
