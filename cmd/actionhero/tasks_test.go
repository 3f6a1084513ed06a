package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// The tasks of the app: one that is done at once, one that fails, one that runs until it is cancelled.
var (
	remember = actionhero.Task[struct {
		What   string `json:"what" required:"true" doc:"what to remember"`
		Secret string `json:"secret" secret:"true"`
	}]{
		Name: "remember", Description: "Remembers something", Queue: "memory",
		Run: func(context.Context, struct {
			What   string `json:"what" required:"true" doc:"what to remember"`
			Secret string `json:"secret" secret:"true"`
		}) error {
			return nil
		},
	}
	fails = actionhero.Task[actionhero.None]{
		Name: "fails", MaxAttempts: 1,
		Run: func(context.Context, actionhero.None) error { return errors.New("a bell: \a\nand a second line") },
	}
	patient = actionhero.Task[actionhero.None]{
		Name: "patient",
		Run: func(ctx context.Context, _ actionhero.None) error {
			fmt.Fprintln(os.Stderr, "patient has begun")
			<-ctx.Done()
			return ctx.Err()
		},
	}
)

// runApp runs a command line of the app in a folder.
func runApp(t testing.TB, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, "app", dir, nil, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// tasks runs a command about tasks, which must succeed.
func tasks(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, errs, code := runApp(t, dir, append([]string{"tasks"}, args...)...)
	if code != 0 || errs != "" {
		t.Errorf("tasks %v ends with %d: %s%s", args, code, out, errs)
	}
	return out
}

// shows demands that text matches all patterns.
func shows(t testing.TB, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
			t.Errorf("nothing matches %s in\n%s", pattern, text)
		}
	}
}

// awaitState waits until a job is in a state.
func awaitState(t testing.TB, dir, id, state string) {
	t.Helper()
	var job struct{ State string }
	reached := testkit.Within(processWait, func() bool {
		if err := json.Unmarshal([]byte(tasks(t, dir, "show", id, "--json")), &job); err != nil {
			t.Fatal(err)
		}
		return job.State == state
	})
	if !reached {
		t.Fatalf("job %s is %s, want %s", id, job.State, state)
	}
}

