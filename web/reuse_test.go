package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

// The fast path reuses the memory of a request. A context that outlives its action shows nothing of a later request.
func TestAKeptContextShowsNoLaterRequest(t *testing.T) {
	t.Parallel()
	all := make(chan context.Context, 1)
	s := start(t, nil, reads(does("keep", noError(func(ctx context.Context) { all <- ctx }))), reads(does("use", noError(func(ctx context.Context) {
		old := <-all
		if got := web.Request(old); got.Header.Get("X-Secret") != "" || got.Body == nil || strings.Contains(got.URL.String(), "use") {
			t.Errorf("the kept context shows the request %s %v", got.URL, got.Header)
		}
		if got := actionhero.RequestFrom(old).Header("X-Secret"); got != "" {
			t.Errorf("the kept context shows the header %q", got)
		}
		if err := old.Err(); err == nil {
			t.Error("the kept context has not ended")
		}
		<-old.Done()
		derived, cancel := context.WithCancel(old)
		defer cancel()
		if <-derived.Done(); derived.Value(t) != nil || old.Value(t) != nil {
			t.Error("the kept context has values of another request")
		}
		_ = old.Value(http.LocalAddrContextKey)
		if ctx.Err() != nil {
			t.Error("the end of the kept context has ended this request")
		}
	}))))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 20 {
			if got := c.Ask("GET", "/api/keep", "", "X-Own: first"); got.StatusCode != 200 {
				t.Fatalf("keep is answered with %d %q", got.StatusCode, got.Text)
			}
			if got := c.Ask("GET", "/api/use", "", "X-Secret: second"); got.StatusCode != 200 {
				t.Fatalf("use is answered with %d %q", got.StatusCode, got.Text)
			}
		}
	})
}

// A request that an action has got from Request stays its own, with all headers, however many requests follow.
func TestAKeptRequestStaysItsOwn(t *testing.T) {
	t.Parallel()
	all := make(chan *http.Request, 1)
	s := start(t, nil, reads(does("keep", noError(func(ctx context.Context) { all <- web.Request(ctx) }))), reads(does("other", noError(func(context.Context) {}))))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		if got := c.Ask("GET", "/api/keep", "", "X-Own: first"); got.StatusCode != 200 {
			t.Fatalf("keep is answered with %d %q", got.StatusCode, got.Text)
		}
		old := <-all
		for range 20 {
			c.Ask("GET", "/api/other", "", "X-Own: second", "X-Secret: second")
		}
		if got := old.Header.Get("X-Own"); got != "first" || old.Header.Get("X-Secret") != "" || old.URL.Path != "/api/keep" {
			t.Errorf("the kept request is now %s with %v", old.URL, old.Header)
		}
		if old.Context().Err() == nil {
			t.Error("the context of the kept request has not ended")
		}
	})
}

// A request has only its own headers, also if the request before it had more.
func TestHeadersOfARequestEndWithIt(t *testing.T) {
	t.Parallel()
	s := start(t, nil, reads(does("secret", func(ctx context.Context) error {
		if got := actionhero.RequestFrom(ctx).Header("X-Secret"); got != "" {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "the header is %s", got)
		}
		return nil
	})))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 5 {
			for want, headers := range map[int][]string{200: nil, 400: {"X-Secret: mine", "X-2: 2", "X-3: 3", "X-4: 4", "X-5: 5", "X-6: 6", "X-7: 7", "X-8: 8", "X-9: 9"}} {
				if got := c.Ask("GET", "/api/secret", "", headers...); got.StatusCode != want {
					t.Errorf("the answer is %d %q, want %d", got.StatusCode, got.Text, want)
				}
			}
		}
	})
}

// The headers that an action sets, changes or deletes are those of its own response, and only there.
func TestChangedHeadersAreInOneResponse(t *testing.T) {
	t.Parallel()
	s := start(t, nil, reads(does("plain", noError(func(context.Context) {}))), reads(does("changes", noError(func(ctx context.Context) {
		h := web.Header(ctx)
		h.Set("Cache-Control", "max-age=60")
		h.Del("X-Powered-By")
		h.Add("X-Content-Type-Options", "own")
	}))))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 3 {
			plain, changed := c.Ask("GET", "/api/plain", "").Header, c.Ask("GET", "/api/changes", "").Header
			if plain.Get("Cache-Control") != "private, no-store" || plain.Get("X-Powered-By") == "" || len(plain["X-Content-Type-Options"]) != 1 || plain.Get("Content-Type") != "application/json" {
				t.Errorf("the plain response has the headers %v", plain)
			}
			if changed.Get("Cache-Control") != "max-age=60" || changed["X-Powered-By"] != nil || len(changed["X-Content-Type-Options"]) != 2 || changed.Get("Content-Type") != "application/json" {
				t.Errorf("the changed response has the headers %v", changed)
			}
		}
	})
}
