package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// A page that the server serves through a trusted proxy is its own page on every transport, though the proxy changes Host.
func TestAPageBehindATrustedProxyIsTheServersOwn(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	parts := actionhero.Parts{counted("write", "", actionhero.KindWrite, &runs), web.Mount("/mine", echo("mine"))}
	for proxy, trusted := range map[string]bool{"127.0.0.1": true, "192.0.2.1": false} {
		s := start(t, func(cfg *server.Config) { cfg.CommonWeb.TrustedProxies = []string{proxy} }, parts)
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			for headers, own := range map[string]bool{
				"X-Forwarded-Host: app.localhost":                                            true,
				"X-Forwarded-Host: app.localhost|X-Forwarded-Proto: https":                   true,
				`Forwarded: for=192.0.2.7;host="app.localhost";proto=https`:                  true,
				"X-Forwarded-Host: evil.localhost":                                           false,
				"X-Forwarded-Host: app.localhost, evil.localhost":                            false, // a client has sent the first
				"X-Forwarded-Proto: https":                                                   false,
				"X-Forwarded-Host: evil.localhost|Forwarded: for=1.2.3.4;host=app.localhost": false,
			} {
				status, polling := 403, 403
				if own && trusted {
					status, polling = 200, 200
				}
				list := append([]string{"Origin: https://app.localhost", "Cookie: a=b"}, strings.Split(headers, "|")...)
				c.Ask("POST", "/api/write", "", list...).Want(t, status, "")
				c.Ask("POST", "/mine", "", list...).Want(t, status, "")
				c.Ask("GET", "/socket.io/?EIO=4&transport=polling", "", list...).Want(t, polling, "")
			}
		})
		for _, host := range []string{"app.localhost", "evil.localhost"} {
			p := s.HTTPConn(t)
			p.Send("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://app.localhost\r\nX-Forwarded-Host: " + host + "\r\nX-Forwarded-Proto: wss\r\n" +
				"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
			want := 403
			if trusted && host == "app.localhost" {
				want = 101
			}
			if got := p.Next("GET"); got.StatusCode != want {
				t.Errorf("trusted %v, host %s: the upgrade is answered with %d %q", trusted, host, got.StatusCode, got.Text)
			}
		}
	}
}

// Behind a trusted proxy, the host for which the client has asked must be one of the server's. A proxy that sends an IP
// address as Host does not let all names in.
func TestForwardedHostsMustBeKnown(t *testing.T) {
	t.Parallel()
	for proxy, trusted := range map[string]bool{"127.0.0.1": true, "192.0.2.1": false} {
		s := start(t, func(cfg *server.Config) {
			cfg.CommonWeb.TrustedProxies, cfg.CommonWeb.AllowedHosts = []string{proxy}, []string{"shop.example"}
		})
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			for host, known := range map[string]bool{"shop.example": true, "shop.example:8443": true, "attacker.example": false, "localhost, attacker.example": false} {
				got := c.Ask("GET", "/api/randomNumber", "", "X-Forwarded-Host: "+host)
				if known || !trusted {
					got.Want(t, 200, `"error":"OK"`)
				} else {
					got.Want(t, 421, `this server does not serve the host \"attacker.example\"`)
				}
			}
		})
	}
}

// The outermost trusted proxy says what the client has asked for. Entries that the client itself has sent count for nothing.
func TestForwarded(t *testing.T) {
	t.Parallel()
	s, err := web.New(testkit.NewAPI(t), web.Config{Common: web.CommonConfig{TrustedProxies: []string{"10.0.0.0/8", "2001:db8::/32"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ peer, headers, want string }{
		{"10.0.0.1:1", "", " "},
		{"192.0.2.1:1", "X-Forwarded-Host: a|X-Forwarded-Proto: https", " "},
		{"no address", "X-Forwarded-Host: a", " "},
		{"10.0.0.1:1", "X-Forwarded-Host: a|X-Forwarded-Proto: HTTPS", "https a"},
		{"10.0.0.1:1", "X-Forwarded-Host: forged, a|X-Forwarded-Proto: http, https", "https a"},
		{"10.0.0.1:1", "X-Forwarded-Host: forged|X-Forwarded-Host: a", " a"},
		{"10.0.0.1:1", "X-Forwarded-For: 192.0.2.9, 10.0.0.2|X-Forwarded-Host: forged, a, inner|X-Forwarded-Proto: wss, http", "https a"},
		{"10.0.0.1:1", "X-Forwarded-For: 192.0.2.9, 10.0.0.2|X-Forwarded-Host: a", " a"},
		{"10.0.0.1:1", "X-Forwarded-For: 10.0.0.2, 192.0.2.9|X-Forwarded-Host: forged, a", " a"},
		{"10.0.0.1:1", "X-Forwarded-Proto: gopher", " "},
		{"10.0.0.1:1", "Forwarded: for=192.0.2.9;proto=http;host=a", "http a"},
		{"10.0.0.1:1", "Forwarded: host=forged;for=192.0.2.8, For=192.0.2.9; Proto=https; Host=\"a:8443\"", "https a:8443"},
		{"10.0.0.1:1", "Forwarded: for=192.0.2.9;host=a|Forwarded: for=\"[2001:db8::1]:99\";host=inner", " a"},
		{"10.0.0.1:1", "Forwarded: for=10.0.0.2;host=inner", " inner"},
		{"10.0.0.1:1", `Forwarded: for="a,b;\"c";host=a`, " a"},
		{"10.0.0.1:1", `Forwarded: "`, " "},
		{"10.0.0.1:1", "X-Forwarded-Proto: https|Forwarded: host=forged", "https "},
	} {
		r := httptest.NewRequest("GET", "/", http.NoBody)
		r.RemoteAddr = test.peer
		for line := range strings.SplitSeq(test.headers, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		if scheme, host := s.Forwarded(r); scheme+" "+host != test.want {
			t.Errorf("%s, %s: got %q %q, want %q", test.peer, test.headers, scheme, host, test.want)
		}
	}
}
