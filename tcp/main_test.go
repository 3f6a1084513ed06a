//go:build hostile

package tcp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// victim is a server that hostile clients attack, over TCP and TLS.
type victim struct {
	*tcp.Server
	api  *actionhero.API
	log  *hostile.Log
	tree hostile.Tree
	tls  *tls.Config // of its clients
}

// newVictim starts a server with the default limits; change may set others. stop stops it; the end of the test does
// that at the latest.
func newVictim(t testing.TB, change func(*actionhero.Config, *tcp.Config), parts ...actionhero.Part) (v *victim, stop func()) {
	t.Helper()
	v = &victim{log: new(hostile.Log), tree: hostile.NewTree(t)}
	general := actionhero.Config{
		Backend: local.New(local.Config{}), Log: slog.New(v.log), LogRequests: true, FlatFileDirectory: v.tree.Public, AnnounceLimit: -1,
	}
	cfg := tcp.Config{Port: -1, BindIP: "127.0.0.1", TLSPort: -1}
	cfg.CertFile, cfg.KeyFile, v.tls = hostile.Certificate(t)
	if change != nil {
		change(&general, &cfg)
	}
	var err error
	if v.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	v.Server = tcp.New(v.api, cfg)
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

// dialTLS connects to the port for TLS, below TLS.
func (v *victim) dialTLS() (net.Conn, error) { return net.Dial("tcp", v.TLSAddr().String()) }

func (v *victim) handshake() (net.Conn, error) {
	return tls.Dial("tcp", v.TLSAddr().String(), v.tls)
}

// patience is how long a test waits for what should come at once.
const patience = 5 * time.Second

// client is one that has read its welcome.
type client struct {
	net.Conn
	in *bufio.Reader
}

func (v *victim) client(dial func() (net.Conn, error)) (*client, error) {
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	c := &client{nc, bufio.NewReader(nc)}
	if welcome, err := c.line(); err != nil || !strings.Contains(welcome, `"welcome"`) {
		_ = nc.Close()
		return nil, fmt.Errorf("the welcome is %q, %w", welcome, err)
	}
	return c, nil
}

// newClient is a client that goes with the test.
func (v *victim) newClient(t testing.TB, dial func() (net.Conn, error)) *client {
	t.Helper()
	c, err := v.client(dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// line reads the next line, without its end.
func (c *client) line() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	line, err := c.in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

func (c *client) send(text string) error {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c, text)
	return err
}

// call sends one line and returns the answer, which must be one JSON object.
func (c *client) call(line string) (string, error) {
	if err := c.send(line + "\r\n"); err != nil {
		return "", err
	}
	answer, err := c.line()
	for err == nil && strings.HasSuffix(answer, "}") && strings.Contains(answer, `,"context":"user","messageCount":`) {
		answer, err = c.line() // what others say
	}
	if err == nil && !json.Valid([]byte(answer)) {
		err = fmt.Errorf("the answer to %.100q is no JSON: %.300q", line, answer)
	}
	return answer, err
}

// ended reads what still comes and reports whether the server closes the connection.
func (c *client) ended() (string, bool) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	rest, err := io.ReadAll(c.in)
	var timeout net.Error
	return string(rest), !(errors.As(err, &timeout) && timeout.Timeout())
}

// innocent starts clients that mean no harm: one with a new connection for each call, one over TLS that keeps its own.
func (v *victim) innocent(t testing.TB) (check func()) {
	t.Helper()
	ask := func(c *client) error {
		answer, err := c.call("randomNumber")
		if err == nil && !strings.Contains(answer, `"error":false`) {
			err = errors.New("the answer is " + answer)
		}
		return err
	}
	fresh := hostile.Probe("TCP, a connection for each call", func() error {
		c, err := v.client(v.dial)
		if err != nil {
			return err
		}
		defer c.Close()
		return ask(c)
	})
	kept, err := v.client(v.handshake)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.call("roomChange elsewhere"); err != nil {
		t.Fatal(err)
	}
	tls := hostile.Probe("TLS, one connection", func() error { return ask(kept) })
	return func() {
		t.Helper()
		fresh.Check(t)
		tls.Check(t)
		_ = kept.Close()
	}
}
