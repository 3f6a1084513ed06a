package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
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

// driven is what the program http.ts prints.
const driven = `NAME customer 1
Ünïcode 𝒜 Help!|Ünïcode 𝒜 closed 1 invalidInput subject:required,text:maxLength notFound ticketShow: there is no ticket 404 for you
300000 ein Bild: ü.png image/png 300000
2 1 network 4 invalidInput 2
true true unauthenticated 401
timeout aborted enough aborted
undefined`

// The generated client compiles under all strict options, and drives the desk in Node and in Chromium: logins, typed errors,
// uploads with their progress, downloads, retries that run once, new tokens, time limits.
func TestAGeneratedClientDrivesTheDesk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the desk is stopped by an interrupt, which Windows has not")
	}
	dir := t.TempDir()
	url, command := deskWith(t, dir)
	deskClient(t, command, dir)
	out, err := node(t, filepath.Join(dir, "node.js"), url).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != strings.ReplaceAll(driven, "NAME", "ann") {
		t.Errorf("in Node: %v:\n%s", err, got)
	}
	testkit.WriteFile(t, filepath.Join(dir, "index.html"), `<!doctype html><title>x</title><script type="module" src="./page.js"></script>`)
	page := newChromium(t).open(url + "/public/")
	page.wait("globalThis.overHTTP")
	var lines []string
	page.eval(`overHTTP("bob")`, &lines)
	if got := strings.Join(lines, "\n"); got != strings.ReplaceAll(driven, "NAME", "bob") {
		t.Errorf("in Chromium:\n%s", got)
	}
}
