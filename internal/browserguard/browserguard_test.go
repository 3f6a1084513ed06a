package browserguard_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/browserguard"
)

// A request counts as foreign if a browser marks it as sent by a page of another origin that is not trusted.
func TestForeign(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		trusted, host string
		secure        bool
		headers       string // "Name: value", separated by "|"
		foreign       bool
	}{
		{"", "shop.example", false, "", false}, // no browser
		{"", "shop.example", false, "Cookie: a=b", false},
		{"", "shop.example", false, "Sec-Fetch-Site: same-origin", false},
		{"", "shop.example", false, "Sec-Fetch-Site: none", false}, // the address bar
		{"", "shop.example", false, "Sec-Fetch-Site: same-origin|Origin: https://shop.example", false},
		{"", "backend:8080", false, "Sec-Fetch-Site: same-origin|Origin: https://shop.example", false}, // a proxy changed Host
		{"", "shop.example", false, "Sec-Fetch-Site: same-origin|Origin: null", false},                 // Referrer-Policy: no-referrer
		{"", "shop.example", false, "Origin: http://shop.example", false},
		{"", "shop.example", false, "Origin: https://SHOP.example", false}, // a proxy terminated TLS
		{"", "shop.example", true, "Origin: https://shop.example", false},
		{"", "[::1]:8080", false, "Origin: http://[::1]:8080", false},

		{"", "shop.example", false, "Sec-Fetch-Site: cross-site", true},
		{"", "shop.example", false, "Sec-Fetch-Site: same-site", true},
		{"", "shop.example", false, "Sec-Fetch-Site: ", true},
		{"", "shop.example", false, "Sec-Fetch-Site: Same-Origin", true},
		{"", "shop.example", false, "Sec-Fetch-Site: same-origin|Sec-Fetch-Site: cross-site", true},
		{"", "shop.example", false, "Sec-Fetch-Site: cross-site|Origin: https://shop.example", true},
		{"", "shop.example", true, "Origin: http://shop.example", true},
		{"", "shop.example", false, "Origin: https://evil.example", true},
		{"", "shop.example", false, "Origin: https://sub.shop.example", true},
		{"", "shop.example", false, "Origin: https://shop.example:444", true},
		{"", "shop.example", false, "Origin: null", true},
		{"", "shop.example", false, "Origin: ", true},
		{"", "shop.example", false, "Origin: https://user@shop.example", true},
		{"", "shop.example", false, "Origin: https://user:word@shop.example", true},
		{"", "shop.example", false, "Origin: https://evil.example@shop.example", true},
		{"", "shop.example", false, "Origin: https://shop.example|Origin: https://evil.example", true},
		{"", "", false, "Origin: https://evil.example", true},

		{"https://friend.example https://*.wide.example", "shop.example", false, "Sec-Fetch-Site: cross-site|Origin: https://friend.example|Cookie: a=b", false},
		{"https://friend.example https://*.wide.example", "shop.example", false, "Origin: https://a.wide.example", false},
		{"https://friend.example https://*.wide.example", "shop.example", false, "Sec-Fetch-Site: cross-site", true}, // of which page is unknown
		{"https://friend.example https://*.wide.example", "shop.example", false, "Origin: https://wide.example", true},
		{"https://friend.example https://*.wide.example", "shop.example", false, "Origin: https://user@friend.example", true},

		{"*", "shop.example", false, "Sec-Fetch-Site: cross-site|Origin: https://evil.example", false},
		{"*", "shop.example", false, "Sec-Fetch-Site: cross-site", false},
		{"*", "shop.example", false, "Origin: null", false},
		{"*", "shop.example", false, "Origin: https://evil.example|Cookie: a=b", true},
		{"*", "shop.example", false, "Sec-Fetch-Site: cross-site|Authorization: Basic YTpi", true},
		{"*", "shop.example", false, "Origin: https://evil.example|Authorization: Bearer t", false}, // no browser adds it
		{"*", "shop.example", false, "Origin: https://evil.example|Authorization: Bearer t|Authorization: Basic YTpi", true},
		{"*", "shop.example", false, "Sec-Fetch-Site: same-origin|Cookie: a=b", false},
		{"* https://friend.example", "shop.example", false, "Origin: https://friend.example|Cookie: a=b", false},
	} {
		origins, err := browserguard.NewOrigins("x", strings.Fields(test.trusted))
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: "POST", Host: test.host, Header: http.Header{}}
		if test.secure {
			r.TLS = new(tls.ConnectionState)
		}
		for line := range strings.SplitSeq(test.headers, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		if got := origins.Foreign(r, true); got != test.foreign {
			t.Errorf("trusted %q, host %q, TLS %v, %q: foreign is %v", test.trusted, test.host, test.secure, test.headers, got)
		}
		// What http.CrossOriginProtection refuses is foreign, unless the origin is trusted.
		if std := new(http.CrossOriginProtection).Check(r); std != nil && !origins.Foreign(r, true) && test.trusted == "" && !strings.Contains(test.headers, "SHOP") {
			t.Errorf("host %q, %q: net/http says %v", test.host, test.headers, std)
		}
	}
}

