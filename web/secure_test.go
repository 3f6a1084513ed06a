package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// The fast path serves HTTP/1.1 with and without TLS, unless the setting commonWeb.fastPath is off. The request has the
// state of its TLS connection.
func TestTheFastPathServesBothPorts(t *testing.T) {
	t.Parallel()
	for _, fast := range []bool{true, false} {
		t.Run(fmt.Sprint(fast), func(t *testing.T) {
			t.Parallel()
			engine := does("engine", noError(func(ctx context.Context) {
				w, r := web.Writer(ctx), web.Request(ctx)
				name := ""
				if r.TLS != nil {
					name = r.TLS.ServerName
				}
				_, _ = fmt.Fprint(w, strings.Contains(string(debug.Stack()), "internal/http1."), " ", name)
			}))
			s := start(t, func(cfg *server.Config) { cfg.CommonWeb.FastPath = &fast }, engine)
			cfg := s.ClientTLS.Clone()
			cfg.ServerName, cfg.InsecureSkipVerify = "example.test", true // the certificate has no names
			for range 2 {
				s.HTTP(t).Ask("GET", "/api/engine", "").Want(t, 200, fmt.Sprint(fast, " "))
				s.HTTPSWith(t, cfg, false).Ask("GET", "/api/engine", "").Want(t, 200, fmt.Sprint(fast, " example.test"))
				s.HTTPSWith(t, cfg, true).Ask("GET", "/api/engine", "").Want(t, 200, "false example.test")
			}
		})
	}
}

// The header Strict-Transport-Security is in all answers over HTTPS and in none over HTTP, unless the configuration sets
// another one.
func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		s := start(t, func(cfg *server.Config) {
			cfg.HTTPSServer.HSTS = time.Minute
			if own {
				cfg.CommonWeb.HTTPHeaders = map[string]string{"Strict-Transport-Security": "mine"}
			}
		})
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			for _, path := range []string{"/api/randomNumber", "/public/none", "/api/none", "/"} {
				got := c.Ask("GET", path, "")
				switch want := got.Header.Values("Strict-Transport-Security"); {
				case own && (len(want) != 1 || want[0] != "mine"), !own && got.TLS != nil && (len(want) != 1 || want[0] != "max-age=60"):
					t.Errorf("%s: the header is %q", path, want)
				case !own && got.TLS == nil && len(want) > 0:
					t.Errorf("%s: without TLS the header is %q", path, want)
				}
			}
		})
	}
}

// A client that speaks HTTP to the port for HTTPS reads a sentence that says so.
func TestHTTPToThePortForHTTPS(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	nc, err := net.Dial("tcp", s.Web.TLSAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	if _, err := io.WriteString(nc, "GET /"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(nc)
	if want := "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"; err != nil || string(text) != want {
		t.Errorf("%v: %q", err, text)
	}
}

// A stop does not wait for TLS handshakes that clients do not finish, and tells idle clients that the connection ends.
func TestAStopEndsHandshakesAndIdleTLSConnections(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	silent, err := net.Dial("tcp", s.Web.TLSAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	idle, err := s.DialHTTPS("http/1.1")()
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	_, _ = io.WriteString(idle, "GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n")
	in := bufio.NewReader(idle)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	s.Stop()
	for name, read := range map[string]func() error{
		"silent": func() error { _, err := silent.Read(make([]byte, 1)); return err },
		"idle":   func() error { _, err := in.ReadByte(); return err },
	} {
		_, _ = silent.SetReadDeadline(time.Now().Add(testkit.Wait)), idle.SetReadDeadline(time.Now().Add(testkit.Wait))
		if err := read(); err != io.EOF {
			t.Errorf("%s: the client reads %v", name, err)
		}
	}
}

// A client may end its side of the TLS connection after its request, and still reads the answer.
func TestAHalfClosedTLSConnectionGetsItsAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	nc, err := s.DialHTTPS("http/1.1")()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	_, _ = io.WriteString(nc, "GET /api/randomNumber HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(nc); err != nil || !strings.Contains(string(text), `"randomNumber":`) {
		t.Errorf("%v: %s", err, text)
	}
}
