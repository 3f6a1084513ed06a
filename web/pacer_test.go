package web_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// The write timeout limits each chunk of a response over HTTP/2 and not the time of the handler: a response that pauses for
// longer comes through, one that its client does not let through is reset.
func TestTheWriteTimeoutOfHTTP2LimitsChunks(t *testing.T) {
	t.Parallel()
	const timeout = 400 * time.Millisecond
	pauses := does("pauses", noError(func(ctx context.Context) {
		w := web.Writer(ctx)
		for range 2 {
			_, _ = io.WriteString(w, "part ")
			_ = http.NewResponseController(w).Flush()
			<-time.After(2 * timeout)
		}
		_, _ = io.WriteString(w, "end")
	}))
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = timeout }, pauses)
	answered := make(chan testkit.Reply, 1)
	go func() {
		got, err := s.HTTPS(t, true).Try(t.Context(), "GET", "/api/pauses", http.NoBody)
		if err != nil {
			t.Error(err)
		}
		answered <- got
	}()
	for _, path := range []string{"/api/randomNumber", "/public/none"} { // with and without a handler that still runs
		stuck := dialClosedWindow(t, s)
		for range 10 {
			stuck.get(t, path)
		}
		for reset := 0; reset < 10; {
			if kind, _ := stuck.next(t); kind == 3 {
				reset++
			}
		}
	}
	(<-answered).Want(t, 200, "part part end")
}
