//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit/tmux"
)

// inTerminal runs the command actionhero in a terminal.
func inTerminal(t *testing.T, columns, rows int, dir string, args ...string) *tmux.Terminal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		beVariable + "=actionhero", "GORACE=atexit_sleep_ms=0", "GOWORK=off", "ACTIONHERO_LOG_LOG_REQUESTS=false",
		"ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1",
	}
	return tmux.Start(t, tmux.Options{Columns: columns, Rows: rows, Dir: dir, Env: env, Args: append([]string{self}, args...), Wait: devWait})
}

// emptyApp writes a folder with a module, to which generate can add parts.
func emptyApp(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A person answers the questions of `generate action`, and mends wrong answers.
func TestAPersonGeneratesAnAction(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			dir := emptyApp(t)
			term := inTerminal(t, size[0], size[1], dir, "generate", "action")
			const name = "Name, such as users:create: "
			term.AwaitScreen(strings.TrimSpace(name))
			term.Type("users:createx")
			term.Keys("BSpace", "Home", "End", "Left", "Right") // editing leaves no marks
			term.AwaitScreen(name + "users:create")
			term.Keys("Enter")
			shown := name + "users:create\nDescription, one sentence: "
			term.AwaitScreen(strings.TrimSpace(shown))
			term.Enter("Creates a user")
			shown += "Creates a user\nInputs, such as name:string!,age:int (! is required): "
			term.AwaitScreen(strings.TrimSpace(shown))
			term.Enter("name:strin")
			shown += "name:strin\n"
			if size[0] == 80 { // the explanation wraps at spaces
				shown += `  the input name has the unknown type "strin" (did you mean string?): use
  string, int, float, bool, email, uri, uuid, time, date, duration, file, or []
  and one of these; ! at the end marks a required input
`
			} else {
				shown += `  the input name has the unknown type "strin" (did you mean string?): use string, int, float, bool, email, uri, uuid,
  time, date, duration, file, or [] and one of these; ! at the end marks a required input
`
			}
			shown += "Inputs, such as name:string!,age:int (! is required): "
			term.AwaitScreen(strings.TrimSpace(shown))
			term.Enter("name:string!,age:int")
			shown += "name:string!,age:int\nKind: write, read or destructive [write]: "
			term.AwaitScreen(strings.TrimSpace(shown))
			term.Enter("destructive")
			shown += "destructive\nRoute, such as POST /users/{id} [only /api/NAME]: "
			term.AwaitScreen(strings.TrimSpace(shown))
			term.Enter("POST /users")
			shown += "POST /users\n  wrote       actions/users_create.go\n"
			term.Await(shown)
			if code := term.Exit(); code != 0 {
				t.Errorf("the exit code is %d", code)
			}
			source, err := os.ReadFile(filepath.Join(dir, "actions", "users_create.go"))
			for _, want := range []string{`"users:create"`, `"Creates a user"`, `json:"name" required:"true"`, `json:"age"`, "KindDestructive", `"POST /users"`} {
				if !strings.Contains(string(source), want) {
					t.Errorf("the action has no %s: %v\n%s", want, err, source)
				}
			}
		})
	}
}

// Questions that are left with Ctrl+C or Ctrl+D write nothing, and leave the terminal as it was.
func TestAPersonLeavesTheQuestionsOfGenerate(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"C-c": "Description, one sentence: half^C\nError: interrupted: nothing is written",
		"C-d": "Description, one sentence:\nError: the input ended before all questions were answered: nothing is written",
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			dir := emptyApp(t)
			term := inTerminal(t, 80, 24, dir, "generate", "task", "tick")
			term.AwaitScreen("Description, one sentence:")
			if key == "C-c" {
				term.Type("half")
				term.AwaitEnd("Description, one sentence: half")
			}
			term.Keys(key)
			term.AwaitScreen(want)
			if code := term.Exit(); code != 1 {
				t.Errorf("the exit code is %d", code)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("the folder has %v, %v", left, err)
			}
		})
	}
}

