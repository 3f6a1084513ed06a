//go:build unix

package main

import (
	"context"
	"encoding/json"
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

// An app that does not stop is killed, and its successor serves.
func TestDevKillsAnAppThatDoesNotStop(t *testing.T) {
	t.Parallel()
	dir := sharedApp(t)
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

// An app that neither compiles nor has a correct configuration from the beginning is answered for: with a page, or with an
// object. The page loads itself again when the app serves. If `actionhero dev` is then killed, the app ends.
func TestDevShowsWhyAnAppDoesNotRun(t *testing.T) {
	t.Parallel()
	dir := sharedApp(t)
	port := testkit.FreePort(t)
	config := filepath.Join(dir, "config.yaml")
	testkit.WriteFile(t, config, "general: [\n")
	greet := filepath.Join(dir, "actions", "greet.go")
	right, err := os.ReadFile(greet)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(right), "in.Name", "in.Nmae", 1)
	if err := os.WriteFile(greet, []byte(wrong), 0o666); err != nil {
		t.Fatal(err)
	}
	d := launchDev(t, dir, "ACTIONHERO_HTTP_SERVER_PORT="+strconv.Itoa(port))
	d.http = "http://127.0.0.1:" + strconv.Itoa(port)
	d.await("the build fails after")
	const fault = "actions/greet.go:29:"
	d.await(fault)
	resp, body := d.ask("/api/greet?name=Ann", "text/html,application/xhtml+xml,*/*;q=0.8")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || resp.Header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(body, fault) || !strings.Contains(body, "in.Nmae undefined") || !strings.Contains(body, `<script src="/__dev/reload.js?`) {
		t.Errorf("a browser reads %d %v %s", resp.StatusCode, resp.Header, body)
	}
	resp, body = d.ask("/api/greet?name=Ann", "application/json")
	var object struct{ Error, ErrorCode string }
	if err := json.Unmarshal([]byte(body), &object); err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(object.Error, fault) || object.ErrorCode != "unavailable" {
		t.Errorf("a client reads %d %s", resp.StatusCode, body)
	}
	events := d.events()
	first := events.next()
	d.save("actions/greet.go", strings.Replace(wrong, "in.Nmae", "in.Other", 1))
	d.await("in.Other undefined")
	second := events.next()
	if first.Version == second.Version {
		t.Error("the page of the failure does not follow the failure")
	}
	d.save("actions/greet.go", string(right))
	d.await("the app ends at its start: exit code 1")
	if resp, body := d.ask("/", "application/json"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "config.yaml:") {
		t.Errorf("with a wrong configuration, a client reads %d %s", resp.StatusCode, body)
	}
	d.save("config.yaml", "general:\n  serverName: mended\n")
	d.await("mended is up")
	d.await("Ctrl+C stops it.")
	d.want("/api/greet?name=Ann", http.StatusOK, `"greeting":"Hello, Ann!"`)
	if events.ended(); d.events().next().ID == second.ID {
		t.Error("the page of the failure stays when the app serves")
	}
	if err := d.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the port is closed", func() bool {
		nc, err := net.Dial("tcp", strings.TrimPrefix(d.http, "http://"))
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	d.exit()
}
