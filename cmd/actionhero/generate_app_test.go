//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/generate"
	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
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

// tool runs a command of the program, which must succeed, and returns its output.
func tool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...) // may download modules on a fresh machine
	cmd.Dir, cmd.Env = dir, append(os.Environ(), beVariable+"=actionhero", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// generateApp makes an app in a new folder.
func generateApp(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "hello")
	out := tool(t, filepath.Dir(dir), append([]string{"generate", "hello"}, args...)...)
	if !strings.Contains(out, "\n    cd hello\n    go tool actionhero dev\n") {
		t.Errorf("the next steps are missing: %s", out)
	}
	return dir
}

// build builds the generated app.
func build(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(dir, "bin", "hello")
	goRun(t, dir, "build", "-o", program, ".")
	return program
}

// From an empty folder to answers over HTTP and TCP, by the commands of the README, which also run the tests of the app.
func TestTheReadmeMakesAnAppThatAnswers(t *testing.T) {
	t.Parallel()
	r := documentRunner(t)
	kinds := ""
	for _, b := range docrun.Blocks(t, "../../README.md") {
		if !strings.HasPrefix(b.Info, "app") {
			continue
		}
		b.Info = strings.TrimSpace(strings.TrimPrefix(b.Info, "app"))
		r.Run(b)
		kinds += b.Kind + " "
	}
	if kinds != "sh console " {
		t.Fatalf("the README has these blocks of an app: %s", kinds)
	}
	tcp := strings.Replace(r.Addrs["localhost 5000"], " ", ":", 1)
	p := &process{t: t, http: "http://" + r.Addrs["localhost:8080"], tcp: tcp}
	for path, want := range map[string]string{
		"/api/hello?name=x":                 `{"name":"x",`, // as the README shows
		"/api/greet?name=Ann":               `{"greeting":"Hello, Ann!",`,
		"/public/":                          "<h1>hello</h1>",
		"/public/javascript/actionhero.js":  "class ActionHero",
		"/healthz":                          "",
		"/api/actionsView?outputType=json&": `"hello"`,
	} {
		if status, body := p.get(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s answers %d %.300s", path, status, body)
		}
	}
	c := p.dial()
	c.Send(`{"action":"greet","params":{"name":"Bo"}}` + "\n")
	if line := c.Next(); !strings.Contains(line, `"greeting":"Hello, Bo!"`) {
		t.Errorf("over TCP, greet answers %s", line)
	}
	r.StopServer()
}

// checkConfig compares config.yaml with what the app itself prints. Only the prefix of the app differs.
func checkConfig(t *testing.T, dir, program string) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Replace(output(t, dir, program, "config", "--yaml"), `#prefix: "actionHero"`, `prefix: "hello"`, 1)
	if printed != string(config) || !strings.Contains(printed, `  prefix: "hello"`) {
		t.Error("config.yaml is not what the command config --yaml of the app prints")
	}
}

var variableOfApp = regexp.MustCompile(`(?m)(ACTIONHERO_[A-Z_]+)[=:] ?([^\s\\]+)`)

// checkVariables sets each variable of the files for deployment: the program refuses one that is no setting.
func checkVariables(t *testing.T, dir, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "config")
	cmd.Dir, cmd.Env = dir, os.Environ()
	names := 0
	for _, file := range []string{"Dockerfile", "compose.yaml", filepath.Join("deploy", "hello.service")} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range variableOfApp.FindAllSubmatch(text, -1) {
			cmd.Env = append(cmd.Env, string(pair[1])+"="+strings.Trim(string(pair[2]), `"`))
			names++
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil || names < 6 {
		t.Errorf("with %d variables of the files for deployment: %v\n%s", names, err, out)
	}
}

// everyPart are the arguments of generate for a part of each kind.
var everyPart = [][]string{
	{"action", "admin/users:create", "--inputs", "name!,age:int,tags:[]string,mails:[]email,at:time,day:date,wait:duration,waits:[]duration,photo:file!,photos:[]file,on:bool,ok:[]bool,ratio:float,id:uuid,url:uri,error:string", "--route", "POST /users", "--kind", "destructive"},
	{"action", "ping"},
	{"action", "times", "--inputs", "at:time,error:string", "--kind", "read"},
	{"task", "report", "--cron", "0 8 * * MON-FRI"},
	{"task", "admin/ImportUsers", "--inputs", "url:uri!,wait:duration", "--scope", "all"},
	{"initializer", "mailer", "--description", "Connects to the mail server"},
	{"middleware", "audit"},
	{"middleware", "require-key", "--scope", "one"},
	{"room", "lobby"},
}

// Each extra comes with tests that pass, also next to the others.
func TestAnAppWithAllExtrasBuildsAndTests(t *testing.T) {
	t.Parallel()
	dir := generateApp(t, "--with", strings.Join(generate.Extras(), ","))
	goRun(t, dir, "vet", "./...")
	goRun(t, dir, "test", "./...")
	program := build(t, dir)
	checkConfig(t, dir, program)
	checkVariables(t, dir, program)
	var before *http.Cookie
	for _, login := range []string{"/signup", "/login"} { // the second time, the database exists
		p := startProgram(t, dir, program)
		if before != nil {
			if status, body := p.get("/notes", before); status != 200 {
				t.Errorf("after a restart, the session of before reads %d %s", status, body)
			}
		}
		if status, _ := p.get("/notes"); status != 401 {
			t.Errorf("without a login, the status of the notes is %d", status)
		}
		cookie := p.logIn(login)
		before = cookie
		if status, body := p.get("/notes", cookie); status != 200 || !strings.Contains(body, `"notes":[]`) {
			t.Errorf("the notes are %d %s", status, body)
		}
		p.stop()
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "app.db")); err != nil {
		t.Error(err)
	}
}

// Each extra alone makes an app that compiles with its tests. Each part that is added has tests that pass.
func TestAnAppWithOneExtraAndAllPartsCompiles(t *testing.T) {
	t.Parallel()
	for _, extra := range generate.Extras() {
		dir := generateApp(t, "--with", extra)
		if extra == "cluster" {
			addParts(t, dir)
		}
		goRun(t, dir, "vet", "./...")
	}
}

// addParts adds a part of each kind to an app, and runs the tests of the parts. The app then has them all.
func addParts(t *testing.T, dir string) {
	t.Helper()
	for _, args := range everyPart {
		if out := tool(t, dir, append([]string{"generate"}, args...)...); strings.Contains(out, "note:") {
			t.Errorf("generate %q: %s", args, out)
		}
	}
	goRun(t, dir, "test", "./actions/...", "./tasks/...", "./initializers/...", "./middleware/...", "./rooms/...")
	if out := goRun(t, dir, "run", ".", "actions"); !strings.Contains(out, "users:create (destructive)") {
		t.Errorf("the actions of the app are %s", out)
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
