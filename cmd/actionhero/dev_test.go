//go:build unix

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// devWait is how long a process of `actionhero dev` may run. It compiles the app several times.
const devWait = 10 * testkit.Wait

// developed is a generated app that `actionhero dev` runs.
type developed struct {
	*process
	seen int // the number of bytes of the output that await has read
}

// launchDev runs `actionhero dev` in the folder of an app.
func launchDev(t *testing.T, dir string, env ...string) *developed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), devWait*time.Duration(1+*devSaves/4))
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, "dev")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that the app ends, too
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), beVariable+"=actionhero", "GORACE=atexit_sleep_ms=0", "GOWORK=off", "ACTIONHERO_LOG_LOG_REQUESTS=false",
		"ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1"), env...)
	d := &developed{process: watch(t, cmd)}
	t.Cleanup(func() {
		if d.ProcessState == nil {
			_ = d.Process.Signal(os.Interrupt)
			d.exit()
		}
		if t.Failed() {
			t.Logf("the output:\n%s%s", d.out, d.err)
		}
	})
	return d
}

// startDev runs `actionhero dev` until the app serves.
func startDev(t *testing.T, dir string, env ...string) *developed {
	t.Helper()
	d := launchDev(t, dir, env...)
	d.up()
	d.seen = len(d.out.String())
	return d
}

// await waits until one of the texts has come since the last call, and returns the line that has it.
func (d *developed) await(texts ...string) (line string) {
	d.t.Helper()
	for {
		d.out.mu.Lock()
		all, done, more := d.out.text.String(), d.out.done, d.out.more
		d.out.mu.Unlock()
		for line := range strings.Lines(all[d.seen:]) {
			d.seen += len(line)
			for _, text := range texts {
				if strings.Contains(line, text) {
					return line
				}
			}
		}
		if done {
			d.t.Fatalf("actionhero dev has ended without saying %q", texts)
		}
		<-more
	}
}

// save writes a file of the app.
func (d *developed) save(name, text string) {
	d.t.Helper()
	name = filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		d.t.Fatal(err)
	}
}

func (d *developed) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name)))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// replace replaces a text in a file of the app.
func (d *developed) replace(name, before, after string) {
	d.t.Helper()
	text := d.read(name)
	if !strings.Contains(text, before) {
		d.t.Fatalf("%s has no %q", name, before)
	}
	d.save(name, strings.Replace(text, before, after, 1))
}

// want asks for a path. The answer must have the status and contain the text.
func (d *developed) want(path string, status int, text string) {
	d.t.Helper()
	if got, body := d.get(path); got != status || !strings.Contains(body, text) {
		d.t.Errorf("%s answers %d %.300s", path, got, body)
	}
}

