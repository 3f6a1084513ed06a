package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// strict are the options of the compiler under which a generated client compiles.
var strict = []string{
	"--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom,dom.iterable", "--exactOptionalPropertyTypes",
	"--noUncheckedIndexedAccess", "--noUnusedLocals", "--noUnusedParameters", "--noImplicitOverride", "--noImplicitReturns", "--noPropertyAccessFromIndexSignature",
	"--verbatimModuleSyntax", "--isolatedModules", "--erasableSyntaxOnly", "--skipLibCheck", "false",
}

// compile compiles the TypeScript of a folder to JavaScript in the same folder.
func compile(t *testing.T, dir string) {
	t.Helper()
	testkit.WriteFile(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	files, err := filepath.Glob(filepath.Join(dir, "*.ts"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no TypeScript in %s: %v", dir, err)
	}
	tsc := filepath.Join(testkit.NodeModules(t, "testdata/types"), "typescript", "bin", "tsc")
	cmd := exec.CommandContext(t.Context(), "node", slices.Concat([]string{tsc}, strict, files)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tsc: %v: %s", err, out)
	}
}

// deskClient writes the client of the desk and the programs that drive it into a folder, and compiles them.
func deskClient(t *testing.T, command func(args ...string) *exec.Cmd, dir string) {
	t.Helper()
	if out, err := command("client", "ts", "--out", dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("client ts: %v: %s", err, out)
	}
	programs, err := filepath.Glob("testdata/generated/*.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range programs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(dir, filepath.Base(name)), string(text))
	}
	compile(t, dir)
}

// driven is what the programs http.ts and live.ts return.
const driven = `NAME customer 1
TICKETS
300000 ein Bild: ü.png image/png 300000
2 1 network 4 invalidInput 2
true true unauthenticated 401
timeout aborted enough aborted
undefined
TICKETS
an answer in true; 300000 ein Bild: ü.png image/png 300000; 300000; 1
notFound
0 after the cut true network false,true,false
a;b.txt text/plain; charset=utf-8 5 short invalidCall
closed unauthenticated`

// tickets is what each transport answers to the same calls.
const tickets = `Ünïcode 𝒜 Help!|Ünïcode 𝒜 closed 1 invalidInput subject:required,text:maxLength notFound ticketShow: there is no ticket 404 for you`

// The generated client compiles under all strict options, and drives the desk in Node and in Chromium, over HTTP and
// WebSocket: logins, typed errors, uploads with their progress, downloads, retries that run once, new tokens, time limits,
// rooms and events, a lost connection.
func TestAGeneratedClientDrivesTheDesk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the desk is stopped by an interrupt, which Windows has not")
	}
	dir := t.TempDir()
	url, command := deskWith(t, dir)
	deskClient(t, command, dir)
	want := func(name string) string { return strings.NewReplacer("NAME", name, "TICKETS", tickets).Replace(driven) }
	out, err := node(t, append(webSocketFlags(t), filepath.Join(dir, "node.js"), url)...).CombinedOutput()
	if got := strings.TrimSpace(warning.ReplaceAllString(string(out), "")); err != nil || got != want("ann") {
		t.Errorf("in Node: %v:\n%s", err, got)
	}
	testkit.WriteFile(t, filepath.Join(dir, "index.html"), `<!doctype html><title>x</title><script type="module" src="./page.js"></script>`)
	page := newChromium(t).open(url + "/public/")
	page.wait("globalThis.drive")
	var lines []string
	page.eval(`drive()`, &lines)
	if got := strings.Join(lines, "\n"); got != want("bob") {
		t.Errorf("in Chromium:\n%s", got)
	}
}

// warning matches what Node 20 says about its WebSocket.
var warning = regexp.MustCompile(`(?m)^\(.*\n`)

// The generated client in Go compiles in an empty module, and drives the desk over HTTP, WebSocket and TCP under the race
// detector.
func TestAGeneratedClientInGoDrivesTheDesk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the desk is stopped by an interrupt, which Windows has not")
	}
	dir := t.TempDir()
	port := strconv.Itoa(testkit.FreePort(t))
	url, command := deskWith(t, dir, "ACTIONHERO_TCP_SERVER_ENABLE=true", "ACTIONHERO_TCP_SERVER_PORT="+port, "ACTIONHERO_TCP_SERVER_BIND_IP=127.0.0.1")
	if out, err := command("client", "go", "--out", filepath.Join(dir, "desk")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("client go: %v: %s", err, out)
	}
	program, err := os.ReadFile("testdata/generated/drive_test.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "desk", "drive_test.go"), string(program))
	testkit.WriteFile(t, filepath.Join(dir, "go.mod"), "module empty\n\ngo 1.25\n")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-race", "-timeout", "3m", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DESK_WEB="+strings.TrimPrefix(url, "http://"), "DESK_TCP=127.0.0.1:"+port, "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go test: %v: %s", err, out)
	}
}
