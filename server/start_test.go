package server_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A file in the place of the folder of the tasks is refused, with the setting and the remedy.
func TestAFileIsNoFolderOfTasks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	testkit.WriteFile(t, file, "")
	for _, path := range []string{file, filepath.Join(file, "data")} {
		var cfg server.Config
		cfg.Tasks.Path = path
		_, err := server.New(cfg)
		if err == nil || !strings.Contains(err.Error(), "tasks.path") || !strings.Contains(err.Error(), "name a folder, or set tasks.memory") {
			t.Errorf("with the path %s: %v", path, err)
		}
	}
}

// A server on which every listener is off warns, with the settings that turn one on. Any other server does not.
func TestAServerWithoutListenersWarns(t *testing.T) {
	t.Parallel()
	const warning = "no client can connect: set httpServer.enable"
	off := false
	for _, listens := range []bool{false, true} {
		s := testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) { cfg.HTTPServer.Enable, cfg.TCPServer.Enable = &listens, &off }})
		if s.Log.Has(warning) == listens {
			t.Errorf("if HTTP is %v, the log is %v", listens, s.Log.Entries())
		}
	}
}
