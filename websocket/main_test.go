//go:build hostile

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what should come soon, on a busy machine.
const patience = 30 * time.Second

// victim is a server that hostile clients attack, with and without TLS.
type victim struct {
	*websocket.Handler
	api *actionhero.API
	web *web.Server
	log *hostile.Log
	tls *tls.Config // of its clients
}

// newVictim starts a server with the default limits, apart from cfg. stop stops it; the end of the test does that at the
// latest.
func newVictim(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) (v *victim, stop func()) {
	t.Helper()
	v = &victim{log: new(hostile.Log)}
	general := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(v.log), FlatFileDirectory: t.TempDir(), AnnounceLimit: -1}
	site := web.Config{HTTP: web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}, HTTPS: web.HTTPSConfig{Port: -1, BindIP: "127.0.0.1"}}
	site.HTTPS.CertFile, site.HTTPS.KeyFile, v.tls = hostile.Certificate(t)
	v.tls.NextProtos = []string{"http/1.1"}
	var err error
	if v.api, err = actionhero.New(general, append(parts, builtin.All)...); err != nil {
		t.Fatal(err)
	}
	if v.web, err = web.New(v.api, site); err != nil {
		t.Fatal(err)
	}
	v.Handler = websocket.New(v.api, cfg)
	if err := v.web.Mount("/ws", v.Handler); err != nil {
		t.Fatal(err)
	}
	v.api.Add(v.Handler, v.web)
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

func (v *victim) dial() (net.Conn, error) { return net.Dial("tcp", v.web.Addr().String()) }

func (v *victim) dialTLS() (net.Conn, error) {
	return tls.Dial("tcp", v.web.TLSAddr().String(), v.tls)
}

// client is one that means no harm yet: it has read its welcome.
func (v *victim) client(dial func() (net.Conn, error), headers string) (*rawClient, error) {
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	c, err := open(nc, headers)
	if err == nil {
		err = c.await(`"welcome"`)
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("a client cannot connect: %w", err)
	}
	return c, nil
}

// call sends one request and demands its answer.
func (c *rawClient) call(request, answer string) error {
	if err := c.send(frame(fin|text, request)); err != nil {
		return err
	}
	for {
		got, err := c.message()
		if err != nil {
			return err
		}
		if strings.Contains(got, answer) {
			return nil
		}
		if strings.Contains(got, `"context":"response"`) {
			return errors.New("the answer is " + got)
		}
	}
}

func (c *rawClient) ask() error {
	return c.call(`{"event":"action","params":{"action":"randomNumber"}}`, `"randomNumber":0.`)
}

// innocent starts clients that mean no harm: one with a new connection for each call, one over TLS that keeps its own.
func (v *victim) innocent(t testing.TB) (check func()) {
	t.Helper()
	fresh := hostile.Probe("WebSocket, a connection for each call", func() error {
		c, err := v.client(v.dial, "")
		if err != nil {
			return err
		}
		defer c.Close()
		return c.ask()
	})
	kept, err := v.client(v.dialTLS, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.call(`{"event":"roomChange","room":"elsewhere"}`, `"OK"`); err != nil {
		t.Fatal(err)
	}
	secure := hostile.Probe("TLS, one connection", kept.ask)
	return func() {
		t.Helper()
		fresh.Check(t)
		secure.Check(t)
		_ = kept.Close()
	}
}
