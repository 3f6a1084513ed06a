package main

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The output of a start has the addresses of the transports, which answer there.
func TestStartSaysWhatListens(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir())
	want := "actionHero API is up (actionhero "
	if out := p.out.String(); !strings.HasPrefix(out, want) || !strings.Contains(out, p.http+"/public\n") {
		t.Errorf("it says\n%s", out)
	}
	if status, body := p.get("/api/status"); status != http.StatusOK || !strings.Contains(body, `"error":"OK"`) {
		t.Errorf("over HTTP: %d %s", status, body)
	}
	c := p.dial()
	c.Send("randomNumber\r\n")
	if answer := c.Next(); !strings.Contains(answer, `"error":false`) {
		t.Errorf("over TCP: %q", answer)
	}
	p.stop()
}

// The output of a start does not list transports that are off, and has the name of the app.
func TestStartSaysNoMore(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir(), "ACTIONHERO_GENERAL_SERVER_NAME=My API")
	if out := p.out.String(); !strings.HasPrefix(out, "My API is up") || strings.Contains(out, "HTTPS") || strings.Contains(out, "TLS") {
		t.Errorf("it says\n%s", out)
	}
	p.stop()
}

func TestStopIsOrderly(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "app", t.TempDir())
			c := p.dial()
			type answer struct {
				status int
				body   string
			}
			answered := make(chan answer, 1)
			go func() {
				status, body := p.get("/api/slow")
				answered <- answer{status, body}
			}()
			p.err.await(t, "slow has begun")
			p.signal(sig)
			p.out.await(t, "stopping; a second signal ends at once | signal: "+sig.String())
			c.Want(`{"status":"Bye!","context":"api","messageCount":0}`)
			c.WantClosed()
			if _, err := p.in.Write([]byte("\n")); err != nil {
				t.Fatal(err)
			}
			if a := <-answered; a.status != http.StatusOK || !strings.Contains(a.body, `"error":"OK"`) {
				t.Errorf("the request in flight gets %d %s", a.status, a.body)
			}
			if code := p.exit(); code != 0 {
				t.Errorf("exit code %d: %s", code, p.err)
			}
			wantStopped(t, p, "requestsFinished: 1 | requestsCut: 0 |")
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, "app", t.TempDir())
	failed := make(chan error, 1)
	go func() {
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request(t, p.http+"/api/slow"))
		if err == nil {
			err = errors.Join(errors.New("it was answered: "+resp.Status), resp.Body.Close())
		}
		failed <- err
	}()
	p.err.await(t, "slow has begun")
	p.signal(syscall.SIGTERM)
	p.out.await(t, "a second signal ends at once")
	p.signal(os.Interrupt)
	if code := p.exit(); code != 130 {
		t.Errorf("exit code %d, want 130: %s", code, p.err)
	}
	if last := "a second signal ends the process at once | signal: interrupt\n"; !strings.HasSuffix(p.out.String(), last) {
		t.Errorf("the console ends with another line than %q, so lines before it may be lost: %s", last, p.out)
	}
	if err := <-failed; err == nil || strings.Contains(err.Error(), "answered") {
		t.Errorf("the request in flight: %v", err)
	}
}

// A request that still runs after the grace is cancelled, and the server still stops in an orderly way.
func TestGraceOfAStop(t *testing.T) {
	t.Parallel()
	p := start(t, "app", t.TempDir(), "ACTIONHERO_GENERAL_STOP_GRACE=100ms")
	c := p.dial()
	c.Send("endless\r\n")
	p.err.await(t, "endless has begun")
	p.stop()
	if !strings.Contains(p.err.String(), "endless was cancelled") {
		t.Error("the server ended before the action was cancelled")
	}
	wantStopped(t, p, "requestsFinished: 0 | requestsCut: 1 |")
}

// wantStopped fails the test unless the last line of the console says that the server has stopped, and what it has done
// with the requests and tasks.
func wantStopped(t *testing.T, p *process, did string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(p.out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "| stopped | took: ") || !strings.Contains(last, did) || !strings.Contains(last, "tasksFinished: ") || !strings.Contains(last, "tasksRequeued: ") {
		t.Errorf("the last line is %q, want one with %q", last, did)
	}
}

func TestSignalDuringTheStart(t *testing.T) {
	t.Parallel()
	p := launch(t, "stuck", t.TempDir())
	p.err.await(t, "starting")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 || p.err.String() != "starting\n" || p.out.String() != "" {
		t.Errorf("exit code %d: %s%s", code, p.out, p.err)
	}
}

func TestSecondSignalDuringAStartThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p := launch(t, "stuck", t.TempDir(), "TEST_STUCK=for ever")
	p.err.await(t, "starting")
	p.signal(os.Interrupt)
	// The system may merge two of a kind that wait; the other kind counts in any case.
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 130 {
		t.Errorf("exit code %d, want 130: %s%s", code, p.out, p.err)
	}
}

func request(t testing.TB, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