// A page of a listed origin acts in the name of its visitors only if pages of the list may send credentials.
func TestAListedPageWithoutCredentialsSendsNoCookies(t *testing.T) {
	t.Parallel()
	origins, err := browserguard.NewOrigins("x", []string{"https://friend.example"})
	if err != nil {
		t.Fatal(err)
	}
	for headers, ambient := range map[string]bool{
		"": false, "Cookie: a=b": true, "Authorization: Basic YTpi": true, "Authorization: Negotiate x": true, "Authorization: bearer t": false,
		"Authorization: Bearer t|Cookie: a=b": true, "Authorization: ": true, "Sec-Fetch-Site: same-site|Cookie: a=b": true,
	} {
		r := &http.Request{Method: "POST", Host: "shop.example", Header: http.Header{"Origin": {"https://friend.example"}}}
		for line := range strings.SplitSeq(headers, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		if origins.Foreign(r, true) || origins.Foreign(r, false) != ambient {
			t.Errorf("%q: foreign with credentials %v, without %v", headers, origins.Foreign(r, true), !ambient)
		}
	}
}

// Behind a proxy that changes Host and terminates TLS, the forwarded host and scheme are those of the server's pages.
func TestForwardedHostsAreTheServersOwn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scheme, host, origin string
		secure, own          bool
	}{
		{"https", "shop.example", "https://shop.example", false, true},
		{"https", "shop.example", "http://shop.example", false, false},
		{"https", "shop.example:8443", "https://shop.example:8443", false, true},
		{"https", "shop.example:8443", "https://shop.example", false, false},
		{"https", "shop.example", "https://evil.example", false, false},
		{"https", "", "https://backend", false, true},
		{"https", "other.example", "https://backend", false, true}, // the proxy has kept Host
		{"http", "shop.example", "http://shop.example", true, true},
		{"http", "shop.example", "https://shop.example", false, true}, // another proxy has terminated TLS
		{"", "shop.example", "http://shop.example", false, true},
		{"", "shop.example", "http://shop.example", true, false},
		{"", "", "https://shop.example", false, false},
		{"https", "shop.example", "capacitor://shop.example", false, false},
		{"https", "user@shop.example", "https://shop.example", false, false},
	} {
		origins := browserguard.Origins{Forwarded: func(*http.Request) (string, string) { return test.scheme, test.host }}
		r := &http.Request{Host: "backend", Header: http.Header{"Origin": {test.origin}}}
		if test.secure {
			r.TLS = new(tls.ConnectionState)
		}
		head := http.Header{}
		origins.SetCORS(head, r)
		if own := head.Get("Access-Control-Allow-Origin") != ""; origins.Allow(r) != test.own || origins.Foreign(r, false) == test.own || own != test.own {
			t.Errorf("%+v: Allow is %v, Foreign is %v, CORS is %v", test, origins.Allow(r), origins.Foreign(r, false), head)
		}
	}
}

