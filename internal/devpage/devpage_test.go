package devpage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/devpage"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// A site whose name leads to the machine of a developer reads no failure: neither its text, nor the page, nor the events.
func TestAnotherSiteReadsNoFailure(t *testing.T) {
	t.Parallel()
	const failure = "The app ends at its start\n\nredis://user:hunter2@host"
	for host, shown := range map[string]bool{
		"localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "192.168.1.7": true, "app.localhost": true,
		"rebound.example:8080": false, "localhost.example": false, "127.0.0.1.example": false,
	} {
		pages := devpage.New(func() <-chan struct{} { return nil })
		pages.Set(1, failure)
		ask := func(path, accept string, serve func(http.ResponseWriter, *http.Request)) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the stream of events ends after its first one
			r := httptest.NewRequestWithContext(ctx, "GET", "http://"+host+path, nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			serve(w, r)
			if got := strings.Contains(w.Body.String(), "hunter2"); got != shown {
				t.Errorf("a page of %s that asks for %s (%s) reads %q", host, path, accept, w.Body)
			}
			if !shown && !strings.Contains(w.Body.String(), "the terminal of") {
				t.Errorf("a page of %s that asks for %s does not learn where the cause is: %q", host, path, w.Body)
			}
		}
		ask("/api/status", "application/json", pages.Fail)
		ask("/", "text/html", pages.Fail)
		ask(devpage.Path, "text/html", pages.ServeHTTP)
		ask(devpage.Path+"events", "text/event-stream", pages.ServeHTTP)
	}
}
