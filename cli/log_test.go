package cli_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// runAsApp is set in the process of TestLibrariesLogLikeTheServer that is the app.
const runAsApp = "TEST_RUN_AS_APP"

// The log of the server is the default logger of log/slog, so that a library without a logger writes the same lines. The
// app is a process of its own, because that logger belongs to the whole process.
func TestLibrariesLogLikeTheServer(t *testing.T) {
	t.Parallel()
	if os.Getenv(runAsApp) != "" {
		os.Args = []string{"app", "start"}
		cli.Main(actionhero.Initializer{Name: "library", Start: func(_ context.Context, api *actionhero.API) error {
			slog.Info("a library logs", "who", "library")
			go func() { _ = api.Stop(context.Background()) }()
			return nil
		}})
		return
	}
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "config.json"),
		`{"httpServer": {"port": -1}, "tcpServer": {"port": -1}, "tasks": {"memory": true}, "log": {"format": "json", "file": false}}`)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLibrariesLogLikeTheServer$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), runAsApp+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"msg":"a library logs","who":"library"`) {
		t.Errorf("the app ends with %v and prints\n%s", err, out)
	}
}
