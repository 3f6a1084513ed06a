package web_test

import (
	"net/http"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

// discard is a ResponseWriter that counts the bytes of the body.
type discard struct {
	header http.Header
	n      int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }

// BenchmarkAction measures a request with two params, without the time of net/http.
func BenchmarkAction(b *testing.B) {
	s, err := web.New(testkit.NewAPI(b), web.Config{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequest("GET", "/api/randomNumber?limit=10&offset=5", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1234"
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
	if w.n == 0 {
		b.Fatal("there is no response")
	}
}
