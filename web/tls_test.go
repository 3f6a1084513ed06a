//go:build !hostile

package web_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/web"
)

// HTTP and HTTPS are on ports of their own and say the same; HTTPS speaks HTTP/1.1 and HTTP/2.
func TestHTTPAndHTTPS(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	f.put(t, "a.txt", "the file")
	if f.Addr().String() == f.TLSAddr().String() {
		t.Fatalf("both are on %v", f.Addr())
	}
	for proto, c := range map[string]*client{"HTTP/1.1": f.plain(t), "HTTP/1.1 over TLS": f.secure(t, f.tls, false), "HTTP/2.0": f.secure(t, f.tls, true)} {
		for range 3 {
			got := c.ask("GET", "/public/a.txt", "")
			got.want(t, 200, "the file")
			if want, secure := strings.CutSuffix(proto, " over TLS"); got.Proto != want || (got.TLS != nil) != (secure || want == "HTTP/2.0") {
				t.Errorf("%s is answered in %s, TLS %v", proto, got.Proto, got.TLS != nil)
			}
			c.ask("POST", "/api/cacheTest", "key=a&value=b", "Content-Type: application/x-www-form-urlencoded").want(t, 200, `"value":"b"`)
		}
	}
}

// Each of the two can be switched off, and what is off has no address.
func TestOneOfTheTwo(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*actionhero.Config, *web.Config){
		"HTTP":  func(_ *actionhero.Config, cfg *web.Config) { cfg.HTTPS.Enable = new(false) },
		"HTTPS": func(_ *actionhero.Config, cfg *web.Config) { cfg.HTTP.Enable = new(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, change)
			if (f.Addr() != nil) != (name == "HTTP") || (f.TLSAddr() != nil) != (name == "HTTPS") {
				t.Fatalf("it listens on %v and %v", f.Addr(), f.TLSAddr())
			}
			c := f.plain
			if name == "HTTPS" {
				c = func(t testing.TB) *client { return f.secure(t, f.tls, true) }
			}
			c(t).ask("GET", "/api/randomNumber", "").want(t, 200, `"error":"OK"`)
		})
	}
}

// A renewed certificate is served to who comes after it, and the connections that were there before go on.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	old := []*client{f.secure(t, f.tls, false), f.secure(t, f.tls, true)}
	for _, c := range old {
		c.ask("GET", "/api/randomNumber", "").want(t, 200, `"error":"OK"`)
	}
	cert, key, after := hostile.Certificate(t)
	for from, to := range map[string]string{cert: f.cfg.HTTPS.CertFile, key: f.cfg.HTTPS.KeyFile} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	next := f.secure(t, after, true)
	for begun := time.Now(); ; { // the files are looked at once in a second
		got, err := next.try(t.Context(), "GET", "/api/randomNumber", http.NoBody)
		if err == nil {
			got.want(t, 200, `"error":"OK"`)
			break
		}
		if time.Since(begun) > patience {
			t.Fatal(err)
		}
	}
	if nc, err := tls.Dial("tcp", f.TLSAddr().String(), f.tls); err == nil {
		_ = nc.Close()
		t.Error("the old certificate is served, too")
	}
	for _, c := range old { // a new connection would not trust the server
		c.ask("GET", "/api/randomNumber", "").want(t, 200, `"error":"OK"`)
	}
}

// What cannot be served is refused, with nothing left open.
func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	ann, bob := routed("ann", "GET /people/{name}"), routed("bob", "GET /people/{other}/")
	for want, test := range map[string]struct {
		change func(*actionhero.Config, *web.Config)
		parts  actionhero.Parts
	}{
		fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpServer.port", port):  {change: func(_ *actionhero.Config, cfg *web.Config) { cfg.HTTP.Port = port }},
		fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpsServer.port", port): {change: func(_ *actionhero.Config, cfg *web.Config) { cfg.HTTPS.Port = port }},
		"httpsServer.certFile and httpsServer.keyFile cannot be used: open none":                                        {change: func(_ *actionhero.Config, cfg *web.Config) { cfg.HTTPS.CertFile = "none" }},
		`routes "GET /people/{name}" and "GET /people/{other}/" match the same req`:                                     {parts: actionhero.Parts{ann, bob}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			f := prepare(t, test.change, test.parts)
			if err := f.api.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant …%s…", err, want)
			}
			if f.Addr() != nil || f.TLSAddr() != nil {
				t.Errorf("it listens on %v and %v", f.Addr(), f.TLSAddr())
			}
		})
	}
}
