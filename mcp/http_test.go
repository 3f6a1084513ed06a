package mcp_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

var jsonHeaders = []string{"Content-Type: application/json", "Accept: application/json, text/event-stream"}

// post sends one message.
func post(c *testkit.HTTPClient, body string, headers ...string) testkit.Reply {
	return c.Ask("POST", "/mcp", body, slices.Concat(jsonHeaders, headers)...)
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}`

// open opens a session and returns its id, or "" if the server serves the client without one.
func open(t testing.TB, c *testkit.HTTPClient) string {
	t.Helper()
	got := post(c, initialize)
	if got.StatusCode != 200 || !strings.Contains(got.Text, `"protocolVersion":"2025-11-25"`) {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	return got.Header.Get("Mcp-Session-Id")
}

const callAny = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"any","arguments":{"id":"12"}}}`

func callIn(c *testkit.HTTPClient, session string) testkit.Reply {
	return post(c, callAny, "Mcp-Session-Id: "+session, "Mcp-Protocol-Version: 2025-11-25")
}

func wantCalled(t testing.TB, got testkit.Reply) {
	t.Helper()
	if got.StatusCode != 200 || !strings.Contains(got.Text, `"structuredContent":{"id":"12","votes":3}`) {
		t.Errorf("the call is answered with %d %s", got.StatusCode, got.Text)
	}
}

func TestPagesOfOtherSitesAndUnknownHostsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"https://agent.example"} }, isTool(close("any")))
	c := s.HTTP(t)
	for header, want := range map[string]int{
		"Origin: https://evil.example":  403,
		"Origin: null":                  403,
		"Sec-Fetch-Site: cross-site":    403,
		"Origin: https://agent.example": 200,
		"X-None: x":                     200,
	} {
		if got := post(c, initialize, header); got.StatusCode != want {
			t.Errorf("%s: %d %s", header, got.StatusCode, got.Text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.Base+"/mcp", strings.NewReader(initialize))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example" // a name that an attacker has rebound to this address
	answer, err := c.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("an unknown host: %d", answer.StatusCode)
	}
	got := c.Ask("OPTIONS", "/mcp", "", "Origin: https://agent.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: mcp-protocol-version,content-type")
	if got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Origin") != "https://agent.example" {
		t.Errorf("a preflight: %d %v", got.StatusCode, got.Header)
	}
}

func TestMessagesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, nil, isTool(close("any")))
	c := s.HTTP(t)
	for name, test := range map[string]struct {
		method, body string
		headers      []string
		status       int
	}{
		"a GET":            {"GET", "", nil, 405},
		"a PUT":            {"PUT", initialize, nil, 405},
		"no JSON":          {"POST", "{", nil, 400},
		"nothing":          {"POST", "", nil, 400},
		"a batch":          {"POST", " [" + callAny + "]", nil, 400},
		"too large":        {"POST", strings.Repeat("x", 2<<20), nil, 413},
		"another type":     {"POST", initialize, []string{"Content-Type: text/plain"}, 415},
		"no event streams": {"POST", initialize, []string{"Accept: application/json"}, 400},
		"a wrong version":  {"POST", callAny, []string{"Mcp-Protocol-Version: 2020-01-01"}, 400},
		"no metadata":      {"POST", callAny, []string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: any"}, 400},
		"an old session":   {"POST", callAny, []string{"Mcp-Session-Id: x" + tag(s)}, 404},
		"a subscription":   {"POST", `{"jsonrpc":"2.0","id":3,"method":"subscriptions/listen","params":{"_meta":` + meta + `,"notifications":{"toolsListChanged":true}}}`, []string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen"}, 404},
	} {
		headers := test.headers
		for _, header := range jsonHeaders {
			key, _, _ := strings.Cut(header, ":")
			if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, key+":") }) {
				headers = append(headers, header)
			}
		}
		got := c.Ask(test.method, "/mcp", test.body, headers...)
		if got.StatusCode != test.status {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Text)
		}
	}
	if got := c.Ask("GET", "/mcp", ""); got.Header.Get("Allow") != "POST, DELETE" {
		t.Errorf("a GET: %v", got.Header)
	}
}

const meta = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

