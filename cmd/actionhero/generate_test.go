package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	if code != 0 || !strings.Contains(out, "  wrote       main.go\n") || !strings.Contains(out, "    cd 'a shop'\n    go mod tidy\n    go tool actionhero dev\n") {
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

// Below a file go.work, the commands of Go find the app only after it is listed there.
func TestGenerateKnowsAWorkspace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	out, errs, code := run(t, dir, env, "generate", "shop", "--no-tidy")
	if code != 0 || !strings.Contains(out, "    cd shop\n    go work use .\n    go mod tidy\n") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

func TestWrongCommandLinesOfGenerateAreExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for want, args := range map[string][]string{
		`did you mean "generate action hello"?`:                              {"generate", "acton", "hello"},
		`there is no extra "mongo": --with takes auth, cluster, mcp, sqlite`: {"generate", "x", "--with", "mongo"},
		`is no checkout of github.com/actionhero-go/actionhero`:              {"generate", "x", "--source", "."},
		`the name of the task is missing: write "generate task NAME"`:        {"generate", "task"},
		`there are 2 names: write one`:                                       {"generate", "action", "a", "b"},
		`no go.mod is in`:                                                    {"sync"},
		`there are 0 names: write "generate migration NAME"`:                 {"generate", "migration"},
		`did you mean "generate migration users"?`:                           {"generate", "migraton", "users"},
		`"app generate room --help" lists the flags`:                         {"generate", "room", "x", "--route", "GET /x"},
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
