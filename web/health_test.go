package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// A load balancer may ask as often as it likes, by any name, and leaves no trace in the log.
func TestALoadBalancerReadsWhetherTheServerIsReady(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.General.RequestLimit = 1
		cfg.CommonWeb.AllowedHosts = []string{"example.com"}
		cfg.General.LogRequests = true
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 5 {
			for _, host := range []string{"", "10.1.2.3", "balancer.internal"} {
				r, err := http.NewRequestWithContext(t.Context(), "GET", c.Base+"/healthz", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = host
				answer, err := c.Client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if answer.StatusCode != 200 || string(body) != "ready\n" || err != nil || answer.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("host %q: %d %q, %v", host, answer.StatusCode, body, err)
				}
			}
		}
		if head := c.Ask("HEAD", "/healthz", ""); head.StatusCode != 200 || head.Text != "" {
			t.Errorf("HEAD: %d %q", head.StatusCode, head.Text)
		}
		post := c.Ask("POST", "/healthz", "")
		post.Want(t, 405, "use GET or HEAD")
		post.WantHeader(t, "Allow: GET, HEAD")
	})
	if s.Log.Has("healthz") {
		t.Error("the log has the path")
	}
}

// While a node is cut off from its cluster, a load balancer sends it no new clients, nothing restarts it, and it serves
// what needs no other node.
func TestANodeThatIsCutOffIsLiveAndNotReady(t *testing.T) {
	t.Parallel()
	node := memcluster.New(t).Node()
	s := start(t, func(cfg *server.Config) { cfg.General.Backend = node })
	slow := s.HTTP(t)
	slow.Headers = []string{"Pragma: no-cache"} // the fast path does not take this request
	for _, c := range []*testkit.HTTPClient{s.HTTP(t), slow, s.HTTPS(t, false), s.HTTPS(t, true)} {
		want := func(path string, status int, text string) {
			t.Helper()
			if got := c.Ask("GET", path, ""); got.StatusCode != status || got.Text != text {
				t.Errorf("%s: %d %q, want %d %q", path, got.StatusCode, got.Text, status, text)
			}
		}
		want("/healthz", 200, "ready\n")
		node.Cut()
		want("/healthz", 503, "not ready: the backend cannot be reached\n")
		want("/healthz?live", 200, "live\n")
		c.Ask("GET", "/healthz", "").WantHeader(t, "Retry-After: 1")
		if got := c.Ask("GET", "/api/randomNumber", ""); got.StatusCode != 200 {
			t.Errorf("an action that needs no backend: %d %s", got.StatusCode, got.Text)
		}
		node.Heal()
		want("/healthz", 200, "ready\n")
		want("/healthz?live", 200, "live\n")
	}
}

// A failing check of the app turns the health path red with its name, but not with its error, and does not end the process.
func TestAHealthCheckOfTheAppTurnsTheServerRed(t *testing.T) {
	t.Parallel()
	failure := errors.New("password of the database")
	s := start(t, nil, actionhero.Initializer{Name: "database", Setup: func(api *actionhero.API) error {
		api.AddHealthCheck("database", func(context.Context) error { return failure })
		api.AddHealthCheck("mail", func(context.Context) error { return nil })
		return nil
	}})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/healthz", "")
		if got.StatusCode != 503 || got.Text != "not ready: a health check fails: database\n" {
			t.Errorf("%d %q", got.StatusCode, got.Text)
		}
		got.WantHeader(t, "Retry-After: 1")
		if live := c.Ask("GET", "/healthz?live", ""); live.StatusCode != 200 {
			t.Errorf("live: %d %q", live.StatusCode, live.Text)
		}
	})
}

// What an app has at the path of the health check comes first, and the path is a setting.
func TestTheHealthPathShadowsNothing(t *testing.T) {
	t.Parallel()
	own := func(name, route string) actionhero.Part {
		a := actionhero.Action[actionhero.None, map[string]any]{Name: name, Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (map[string]any, error) {
			return map[string]any{"whose": "own"}, nil
		}}
		if route != "" {
			a.Routes = []string{route}
		}
		return a
	}
	mounted := web.Mount("/healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") }))
	for name, test := range map[string]struct {
		parts  []actionhero.Part
		change func(t *testing.T, cfg *server.Config)
		paths  []string // of the health check
	}{
		"action":  {parts: []actionhero.Part{own("healthz", "")}},
		"route":   {parts: []actionhero.Part{own("health", "GET /healthz")}},
		"handler": {parts: []actionhero.Part{mounted}},
		"file": {change: func(t *testing.T, cfg *server.Config) {
			cfg.CommonWeb.RootEndpointType = "public"
			cfg.General.FlatFileDirectory = t.TempDir()
			testkit.WriteFile(t, cfg.General.FlatFileDirectory+"/healthz", "own")
		}},
		"other file": {change: func(_ *testing.T, cfg *server.Config) { cfg.CommonWeb.RootEndpointType = "public" }, paths: []string{"/healthz"}},
		"setting":    {change: func(_ *testing.T, cfg *server.Config) { cfg.CommonWeb.HealthPath = "/-/ready" }, paths: []string{"/-/ready"}},
		"ordinary":   {paths: []string{"/healthz"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(cfg *server.Config) {
				if test.change != nil {
					test.change(t, cfg)
				}
			}, test.parts...)
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				for _, path := range []string{"/healthz", "/-/ready"} {
					got := c.Ask("GET", path, "")
					if is := got.Text == "ready\n"; is != slices.Contains(test.paths, path) {
						t.Errorf("%s: %d %q", path, got.StatusCode, got.Text)
					}
					if path == "/healthz" && test.paths == nil && !strings.Contains(got.Text, "own") {
						t.Errorf("the app does not answer: %q", got.Text)
					}
				}
			})
		})
	}
}

func TestAWrongHealthPathIsRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"healthz", "/", "/a?b", "/a b"} {
		if _, err := web.New(testkit.NewAPI(t), web.Config{Common: web.CommonConfig{HealthPath: path}}); err == nil || !strings.Contains(err.Error(), "commonWeb.healthPath") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// A load balancer that sends no Host, as haproxy does, reads whether the server is ready. Its PROXY protocol is
// refused at once.
func TestALoadBalancerWithoutHost(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedHosts = []string{"example.com"} })
	for request, want := range map[string]string{
		"GET /healthz HTTP/1.0\r\n\r\n":                                                          "HTTP/1.0 200 OK\r\n",
		"GET /healthz HTTP/1.1\r\nHost: example.com\r\n\r\n":                                     "HTTP/1.1 200 OK\r\n",
		"GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n":                                   "HTTP/1.1 200 OK\r\n",
		"GET /healthz HTTP/1.1\r\n\r\n":                                                          "HTTP/1.1 400 Bad Request",
		"OPTIONS / HTTP/1.0\r\n\r\n":                                                             "HTTP/1.0 204 No Content\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: example.com\r\n\r\n":      "HTTP/1.1 400 Bad Request",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02": "HTTP/1.1 400 Bad Request",
	} {
		nc, err := s.DialHTTP()
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(nc, request); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
			t.Errorf("%q is answered with %q, %v", request, got, err)
		}
		_ = nc.Close()
	}
}