// tag returns the end of the ids of the sessions of a server.
func tag(s *testkit.Server) string { return fmt.Sprintf("-%08x", transport.Of(s.API).Tag()) }

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	s := start(t, nil, isTool(close("any")))
	c := s.HTTP(t)
	session := open(t, c)
	wantCalled(t, callIn(c, session))
	if got := c.Ask("DELETE", "/mcp", "", "Mcp-Session-Id: "+session); got.StatusCode != 204 {
		t.Errorf("the end is answered with %d %s", got.StatusCode, got.Text)
	}
	if got := callIn(c, session); got.StatusCode != http.StatusNotFound {
		t.Errorf("after its end: %d %s", got.StatusCode, got.Text)
	}
}

// A session of another node, or of this node before a restart, does not hinder a client: its calls need no session.
func TestNoProxyNeedsToBeSticky(t *testing.T) {
	t.Parallel()
	first, second := start(t, nil, isTool(close("any"))), start(t, nil, isTool(close("any")))
	session := open(t, first.HTTP(t))
	other := second.HTTP(t)
	wantCalled(t, callIn(other, session))
	if got := other.Ask("DELETE", "/mcp", "", "Mcp-Session-Id: "+session); got.StatusCode != 204 {
		t.Errorf("the end is answered with %d %s", got.StatusCode, got.Text)
	}
	wantCalled(t, callIn(first.HTTP(t), session))
}

// Beyond mcp.maxSessions a client is served without a session.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, settings(func(cfg *mcp.Config) { cfg.MaxSessions = 2 }), isTool(close("any")))
	c := s.HTTP(t)
	var ids []string
	for range 3 {
		ids = append(ids, open(t, c))
	}
	if ids[0] == "" || ids[1] == "" || ids[2] != "" {
		t.Errorf("the sessions are %q", ids)
	}
	wantCalled(t, post(c, callAny, "Mcp-Protocol-Version: 2025-11-25"))
	if got := c.Ask("DELETE", "/mcp", "", "Mcp-Session-Id: "+ids[0]); got.StatusCode != 204 {
		t.Errorf("the end is answered with %d %s", got.StatusCode, got.Text)
	}
	if open(t, c) == "" {
		t.Error("the place of an ended session is not free")
	}
}

func TestAnIdleSessionEnds(t *testing.T) {
	t.Parallel()
	s := start(t, settings(func(cfg *mcp.Config) { cfg.MaxSessions, cfg.SessionTimeout = 1, 10*time.Millisecond }), isTool(close("any")))
	c := s.HTTP(t)
	session := open(t, c)
	testkit.Eventually(t, "the session has ended, so that there is room for another one", func() bool { return open(t, c) != "" })
	if got := callIn(c, session); got.StatusCode != http.StatusNotFound {
		t.Errorf("after its end: %d %s", got.StatusCode, got.Text)
	}
}

func TestThePathIsASetting(t *testing.T) {
	t.Parallel()
	s := start(t, settings(func(cfg *mcp.Config) { cfg.Path = "/agents/mcp" }), isTool(close("any")))
	c := s.HTTP(t)
	if got := c.Ask("POST", "/agents/mcp", initialize, jsonHeaders...); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	if got := post(c, initialize); got.StatusCode != 404 {
		t.Errorf("the default path: %d %s", got.StatusCode, got.Text)
	}
}

func TestAWrongPathIsRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"mcp", "/mcp/", "/{x}", "/a b"} {
		var cfg server.Config
		settings(func(own *mcp.Config) { own.Path = path })(&cfg)
		if _, err := server.New(cfg, mcp.New(mcp.Options{})); err == nil || !strings.Contains(err.Error(), "mcp.path is ") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Messages that are not small share the memory for incomplete messages of all clients.
func TestTheMemoryOfMessagesIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.General.MaxIncomingBytes = 64 << 10 }, isTool(close("any")))
	c := s.HTTP(t)
	large := strings.Repeat(" ", 100<<10) + initialize
	if got := post(c, large); got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %s %v", got.StatusCode, got.Text, got.Header)
	}
	chunked := struct{ io.Reader }{strings.NewReader(initialize)} // may be as large as mcp.maxCallBytes
	if got := c.Send("POST", "/mcp", chunked, jsonHeaders...); got.StatusCode != 503 {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	for range 8 { // more than fits if nothing is given back
		testkit.Eventually(t, "no bytes are taken", func() bool {
			bytes, _ := transport.Of(s.API).IncomingBudget().Used()
			return bytes == 0
		})
		if got := post(c, strings.Repeat(" ", 20<<10)+initialize); got.StatusCode != 200 {
			t.Errorf("%d %s", got.StatusCode, got.Text)
		}
	}
}
