//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// documentRunner returns a runner in the folder of a checkout, where go run ./cmd/actionhero is this test binary.
func documentRunner(t *testing.T) *docrun.Runner {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(t.TempDir(), "checkout")
	if err := os.Mkdir(checkout, 0o700); err != nil {
		t.Fatal(err)
	}
	r := docrun.NewRunner(t, checkout)
	r.Programs = map[string]string{"go run ./cmd/actionhero ": fmt.Sprintf("env %s=actionhero GORACE=atexit_sleep_ms=0 '%s' ", beVariable, self)}
	http, tcp := testkit.FreePort(t), testkit.FreePort(t)
	r.Env = append(r.Env, fmt.Sprint("ACTIONHERO_HTTP_SERVER_PORT=", http), fmt.Sprint("ACTIONHERO_TCP_SERVER_PORT=", tcp),
		"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1")
	r.Addrs = map[string]string{"localhost:8080": fmt.Sprint("127.0.0.1:", http), "localhost 5000": fmt.Sprint("127.0.0.1 ", tcp)}
	return r
}

// TestTheTutorialWorks does everything that the tutorial says, in order.
func TestTheTutorialWorks(t *testing.T) {
	t.Parallel()
	redis := redistest.Redis.Start(t, redistest.Options{})
	r := documentRunner(t)
	r.Addrs["localhost:6379"] = redis.Addr
	kinds := map[string]int{}
	for _, b := range docrun.Blocks(t, "../../docs/tutorial.md") {
		if r.Run(b); t.Failed() {
			break // the rest depends on it
		}
		kinds[b.Kind]++
	}
	if !t.Failed() && (kinds["sh"] < 10 || kinds["console"] < 10 || kinds["go"] < 10) {
		t.Errorf("only these blocks were run: %v", kinds)
	}
	if strings.Contains(r.Dir, "checkout") {
		t.Errorf("the tutorial ends in %s", r.Dir)
	}
}