// The commands about tasks list and change the jobs of a running server.
func TestTasksCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "app", dir)
	if info, err := os.Stat(filepath.Join(dir, "data", "control.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	shows(t, tasks(t, dir, "list"), `^There are no such jobs\.$`)
	shows(t, tasks(t, dir, "enqueue", "remember", "what=a thing", "secret=sesame"), `^job 1 is enqueued$`)
	awaitState(t, dir, "1", "completed")
	shows(t, tasks(t, dir, "show", "1"), `^id +1$`, `^task +remember$`, `^state +completed$`, `^queue +memory$`, `^attempt +1 of 25$`,
		`^params +\{"secret":"\[FILTERED\]","what":"a thing"\}$`)
	shows(t, tasks(t, dir, "enqueue", "fails"), `^job 2 is enqueued$`)
	awaitState(t, dir, "2", "dead")
	shows(t, tasks(t, dir, "show", "2"), `^error +a bell: \\a$`, `^ +and a second line$`)
	shows(t, tasks(t, dir, "enqueue", "remember", "--params", `{"what":"later"}`, "--after", "1h", "--queue", "other", "--priority", "5", "--max-attempts", "3"), `^job 3 is enqueued$`)
	shows(t, tasks(t, dir, "enqueue", "remember", "what=much later", "--at", "2999-01-01T00:00:00Z"), `^job 4 is enqueued$`)
	shows(t, tasks(t, dir, "show", "3"), `^state +scheduled$`, `^queue +other$`, `^priority +5$`, `^attempt +0 of 3$`)
	list := tasks(t, dir, "list")
	shows(t, list, `^ID +STATE +TASK +QUEUE +RUN AT +ATTEMPT +ERROR$`, `^4 +scheduled +remember +memory +2999-01-01`, `^2 +dead +fails +default .* +1 of 1 +a bell: \\a$`)
	if !strings.HasPrefix(list, "ID") || strings.Index(list, "\n4 ") > strings.Index(list, "\n1 ") || strings.ContainsAny(list, "\a\x1b") {
		t.Errorf("the list is\n%s", list)
	}
	shows(t, tasks(t, dir, "list", "--state", "dead,completed", "--oldest"), `^1 .*\n2 `)
	shows(t, tasks(t, dir, "list", "--task", "fails"), `\A.*\n2 .*\n\z`)
	shows(t, tasks(t, dir, "list", "--queue", "other", "--limit", "1"), `\A.*\n3 .*\n\z`)
	shows(t, tasks(t, dir, "list", "--after", "2"), `\A.*\n1 .*\n\z`)
	shows(t, tasks(t, dir, "stats"), `^ +SCHEDULED +AVAILABLE +RUNNING +RETRYABLE +COMPLETED +CANCELLED +DEAD$`,
		`^all +2 +0 +0 +0 +1 +0 +1$`, `^queue other +1 +0`, `^task remember +2 +0 +0 +0 +1 +0 +0$`)
	shows(t, tasks(t, dir, "stats", "--json"), `"total":\{"scheduled":2,"available":0,`)

	shows(t, tasks(t, dir, "cancel", "3", "4"), `\Ajob 3 is cancelled\njob 4 is cancelled\n\z`)
	shows(t, tasks(t, dir, "enqueue", "patient"), `^job 5 is enqueued$`)
	p.err.await(t, "patient has begun")
	shows(t, tasks(t, dir, "cancel", "5"), `^job 5 is running, and is cancelled when its task returns$`)
	awaitState(t, dir, "5", "cancelled")
	shows(t, tasks(t, dir, "retry", "3"), `^job 3 is (available|running|completed)$`)
	shows(t, tasks(t, dir, "delete", "1", "2"), `\Ajob 1 is deleted\njob 2 is deleted\n\z`)
	_, errs, code := runApp(t, dir, "tasks", "show", "1")
	if code != 1 || !strings.HasPrefix(errs, "Error: there is no job 1: it never was, was deleted, or ended too long ago") {
		t.Errorf("a deleted job: %d, %s", code, errs)
	}
	p.stop()
	if _, err := os.Stat(filepath.Join(dir, "data", "control.sock")); !os.IsNotExist(err) {
		t.Errorf("after the stop the socket is there: %v", err)
	}
}

// Each error is one sentence.
func TestTasksRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "app", dir)
	for want, args := range map[string][]string{
		`"x" is not the id of a job: ids are numbers, and "main tasks list" shows them`: {"show", "x"},
		"none is not a known task.":                                      {"enqueue", "none"},
		"what is a required parameter for this task":                     {"enqueue", "remember"},
		"waht is not an input of this task; did you mean what?":          {"enqueue", "remember", "waht=1"},
		`"what" is no param: write KEY=VALUE`:                            {"enqueue", "remember", "what"},
		`there are both --params and "what=1": use one of the two forms`: {"enqueue", "remember", "what=1", "--params", "{}"},
		`--params is no JSON object: `:                                   {"enqueue", "remember", "--params", "[]"},
		`--at is "soon": write a time such as 2026-11-26T17:00:00Z`:      {"enqueue", "remember", "what=1", "--at", "soon"},
		`"lost" is no state of a job: use one of scheduled, available`:   {"list", "--state", "lost"},
		"--limit is 0: it must be from 1 to 1000":                        {"list", "--limit", "0"},
		"there is no job 9":                                              {"retry", "9"},
		`unknown command "rerun" for`:                                    {"rerun"},
	} {
		_, errs, code := runApp(t, dir, append([]string{"tasks"}, args...)...)
		want = strings.ReplaceAll(want, "main", "actionhero.test")
		if code != 1 || !strings.HasPrefix(errs, "Error: "+want) {
			t.Errorf("tasks %v ends with %d and says\n%swant\n%s", args, code, errs, want)
		}
	}
	p.stop()
	_, errs, code := runApp(t, dir, "tasks", "stats")
	want := `Error: no server answers there: data/control.sock: start one with "actionhero.test start", or change to the folder of the running server` + "\n"
	if code != 1 || errs != want {
		t.Errorf("without a server: %d, %swant %s", code, errs, want)
	}
	testkit.WriteFile(t, filepath.Join(dir, "config.json"), `{"tasks": {"memory": true}}`)
	if _, errs, code := runApp(t, dir, "tasks", "stats"); code != 1 || !strings.HasPrefix(errs, "Error: the configuration keeps tasks in memory (tasks.memory is on or tasks.path is empty)") {
		t.Errorf("with tasks in memory: %d, %s", code, errs)
	}
}

// A server that is killed has what it was asked for when it starts again, and a second one on its folder is refused.
func TestTasksOutliveTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, "app", dir)
	tasks(t, dir, "enqueue", "remember", "what=1", "--after", "1h")
	tasks(t, dir, "enqueue", "patient")
	p.err.await(t, "patient has begun")
	_, errs, code := runApp(t, dir, "start")
	if code != 1 || !strings.Contains(errs, "another process uses this folder") {
		t.Errorf("a second server: %d, %s", code, errs)
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exit()
	p = start(t, "app", dir)
	p.err.await(t, "patient has begun")
	shows(t, tasks(t, dir, "show", "2"), `^state +running$`, `^crashes +1 of 3$`, `^attempt +1 of 25$`)
	shows(t, tasks(t, dir, "show", "1"), `^state +scheduled$`)
	tasks(t, dir, "cancel", "2")
	awaitState(t, dir, "2", "cancelled")
	p.stop()
}

