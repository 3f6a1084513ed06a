package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

const page = "Origin: https://page.example"

// Without AllowedOrigins no page of another origin may read responses, and a preflight allows nothing.
func TestNoCORS(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/api/randomNumber", "", page)
		got.Want(t, 200, `"error":"OK"`)
		got.WantHeader(t, "Access-Control-Allow-Origin", "Vary")
		got = c.Ask("OPTIONS", "/api/randomNumber", "", page, "Access-Control-Request-Method: PUT")
		got.Want(t, 204, "")
		got.WantHeader(t, "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Allow: GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")
	})
}

// Pages of allowed origins may read responses and files, and their preflights are answered.
func TestCORS(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.AllowedOrigins = []string{"https://page.example", "https://*.wild.example"}
	})
	s.Put(t, "a.txt", "the file")
	if err := s.Web.Mount("/mine/", http.NotFoundHandler()); err != nil {
		t.Fatal(err)
	}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for origin, allowed := range map[string]bool{
			"https://page.example": true, "https://a.wild.example": true, "http://page.example": false, "https://page.example:444": false,
			"https://page.example.evil": false, "https://wild.example": false, "null": false,
		} {
			want := "Access-Control-Allow-Origin"
			if allowed {
				want += ": " + origin
			}
			for _, target := range []string{"/api/randomNumber", "/api/none", "/public/a.txt", "/mine/x"} {
				got := c.Ask("GET", target, "", "Origin: "+origin)
				got.WantHeader(t, want, "Access-Control-Allow-Credentials")
				if got.Header.Get("Vary") != "Origin" {
					t.Errorf("%s: Vary is %q", target, got.Header.Values("Vary"))
				}
				if target == "/api/randomNumber" {
					got.Want(t, 200, `"error":"OK"`)
				}
			}
			got := c.Ask("OPTIONS", "/api/randomNumber", "", "Origin: "+origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-any")
			got.WantHeader(t, want)
			if got.StatusCode != 204 || got.Text != "" {
				t.Errorf("the preflight of %s is answered with %d %q", origin, got.StatusCode, got.Text)
			}
			if allowed {
				got.WantHeader(t, "Access-Control-Allow-Methods: PUT", "Access-Control-Allow-Headers: x-any", "Access-Control-Max-Age: 600")
			}
		}
		got := c.Ask("OPTIONS", "/api/randomNumber", "", page)
		got.Want(t, 204, "") // no preflight
		got.WantHeader(t, "Allow: GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")
		c.Ask("OPTIONS", "/api/randomNumber", "", page, "Access-Control-Request-Method: TRACE").WantHeader(t, "Access-Control-Allow-Origin")
	})
}

func TestCORSForAll(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"*"} })
	s.HTTP(t).Ask("GET", "/api/randomNumber", "", page).WantHeader(t, "Access-Control-Allow-Origin: *")
}

// The headers of the configuration are in every response, except those of mounted handlers.
func TestHTTPHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.HTTPHeaders = map[string]string{"x-frame-options": "DENY", "Vary": "Cookie", "X-Powered-By": "steam"}
	}, does("own", noError(func(ctx context.Context) { web.Header(ctx).Set("X-Frame-Options", "SAMEORIGIN") })))
	s.Put(t, "a.txt", strings.Repeat("a", 5000))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 2 {
			for target, status := range map[string]int{"/api/randomNumber": 200, "/api/none": 404, "/public/none": 404, "/public/a.txt": 200} {
				got := c.Ask("GET", target, "", "Accept-Encoding: gzip")
				got.Want(t, status, "")
				got.WantHeader(t, "X-Frame-Options: DENY", "X-Powered-By: steam")
				if vary := got.Header.Values("Vary"); vary[0] != "Cookie" || len(vary) > 2 {
					t.Errorf("%s: Vary is %q", target, vary)
				}
			}
			c.Ask("TRACE", "/", "").WantHeader(t, "X-Frame-Options: DENY")
			c.Ask("GET", "/api/own", "").WantHeader(t, "X-Frame-Options: SAMEORIGIN")
		}
	})
}