// ask asks for a path with a header Accept.
func (d *developed) ask(path, accept string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.http+path, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	client := http.Client{Timeout: testkit.Wait, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

// serves is part of the line that says that a change is in effect.
const serves = ": serving after "

// From an empty folder to the answer of a new action: no command starts anything again, also if the folder is entered by a
// symbolic link.
func TestDevServesANewActionByItself(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(generateApp(t), dir); err != nil {
		t.Fatal(err)
	}
	d := startDev(t, dir, "ACTIONHERO_LOG_LOG_REQUESTS=true", "PWD="+dir)
	d.want("/api/hello?name=x", http.StatusNotFound, "")
	begun := time.Now()
	tool(t, d.dir, "generate", "action", "hello", "--inputs", "name:string!")
	d.await(serves)
	d.want("/api/hello?name=x", http.StatusOK, `{"name":"x",`)
	t.Logf("from the command generate to the answer: %v", time.Since(begun).Round(time.Millisecond))
	if list := d.read("actions/all.gen.go"); !strings.Contains(list, "Hello") {
		t.Error("the list of the actions has no Hello")
	}
	if err := os.Remove(filepath.Join(d.dir, "actions", "hello.go")); err != nil { // the list follows
		t.Fatal(err)
	}
	if line := d.await(serves); !strings.Contains(line, " actions/hello.go"+serves) {
		t.Errorf("the list of actions counts as a change, or the test of an action: %q", line)
	}
	d.want("/api/hello?name=x", http.StatusNotFound, "")
	d.stop()
	if out := d.out.String(); !strings.Contains(out, "action: hello") || strings.Contains(out, "\x1b") {
		t.Error("the lines of the app do not pass through, or there are colours without a terminal")
	}
}

// An app that does not compile from the beginning is answered for: with a page, or with an object. The page loads itself
// again when the app compiles.
func TestDevShowsWhyAnAppDoesNotBuild(t *testing.T) {
	t.Parallel()
	dir := generateApp(t)
	port := testkit.FreePort(t)
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
	d.await("Ctrl+C stops it.")
	d.want("/api/greet?name=Ann", http.StatusOK, `"greeting":"Hello, Ann!"`)
	if events.ended(); d.events().next().ID == second.ID {
		t.Error("the page of the failure stays when the app serves")
	}
	d.stop()
}

// event is an event for pages.
type event struct{ ID, Version, Failure string }

// stream is a stream of events.
type stream struct {
	t    testing.TB
	body io.ReadCloser
}

func (d *developed) events() *stream {
	d.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(d.http + "/__dev/events")
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatal(resp, err)
	}
	d.t.Cleanup(func() { _ = resp.Body.Close() })
	return &stream{t: d.t, body: resp.Body}
}

// next returns the next event.
func (s *stream) next() (e event) {
	s.t.Helper()
	for {
		line, err := s.line()
		if err != nil {
			s.t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				s.t.Fatal(err)
			}
			return e
		}
	}
}

// ended waits for the end of the stream.
func (s *stream) ended() {
	s.t.Helper()
	if _, err := io.Copy(io.Discard, s.body); err != nil {
		s.t.Error(err)
	}
}

func (s *stream) line() (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if n, err := s.body.Read(b); n == 0 && err != nil {
			return "", err
		} else if n > 0 && b[0] == '\n' {
			return string(line), nil
		} else if n > 0 {
			line = append(line, b[0])
		}
	}
}

// A program that crashes at its start takes no one's place: before it has the backend, the old process goes on; after
// that, the old program starts again. A new build mends it.
func TestDevGoesOnAfterACrashAtTheStart(t *testing.T) {
	t.Parallel()
	d := startDev(t, generateApp(t))
	before := d.events()
	id := before.next().ID
	d.save("actions/boom.go", "package actions\n\nfunc init() { panic(\"the boom\") }\n")
	if line := d.await("the app ends at its start"); !strings.Contains(line, "exit code 2; the last program that works serves on") {
		t.Errorf("the line is %q", line)
	}
	if e := before.next(); e.ID != id || !strings.Contains(e.Failure, "panic: the boom") {
		t.Errorf("the page shows %+v", e)
	}
	d.want("/api/greet?name=Ann", http.StatusOK, "Hello, Ann!")
	if _, page := d.ask("/__dev/", "text/html"); !strings.Contains(page, "panic: the boom") {
		t.Errorf("the page of the failure is %s", page)
	}
	d.save("actions/boom.go", "package actions\n")
	d.await(serves)
	before.ended()
	if e := d.events().next(); e.ID == id || e.Failure != "" {
		t.Errorf("the page shows %+v", e)
	}

	d.save("initializers/fails.go", `package initializers

import (
	"context"
	"errors"

	"github.com/actionhero-go/actionhero"
)

var Fails = actionhero.Initializer{Name: "fails", Start: func(context.Context, *actionhero.API) error { return errors.New("no such pool") }}
`)
	d.await("the app ends at its start: exit code 1; the last program that works starts again")
	d.await("the last program that works serves again")
	d.want("/api/greet?name=Ann", http.StatusOK, "Hello, Ann!")
	shown := d.events()
	for e := shown.next(); !strings.Contains(e.Failure, "no such pool"); e = shown.next() {
		if e.Failure != "" { // the process that has just started may not know it yet
			t.Errorf("the page shows %+v", e)
		}
	}
	d.replace("initializers/fails.go", `errors.New("no such pool")`, `errors.Join()`)
	d.await(serves)
	d.want("/api/greet?name=Ann", http.StatusOK, "Hello, Ann!")
	d.stop()
}

