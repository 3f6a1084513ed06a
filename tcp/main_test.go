package tcp_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/tcp"
	"github.com/actionhero-go/actionhero/transport"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// start starts a server with the given settings of TCP.
func start(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, options(cfg, parts))
}

// startTLS is start with a port for TLS, too.
func startTLS(t testing.TB, cfg tcp.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	o := options(cfg, parts)
	o.TLS = true
	return testkit.Start(t, o)
}

func options(cfg tcp.Config, parts []actionhero.Part) testkit.Options {
	return testkit.Options{Parts: parts, Change: func(all *server.Config) { all.TCPServer = cfg }}
}

// goodbye is the start of the message before the server closes a connection. The number of the last line follows.
const goodbye = `{"status":"Bye!","context":"api","messageCount":`

// reply has the keys that most replies have.
type reply struct {
	Context string `json:"context"`
	Error   any    `json:"error"`
	Status  string `json:"status"`
	Count   int    `json:"messageCount"`
}

func nextReply(t testing.TB, c *testkit.TCPClient) (r reply) {
	t.Helper()
	line := c.Next()
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return r
}

func transportOf(s *testkit.Server) transport.Host { return transport.Of(s.API) }

type serverConfig = server.Config

func deadline() time.Time { return time.Now().Add(testkit.Wait) }
