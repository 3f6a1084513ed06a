package web_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// HTTP and HTTPS have different ports and the same responses. HTTPS supports HTTP/1.1 and HTTP/2.
func TestHTTPAndHTTPS(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Put(t, "a.txt", "the file")
	if s.Web.Addr().String() == s.Web.TLSAddr().String() {
		t.Fatalf("both are on %v", s.Web.Addr())
	}
	for proto, c := range map[string]*testkit.HTTPClient{"HTTP/1.1": s.HTTP(t), "HTTP/1.1 over TLS": s.HTTPS(t, false), "HTTP/2.0": s.HTTPS(t, true)} {
		for range 3 {
			got := c.Ask("GET", "/public/a.txt", "")
			got.Want(t, 200, "the file")
			if want, secure := strings.CutSuffix(proto, " over TLS"); got.Proto != want || (got.TLS != nil) != (secure || want == "HTTP/2.0") {
				t.Errorf("%s is answered in %s, TLS %v", proto, got.Proto, got.TLS != nil)
			}
			c.Ask("POST", "/api/cacheTest", "key=a&value=b", "Content-Type: application/x-www-form-urlencoded").Want(t, 200, `"value":"b"`)
		}
	}
}

// A client that offers only HTTP/1.0 in the TLS handshake, like curl --http1.0, is served.
func TestHTTP10OverTLS(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	nc, err := s.DialHTTPS("http/1.0")()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	if _, err := io.WriteString(nc, "GET /api/randomNumber HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(nc)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.0 200 ") || !strings.Contains(string(text), `"randomNumber":`) {
		t.Errorf("%v: %s", err, text)
	}
}

// HTTP and HTTPS can each be off. Then it has no address.
func TestOnlyHTTPOrHTTPS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*server.Config){
		"HTTP":  func(cfg *server.Config) { cfg.HTTPSServer.Enable = new(false) },
		"HTTPS": func(cfg *server.Config) { cfg.HTTPServer.Enable = new(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, change)
			if (s.Web.Addr() != nil) != (name == "HTTP") || (s.Web.TLSAddr() != nil) != (name == "HTTPS") {
				t.Fatalf("the addresses are %v and %v", s.Web.Addr(), s.Web.TLSAddr())
			}
			c := s.HTTP
			if name == "HTTPS" {
				c = func(t testing.TB) *testkit.HTTPClient { return s.HTTPS(t, true) }
			}
			c(t).Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
		})
	}
}

// New connections get a renewed certificate, and older connections stay open.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	old := []*testkit.HTTPClient{s.HTTPS(t, false), s.HTTPS(t, true)}
	for _, c := range old {
		c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
	}
	after := testkit.RenewCertificate(t, s.Config.HTTPSServer.CertFile, s.Config.HTTPSServer.KeyFile)
	next := s.HTTPSWith(t, after, true)
	testkit.Eventually(t, "the new certificate is served: its files are read once a second", func() bool {
		got, err := next.Try(t.Context(), "GET", "/api/randomNumber", http.NoBody)
		if err == nil {
			got.Want(t, 200, `"error":"OK"`)
		}
		return err == nil
	})
	if nc, err := tls.Dial("tcp", s.Web.TLSAddr().String(), s.ClientTLS); err == nil {
		_ = nc.Close()
		t.Error("the old certificate is served, too")
	}
	for _, c := range old { // a new connection would not trust the server
		c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
	}
}

// A start that fails leaves nothing open.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	for want, test := range map[string]struct {
		change func(*server.Config)
	}{
		fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpServer.port", port):  {change: func(cfg *server.Config) { cfg.HTTPServer.Port = port }},
		fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpsServer.port", port): {change: func(cfg *server.Config) { cfg.HTTPSServer.Port = port }},
		"httpsServer.certFile and httpsServer.keyFile cannot be used: open none":                                        {change: func(cfg *server.Config) { cfg.HTTPSServer.CertFile = "none" }},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := testkit.New(t, testkit.Options{TLS: true, Change: test.change})
			if err := s.API.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant …%s…", err, want)
			}
			if s.Web.Addr() != nil || s.Web.TLSAddr() != nil {
				t.Errorf("the addresses are %v and %v", s.Web.Addr(), s.Web.TLSAddr())
			}
		})
	}
}

// A missing folder of files is one warning at the start, which names the setting.
func TestMissingFolderOfFilesIsReported(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	s := start(t, func(cfg *server.Config) { cfg.General.FlatFileDirectory = none })
	if lines := s.Log.With("folder", none); len(lines) != 1 || !strings.Contains(lines[0].Message, "general.flatFileDirectory") {
		t.Errorf("the log has %v", lines)
	}
}
