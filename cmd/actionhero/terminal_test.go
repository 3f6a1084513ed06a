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
	env := []string{beVariable + "=actionhero", "GORACE=atexit_sleep_ms=0"}
	return tmux.Start(t, tmux.Options{Columns: columns, Rows: rows, Dir: dir, Env: env, Args: append([]string{self}, args...)})
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
