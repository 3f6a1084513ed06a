package browserguard_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/browserguard"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	lists := map[string][]string{
		"none": nil,
		"some": {"https://a.example", "http://B.example:8080", "https://*.Wild.example", "http://*.plain.example:81", "https://[2001:db8::1]:444"},
		"apps": {"capacitor://localhost", "chrome-extension://abcdefgh", "Tauri://localhost:1"},
		"any":  {"https://a.example", "*"},
	}
	for _, test := range []struct {
		list, host string
		secure     bool
		origins    []string
		ok         bool
	}{
		{"none", "example.com", false, nil, true},
		{"none", "example.com", false, []string{"http://example.com"}, true},
		{"none", "example.com", false, []string{"http://EXAMPLE.com"}, true},
		{"none", "Example.com", false, []string{"HTTP://example.com:80"}, true},
		{"none", "example.com:80", false, []string{"http://example.com"}, true},
		{"none", "example.com", false, []string{"https://example.com"}, true}, // a proxy terminated TLS
		{"none", "example.com:8080", false, []string{"http://example.com:8080"}, true},
		{"none", "127.0.0.1:8080", false, []string{"http://127.0.0.1:8080"}, true},
		{"none", "[::1]:8080", false, []string{"http://[::1]:8080"}, true},
		{"none", "example.com", true, []string{"https://example.com"}, true},
		{"none", "example.com.", true, []string{"https://example.com."}, true},

		{"none", "example.com", true, []string{"http://example.com"}, false}, // a page without TLS may have been modified in transit
		{"none", "example.com", false, []string{"http://evil.example"}, false},
		{"none", "example.com", false, []string{"http://example.com.evil.example"}, false},
		{"none", "example.com", false, []string{"http://evilexample.com"}, false},
		{"none", "example.com", false, []string{"http://sub.example.com"}, false},
		{"none", "example.com", false, []string{"http://example.com:81"}, false},
		{"none", "example.com:8080", false, []string{"http://example.com"}, false},
		{"none", "example.com", false, []string{"http://example.com."}, false},
		{"none", "example.com", false, []string{"null"}, false},
		{"none", "example.com", false, []string{""}, false},
		{"none", "example.com", false, []string{"*"}, false},
		{"none", "example.com", false, []string{"example.com"}, false},
		{"none", "example.com", false, []string{"//example.com"}, false},
		{"none", "example.com", false, []string{"http:example.com"}, false},
		{"none", "example.com", false, []string{"http://"}, false},
		{"none", "example.com", false, []string{"http://example.com:"}, false},
		{"none", "example.com", false, []string{"http://example.com/"}, false},
		{"none", "example.com", false, []string{"http://example.com?"}, false},
		{"none", "example.com", false, []string{"http://example.com#"}, false},
		{"none", "example.com", false, []string{"http://evil.example@example.com"}, false},
		{"none", "example.com", false, []string{"http://example.com@evil.example"}, false},
		{"none", "example.com", false, []string{`http://example.com\evil.example`}, false},
		{"none", "example.com", false, []string{"http://example.com "}, false},
		{"none", "example.com", false, []string{"http://example.com", "http://example.com"}, false},
		{"none", "example.com", false, []string{"http://example.com, http://evil.example"}, false},
		{"none", "example.com", false, []string{"ws://example.com"}, false},
		{"none", "example.com", false, []string{"file://example.com"}, false},
		{"none", "example.com", false, []string{"http://example.com:http"}, false},
		{"none", "", false, []string{"http://"}, false},
		{"none", strings.Repeat("a", 300), false, []string{"http://" + strings.Repeat("a", 300)}, false},

		{"some", "example.com", false, []string{"http://example.com"}, true},
		{"some", "example.com", false, []string{"https://a.example"}, true},
		{"some", "example.com", true, []string{"https://A.example:443"}, true},
		{"some", "example.com", false, []string{"http://b.example:8080"}, true},
		{"some", "example.com", false, []string{"https://x.wild.example"}, true},
		{"some", "example.com", false, []string{"https://y.x.wild.example"}, true},
		{"some", "example.com", false, []string{"http://x.plain.example:81"}, true},
		{"some", "example.com", false, []string{"https://[2001:db8::1]:444"}, true},
		{"some", "example.com", false, []string{"http://a.example"}, false},
		{"some", "example.com", false, []string{"https://a.example:444"}, false},
		{"some", "example.com", false, []string{"http://b.example"}, false},
		{"some", "example.com", false, []string{"https://wild.example"}, false},
		{"some", "example.com", false, []string{"https://.wild.example"}, false},
		{"some", "example.com", false, []string{"https://xwild.example"}, false},
		{"some", "example.com", false, []string{"http://x.wild.example"}, false},
		{"some", "example.com", false, []string{"https://x.wild.example:8443"}, false},
		{"some", "example.com", false, []string{"https://x.wild.example.evil.example"}, false},
		{"some", "example.com", false, []string{"null"}, false},

		{"apps", "example.com", false, []string{"capacitor://localhost"}, true},
		{"apps", "example.com", true, []string{"chrome-extension://abcdefgh"}, true},
		{"apps", "example.com", false, []string{"tauri://localhost:1"}, true},
		{"apps", "example.com", false, []string{"tauri://localhost"}, false},
		{"apps", "example.com", false, []string{"capacitor://localhost:80"}, false},
		{"apps", "example.com", false, []string{"ionic://localhost"}, false},
		{"apps", "example.com", false, []string{"https://localhost"}, false},
		{"apps", "localhost", false, []string{"ionic://localhost"}, false},
		{"apps", "example.com", false, []string{"chrome-extension://other"}, false},

		{"any", "example.com", false, []string{"http://evil.example"}, true},
		{"any", "example.com", false, []string{"null"}, true},
	} {
		origins, err := browserguard.NewOrigins("webSockets.origins", lists[test.list])
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Host: test.host, Header: http.Header{}}
		if test.secure {
			r.TLS = new(tls.ConnectionState)
		}
		if test.origins != nil {
			r.Header["Origin"] = test.origins
		}
		if got := origins.Allow(r); got != test.ok {
			t.Errorf("the list %q, host %q, TLS %v, origins %q: allowed is %v", test.list, test.host, test.secure, test.origins, got)
		}
		if origins.Any() != (test.list == "any") {
			t.Errorf("the list %q: Any is %v", test.list, origins.Any())
		}
	}
}

