package websocket_test

import (
	"net"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/websocket"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// start starts a server with the given settings of WebSocket, and a port for TLS.
func start(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{TLS: true, Parts: parts, Change: func(all *server.Config) { all.WebSockets.Plain = cfg }})
}

// connect connects to the web server. The connection is closed at the end of the test.
func connect(t testing.TB, s *testkit.Server) net.Conn {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// openFrames opens a WebSocket whose client sends any frames. headers are whole lines.
func openFrames(nc net.Conn, headers string) (*testkit.Frames, error) {
	return testkit.OpenFrames(nc, testkit.WSPath, headers, testkit.Wait)
}

// The request for the action of testkit.Gate, and its reply.
const (
	gateRequest = `{"event":"action","id":"gate","params":{"action":"gate"}}`
	gateReply   = `{"context":"response","status":"OK","error":false,"id":"gate"}`
)
