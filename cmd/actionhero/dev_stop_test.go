//go:build unix

package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/dev"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// Ctrl+C stops the app in an orderly way, also if it comes twice, and leaves nothing behind.
func TestDevStopsInAnOrderlyWay(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	d := startDev(t, generateApp(t), "TMPDIR="+temporary)
	running := d.dial()
	d.signal(os.Interrupt) // "go tool" passes on a second one
	d.stop()               // wants exit code 0
	if line := running.Next(); !strings.Contains(line, "Bye!") {
		t.Errorf("the client reads %q", line)
	}
	if nc, err := net.Dial("tcp", strings.Replace(d.tcp, "localhost", "127.0.0.1", 1)); err == nil {
		_ = nc.Close()
		t.Error("the port is open")
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "actionhero-dev-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if !strings.Contains(d.out.String(), "stopped | took:") {
		t.Error("the app did not stop in an orderly way")
	}
}

// If `actionhero dev` is killed, the app ends.
func TestAnAppEndsWithItsDev(t *testing.T) {
	t.Parallel()
	d := startDev(t, generateApp(t))
	if err := d.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the port is closed", func() bool {
		nc, err := net.Dial("tcp", strings.Replace(d.tcp, "localhost", "127.0.0.1", 1))
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	d.exit()
}

// An app that does not stop is killed, and its successor serves.
func TestDevKillsAnAppThatDoesNotStop(t *testing.T) {
	t.Parallel()
	dir := generateApp(t)
	testkit.WriteFile(t, filepath.Join(dir, "config.yaml"), "httpServer:\n  port: -1\n  bindIP: 127.0.0.1\ntcpServer:\n  port: -1\n")
	testkit.WriteFile(t, filepath.Join(dir, "initializers", "freeze.go"), `package initializers

import (
	"context"
	"os"
	"syscall"

	"github.com/actionhero-go/actionhero"
)

// Freeze stops the whole process, as a debugger does.
var Freeze = actionhero.Initializer{Name: "freeze", Stop: func(context.Context, *actionhero.API) error {
	return syscall.Kill(os.Getpid(), syscall.SIGSTOP)
}}
`)
	out := newLines()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		out.read(read)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), devWait)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- dev.Run(ctx, dev.Config{Dir: dir, Stdout: write, Stderr: write, Ports: portsOf, StopLimit: 300 * time.Millisecond})
	}()
	d := &developed{process: &process{t: t, dir: dir, out: out, err: out}}
	d.up()
	d.seen = len(out.String())
	d.replace("actions/greet.go", `"Hello, "`, `"Good day, "`)
	d.await("is killed, because it did not stop within 300ms")
	d.await(serves)
	d.want("/api/greet?name=Ann", http.StatusOK, "Good day, Ann!")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	<-reading
	_ = read.Close()
}

// A configuration that is wrong from the beginning is shown, too. After it is mended, the app serves.
func TestDevShowsAWrongConfiguration(t *testing.T) {
	t.Parallel()
	dir := generateApp(t)
	config := filepath.Join(dir, "config.yaml")
	testkit.WriteFile(t, config, "general: [\n")
	port := strconv.Itoa(testkit.FreePort(t))
	d := launchDev(t, dir, "ACTIONHERO_HTTP_SERVER_PORT="+port)
	d.http = "http://127.0.0.1:" + port
	d.await("the app ends at its start: exit code 1")
	if resp, body := d.ask("/", "application/json"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "config.yaml:") {
		t.Errorf("a client reads %d %s", resp.StatusCode, body)
	}
	testkit.WriteFile(t, config, "general:\n  serverName: mended\n")
	d.await("mended is up")
	d.want("/api/status", http.StatusOK, `"mended"`)
	d.stop()
}