// Behind a proxy that changes the Host header, a page of the server may connect if its browser says that it is one.
func TestOwnPageBehindAProxyThatChangesHost(t *testing.T) {
	t.Parallel()
	for site, ok := range map[string]bool{"same-origin": true, "none": false, "same-site": false, "cross-site": false, "Same-Origin": false, "": false, "same-origin|cross-site": false} {
		r := &http.Request{Host: "backend:8080", Header: http.Header{"Origin": {"https://shop.example"}, "Sec-Fetch-Site": strings.Split(site, "|")}}
		if got := new(browserguard.Origins).Allow(r); got != ok {
			t.Errorf("Sec-Fetch-Site %q: allowed is %v", site, got)
		}
	}
}

func TestNewOriginsErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "example.com", "https://", "https://*", "*.example.com", "https://a.*.example.com", "https://*.*.example.com", "https://example.com/", "ftp://example.com", "wss://example.com", "ws://*.example.com", "file://", "file:///x", "capacitor://", "capacitor://*.example.com",
		"https://user@example.com", "https://*.example.com/path", "https://example.com:port", "**",
	} {
		_, err := browserguard.NewOrigins("webSockets.origins", []string{"https://fine.example", text})
		if err == nil || !strings.Contains(err.Error(), `webSockets.origins has "`+text+`"`) {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}
