package web_test

import (
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// start starts a server with HTTP and HTTPS; change sets what the test needs.
func start(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{TLS: true, Parts: parts, Change: change})
}

// withoutFastPath makes c send requests that the fast path does not take.
func withoutFastPath(c *testkit.HTTPClient) *testkit.HTTPClient {
	c.Headers = []string{"Pragma: no-cache"}
	return c
}

// everywhere runs a test over each kind of connection with its own code: the fast path and net/http, with and without TLS,
// and HTTP/2.
func everywhere(t *testing.T, s *testkit.Server, test func(t *testing.T, c *testkit.HTTPClient)) {
	t.Helper()
	for name, connect := range map[string]func(testing.TB) *testkit.HTTPClient{
		"fast path":         s.HTTP,
		"net/http":          func(t testing.TB) *testkit.HTTPClient { return withoutFastPath(s.HTTP(t)) },
		"HTTPS":             func(t testing.TB) *testkit.HTTPClient { return s.HTTPS(t, false) },
		"net/http over TLS": func(t testing.TB) *testkit.HTTPClient { return withoutFastPath(s.HTTPS(t, false)) },
		"HTTP/2":            func(t testing.TB) *testkit.HTTPClient { return s.HTTPS(t, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, connect(t))
		})
	}
}
