//go:build !hostile

package websocket_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

// patience is how long a test waits for what should come soon, on a busy machine.
const patience = 10 * time.Second

// fixture is a server under test: plain WebSocket at /ws of a web server, over TLS as well.
type fixture struct {
	*websocket.Handler
	api *actionhero.API
	web *web.Server
	log *hostile.Log
	tls *tls.Config // of its clients
}

// serve starts a server on free ports that stops with the test.
func serve(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *fixture {
	t.Helper()
	f := prepare(t, cfg, parts...)
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// prepare is serve without the start.
func prepare(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *fixture {
	t.Helper()
	f := &fixture{log: new(hostile.Log)}
	general := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(f.log), LogRequests: true, FlatFileDirectory: t.TempDir(), AnnounceLimit: -1}
	var err error
	if f.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	f.Handler = websocket.New(f.api, cfg)
	site := web.Config{HTTP: web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}, HTTPS: web.HTTPSConfig{Port: -1, BindIP: "127.0.0.1"}}
	site.HTTPS.CertFile, site.HTTPS.KeyFile, f.tls = hostile.Certificate(t)
	if f.web, err = web.New(f.api, site); err != nil {
		t.Fatal(err)
	}
	if err := f.web.Mount("/ws", f.Handler); err != nil {
		t.Fatal(err)
	}
	f.api.Add(f.Handler, f.web)
	return f
}

func (f *fixture) stop(t testing.TB) {
	t.Helper()
	if err := f.api.Stop(context.Background()); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// peer is a client that has read its welcome.
type peer struct {
	*client.Conn
	t testing.TB
}

func (f *fixture) url() string { return "ws://" + f.web.Addr().String() + "/ws" }

// dial connects a client that goes with the test.
func (f *fixture) dial(t testing.TB, options *client.DialOptions) *peer {
	t.Helper()
	return newPeer(t, f.url(), options)
}

// dialTLS is dial over TLS.
func (f *fixture) dialTLS(t testing.TB) *peer {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: f.tls}
	t.Cleanup(transport.CloseIdleConnections)
	return newPeer(t, "wss://"+f.web.TLSAddr().String()+"/ws", &client.DialOptions{HTTPClient: &http.Client{Transport: transport}})
}

func (f *fixture) dialEither(t testing.TB, secure bool) *peer {
	t.Helper()
	if secure {
		return f.dialTLS(t)
	}
	return f.dial(t, nil)
}

func newPeer(t testing.TB, url string, options *client.DialOptions) *peer {
	t.Helper()
	c, _, err := client.Dial(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	p := &peer{c, t}
	p.want(`{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api"}`)
	return p
}

func (p *peer) send(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if err := p.Write(ctx, client.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// message reads the next message.
func (p *peer) message() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	kind, text, err := p.Read(ctx)
	if err != nil || kind != client.MessageText || !json.Valid(text) {
		p.t.Fatalf("the next message is %q, %v", text, err)
	}
	return string(text)
}

func (p *peer) want(text string) {
	p.t.Helper()
	if got := p.message(); got != text {
		p.t.Errorf("got  %s\nwant %s", got, text)
	}
}

// call sends a request and demands an answer.
func (p *peer) call(request, answer string) {
	p.t.Helper()
	p.send(request)
	p.want(answer)
}

// end demands that the server closes the connection with a code and a reason, with nothing more to say.
func (p *peer) end(code int, reason string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, text, err := p.Read(ctx)
	var closed client.CloseError
	if !asCloseError(err, &closed) || int(closed.Code) != code || closed.Reason != reason {
		p.t.Errorf("at the end come %q, %v; want code %d, %q", text, err, code, reason)
	}
}

// raw is a TCP connection to the web server that goes with the test.
func (f *fixture) raw(t testing.TB) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", f.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}
