//go:build !hostile

package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/web"
)

// patience is how long a test waits for what should come soon, on a busy machine.
const patience = 10 * time.Second

// fixture is a server under test, for HTTP and HTTPS.
type fixture struct {
	*web.Server
	api    *actionhero.API
	log    *hostile.Log
	public string // the folder of static files
	cfg    web.Config
	tls    *tls.Config // of its clients
}

// serve starts a server on free ports that stops with the test; change may set more.
func serve(t testing.TB, change func(*actionhero.Config, *web.Config), parts ...actionhero.Part) *fixture {
	t.Helper()
	f := prepare(t, change, parts...)
	f.start(t)
	return f
}

// prepare is serve without the start.
func prepare(t testing.TB, change func(*actionhero.Config, *web.Config), parts ...actionhero.Part) *fixture {
	t.Helper()
	f := &fixture{log: new(hostile.Log), public: t.TempDir()}
	general := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(f.log), FlatFileDirectory: f.public}
	f.cfg.HTTP = web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}
	f.cfg.HTTPS = web.HTTPSConfig{Port: -1, BindIP: "127.0.0.1"}
	f.cfg.HTTPS.CertFile, f.cfg.HTTPS.KeyFile, f.tls = hostile.Certificate(t)
	if change != nil {
		change(&general, &f.cfg)
	}
	var err error
	if f.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	if f.Server, err = web.New(f.api, f.cfg); err != nil {
		t.Fatal(err)
	}
	f.api.Add(f.Server)
	return f
}

func (f *fixture) start(t testing.TB) {
	t.Helper()
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
}

func (f *fixture) stop(t testing.TB) {
	t.Helper()
	if err := f.api.Stop(context.Background()); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// put writes a static file.
func (f *fixture) put(t testing.TB, name, text string) {
	t.Helper()
	file := filepath.Join(f.public, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// client asks a server, in one of the ways that have code of their own.
type client struct {
	t       testing.TB
	base    string
	http    *http.Client
	headers []string // of every request
}

// everywhere runs a test for each way: the lean engine, net/http on the same port, and HTTP/2.
func (f *fixture) everywhere(t *testing.T, test func(t *testing.T, c *client)) {
	t.Helper()
	for name, dial := range map[string]func(testing.TB) *client{
		"lean": f.plain,
		"net/http": func(t testing.TB) *client {
			c := f.plain(t)
			c.headers = []string{"Pragma: no-cache"} // the lean engine hands such a request over
			return c
		},
		"HTTP/2": func(t testing.TB) *client { return f.secure(t, f.tls, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, dial(t))
		})
	}
}

func (f *fixture) plain(t testing.TB) *client {
	return newClient(t, "http://"+f.Addr().String(), &http.Transport{})
}

// secure is a client of HTTPS with a configuration of its own.
func (f *fixture) secure(t testing.TB, cfg *tls.Config, http2 bool) *client {
	return newClient(t, "https://"+f.TLSAddr().String(), &http.Transport{TLSClientConfig: cfg.Clone(), ForceAttemptHTTP2: http2})
}

func newClient(t testing.TB, base string, transport *http.Transport) *client {
	transport.DisableCompression = true
	transport.ExpectContinueTimeout = patience
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{t: t, base: base, http: &http.Client{Transport: transport, CheckRedirect: stay, Timeout: 3 * patience}}
}

// reply is an answer that has been read.
type reply struct {
	*http.Response
	text string
}

// ask sends a request; each header is "Name: value".
func (c *client) ask(method, target, body string, headers ...string) reply {
	c.t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	return c.send(method, target, in, headers...)
}

func (c *client) send(method, target string, body io.Reader, headers ...string) reply {
	c.t.Helper()
	got, err := c.try(c.t.Context(), method, target, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

func (c *client) try(ctx context.Context, method, target string, body io.Reader, headers ...string) (got reply, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+target, body)
	if err != nil {
		return got, err
	}
	for _, header := range append(headers, c.headers...) {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	if got.Response, err = c.http.Do(r); err != nil {
		return got, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	got.text = string(text)
	return got, err
}

// envelope is what the answers to actions have.
type envelope struct {
	Error     string
	Requestor struct {
		RemoteAddress     string
		RequestsRemaining *int
		Params            map[string]any `json:"recievedParams"`
	} `json:"requestorInformation"`
}

func (r reply) envelope(t testing.TB) (e envelope) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.text), &e); err != nil {
		t.Fatalf("%q: %v", r.text, err)
	}
	return e
}

// want demands a status, and an answer that contains a text.
func (r reply) want(t testing.TB, status int, text string) {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.text, text) {
		t.Errorf("%s %s is answered with %d %.600s\nwant %d …%.200s…", r.Request.Method, r.Request.URL, r.StatusCode, r.text, status, text)
	}
}

// wantHeader demands headers, each "Name: value"; without a value it must not be there.
func (r reply) wantHeader(t testing.TB, headers ...string) {
	t.Helper()
	for _, header := range headers {
		name, want, _ := strings.Cut(header, ": ")
		if got := strings.Join(r.Header.Values(name), " | "); got != want {
			t.Errorf("%s %s: the header %s is %q, want %q", r.Request.Method, r.Request.URL, name, got, want)
		}
	}
}

// peer is a client that writes its bytes itself.
type peer struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (f *fixture) dial(t testing.TB) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return &peer{nc, t, bufio.NewReader(nc)}
}

func (p *peer) write(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// read reads the answer to a request with the method.
func (p *peer) read(method string) reply {
	p.t.Helper()
	resp, err := http.ReadResponse(p.in, &http.Request{Method: method})
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{resp, string(text)}
}

// end demands that the server closes the connection and has nothing more to say.
func (p *peer) end() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.in); errors.Is(err, os.ErrDeadlineExceeded) || len(rest) > 0 {
		p.t.Errorf("at the end come %q, %v", rest, err)
	}
}
