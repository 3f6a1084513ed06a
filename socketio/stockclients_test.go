package socketio_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The stock clients from npm pass the suite against a real server, with each of their transports.
func TestStockClients(t *testing.T) {
	t.Parallel()
	modules := installedClients(t)
	for _, client := range []string{"socket.io-client", "socket.io-client-v3"} {
		for _, transports := range []string{"polling", "websocket", "polling,websocket"} {
			t.Run(client+" "+transports, func(t *testing.T) {
				t.Parallel()
				s := start(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.PingInterval = 300 * time.Millisecond })
				runSuite(t, s, modules, client, transports)
			})
		}
	}
}

// installedClients installs the clients into a cache directory, unless they are there already, and returns the path of
// node_modules.
var installedClients = func() func(t *testing.T) string {
	var once sync.Once
	var dir string
	var err error
	return func(t *testing.T) string {
		t.Helper()
		once.Do(func() { dir, err = install() })
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
}()

const nodeFiles = "testdata/node"

func install() (dir string, err error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", errors.New("the tests of Socket.IO need Node.js 20 or newer with npm: install both (https://nodejs.org, or the packages nodejs and npm)")
		}
	}
	lock, err := os.ReadFile(filepath.Join(nodeFiles, "package-lock.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	cache = filepath.Join(cache, "actionhero-go-tests")
	dir = filepath.Join(cache, "socketio-"+hex.EncodeToString(sum[:8]))
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	manifest, err := os.ReadFile(filepath.Join(nodeFiles, "package.json"))
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(fresh, "package.json"), manifest, 0o644), os.WriteFile(filepath.Join(fresh, "package-lock.json"), lock, 0o644)); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the stock clients cannot be installed (npm ci of socketio/%s needs the npm registry once): %w\n%s", nodeFiles, err, out)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, err := os.Stat(modules); err != nil {
			return "", err
		} // another run of the tests has installed them meanwhile
	}
	return modules, nil
}

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
	const cases = 18
	if passed != cases && !t.Failed() {
		t.Errorf("%d of %d cases passed", passed, cases)
	}
}
