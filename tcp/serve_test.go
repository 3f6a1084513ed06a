//go:build !hostile

package tcp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/tcp"
)

// patience is how long a test waits for what should come soon, on a busy machine.
const patience = 10 * time.Second

// fixture is a server under test.
type fixture struct {
	*tcp.Server
	api *actionhero.API
	log *hostile.Log
}

// serve starts a server on free ports that stops with the test.
func serve(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *fixture {
	t.Helper()
	f := prepare(t, cfg, parts...)
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// prepare is serve without the start.
func prepare(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *fixture {
	t.Helper()
	f := &fixture{log: new(hostile.Log)}
	general := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(f.log), LogRequests: true, FlatFileDirectory: t.TempDir(), AnnounceLimit: -1}
	var err error
	if f.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	if cfg.Port == 0 {
		cfg.Port = -1
	}
	cfg.BindIP = "127.0.0.1"
	f.Server = tcp.New(f.api, cfg)
	f.api.Add(f.Server)
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
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

// dial connects a client that goes with the test.
func (f *fixture) dial(t testing.TB) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return welcome(t, nc)
}

func (f *fixture) dialTLS(t testing.TB, cfg *tls.Config) *peer {
	t.Helper()
	nc, err := tls.Dial("tcp", f.TLSAddr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return welcome(t, nc)
}

func welcome(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() })
	p := &peer{nc, t, bufio.NewReader(nc)}
	p.want(`{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api","messageCount":0}`)
	return p
}

func (p *peer) send(text string) {
	p.t.Helper()
	_ = p.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// line reads the next line, which must end with \r\n.
func (p *peer) line() string {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	line, err := p.in.ReadString('\n')
	if err != nil || !strings.HasSuffix(line, "\r\n") {
		p.t.Fatalf("the next line is %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func (p *peer) want(line string) {
	p.t.Helper()
	if got := p.line(); got != line {
		p.t.Errorf("got  %s\nwant %s", got, line)
	}
}

// answer is what all answers have.
type answer struct {
	Context string `json:"context"`
	Error   any    `json:"error"`
	Status  string `json:"status"`
	Count   int    `json:"messageCount"`
}

func (p *peer) answer() (a answer) {
	p.t.Helper()
	line := p.line()
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return a
}

// end demands that the server closes the connection in order, with nothing more to say.
func (p *peer) end() {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(patience))
	if rest, err := io.ReadAll(p.in); err != nil || len(rest) > 0 {
		p.t.Errorf("at the end come %q, %v", rest, err)
	}
}

// quiet reports whether the server says nothing, and closes nothing, for a time.
func (p *peer) quiet(d time.Duration) bool {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(d))
	_, err := p.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// gate is the action "gate", which says that it has begun and waits until it is opened.
type gate struct {
	begun chan struct{}
	open  chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 10_000), make(chan struct{})} }

func (g *gate) action() actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "gate",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			g.begun <- struct{}{}
			select {
			case <-g.open:
			case <-ctx.Done():
			}
			return n, ctx.Err()
		},
	}
}

const goodbye = `{"status":"Bye!","context":"api","messageCount":`
