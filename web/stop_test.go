package web_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A stop closes idle connections at once, lets running requests finish, closes their connections, and accepts no new
// ones. Afterwards the server can start again.
func TestStop(t *testing.T) {
	t.Parallel()
	begun, open := make(chan struct{}, 10), make(chan struct{})
	gate := does("gate", noError(func(context.Context) {
		begun <- struct{}{}
		<-open
	}))
	s := start(t, nil, gate)
	const ask = "GET /api/%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
	busy, idle := map[string]*testkit.HTTPConn{}, []*testkit.HTTPConn{s.HTTPConn(t), s.HTTPConn(t), s.HTTPConn(t)}
	for name, header := range map[string]string{"fast path": "", "net/http": "Pragma: no-cache\r\n"} {
		p := s.HTTPConn(t)
		p.Send(fmt.Sprintf(ask, "randomNumber", header)) // the connection stays open
		if got := p.Next("GET"); got.Close {
			t.Errorf("%s: the connection is closed", name)
		}
		p.Send(fmt.Sprintf(ask, "gate", header))
		busy[name] = p
	}
	for i, header := range []string{"", "Pragma: no-cache\r\n"} {
		idle[i].Send(fmt.Sprintf(ask, "randomNumber", header))
		idle[i].Next("GET")
	}
	h2 := s.HTTPS(t, true)
	answered := make(chan testkit.Reply, 1)
	go func() {
		got, err := h2.Try(t.Context(), "GET", "/api/gate", http.NoBody)
		if err != nil {
			t.Errorf("HTTP/2: %v", err)
		}
		answered <- got
	}()
	for range 3 {
		<-begun
	}
	addr, tlsAddr := s.Web.Addr().String(), s.Web.TLSAddr().String()
	stopped := make(chan error, 1)
	go func() { stopped <- s.API.Stop(context.Background()) }()
	for _, p := range idle {
		p.WantClosed()
	}
	for _, addr := range []string{addr, tlsAddr} {
		testkit.Eventually(t, "no server listens on "+addr, func() bool {
			nc, err := net.Dial("tcp", addr)
			if err == nil {
				_ = nc.Close()
			}
			return err != nil
		})
	}
	if s.Web.Addr() != nil || s.Web.TLSAddr() != nil {
		t.Errorf("Addr and TLSAddr are %v and %v", s.Web.Addr(), s.Web.TLSAddr())
	}
	select {
	case err := <-stopped:
		t.Fatalf("the stop did not wait: %v", err)
	default:
	}
	close(open)
	for name, p := range busy {
		got := p.Next("GET")
		if got.StatusCode != 200 || !got.Close {
			t.Errorf("%s: the answer is %d %s, closing %v", name, got.StatusCode, got.Text, got.Close)
		}
		p.WantClosed()
	}
	if got := <-answered; got.Response != nil {
		got.Request.URL.Path = "HTTP/2"
		got.Want(t, 200, `"error":"OK"`)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	s.Start()
	s.HTTP(t).Ask("GET", "/api/gate", "").Want(t, 200, `"error":"OK"`)
	s.HTTPS(t, true).Ask("GET", "/api/gate", "").Want(t, 200, `"error":"OK"`)
}

// If ctx is done, Stop cancels the requests that are still running. It does not wait for those that ignore that.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	begun, ended, open := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := start(t, nil,
		does("wait", func(ctx context.Context) error {
			begun <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return ctx.Err()
		}),
		does("ignore", noError(func(context.Context) {
			begun <- struct{}{}
			<-open
		})),
	)
	t.Cleanup(func() { close(open) }) // before the API stops
	clients := []*testkit.HTTPClient{s.HTTP(t), s.HTTP(t), s.HTTPS(t, true)}
	clients[1].Headers = []string{"Pragma: no-cache"}
	actions := []string{"wait", "ignore"}
	answered := make(chan error, len(clients)*len(actions))
	for _, action := range actions {
		for _, c := range clients {
			go func() {
				_, err := c.Try(t.Context(), "POST", "/api/"+action, http.NoBody)
				answered <- err
			}()
			<-begun
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := make(chan error)
	go func() { stopped <- s.Web.Stop(ctx) }()
	select {
	case err := <-stopped:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
	case <-time.After(testkit.Wait):
		t.Fatal("Stop waits for requests that ignore their context")
	}
	for range clients {
		<-ended
	}
	for range cap(answered) {
		if err := <-answered; err == nil {
			t.Error("a request that was not finished has an answer")
		}
	}
}

// A stop waits for the rest of a request for ReadTimeout at most.
func TestStopWithPartialRequests(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.ReadTimeout = 2 * time.Second })
	for _, text := range []string{"GET /api/ran", "PROPFIND /", "POST /api/say HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nroom"} {
		p := s.HTTPConn(t)
		p.Send("GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n")
		p.Next("GET")
		p.Send(text)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Stop()
	}()
	select {
	case <-done:
	case <-time.After(testkit.Wait):
		t.Error("the stop waits for the rest of partial requests")
		<-done
	}
}
