package server_test

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// everyTransport is testkit.Transports with the command line, which imports package testkit in its own tests.
func everyTransport() map[string]func(t testing.TB, s *testkit.Server) testkit.Client {
	all := maps.Clone(testkit.Transports)
	all["cli"] = func(t testing.TB, s *testkit.Server) testkit.Client { return commandLine{t, s} }
	return all
}

// commandLine is a Client without a server. Its method Do runs the command `action` of an app with the parts of the
// server, whose middleware must therefore come from an Initializer.
type commandLine struct {
	t testing.TB
	s *testkit.Server
}

func (c commandLine) Do(action string, params map[string]string) testkit.Answer {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "config.json")
	testkit.WriteFile(c.t, file, `{"tasks": {"memory": true}}`)
	args := []string{"app", "--config", file, "action", action}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		args = append(args, "--"+key+"="+params[key])
	}
	var stdout, stderr bytes.Buffer
	code := cli.Run(c.t.Context(), &stdout, &stderr, args, c.s.Parts...)
	for line := range strings.Lines(stderr.String()) {
		if text, ok := strings.CutPrefix(line, "Error: "); ok && code > 0 && stdout.Len() == 0 {
			return testkit.Answer{Error: strings.TrimSpace(text)}
		}
	}
	if code != 0 {
		c.t.Fatalf("exit code %d without an error: %s%s", code, &stdout, &stderr)
	}
	return testkit.Answer{JSON: stdout.String()}
}
