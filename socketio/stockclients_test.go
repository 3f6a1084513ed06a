package socketio_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The stock clients from npm pass the suite against a real server, with each of their transports.
func TestStockClients(t *testing.T) {
	t.Parallel()
	modules := testkit.NodeModules(t, nodeFiles)
	for _, client := range []string{"socket.io-client", "socket.io-client-v3"} {
		for _, transports := range []string{"polling", "websocket", "polling,websocket"} {
			t.Run(client+" "+transports, func(t *testing.T) {
				t.Parallel()
				s := start(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.PingInterval = 300 * time.Millisecond }, tokens)
				runSuite(t, s, modules, client, transports)
			})
		}
	}
}

const nodeFiles = "testdata/node"

// tokens refuses the clients that say a wrong token.
var tokens = actionhero.ConnMiddleware{Connect: func(_ context.Context, c *actionhero.Conn, h *actionhero.Handshake) error {
	var auth struct{ Token string }
	if h.Auth == nil {
		return nil
	} else if err := json.Unmarshal(h.Auth, &auth); err != nil {
		return err
	}
	if auth.Token == "wrong" {
		return actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first")
	}
	if auth.Token == "" {
		return nil
	}
	return c.SetDetail("token", auth.Token)
}}

// runSuite runs the cases of suite.js with one client.
func runSuite(t *testing.T, s *testkit.Server, modules, client, transports string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", filepath.Join(nodeFiles, "suite.js"), client, transports, "http://"+s.Web.Addr().String())
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	node.Stderr = os.Stderr
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	processes.Lock()
	err = node.Start()
	processes.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "restart":
			processes.Lock()
			if err := s.API.Restart(t.Context()); err != nil {
				t.Errorf("the server does not restart: %v", err)
			}
			processes.Unlock()
			if _, err := io.WriteString(stdin, "done\n"); err != nil {
				t.Error(err)
			}
		case strings.HasPrefix(line, "ok "):
			passed++
		default:
			t.Error(line)
		}
	}
	if err := node.Wait(); err != nil {
		t.Errorf("node ends with %v", err)
	}
	const cases = 19
	if passed != cases && !t.Failed() {
		t.Errorf("%d of %d cases passed", passed, cases)
	}
}
