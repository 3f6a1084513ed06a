package web_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// A mounted handler is reached by the hosts of the server only, also if it checks origins and bodies itself.
func TestAMountedHandlerHasTheHostsOfTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedHosts = []string{"good.example"} },
		web.Mount("/mine", echo("mine")), web.Mount("/own", web.CrossOrigin(web.MaxBody(-1, echo("own")))))
	for _, path := range []string{"/mine", "/own"} {
		for host, status := range map[string]int{"evil.example": 421, "good.example": 200, "localhost": 200} {
			p := s.HTTPConn(t)
			p.Send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
			p.Next("GET").Want(t, status, "")
		}
	}
}

// A client that stops in the middle of a body does not hold a mounted handler for longer than the read timeout, and one
// that does not read not for longer than the write timeout.
func TestAMountedHandlerHasTheTimeLimitsOfTheServer(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	read := web.Mount("/read", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	}))
	write := web.Mount("/write", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for err == nil {
			_, err = io.WriteString(w, strings.Repeat("x", 64<<10))
		}
		failed <- err
	}))
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.ReadTimeout, cfg.CommonWeb.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	}, read, write)
	p := s.HTTPConn(t)
	p.Send("POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbody")
	if err := <-failed; err == nil {
		t.Error("half a body is read without an error")
	}
	for name, c := range map[string]*testkit.HTTPClient{"HTTP": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		resp, err := c.Client.Get(c.Base + "/write")
		if err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil {
			t.Errorf("%s: a handler writes for ever", name)
		}
		_ = resp.Body.Close()
	}
}

// A stop waits for a mounted handler, and cancels its request when the time of the stop is over.
func TestAStopWaitsForAMountedHandler(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	s := start(t, nil, web.Mount("/slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		select {
		case <-finish:
		case <-r.Context().Done():
			return
		}
		_, _ = io.WriteString(w, "done")
	})))
	for _, patient := range []bool{true, false} {
		answered := make(chan testkit.Reply, 2)
		for name, c := range map[string]*testkit.HTTPClient{"HTTP": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
			go func() {
				got, err := c.Try(t.Context(), "GET", "/slow", http.NoBody)
				if (err == nil) != patient {
					t.Errorf("%s: %v, want an answer: %v", name, err, patient)
				}
				answered <- got
			}()
			<-begun
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		stopping := s.API.Stopping()
		go func() { stopped <- s.API.Stop(ctx) }()
		<-stopping
		if patient {
			finish <- struct{}{}
			finish <- struct{}{}
		} else {
			cancel()
		}
		for range 2 {
			if got := <-answered; patient && got.Text != "done" {
				t.Errorf("the answer is %q", got.Text)
			}
		}
		<-stopped
		cancel()
		s.Start()
	}
}
