package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// echo returns a handler that responds with its name and the request.
func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s: %s %s %q %v", name, r.Method, r.URL.Path, body, err)
	})
}

// Mounted handlers get the requests of their patterns, and no others.
func TestMount(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", "GET /people/{name}"))
	s.Put(t, "mine/a.txt", "the file")
	for pattern, h := range map[string]http.Handler{
		"/mine/": echo("tree"), "/mine/one": echo("one"), "POST /form": echo("form"), "/v/{id}/x": echo("value"), "other.localhost/host": echo("host"),
	} {
		if err := s.Web.Mount(pattern, h); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("x", 100_000)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct {
			method, target, body string
			status               int
			want                 string
		}{
			{"GET", "/mine/a.txt", "", 200, `tree: GET /mine/a.txt "" <nil>`},
			{"PROPFIND", "/mine/?action=status", "", 200, `tree: PROPFIND /mine/ "" <nil>`},
			{"POST", "/mine/one", "body", 200, `one: POST /mine/one "body" <nil>`},
			{"PUT", "/mine/two", large, 200, `tree: PUT /mine/two "` + large + `" <nil>`},
			{"GET", "/mine", "", 307, ""},
			{"GET", "/min%65/one", "", 200, `one: GET /mine/one "" <nil>`},
			{"POST", "/form", "a=b", 200, `form: POST /form "a=b" <nil>`},
			{"GET", "/form", "", 405, `"error":"this path answers to POST only"`},
			{"GET", "/v/7/x", "", 200, `value: GET /v/7/x "" <nil>`},
			{"GET", "/v/7/y", "", 404, `"error":"v/7/y is not a known action."`},
			{"GET", "/host", "", 404, `"error":"host is not a known action."`},
			{"GET", "/public/mine/a.txt", "", 200, "the file"},
			{"GET", "/people/ann", "", 200, `{"got":"ann|"`},
			{"GET", "/api/randomNumber", "", 200, `"error":"OK"`},
			{"GET", "/mines", "", 404, `"error":"mines is not a known action."`},
		} {
			c.Ask(test.method, test.target, test.body).Want(t, test.status, test.want)
		}
		if got := c.Ask("HEAD", "/mine/", ""); got.StatusCode != 200 || got.Text != "" {
			t.Errorf("HEAD is answered with %d %q", got.StatusCode, got.Text)
		}
	})
	p := s.HTTPConn(t)
	p.Send("GET /host HTTP/1.1\r\nHost: other.localhost\r\n\r\n")
	if got := p.Next("GET"); got.Text != `host: GET /host "" <nil>` {
		t.Errorf("a handler of one host answers %q", got.Text)
	}
}

// A handler among the parts of an app is mounted, also below an initializer and when it is registered before the start.
func TestMountPart(t *testing.T) {
	t.Parallel()
	setup := actionhero.Initializer{Name: "pages", Setup: func(api *actionhero.API) error { return api.Register(web.Mount("/setup/", echo("setup"))) }}
	s := testkit.New(t, testkit.Options{Parts: actionhero.Parts{web.Mount("/part/", echo("part")), setup}})
	if err := s.Register(web.Mount("/late/", echo("late"))); err != nil {
		t.Fatal(err)
	}
	s.Start()
	for _, name := range []string{"part", "setup", "late"} {
		s.HTTP(t).Ask("GET", "/"+name+"/x", "").Want(t, 200, name)
	}
	s.Stop()
	if err := s.Register(web.Mount("/part/", echo("again"))); err != nil {
		t.Fatal(err)
	}
	if err := s.API.Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), `the handler cannot be mounted at "/part/": `) {
		t.Errorf("the pattern of another handler: %v", err)
	}
}

func TestMountErrors(t *testing.T) {
	t.Parallel()
	s := testkit.New(t, testkit.Options{TLS: true})
	if err := s.Web.Mount("/a/{x}", echo("a")); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"", "a", "/{", "/a/{y}", "GET  ", "/b/{x}/{x}"} {
		if err := s.Web.Mount(pattern, echo("b")); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("the handler cannot be mounted at %q: ", pattern)) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	if err := s.Web.Mount("/c", nil); err == nil {
		t.Error("no handler was mounted")
	}
}

