//go:build hostile

package attack_test

import (
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// appDir is the folder of the program that buildApp has built; empty if it has built none.
var appDir string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if appDir != "" {
			_ = os.RemoveAll(appDir)
		}
		os.Exit(code)
	}))
}

const (
	// goneWithin is how soon a client that keeps the server waiting must be gone.
	goneWithin = 15 * time.Second
	// atOnce is how long the server may take for what it must do at once, on a busy machine.
	atOnce = testkit.Wait
)

// target is a server that is attacked. It has the default limits and a secret next to its folder of files.
type target struct {
	*testkit.Server
	tree testkit.Tree
}

// newTarget starts a target, which stops with the test at the latest. Change sets other limits.
func newTarget(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *target {
	t.Helper()
	tree := testkit.NewTree(t)
	return &target{testkit.Start(t, testkit.Options{Parts: parts, TLS: true, Change: func(cfg *server.Config) {
		cfg.General.FlatFileDirectory = tree.Public
		// All clients of a test have one address. Tests of their own show the limits of an address.
		cfg.TCPServer.MaxConnsPerAddr, cfg.CommonWeb.MaxConnsPerAddr, cfg.WebSockets.SocketIO.MaxPerAddress = -1, -1, -1
		if change != nil {
			change(cfg)
		}
	}}), tree}
}

// dialer connects a client.
type dialer func() (net.Conn, error)

// below connects to a port for TLS without a handshake.
func below(addr net.Addr) dialer {
	return func() (net.Conn, error) { return net.Dial("tcp", addr.String()) }
}
