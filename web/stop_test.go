//go:build !hostile

package web_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

// A stop closes what is idle at once, lets what is at work finish, closes that connection, too, and takes nothing new;
// afterwards the server can start again.
func TestStop(t *testing.T) {
	t.Parallel()
	begun, open := make(chan struct{}, 10), make(chan struct{})
	gate := does("gate", noError(func(context.Context) {
		begun <- struct{}{}
		<-open
	}))
	f := prepare(t, nil, gate)
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	const ask = "GET /api/%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
	busy, idle := map[string]*peer{}, []*peer{f.dial(t), f.dial(t), f.dial(t)}
	for name, header := range map[string]string{"lean": "", "net/http": "Pragma: no-cache\r\n"} {
		p := f.dial(t)
		p.write(fmt.Sprintf(ask, "randomNumber", header)) // it is kept
		if got := p.read("GET"); got.Close {
			t.Errorf("%s: the connection is not kept", name)
		}
		p.write(fmt.Sprintf(ask, "gate", header))
		busy[name] = p
	}
	for i, header := range []string{"", "Pragma: no-cache\r\n"} {
		idle[i].write(fmt.Sprintf(ask, "randomNumber", header))
		idle[i].read("GET")
	}
	h2 := f.secure(t, f.tls, true)
	answered := make(chan reply, 1)
	go func() {
		got, err := h2.try(t.Context(), "GET", "/api/gate", http.NoBody)
		if err != nil {
			t.Errorf("HTTP/2: %v", err)
		}
		answered <- got
	}()
	for range 3 {
		<-begun
	}
	addr, tlsAddr := f.Addr().String(), f.TLSAddr().String()
	stopped := make(chan error, 1)
	go func() { stopped <- f.api.Stop(context.Background()) }()
	for _, p := range idle {
		p.end()
	}
	for _, addr := range []string{addr, tlsAddr} {
		eventually(t, "nobody listens on "+addr, func() bool {
			nc, err := net.Dial("tcp", addr)
			if err == nil {
				_ = nc.Close()
			}
			return err != nil
		})
	}
	if f.Addr() != nil || f.TLSAddr() != nil {
		t.Errorf("it says that it listens on %v and %v", f.Addr(), f.TLSAddr())
	}
	select {
	case err := <-stopped:
		t.Fatalf("the stop did not wait: %v", err)
	default:
	}
	close(open)
	for name, p := range busy {
		got := p.read("GET")
		if got.StatusCode != 200 || !got.Close {
			t.Errorf("%s: the answer is %d %s, closing %v", name, got.StatusCode, got.text, got.Close)
		}
		p.end()
	}
	if got := <-answered; got.Response != nil {
		got.Request.URL.Path = "HTTP/2"
		got.want(t, 200, `"error":"OK"`)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	f.start(t)
	f.plain(t).ask("GET", "/api/gate", "").want(t, 200, `"error":"OK"`)
	f.secure(t, f.tls, true).ask("GET", "/api/gate", "").want(t, 200, `"error":"OK"`)
}

// Requests that do not finish in time are cancelled, and the stop goes on without those that take no notice.
func TestStopOutOfTime(t *testing.T) {
	t.Parallel()
	begun, ended, open := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f := serve(t, nil,
		does("wait", func(ctx context.Context) error {
			begun <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return ctx.Err()
		}),
		does("deaf", noError(func(context.Context) {
			begun <- struct{}{}
			<-open
		})),
	)
	t.Cleanup(func() { close(open) }) // before the API stops
	clients := []*client{f.plain(t), f.plain(t), f.secure(t, f.tls, true)}
	clients[1].headers = []string{"Pragma: no-cache"}
	actions := []string{"wait", "deaf"}
	answered := make(chan error, len(clients)*len(actions))
	for _, action := range actions {
		for _, c := range clients {
			go func() {
				_, err := c.try(t.Context(), "POST", "/api/"+action, http.NoBody)
				answered <- err
			}()
			<-begun
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := make(chan error)
	go func() { stopped <- f.Stop(ctx) }()
	select {
	case err := <-stopped:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the stop waits for those that take no notice")
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

// A client that does not send the rest of its request does not hold up a stop for longer than it may take for it.
func TestStopLeavesUnfinishedRequests(t *testing.T) {
	t.Parallel()
	f := prepare(t, func(_ *actionhero.Config, cfg *web.Config) { cfg.Common.ReadTimeout = 300 * time.Millisecond })
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"GET /api/ran", "PROPFIND /", "POST /api/say HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nroom"} {
		p := f.dial(t)
		p.write("GET /api/randomNumber HTTP/1.1\r\nHost: x\r\n\r\n")
		p.read("GET")
		p.write(text)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.stop(t)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("the stop waits for requests that do not come")
		<-done
	}
}