// X-Forwarded-For is read from the right, up to the first address that is not a trusted proxy.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("192.0.2.1, ", 1000)
	for name, test := range map[string]struct {
		trusted []string
		want    map[string]string // by the header; "|" separates two headers
	}{
		"no proxies":    {nil, map[string]string{"": "127.0.0.1", "192.0.2.1": "127.0.0.1"}},
		"other proxies": {[]string{"10.0.0.0/8", "::1"}, map[string]string{"192.0.2.1": "127.0.0.1", "127.0.0.1": "127.0.0.1"}},
		"the peer and others": {[]string{"127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"}, map[string]string{
			"":                                "127.0.0.1",
			"192.0.2.1":                       "192.0.2.1",
			" 192.0.2.1\t":                    "192.0.2.1",
			"203.0.113.5, 192.0.2.1":          "192.0.2.1",
			"192.0.2.9, 10.0.0.1,10.1.2.3":    "192.0.2.9",
			"192.0.2.9, 10.0.0.1|10.1.2.3":    "192.0.2.9",
			"203.0.113.5|192.0.2.1, 10.0.0.1": "192.0.2.1",
			"192.0.2.9, ::ffff:10.0.0.1":      "192.0.2.9",
			"2001:db8::1, 2001:db8:1::2":      "2001:db8::1",
			"10.0.0.1, 10.0.0.2":              "10.0.0.1",
			many + "198.51.100.1, 10.0.0.1":   "198.51.100.1",
			"unknown":                         "127.0.0.1",
			"192.0.2.1, unknown":              "127.0.0.1",
			"unknown, 10.0.0.1":               "10.0.0.1",
			"192.0.2.1, ,10.0.0.1":            "10.0.0.1",
			"192.0.2.1:1234":                  "192.0.2.1",
			"192.0.2.1:":                      "127.0.0.1",
			"192.0.2.1:x":                     "127.0.0.1",
			"[2001:db8::1]":                   "2001:db8::1",
			"[2001:db8::1]:1234":              "2001:db8::1",
			"[2001:db8::1":                    "127.0.0.1",
			"2001:db8::1]":                    "127.0.0.1",
			"[[2001:db8::1]]":                 "127.0.0.1",
			"[]":                              "127.0.0.1",
			"64:ff9b::192.0.2.1":              "192.0.2.1",
			"[64:ff9b::c000:201]:99":          "192.0.2.1",
			"::ffff:192.0.2.1":                "192.0.2.1",
			"fe80::1%eth0":                    "fe80::1",
			"192.0.2.9, 10.0.0.1:80, [2001:db8:1::2]:1": "192.0.2.9",
			"192.0.2.1/8":                          "127.0.0.1",
			`192.0.2.1", "error":"OK`:              "127.0.0.1",
			"0x7f.1":                               "127.0.0.1",
			"192.0.2.001":                          "127.0.0.1",
			strings.Repeat(",", 5000):              "127.0.0.1",
			strings.Repeat("10.0.0.1,", 500) + ",": "127.0.0.1",
		}},
		"all addresses": {[]string{"0.0.0.0/0"}, map[string]string{"192.0.2.1, 203.0.113.5": "192.0.2.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(cfg *server.Config) { cfg.CommonWeb.TrustedProxies = test.trusted })
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				for header, want := range test.want {
					var headers []string
					for value := range strings.SplitSeq(header, "|") {
						headers = append(headers, "X-Forwarded-For: "+value)
					}
					got := c.Ask("GET", "/api/randomNumber", "", headers...)
					if address := got.Envelope(t).Requestor.RemoteAddress; address != want {
						t.Errorf("%.60q: the client is %s, want %s", header, address, want)
					}
				}
			})
		})
	}
}

// New refuses wrong settings.
func TestSettings(t *testing.T) {
	t.Parallel()
	s := testkit.New(t, testkit.Options{TLS: true})
	for want, change := range map[string]func(*web.CommonConfig){
		`commonWeb.trustedProxies has "10.0.0.0/33": write an address like 10.0.0.1 or a network like 10.0.0.0/8`: func(c *web.CommonConfig) { c.TrustedProxies = []string{"::1", "10.0.0.0/33"} },
		`commonWeb.trustedProxies has "localhost"`:                                                                func(c *web.CommonConfig) { c.TrustedProxies = []string{"localhost"} },
		`commonWeb.rootEndpointType is "file": it must be api or public`:                                          func(c *web.CommonConfig) { c.RootEndpointType = "file" },
		`commonWeb.urlPathForActions is "a/b": it must be one segment`:                                            func(c *web.CommonConfig) { c.URLPathForActions = "a/b" },
		`commonWeb.urlPathForFiles is "file": it must be one segment`:                                             func(c *web.CommonConfig) { c.URLPathForFiles = "file" },
		`commonWeb.urlPathForActions and commonWeb.urlPathForFiles are both "x`:                                   func(c *web.CommonConfig) { c.URLPathForActions, c.URLPathForFiles = "x", "x" },
		"commonWeb.maxBodyBytes is -1: it must be above zero":                                                     func(c *web.CommonConfig) { c.MaxBodyBytes = -1 },
		"commonWeb.maxHeaderBytes is -1: it must be above zero":                                                   func(c *web.CommonConfig) { c.MaxHeaderBytes = -1 },
		"commonWeb.headerTimeout is -1ns: it must be above zero":                                                  func(c *web.CommonConfig) { c.HeaderTimeout = -1 },
		"commonWeb.readTimeout is -1ns: it must be above zero":                                                    func(c *web.CommonConfig) { c.ReadTimeout = -1 },
		"commonWeb.writeTimeout is -1ns: it must be above zero":                                                   func(c *web.CommonConfig) { c.WriteTimeout = -1 },
		"commonWeb.idleTimeout is -1ns: it must be above zero":                                                    func(c *web.CommonConfig) { c.IdleTimeout = -1 },
	} {
		var cfg web.Config
		change(&cfg.Common)
		if _, err := web.New(s.API, cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s…", err, want)
		}
	}
}
