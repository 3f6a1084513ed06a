package tcp_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

const nodeFiles = "testdata/node"

// The original's npm clients pass the suite in the later dialect. In the classic dialect, they connect, keep params and
// run actions.
func TestNPMClients(t *testing.T) {
	t.Parallel()
	modules := testkit.NodeModules(t, nodeFiles)
	for _, client := range []string{"actionhero-client", "actionhero-client-4"} {
		for dialect, cases := range map[string]int{"classic": 4, "later": 7} {
			t.Run(client+" "+dialect, func(t *testing.T) {
				t.Parallel()
				s := start(t, tcp.Config{Dialect: dialect})
				runSuite(t, s, modules, client, dialect, cases)
			})
		}
	}
}

func runSuite(t *testing.T, s *testkit.Server, modules, client, dialect string, cases int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	port := strconv.Itoa(s.TCPAddr().(*net.TCPAddr).Port)
	node := exec.CommandContext(ctx, "node", filepath.Join(nodeFiles, "suite.js"), client, port, dialect)
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	out, err := node.CombinedOutput()
	passed := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "ok ") {
			passed++
		} else {
			t.Error(line)
		}
	}
	if err != nil || passed != cases {
		t.Errorf("%d of %d cases passed; node ends with %v", passed, cases, err)
	}
}
