package browser_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/clientgen"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// strict are the options of the compiler under which a generated client compiles.
var strict = []string{
	"--jsx", "react-jsx", "--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom,dom.iterable", "--exactOptionalPropertyTypes",
	"--noUncheckedIndexedAccess", "--noUnusedLocals", "--noUnusedParameters", "--noImplicitOverride", "--noImplicitReturns", "--noPropertyAccessFromIndexSignature",
	"--verbatimModuleSyntax", "--isolatedModules", "--erasableSyntaxOnly", "--skipLibCheck", "false",
}

// npm prepares a run of a program that npm has installed, in a folder whose TypeScript may use the packages.
func npm(t *testing.T, dir, script string, args ...string) *exec.Cmd {
	t.Helper()
	modules := testkit.NodeModules(t, "testdata/types")
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join(modules, script)}, args...)...)
	cmd.Dir = dir
	return cmd
}

// compile compiles the TypeScript of a folder and of the folders in it to JavaScript in the same folder.
func compile(t *testing.T, dir string) {
	t.Helper()
	testkit.WriteFile(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	var files []string
	for _, pattern := range []string{"*.ts", "*/*.ts", "*/*.tsx"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if out, err := npm(t, dir, "typescript/bin/tsc", slices.Concat(strict, files)...).CombinedOutput(); err != nil {
		t.Fatalf("tsc: %v: %s", err, out)
	}
}

// deskClient writes the client of the desk into the folder api, with the programs that drive it and the pages of the example
// in the folders next to it, and compiles all.
func deskClient(t *testing.T, command func(args ...string) *exec.Cmd, dir string) {
	t.Helper()
	if out, err := command("client", "ts", "--out", filepath.Join(dir, "api")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("client ts: %v: %s", err, out)
	}
	for folder, from := range map[string]string{"drive": "testdata/generated", "plain": clients + "/plain", "react": clients + "/react"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	compile(t, dir)
}

// clients is the folder with the pages of the example.
const clients = "../../../examples/desk/clients"

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
	out, err := node(t, append(webSocketFlags(t), filepath.Join(dir, "drive", "node.js"), url)...).CombinedOutput()
	if got := strings.TrimSpace(warning.ReplaceAllString(string(out), "")); err != nil || got != want("ann") {
		t.Errorf("in Node: %v:\n%s", err, got)
	}
	testkit.WriteFile(t, filepath.Join(dir, "index.html"), `<!doctype html><title>x</title><script type="module" src="./drive/page.js"></script>`)
	page := newChromium(t).open(url + "/public/")
	page.wait("globalThis.drive")
	var lines []string
	page.eval(`drive()`, &lines)
	if got := strings.Join(lines, "\n"); got != want("bob") {
		t.Errorf("in Chromium:\n%s", got)
	}
	bundles(t, dir)
	page = page.openIn(page.newContext(), url+"/public/")
	page.eval(`fetch("/signup", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"email":"eve@example.com","name":"eve","password":"a long secret"}' }).then((r) => r.status)`, nil)
	page.do("Page.navigate", map[string]any{"url": url + "/public/plain/"}, nil)
	page.waitText("#state", "eve, live")
	page.click("#open button")
	page.waitText("#state", "subject must be given; text must be given")
	page.fill(`#open [name="subject"]`, "It rains in")
	page.fill(`#open [name="text"]`, "Help!")
	page.click("#open button")
	page.waitText("#tickets", "It rains in (open)")
	page.eval(`fetch("/tickets").then((r) => r.json()).then(({tickets}) => fetch("/tickets/" + tickets[0].id + "/answers", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"text":"It is the roof."}' })).then((r) => r.status)`, nil)
	page.waitText("#state", "eve answers in ticket:")
}

// bundles makes the page of the example a bundle. A program that calls one action over HTTP bundles neither the other
// actions nor the connection.
func bundles(t *testing.T, dir string) {
	t.Helper()
	bundle := func(entry string) string {
		out, err := npm(t, dir, "esbuild/bin/esbuild", entry, "--bundle", "--format=esm").Output()
		if err != nil {
			t.Fatalf("esbuild: %v", err)
		}
		return string(out)
	}
	testkit.WriteFile(t, filepath.Join(dir, "plain", "main.js"), bundle("plain/main.ts"))
	testkit.WriteFile(t, filepath.Join(dir, "one.ts"), "import { Http, me } from \"./api/client.js\";\nconsole.log(await me(new Http({ url: \"http://x\" })));\n")
	one := bundle("one.ts")
	for _, name := range []string{"ticketOpen", "roomAdd", "WebSocket", "createApi"} {
		if strings.Contains(one, name) {
			t.Errorf("the bundle of one action has %s:\n%s", name, one)
		}
	}
	if !strings.Contains(one, "/api/me") || len(one) > 20_000 {
		t.Errorf("the bundle of one action has %d bytes", len(one))
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

// vote has two versions with outputs of different types.
func vote(version int) actionhero.Part {
	type input struct {
		ID int `json:"id" required:"true" minimum:"0"`
	}
	return actionhero.Action[input, map[string]int]{Name: "vote", Version: version, Run: func(context.Context, input) (map[string]int, error) {
		return map[string]int{"version": version}, nil
	}}
}

// The classic envelope is left out of the output, with error codes as statuses or without. A client calls the version of an
// action that it knows.
func TestAGeneratedClientReadsTheClassicEnvelope(t *testing.T) {
	t.Parallel()
	for _, statuses := range []bool{true, false} {
		s := newSite(t, func(cfg *server.Config) { cfg.CommonWeb.ReturnErrorCodes = &statuses }, vote(1), vote(2),
			actionhero.Action[actionhero.None, map[string]any]{Name: "counts", Run: func(context.Context, actionhero.None) (map[string]any, error) {
				return map[string]any{"n": 1, "list": []int{2}, "status": "fine"}, nil
			}},
			actionhero.Action[actionhero.None, actionhero.None]{Name: "nothing", Run: func(_ context.Context, none actionhero.None) (actionhero.None, error) {
				return none, nil
			}})
		dir := t.TempDir()
		files, err := clientgen.TypeScript(s.Describe(), clientgen.Options{Path: "/api", Command: "client ts"})
		if err != nil {
			t.Fatal(err)
		}
		if err := clientgen.Write(filepath.Join(dir, "api"), files); err != nil {
			t.Fatal(err)
		}
		program, err := os.ReadFile("testdata/classic.ts")
		if err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(dir, "classic.ts"), string(program))
		if out, err := npm(t, dir, "esbuild/bin/esbuild", "classic.ts", "--bundle", "--format=esm", "--outfile=classic.mjs", "--log-level=error").CombinedOutput(); err != nil {
			t.Fatalf("esbuild: %v: %s", err, out)
		}
		out, err := node(t, append(webSocketFlags(t), filepath.Join(dir, "classic.mjs"), s.url)...).CombinedOutput()
		const each = `{"list":[2],"n":1,"status":"fine"} undefined {"version":2} {"version":1}
permissionDenied of refuse: <b>You</b> may not | invalidInput of v2/vote: id must be at least 0 | timeout of slow: no answer to slow within 50 ms
`
		if got := warning.ReplaceAllString(string(out), ""); err != nil || got != each+each {
			t.Errorf("statuses %v: %v:\n%s", statuses, err, got)
		}
	}
}
