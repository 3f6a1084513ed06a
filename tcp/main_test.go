package tcp_test

import (
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a server with these settings of TCP.
func start(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, options(cfg, parts))
}

// startTLS is start with TCP over TLS as well.
func startTLS(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	o := options(cfg, parts)
	o.TLS = true
	return testkit.Start(t, o)
}

func options(cfg tcp.Config, parts []actionhero.Part) testkit.Options {
	return testkit.Options{Parts: parts, Change: func(all *server.Config) { all.TCPServer = cfg }}
}

const goodbye = `{"status":"Bye!","context":"api","messageCount":`

// reply is what all answers have.
type reply struct {
	Context string `json:"context"`
	Error   any    `json:"error"`
	Status  string `json:"status"`
	Count   int    `json:"messageCount"`
}

// answer reads the next answer.
func answer(t testing.TB, c *testkit.TCPClient) (a reply) {
	t.Helper()
	line := c.Next()
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return a
}
