package web_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The line of a request over HTTP has the status, the path without the query, and the id that the client or its proxy gave.
func TestTheLogLineOfHTTP(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	type in struct {
		Token string `json:"token" secret:"true"`
	}
	reset := actionhero.Action[in, actionhero.None]{
		Name: "reset", Route: "GET /reset/{token}", Run: func(context.Context, in) (n actionhero.None, err error) { return },
	}
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"}
	}, reset)
	var one sync.Mutex // one request at a time, so that its line is the last one
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		last := func() map[string]string {
			t.Helper()
			entries := s.Log.Entries()
			return entries[len(entries)-1].Attrs
		}
		for _, test := range []struct {
			method, target, header string
			want                   map[string]string
		}{
			{"GET", "/api/randomNumber?limit=3", "Traceparent: 00-" + trace + "-00f067aa0ba902b7-01", map[string]string{"request_id": trace, "path": "/api/randomNumber", "status": "200", "method": "GET", "transport": "web", "code": ""}},
			{"POST", "/api/none", "X-Request-Id: from-the-proxy", map[string]string{"request_id": "from-the-proxy", "path": "/api/none", "status": "404", "method": "POST", "code": "notFound"}},
			{"GET", "/reset/hunter2", "X-Request-Id: a b", map[string]string{"path": "[FILTERED]", "status": "200"}},
			{"POST", "/reset/hunter2", "Accept: */*", map[string]string{"path": "[FILTERED]", "status": "405"}},
			{"GET", "/public/" + strings.Repeat("%01", 2000), "Accept: */*", map[string]string{"file": strings.Repeat("\x01", 256) + "… (2000 bytes)", "status": "404"}},
		} {
			one.Lock()
			c.Ask(test.method, test.target, "", test.header)
			line := last()
			one.Unlock()
			for key, want := range test.want {
				if line[key] != want {
					t.Errorf("%s: %s is %q, want %q", test.target, key, line[key], want)
				}
			}
			if line["file"] == "" && line["request_id"] == "" || strings.Contains(line["request_id"], " ") {
				t.Errorf("%s: the id is %q", test.target, line["request_id"])
			}
		}
		if s.Log.Has("hunter2") {
			t.Error("the log has the secret of a path")
		}
	})
}

// A header X-Request-Id of a client that is not a trusted proxy does not count.
func TestAClientChoosesNoRequestID(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/api/randomNumber", "", "X-Request-Id: mine")
		if s.Log.Has("mine") {
			t.Error("the log has the id of the client")
		}
	})
}