// A damaged file keeps the server from starting, and the repair keeps what is whole.
func TestRepair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, errs, code := runApp(t, dir, "tasks", "repair")
	if code != 1 || !strings.HasPrefix(errs, "Error: there are no tasks to repair: ") {
		t.Errorf("without a folder: %d, %s", code, errs)
	}
	p := start(t, "app", dir)
	for range 5 {
		tasks(t, dir, "enqueue", "remember", "what=needle", "--after", "1h")
	}
	_, errs, code = runApp(t, dir, "tasks", "repair")
	if code != 1 || !strings.Contains(errs, "another process uses this folder") {
		t.Errorf("while the server runs: %d, %s", code, errs)
	}
	p.stop()
	shows(t, tasks(t, dir, "repair"), `^Nothing is damaged: there are 5 jobs\.$`)
	damage(t, filepath.Join(dir, "data"), "needle")
	_, errs, code = runApp(t, dir, "start")
	if code != 1 || !strings.Contains(errs, "actionhero tasks repair") {
		t.Errorf("a start with a damaged file: %d, %s", code, errs)
	}
	shows(t, tasks(t, dir, "repair"), `^There are 4 jobs\. These parts could not be read`, `^The damaged files were moved`)
	p = start(t, "app", dir)
	shows(t, tasks(t, dir, "stats"), `^all +4 `)
	p.stop()
}

// A file that is missing is reported with its jobs, and a job that may have been cancelled runs again only if that is
// asked for.
func TestRepairNamesMissingJobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "data")
	b := local.New(local.Config{Queue: local.QueueConfig{Path: folder}})
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	job := backend.NewJob{Task: "remember", Params: []byte(`{"what":"` + strings.Repeat("x", 100_000) + `"}`), Delay: time.Hour}
	for range 30 { // three files
		if _, err := b.Queue().Enqueue(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "tasks-00000002.log")); err != nil {
		t.Fatal(err)
	}
	whole := os.DirFS(folder)
	copied := t.TempDir()
	if err := os.CopyFS(filepath.Join(copied, "data"), whole); err != nil {
		t.Fatal(err)
	}
	shows(t, tasks(t, dir, "repair"), `^There are \d+ jobs\. These parts could not be read \(\d+ commits\):$`, `^  tasks-00000002\.log, which is missing$`,
		`^\d+ jobs are missing; those that had ended long before are among them: 11-\d+\.$`,
		`^10 jobs may have run, or have been cancelled or deleted, in the lost part\. They are dead, and do not run: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\.$`, `tasks repair --resume`)
	shows(t, tasks(t, dir, "repair", "--resume"), `^Nothing is damaged: there are \d+ jobs\.$`, `^10 held jobs wait again\.$`)
	out := tasks(t, copied, "repair", "--resume", "--json")
	var report struct {
		Jobs, LostCommits, Resumed int
		Missing                    []struct{ From, To int }
		Held                       []int
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) != 1 || report.Missing[0].From != 11 || report.Jobs+report.Missing[0].To-10 != 30 || len(report.Held) != 10 || report.Resumed != 10 || report.LostCommits == 0 {
		t.Errorf("the report is %s", out)
	}
	if !strings.HasPrefix(out, `{"jobs":`) || !strings.Contains(out, `"missing":[{"from":11,`) {
		t.Errorf("the keys of %s are not in lower camel case", out)
	}
}

// A missing argument is refused with the remedy.
func TestMissingArguments(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"show":     `Error: the id of a job is missing: write "actionhero.test tasks show 7"; "actionhero.test tasks list" shows the ids`,
		"show 1 2": `Error: there are 2 ids: write one, as in "actionhero.test tasks show 1"`,
		"cancel":   `Error: the id of a job is missing: write "actionhero.test tasks cancel 7"; "actionhero.test tasks list" shows the ids`,
		"enqueue":  `Error: the name of the task is missing: "actionhero.test tasks registered" shows the tasks`,
	} {
		if _, errs, code := runApp(t, t.TempDir(), append([]string{"tasks"}, strings.Fields(command)...)...); code != 1 || !strings.HasPrefix(errs, want) {
			t.Errorf("%s: %d, %s", command, code, errs)
		}
	}
}

// damage flips a bit in the first place of the files of a folder that has a text.
func damage(t testing.TB, folder, text string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Join(folder, file.Name())
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(raw, []byte(text)); at >= 0 {
			raw[at] ^= 1
			if err := os.WriteFile(name, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no file of %s has %q", folder, text)
}

// The tasks of an app are listed without a server.
func TestRegisteredTasks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "config.json"), `{"tasks": {"examples": true}}`)
	shows(t, tasks(t, dir, "registered"), `^TASK +RUNS +ON +QUEUE +INPUTS +DESCRIPTION$`, `^remember +when enqueued +any +memory +secret,what +Remembers something$`,
		`^runAction +when enqueued`, `^cleanLogFiles +every 1m0s +all +default`, `^cleanOldCacheObjects +every 10s +any`, `^pingSocketClients +every 1m0s +all`)
	shows(t, tasks(t, dir, "registered", "--json"), `"name":"remember"`)
}

func TestTasksHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}} {
		shows(t, tasks(t, t.TempDir(), args...), `^Manage the tasks of the server`, `^  list +List jobs`, `^  retry +Run waiting or finished jobs again`, `^ +--json +print the answer as JSON`)
	}
	shows(t, tasks(t, t.TempDir(), "enqueue", "--help"), `tasks enqueue NAME \[KEY=VALUE\.\.\.\]`, `--after duration`, `--params string`)
}