// A task has questions of its own, and an empty answer is the default.
func TestAPersonGeneratesATask(t *testing.T) {
	t.Parallel()
	dir := emptyApp(t)
	term := inTerminal(t, 80, 24, dir, "generate", "task", "tick")
	for _, step := range [][2]string{
		{"Description, one sentence:", "Ticks"}, {"Inputs, such as name:string!,age:int (! is required):", ""}, {"Frequency, such as 90s [no schedule]:", "90"},
		{"Frequency, such as 90s [no schedule]:", "90s"}, {"Nodes of a cluster that run it: any or all [any]:", "all"},
	} {
		term.AwaitEnd(step[0])
		term.Enter(step[1])
	}
	if code := term.Exit(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	source, err := os.ReadFile(filepath.Join(dir, "tasks", "tick.go"))
	for _, want := range []string{`"tick"`, `"Ticks"`, "90 * time.Second", "ScopeAllNodes"} {
		if !strings.Contains(string(source), want) {
			t.Errorf("the task has no %s: %v\n%s", want, err, source)
		}
	}
}

// Without a terminal, generate does not wait for answers.
func TestGenerateAsksNothingWithoutATerminal(t *testing.T) {
	t.Parallel()
	_, errs, code := run(t, emptyApp(t), nil, "generate", "action")
	if want := "the name of the action is missing: write \"generate action NAME\""; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// A developer has `dev` in one terminal, and answers questions and asks the server in others.
func TestAPersonDevelopsAnApp(t *testing.T) {
	t.Parallel()
	dir := sharedApp(t)
	dev := inTerminal(t, 80, 24, dir, "dev")
	dev.Await("Ctrl+C stops it.")
	if screen := dev.Screen(); !strings.HasPrefix(screen, "dev  building; a change of the source builds again, Ctrl+C stops\n") {
		t.Errorf("the screen begins with something else:\n%s", screen)
	}
	greet := filepath.Join(dir, "actions", "greet.go")
	right, err := os.ReadFile(greet)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(greet, []byte(strings.Replace(string(right), "in.Name", "in.Nmae", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	dev.AwaitLine("dev  actions/greet.go: the build fails after …s; the last program that works serves on")
	dev.AwaitLine("actions/greet.go:…: in.Nmae undefined (type GreetInput has no field or method Nmae)")
	if colors := dev.Colors(); !strings.Contains(colors, "\x1b[36mdev") || !strings.Contains(colors, "\x1b[31mactions/greet.go: the build fails") {
		t.Errorf("the lines have other colours: %q", colors)
	}
	if err := os.WriteFile(greet, right, 0o666); err != nil {
		t.Fatal(err)
	}
	dev.AwaitLine("dev  actions/greet.go: serving after …")

	questions := inTerminal(t, 80, 24, dir, "generate", "action", "hello")
	for _, answer := range []string{"Says hello", "name:string!", "read", ""} {
		questions.AwaitEnd("…:")
		questions.Enter(answer)
	}
	if code := questions.Exit(); code != 0 {
		t.Errorf("the exit code of generate is %d", code)
	}
	dev.AwaitLine("dev  …hello.go…: serving after …")

	console := inTerminal(t, 80, 24, dir, "console")
	console.AwaitEnd("…>")
	console.Enter("action hello --name=Ann")
	console.Await("  \"name\": \"Ann\"")
	console.Keys("C-d")
	if code := console.Exit(); code != 0 {
		t.Errorf("the exit code of the console is %d", code)
	}
	dev.Keys("C-c")
	dev.AwaitLine("dev  stopping; a second signal ends at once") // not on the line with ^C
	if code := dev.Exit(); code != 0 {
		t.Errorf("the exit code of dev is %d", code)
	}
}

// The line after Ctrl+C is a line of its own, because the terminal has written ^C.
func TestAPersonStopsTheServer(t *testing.T) {
	t.Parallel()
	server := inTerminal(t, 100, 24, t.TempDir(), "start")
	server.Await("Ctrl+C stops it.")
	server.Keys("C-c")
	server.AwaitLine("20… | stopping; a second signal ends at once | signal: interrupt")
	if code := server.Exit(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}
