//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// logged reports whether the log file at path contains a line with the text.
func logged(path, text string) bool {
	lines, err := os.ReadFile(path)
	return err == nil && strings.Contains(string(lines), text)
}

// logrotate moves the log file and sends SIGHUP or SIGUSR1. The server goes on, and its next lines are in a new file.
func TestSignalsReopenTheLog(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "actionhero", t.TempDir())
			path := filepath.Join(p.dir, "log", "api.log")
			p.get("/api/status?limit=11")
			testkit.Eventually(t, "the request is logged", func() bool { return logged(path, `limit\":11`) })
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			p.signal(sig)
			p.out.await(t, "the log is reopened | signal: "+sig.String())
			if status, _ := p.get("/api/status?limit=12"); status != http.StatusOK {
				t.Errorf("after %v: status %d", sig, status)
			}
			testkit.Eventually(t, "the next request is in the new file", func() bool { return logged(path, `limit\":12`) })
			if logged(path+".1", `limit\":12`) {
				t.Error("the line is in the moved file")
			}
			p.stop()
		})
	}
}

// Without a signal, the server notices that the log file was moved, deleted or truncated.
func TestAMovedLogFileIsNoticed(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir())
	path := filepath.Join(p.dir, "log", "api.log")
	p.get("/api/status?limit=11")
	testkit.Eventually(t, "the request is logged", func() bool { return logged(path, `limit\":11`) })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.get("/api/status?limit=12")
	testkit.Eventually(t, "the next request is in a new file", func() bool { return logged(path, `limit\":12`) })
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	p.get("/api/status?limit=13")
	testkit.Eventually(t, "the next request is in the truncated file", func() bool { return logged(path, `limit\":13`) })
	if logged(path, "\x00") {
		t.Error("the truncated file has a hole")
	}
	p.stop()
}

// The reader of the console goes away: `actionhero start | head -1`. The server goes on.
func TestAClosedConsoleDoesNotEndTheServer(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := command(t, "actionhero", dir, nil, "start")
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	head := make([]byte, 10)
	if _, err := out.Read(head); err != nil {
		t.Error(err)
	}
	out.Close()
	testkit.Eventually(t, "the server has reopened its log", func() bool {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return logged(filepath.Join(dir, "log", "api.log"), "the log is reopened")
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
}

// On a read-only file system the server logs to the console alone, with a warning. A folder that the configuration
// names must be writable, and the error names the settings.
func TestLogFolderThatIsNotWritable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "log"), "a file, so that no folder can be made here")
	p := start(t, "actionhero", dir, "ACTIONHERO_TASKS_MEMORY=true")
	p.out.await(t, "the log goes to the console alone; log.logFolder names another folder")
	p.stop()
	_, stderr, code := run(t, dir, []string{"ACTIONHERO_LOG_LOG_FOLDER=log/api", "ACTIONHERO_TASKS_MEMORY=true"}, "start")
	if code != 1 || !strings.Contains(stderr, "is not writable") || !strings.Contains(stderr, "log.logFolder") || !strings.Contains(stderr, "log.file: false") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