// The bodies for a mounted handler have the limit of the server, or one of the handler's own, with a length and without.
func TestAMountedHandlerReadsNoLargerBodyThanItMay(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 1000 },
		web.Mount("/usual", echo("usual")), web.Mount("/large", web.CrossOrigin(web.MaxBody(50_000, echo("large")))),
		web.Mount("/small", web.MaxBody(10, web.CrossOrigin(echo("small")))), web.Mount("/any", web.MaxBody(-1, echo("any"))))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for path, limit := range map[string]int{"/usual": 1000, "/large": 50_000, "/small": 10, "/any": 0} {
			for _, more := range []int{0, 1} {
				text := strings.Repeat("x", limit+more)
				if limit == 0 {
					text = strings.Repeat("x", 200_000)
				}
				large := more == 1 && limit > 0
				got, err := c.Try(t.Context(), "POST", path, strings.NewReader(text))
				switch {
				case err != nil:
					t.Fatalf("%s, %d bytes: %v", path, len(text), err)
				case large:
					got.Want(t, 413, fmt.Sprintf(`"error":"the body may have %d bytes at most"`, limit))
				default:
					got.Want(t, 200, path[1:]+": POST "+path+` "`+text+`" <nil>`)
				}
				if got, err = c.Try(t.Context(), "POST", path, chunked(text)); err != nil {
					t.Fatalf("%s, %d bytes in chunks: %v", path, len(text), err)
				}
				want := `" <nil>`
				if large {
					want = `" http: request body too large`
				}
				got.Want(t, 200, text[:limit]+want)
			}
		}
		c.Ask("POST", "/large", "", "Origin: https://evil.example").Want(t, 200, "large")
		c.Ask("POST", "/small", "", "Origin: https://evil.example").Want(t, 200, "small")
		c.Ask("POST", "/any", "", "Origin: https://evil.example").Want(t, 403, "another site")
	})
}

// A handler that was mounted takes its connection over, over TLS as well.
func TestMountedHijack(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	err := s.Web.Mount("/echo", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(nc, rw)
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*testkit.HTTPClient{"HTTP": s.HTTP(t), "HTTPS": s.HTTPS(t, false)} {
		r, err := http.NewRequest("GET", c.Base+"/echo", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "echo")
		resp, err := c.Client.Transport.RoundTrip(r) // http.Client would hide that the body can be written
		if err != nil {
			t.Fatal(err)
		}
		rw, ok := resp.Body.(io.ReadWriteCloser)
		if resp.StatusCode != 101 || !ok {
			t.Fatalf("%s: the answer is %d", name, resp.StatusCode)
		}
		in := bufio.NewReader(rw)
		for _, text := range []string{"a\n", strings.Repeat("b", 200_000) + "\n"} {
			go func() { _, _ = io.WriteString(rw, text) }()
			if got, err := in.ReadString('\n'); err != nil || got != text {
				t.Errorf("%s: %d bytes come back as %d, %v", name, len(text), len(got), err)
			}
		}
		_ = rw.Close()
	}
	s.HTTPS(t, true).Ask("GET", "/echo", "").Want(t, 501, "not supported")
	p := s.HTTPConn(t)
	p.Send("GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nsent ahead\n")
	for line := ""; line != "sent ahead\n"; {
		if line, err = p.In.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

// Bytes that a mounted handler flushes reach the client at once, also with CORS.
func TestMountedFlush(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"*"} })
	next := make(chan string)
	err := s.Web.Mount("/api/stream", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, <-next)
			w.(http.Flusher).Flush()
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*testkit.HTTPClient{"HTTP/1.1": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		resp, err := stream(t, c, next)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(resp.Body)
		for i, text := range []string{"first", "a", "b"} {
			if i > 0 {
				next <- text
			}
			got := make([]byte, len(text))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != text {
				t.Fatalf("%s: got %q, %v", name, got, err)
			}
		}
		if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
			t.Errorf("%s: it ends with %q, %v", name, rest, err)
		}
		_ = resp.Body.Close()
	}
}

// knowing is a handler that learns of the server on which it is mounted.
type knowing struct{ server *web.Server }

func (k *knowing) Mounted(s *web.Server) { k.server = s }

func (k *knowing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, k.server.RemoteIP(r)+" "+k.server.RequestID(r))
}

// A mounted handler can ask the server what only the server knows about a request.
func TestAMountedHandlerKnowsItsServer(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"} },
		web.Mount("/plain", new(knowing)), web.Mount("/wrapped", web.CrossOrigin(web.MaxBody(10, new(knowing)))))
	for _, path := range []string{"/plain", "/wrapped"} {
		got := s.HTTP(t).Ask("GET", path, "", "X-Forwarded-For: 192.0.2.1", "X-Request-Id: of-the-proxy")
		if got.Text != "192.0.2.1 of-the-proxy" {
			t.Errorf("%s: %s", path, got.Text)
		}
	}
}
