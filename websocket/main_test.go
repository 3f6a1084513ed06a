package websocket_test

import (
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/websocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a server with these settings, with and without TLS.
func start(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{TLS: true, Parts: parts, Change: func(all *server.Config) { all.WebSockets.Plain = cfg }})
}

// connect connects to the web server; the connection goes with the test.
func connect(t testing.TB, s *testkit.Server) net.Conn {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// openFrames opens a WebSocket without a library.
func openFrames(nc net.Conn, headers string) (*testkit.Frames, error) {
	return testkit.OpenFrames(nc, testkit.WSPath, headers, testkit.Wait)
}
