//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// One `actionhero dev` follows all that happens to an app, and each change is in effect without a further command, also if
// the folder is entered by a symbolic link. No HTTP
// request fails meanwhile, and persistent clients read why they are closed, and are back soon. The steps share the process,
// because its start and the first build take as long as several steps.
func TestDevFollowsAnApp(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	dir := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(sharedApp(t), dir); err != nil {
		t.Fatal(err)
	}
	d := startDev(t, dir, "TMPDIR="+temporary, "PWD="+dir)
	load := startLoad(t, d)
	d.steps(load, []step{
		{"pages are loaded again", loadsPagesAgain},
		{"a new action is served", servesANewAction},
		{"the configuration is followed", followsTheConfiguration},
		{"a crash at the start changes nothing", goesOnAfterACrash},
		{"a fault of the compiler changes nothing", goesOnAfterAFault},
	})
	load.end()
	d.steps(nil, []step{
		{"an app that has ended starts at the next change", startsAnAppThatHasEnded},
		{"a stop is orderly", func(t *testing.T, d *developed) { stopsInAnOrderlyWay(t, d, temporary) }},
	})
}

// step is a part of a test, which keeps one promise.
type step struct {
	promise string
	run     func(*testing.T, *developed)
}

// steps runs the steps in order. A step that fails ends the test, because the next ones depend on it.
func (d *developed) steps(load *load, steps []step) {
	for _, step := range steps {
		if !d.of.Run(step.promise, func(t *testing.T) {
			defer func() { d.t = d.of }()
			d.t = t
			before := strings.Count(d.out.String(), serves)
			step.run(t, d)
			if load == nil {
				return
			}
			if strings.Count(d.out.String(), serves) > before {
				load.swaps++
			}
			load.awaitBack()
		}) {
			d.of.FailNow()
		}
	}
}

// loadsPagesAgain changes static files, which starts nothing. New folders are watched, files of editors are not.
func loadsPagesAgain(t *testing.T, d *developed) {
	begin := len(d.out.String())
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
	if out := d.out.String(); strings.Contains(out[begin:], serves) {
		t.Error("the app was started again")
	}
}

// servesANewAction generates an action, and asks for it: no command starts anything again.
func servesANewAction(t *testing.T, d *developed) {
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
	if out := d.out.String(); !strings.Contains(out, "stopped | took:") || strings.Contains(out, "\x1b") {
		t.Error("the lines of the app do not pass through, or there are colours without a terminal")
	}
}

// followsTheConfiguration changes the configuration, which starts the program again, without a build. A wrong one changes
// nothing. A port that cannot be opened leads back to the configuration that worked.
func followsTheConfiguration(t *testing.T, d *developed) {
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
}

// goesOnAfterACrash saves programs that crash at their start. They take no one's place: before they have the backend, the
// old process goes on; after that, the old program starts again. A new build mends it.
func goesOnAfterACrash(t *testing.T, d *developed) {
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
}

// goesOnAfterAFault saves files, every second of which does not compile.
func goesOnAfterAFault(t *testing.T, d *developed) {
	for i := range *devSaves {
		if i%2 == 0 {
			d.replace("actions/greet.go", "in.Name", "in.Nmae")
			d.await("the build fails after")
			d.want("/api/greet?name=Ann", http.StatusOK, "Ann!")
			d.replace("actions/greet.go", "in.Nmae", "in.Name")
			d.await(serves)
			continue
		}
		greeting := fmt.Sprintf("Hello %d, ", i)
		_, rest, _ := strings.Cut(d.read("actions/greet.go"), `Greeting: "`)
		before, _, _ := strings.Cut(rest, `"`)
		d.replace("actions/greet.go", `Greeting: "`+before, `Greeting: "`+greeting)
		t.Log(strings.TrimSpace(d.await(serves)))
		d.want("/api/greet?name=Ann", http.StatusOK, greeting+"Ann!")
	}
}

// startsAnAppThatHasEnded ends the app. It is answered for, until the next change starts it again.
func startsAnAppThatHasEnded(t *testing.T, d *developed) {
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
	d.replace("actions/greet.go", `Greeting: "Hello`, `Greeting: "Good day`)
	d.await(serves)
	d.want("/api/greet?name=Ann", http.StatusOK, "Good day")
}

// stopsInAnOrderlyWay sends Ctrl+C twice. The app stops in an orderly way, and leaves nothing behind.
func stopsInAnOrderlyWay(t *testing.T, d *developed, temporary string) {
	t.Helper()
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
