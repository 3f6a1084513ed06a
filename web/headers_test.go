//go:build linux

package web_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/server"
)

// mapless is a writer of the fast path that takes prepared headers, and counts the requests for a map of headers.
type mapless struct {
	httptest.ResponseRecorder
	added, maps int
}

func (m *mapless) SwapPrepared(_, p *http1.Prepared) bool { return p != nil }

func (m *mapless) AddPrepared(*http1.Prepared) bool {
	m.added++
	return true
}

func (m *mapless) Header() http.Header {
	m.maps++
	return m.ResponseRecorder.Header()
}

// The answers of ordinary actions and small files need no map of headers, also over TLS and if a file is compressed or the
// configuration has a header Expires.
func TestOrdinaryAnswersNeedNoMapOfHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.HTTPSServer.HSTS = time.Minute
		cfg.CommonWeb.HTTPHeaders = map[string]string{"Expires": "0"}
	}, actionhero.Action[actionhero.None, struct{ A int }]{Name: "ordinary", Run: func(context.Context, actionhero.None) (struct{ A int }, error) {
		return struct{ A int }{1}, nil
	}})
	s.Web.KeepFilesAtOnce()
	s.Put(t, "a.txt", strings.Repeat("text ", 1000))
	s.HTTP(t).Ask("GET", "/public/a.txt", "")
	for _, secure := range []bool{false, true} {
		for path, added := range map[string]int{"/api/ordinary": 0, "/public/a.txt": 1} {
			r := httptest.NewRequest("GET", path, http.NoBody)
			r.Host, r.TLS = "localhost", nil
			if r.Header.Set("Accept-Encoding", "gzip"); secure {
				r.TLS = new(tls.ConnectionState)
				added++
			}
			w := &mapless{ResponseRecorder: *httptest.NewRecorder()}
			s.Web.ServeFast(w, r)
			if w.Code != http.StatusOK || w.Body.Len() == 0 || w.maps != 0 || w.added != added {
				t.Errorf("TLS %v, %s: %d with %d bytes, %d maps, %d headers added, want %d", secure, path, w.Code, w.Body.Len(), w.maps, w.added, added)
			}
		}
	}
}
