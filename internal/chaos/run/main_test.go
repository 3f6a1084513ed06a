//go:build linux

package run

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// nodeEnv is the environment variable that makes a process a node: its nodeConfig as JSON.
const nodeEnv = "CHAOS_NODE"

func TestMain(m *testing.M) {
	if config := os.Getenv(nodeEnv); config != "" {
		os.Exit(runNode(config))
	}
	goleak.VerifyTestMain(m)
}
