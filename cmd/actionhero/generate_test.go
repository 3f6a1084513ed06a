package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/generate"
)

// goRun runs the go command in a folder. It must succeed.
func goRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s in the generated app: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// generateApp makes an app in a new folder.
func generateApp(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "hello")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{"generate", "hello"}, args...)...) // downloads modules on a fresh machine
	cmd.Dir, cmd.Env = filepath.Dir(dir), append(os.Environ(), beVariable+"=actionhero")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\n    cd hello\n    go run . start\n") {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// build builds the generated app.
func build(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(dir, "bin", "hello")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	goRun(t, dir, "build", "-o", program, ".")
	return program
}

// From an empty folder to answers over HTTP and TCP, and from a further action to its answer.
func TestAGeneratedAppBuildsTestsAndAnswers(t *testing.T) {
	t.Parallel()
	dir := generateApp(t)
	for _, args := range [][]string{
		{"action", "hello", "--inputs", "name:string!"},
		{"action", "admin/users:create", "--inputs", "name!,age:int,tags:[]string,mails:[]email,at:time,day:date,wait:duration,waits:[]duration,photo:file!,photos:[]file,on:bool,ok:[]bool,ratio:float,id:uuid,url:uri,error:string", "--route", "POST /users", "--kind", "destructive"},
		{"action", "ping"},
		{"action", "times", "--inputs", "at:time,error:string", "--kind", "read"},
		{"task", "report", "--cron", "0 8 * * MON-FRI"},
		{"task", "admin/ImportUsers", "--inputs", "url:uri!,wait:duration", "--scope", "all"},
		{"initializer", "mailer", "--description", "Connects to the mail server"},
		{"middleware", "audit"},
		{"middleware", "require-key", "--scope", "one"},
		{"room", "lobby"},
	} {
		if out, errs, code := run(t, dir, nil, append([]string{"generate"}, args...)...); code != 0 || strings.Contains(out, "note:") {
			t.Fatalf("generate %q: exit code %d: %s%s", args, code, out, errs)
		}
	}
	goRun(t, dir, "vet", "./...")
	goRun(t, dir, "test", "./...")
	config, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	program := build(t, dir)
	if printed := output(t, dir, program, "config", "--yaml"); printed != string(config) {
		t.Error("config.yaml is not what the command config --yaml of the app prints")
	}
	p := startProgram(t, dir, program)
	if status, body := p.get("/api/greet?name=Ann"); status != 200 || !strings.Contains(body, `"greeting":"Hello, Ann!"`) {
		t.Errorf("greet answers %d %s", status, body)
	}
	if status, body := p.get("/api/hello?name=x"); status != 200 || !strings.Contains(body, `"name":"x"`) {
		t.Errorf("hello answers %d %s", status, body)
	}
	if status, body := p.get("/public/"); status != 200 || !strings.Contains(body, "<h1>hello</h1>") {
		t.Errorf("the page is %d %s", status, body)
	}
	if status, body := p.get("/public/javascript/actionhero.js"); status != 200 || !strings.Contains(body, "class ActionHero") {
		t.Errorf("the client of the page is %d %.100s", status, body)
	}
	c := p.dial()
	c.Send(`{"action":"greet","params":{"name":"Bo"}}`)
	if line := c.Next(); !strings.Contains(line, `"greeting":"Hello, Bo!"`) {
		t.Errorf("over TCP, greet answers %s", line)
	}
	p.stop()
}

// Each extra comes with tests that pass, also next to the others.
func TestAnAppWithAllExtrasBuildsAndTests(t *testing.T) {
	t.Parallel()
	dir := generateApp(t, "--with", strings.Join(generate.Extras(), ","))
	goRun(t, dir, "vet", "./...")
	goRun(t, dir, "test", "./...")
	program := build(t, dir)
	config, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if printed := output(t, dir, program, "config", "--yaml"); printed != string(config) {
		t.Error("config.yaml is not what the command config --yaml of the app prints")
	}
	for range 2 { // the second time, the database exists
		p := startProgram(t, dir, program)
		if status, body := p.get("/notes"); status != 200 || !strings.Contains(body, `"notes":[]`) {
			t.Errorf("the notes are %d %s", status, body)
		}
		p.stop()
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "hello.db")); err != nil {
		t.Error(err)
	}
}

// Each extra alone makes an app that compiles with its tests.
func TestAnAppWithOneExtraCompiles(t *testing.T) {
	t.Parallel()
	for _, extra := range generate.Extras() {
		goRun(t, generateApp(t, "--with", extra), "vet", "./...")
	}
}

// startProgram starts the server of an app and waits until it is up.
func startProgram(t *testing.T, dir, program string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "start")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1")
	return watch(t, cmd).up()
}

// output runs the program of an app and returns its output.
func output(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &errs)
	}
	return out.String()
}

func TestGenerateSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, errs, code := run(t, dir, nil, "new", "shop", "--dry-run", "--module", "example.com/shop")
	if code != 0 || !strings.Contains(out, "  would write main.go\n") || strings.Contains(out, "Next") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if _, err := os.Lstat(filepath.Join(dir, "shop")); err == nil {
		t.Error("a dry run has made the folder")
	}
	out, errs, code = run(t, dir, nil, "generate", "a shop", "--module", "example.com/shop", "--no-tidy")
	if code != 0 || !strings.Contains(out, "  wrote       main.go\n") || !strings.Contains(out, "    cd 'a shop'\n    go mod tidy\n    go run . start\n") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	out, errs, code = run(t, filepath.Join(dir, "a shop"), nil, "generate")
	if code != 0 || !strings.Contains(out, "  skipped     main.go (it exists)\n") || !strings.Contains(out, "    go mod edit -tool=") || strings.Contains(out, "    cd ") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	out, errs, code = run(t, filepath.Join(dir, "a shop"), nil, "sync")
	if code != 0 || out != "" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

func TestWrongCommandLinesOfGenerateAreExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for want, args := range map[string][]string{
		`did you mean "generate action hello"?`:                       {"generate", "acton", "hello"},
		`there is no extra "mongo": --with takes cluster, sqlite`:     {"generate", "x", "--with", "mongo"},
		`is no checkout of github.com/actionhero-go/actionhero`:       {"generate", "x", "--source", "."},
		`the name of the task is missing: write "generate task NAME"`: {"generate", "task"},
		`there are 2 names: write one`:                                {"generate", "action", "a", "b"},
		`no go.mod is in`:                                             {"sync"},
		`"app generate room --help" lists the flags`:                  {"generate", "room", "x", "--route", "GET /x"},
	} {
		want = strings.Replace(want, "app ", filepath.Base(os.Args[0])+" ", 1)
		if out, errs, code := run(t, dir, nil, args...); code != 1 || !strings.Contains(errs, want) || out != "" {
			t.Errorf("%q: exit code %d, want %s: %s%s", args, code, want, out, errs)
		}
	}
}

// The commands for apps run although the configuration of the folder is wrong.
func TestGenerateNeedsNoConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("general: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := run(t, dir, nil, "generate", "x", "--dry-run"); code != 0 {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
