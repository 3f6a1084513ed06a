//go:build hostile

package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// victim is a server that hostile clients attack, over HTTP and HTTPS.
type victim struct {
	*web.Server
	api  *actionhero.API
	log  *hostile.Log
	tree hostile.Tree
	tls  *tls.Config // of its clients
}

// newVictim starts a server with the default limits; change may set others. stop stops it; the end of the test does
// that at the latest.
func newVictim(t testing.TB, change func(*actionhero.Config, *web.Config), parts ...actionhero.Part) (v *victim, stop func()) {
	t.Helper()
	v = &victim{log: new(hostile.Log), tree: hostile.NewTree(t)}
	general := actionhero.Config{
		Backend: local.New(local.Config{}), Log: slog.New(v.log), LogRequests: true, FlatFileDirectory: v.tree.Public,
	}
	var cfg web.Config
	cfg.HTTP = web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}
	cfg.HTTPS = web.HTTPSConfig{Port: -1, BindIP: "127.0.0.1"}
	cfg.HTTPS.CertFile, cfg.HTTPS.KeyFile, v.tls = hostile.Certificate(t)
	if change != nil {
		change(&general, &cfg)
	}
	var err error
	if v.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	if v.Server, err = web.New(v.api, cfg); err != nil {
		t.Fatal(err)
	}
	v.api.Add(v.Server)
	if err := v.api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		if err := v.api.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return v, stop
}

func (v *victim) dial() (net.Conn, error) { return net.Dial("tcp", v.Addr().String()) }

// dialTLS connects to the port for HTTPS, below TLS.
func (v *victim) dialTLS() (net.Conn, error) { return net.Dial("tcp", v.TLSAddr().String()) }

// handshake connects with TLS and the given protocol on it.
func (v *victim) handshake(protocol string) func() (net.Conn, error) {
	cfg := v.tls.Clone()
	cfg.NextProtos = []string{protocol}
	return func() (net.Conn, error) { return tls.Dial("tcp", v.TLSAddr().String(), cfg) }
}

// innocent starts clients that mean no harm: one with a new connection for each call, and one over HTTPS that keeps
// its own.
func (v *victim) innocent(t testing.TB) (check func()) {
	fresh := hostile.Probe("HTTP, a connection for each call", func() error {
		answer, err := v.ask(v.dial, "GET /api/randomNumber HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if err == nil && !strings.HasSuffix(answer, `"error":"OK"}`) {
			err = errors.New("the answer is " + answer)
		}
		return err
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: v.tls.Clone()}, Timeout: time.Minute}
	kept := hostile.Probe("HTTPS, one connection", func() error {
		resp, err := client.Get("https://" + v.TLSAddr().String() + "/public/plain.txt")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != hostile.Plain {
			return errors.Join(err, errors.New("the file is not the file: "+string(text)))
		}
		return nil
	})
	return func() {
		t.Helper()
		fresh.Check(t)
		kept.Check(t)
		client.CloseIdleConnections()
	}
}

// patience is how long a test waits for a server to close a connection at once.
const patience = 5 * time.Second

// ask sends bytes as they are and returns all that comes until the server closes the connection. A server that does
// not close it is an error.
func (v *victim) ask(dial func() (net.Conn, error), request string) (string, error) {
	nc, err := dial()
	if err != nil {
		return "", err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	// The server may close before it has read it all; what it said until then counts.
	go func() { _, _ = io.WriteString(nc, request) }()
	answer, err := io.ReadAll(nc)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return string(answer), errors.New("the server does not close the connection")
	}
	return string(answer), nil
}

// answers takes apart what a server said on one connection.
func answers(t testing.TB, text string) (list []answer) {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(text))
	for {
		if _, err := in.Peek(1); err != nil {
			return list
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d of %q: %v", len(list)+1, text, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatalf("answer %d of %q: %v", len(list)+1, text, err)
		}
		list = append(list, answer{resp, string(body)})
	}
}

type answer struct {
	*http.Response
	text string
}

func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
