package cli_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// appProcess prepares a process of the app, in a folder.
func appProcess(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*testkit.Wait)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), roleVariable+"=app", "GORACE=atexit_sleep_ms=0")
	return cmd
}