// A change of the configuration starts the program again, without a build. A wrong one changes nothing. A port that
// cannot be opened leads back to the configuration that worked.
func TestDevFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	d := startDev(t, generateApp(t))
	setting := func(text string) { d.save("config.yaml", text) }
	setting("general:\n  serverName: the second\n")
	if line := d.await(serves); strings.Contains(line, "build") {
		t.Errorf("the line is %q", line)
	}
	d.want("/api/status", http.StatusOK, `"the second"`)
	setting("general:\n  serverNaem: the third\n")
	d.await("the app ends at its start: exit code 1; the last program that works serves on")
	d.want("/api/status", http.StatusOK, `"the second"`)
	setting("general:\n  serverName: the fourth\nhttpsServer:\n  port: 1\n  certFile: none.pem\n  keyFile: none.pem\n")
	d.await("the last program that works serves again")
	d.want("/api/status", http.StatusOK, `"the second"`)
	setting("general:\n  serverName: the fifth\n")
	d.await(serves)
	d.want("/api/status", http.StatusOK, `"the fifth"`)
	d.stop()
}

// A change of a static file loads pages again, and starts nothing. New folders are watched, files of editors are not.
func TestDevLoadsPagesAgain(t *testing.T) {
	t.Parallel()
	d := startDev(t, generateApp(t))
	events := d.events()
	first := events.next()
	_, page := d.ask("/public/", "text/html")
	if !strings.HasSuffix(page, "\n<script src=\"/__dev/reload.js?"+first.ID+"\" defer></script>\n") {
		t.Errorf("the page ends with %q", page[max(0, len(page)-100):])
	}
	d.save("public/.index.html.swp", "x")
	d.save("public/new/one.css", "p{}")
	if line := d.await("pages load again"); !strings.Contains(line, "public/new/one.css changed") {
		t.Errorf("the line is %q", line)
	}
	second := events.next()
	if second.ID == first.ID {
		t.Error("the id of the pages does not change")
	}
	d.save("public/new/one.css", "p{color:red}")
	d.await("pages load again")
	if third := events.next(); third.ID == second.ID {
		t.Error("the id of the pages does not change")
	}
	if _, page = d.ask("/public/", "text/html"); strings.Contains(page, first.ID) {
		t.Error("the page has the old id")
	}
	if resp, _ := d.ask("/__dev/reload.js", "*/*"); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("the script is %d %v", resp.StatusCode, resp.Header)
	}
	d.stop()
	if out := d.out.String(); strings.Contains(out, serves) {
		t.Error("the app was started again")
	}
}

// An app that has ended is answered for, until the next change starts it again.
func TestDevStartsAnAppThatHasEndedAtTheNextChange(t *testing.T) {
	t.Parallel()
	dir := generateApp(t)
	d := launchDev(t, dir)
	d.up()
	d.seen = len(d.out.String())
	d.save("actions/leave.go", `package actions

import (
	"context"
	"os"

	"github.com/actionhero-go/actionhero"
)

var Leave = actionhero.Action[actionhero.None, actionhero.None]{Name: "leave", Description: "Ends.", Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) {
	os.Exit(7)
	return n, nil
}}
`)
	d.await(serves)
	client := http.Client{Timeout: testkit.Wait}
	if resp, err := client.Get(d.http + "/api/leave"); err == nil {
		t.Errorf("the action answers %s", resp.Status)
		_ = resp.Body.Close()
	}
	d.await("the app has ended: exit code 7; the next change starts it again")
	if resp, body := d.ask("/api/greet", "text/html"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "The app has ended: exit code 7") {
		t.Errorf("the page is %d %s", resp.StatusCode, body)
	}
	d.replace("actions/greet.go", `"Hello, "`, `"Good day, "`)
	d.await(serves)
	d.want("/api/greet?name=Ann", http.StatusOK, "Good day, Ann!")
	d.stop()
}