// A page that only "*" lets connect has no cookies and passwords of its visitor.
func TestAnyOriginConnectsWithoutCookies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		list, headers string
		keeps         string
	}{
		{"*", "Origin: https://evil.example|Cookie: a=b|Authorization: Basic YTpi|Authorization: Bearer t", "Bearer t"},
		{"*", "Origin: null|Cookie: a=b", ""},
		{"*", "Origin: http://shop.example|Sec-Fetch-Site: same-site|Cookie: a=b", ""},
		{"*", "Origin: http://shop.example|Cookie: a=b", "a=b"},
		{"*", "Origin: https://shop.example|Sec-Fetch-Site: same-origin|Cookie: a=b|Authorization: Basic YTpi", "a=b Basic YTpi"},
		{"*", "Cookie: a=b", "a=b"}, // no browser
		{"* https://friend.example", "Origin: https://friend.example|Cookie: a=b", "a=b"},
		{"https://friend.example", "Origin: https://friend.example|Cookie: a=b", "a=b"},
	} {
		origins, err := browserguard.NewOrigins("x", strings.Fields(test.list))
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Host: "shop.example", Header: http.Header{"X-Other": {"1"}}}
		for line := range strings.SplitSeq(test.headers, "|") {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Add(name, value)
		}
		before := len(r.Header)
		got := origins.Credentials(r)
		if kept := strings.Join(append(got["Cookie"], got["Authorization"]...), " "); kept != test.keeps || got.Get("X-Other") != "1" || len(r.Header) != before {
			t.Errorf("%q, %q: keeps %q, want %q", test.list, test.headers, kept, test.keeps)
		}
	}
}

// A page that only "*" lets in never reads the answer to a request with cookies.
func TestAnyOriginReadsWithoutCookies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ list, origin, allowed, credentials string }{
		{"https://friend.example", "https://friend.example", "https://friend.example", "true"},
		{"https://friend.example", "http://shop.example", "http://shop.example", "true"},
		{"*", "https://evil.example", "*", ""},
		{"*", "null", "*", ""},
		{"*", "http://shop.example", "http://shop.example", "true"},
		{"* https://friend.example", "https://friend.example", "https://friend.example", "true"},
		{"*", "", "", ""},
	} {
		origins, err := browserguard.NewOrigins("x", strings.Fields(test.list))
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Host: "shop.example", Header: http.Header{}}
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		head := http.Header{}
		origins.SetCORS(head, r)
		allowed, credentials := head.Get("Access-Control-Allow-Origin"), head.Get("Access-Control-Allow-Credentials")
		if allowed != test.allowed || credentials != test.credentials || head.Get("Vary") != "Origin" {
			t.Errorf("%q, origin %q: %v", test.list, test.origin, head)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for list, hosts := range map[string]map[string]bool{
		"": {
			"": true, "localhost": true, "localhost:8080": true, "LOCALHOST": true, "localhost.": true, "app.localhost:80": true, "127.0.0.1:8080": true,
			"10.0.0.1": true, "[::1]:8080": true, "[fe80::1%25eth0]": true, "[2001:db8::a]": true,
			"attacker.example": false, "attacker.example:8080": false, "localhost.attacker.example": false, "notlocalhost": false, "127.0.0.1.attacker.example": false,
			"x": false, "face": false, "1.2.3": false, "127.0.0.1x": false, "[::1": false, "[x]": false, "[]": false, ":80": false, ".localhost": true, "[::1].attacker.example": false,
		},
		"shop.example *.Wide.example": {
			"shop.example": true, "SHOP.example:443": true, "shop.example.": true, "a.wide.example": true, "b.a.wide.example:1": true, "localhost": true, "10.0.0.1": true,
			"wide.example": false, "xwide.example": false, ".wide.example": false, "sub.shop.example": false, "shop.example.evil.example": false,
		},
		"*": {"attacker.example": true, "": true, "[": true},
	} {
		h, err := browserguard.NewHosts("commonWeb.allowedHosts", strings.Fields(list))
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range hosts {
			if got := h.Allow(host); got != want {
				t.Errorf("the list %q, host %q: allowed is %v", list, host, got)
			}
		}
		if h.Any() != (list == "*") {
			t.Errorf("the list %q: Any is %v", list, h.Any())
		}
	}
}

func TestNewHostsErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "*.", "https://shop.example", "shop.example:80", "a b", "**", "*.*.example", "shop.example/"} {
		_, err := browserguard.NewHosts("commonWeb.allowedHosts", []string{"fine.example", text})
		if err == nil || !strings.HasPrefix(err.Error(), `commonWeb.allowedHosts has "`+text+`": write a name`) {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

// The guard adds nothing to a request that no page has sent.
func TestGuardAllocatesNothing(t *testing.T) {
	origins, err := browserguard.NewOrigins("x", []string{"https://friend.example"})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := browserguard.NewHosts("x", []string{"shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Host: "shop.example:8080", Header: http.Header{"Accept": {"*/*"}}}
	if n := testing.AllocsPerRun(100, func() {
		if origins.Foreign(r, false) || !hosts.Allow(r.Host) || !hosts.Allow("127.0.0.1:80") {
			t.Error("the request is refused")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
