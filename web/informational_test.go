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

// A client of HTTP/1.0 gets no informational response of an action or a mounted handler, which it would take for the final
// one. A client of HTTP/1.1 gets it.
func TestHTTP10GetsNoInformationalResponse(t *testing.T) {
	t.Parallel()
	hint := func(w http.ResponseWriter) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "done")
	}
	for _, fast := range []bool{true, false} {
		s := start(t, func(cfg *server.Config) { cfg.CommonWeb.FastPath = &fast },
			does("hints", noError(func(ctx context.Context) { hint(web.Writer(ctx)) })),
			web.Mount("/hints", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { hint(w) })))
		for _, path := range []string{"/api/hints", "/hints"} {
			for version, want := range map[string]string{"1.0": "HTTP/1.0 200 OK", "1.1": "HTTP/1.1 103 Early Hints"} {
				nc, err := s.DialHTTP()
				if err != nil {
					t.Fatal(err)
				}
				_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
				_, _ = io.WriteString(nc, "GET "+path+" HTTP/"+version+"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				text, err := io.ReadAll(nc)
				_ = nc.Close()
				if err != nil || !strings.HasPrefix(string(text), want) || !strings.HasSuffix(string(text), "done") {
					t.Errorf("fast path %v, %s, HTTP/%s: %v, %q", fast, path, version, err, text)
				}
			}
		}
	}
}
