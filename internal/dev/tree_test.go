//go:build unix

package dev

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// files writes files into a folder.
func files(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), "1")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Each file asks for what its kind needs; files of editors, of tests and of other programs ask for nothing.
func TestAChangeAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]kind{
		"main.go": build, "actions/hello.go": build, "deep/er/x.go": build, "go.mod": build, "go.sum": build,
		"actions/hello_test.go": nothing, "actions/_off.go": nothing, "testdata/x.go": nothing, "_old/x.go": nothing, "other/go.mod": nothing, "other/x.go": nothing,
		"config.yaml": restart, "config.json": restart, "deep/config.yaml": nothing, "views/page.html": restart, "mail/hello.tmpl": restart,
		"public/index.html": reload, "public/js/app.js": reload, "public/x.go": reload, "public/.well-known/x": reload, "public/.cache/x": nothing,
		"db/migrations/0001.sql": build, "db/other.sql": nothing, "db/one.txt": build,
		".git/index.go": nothing, "node_modules/x/x.go": nothing, "vendor/x/x.go": nothing, "log/api.log": nothing, "data/journal": nothing,
		"actions/.#hello.go": nothing, "actions/hello.go~": nothing, "actions/.hello.go.swp": nothing, "actions/4913": nothing, "actions/#hello.go#": nothing,
		"public/index.html~": nothing, "public/.index.html.swp": nothing, "README.md": nothing, "actions/all.gen.go.tmp": nothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "db", "db.go"), "package db\n\n//go:embed migrations/*.sql\n//go:embed \"one.txt\"\nvar files embed.FS\n")
			if strings.HasPrefix(name, "other/") {
				files(t, dir, "other/go.mod")
			}
			tree := newTree(dir, "", nil)
			tree.scan()
			for _, text := range []string{"one", "two", "two", ""} {
				at := filepath.Join(dir, filepath.FromSlash(name))
				before, _ := os.ReadFile(at)
				if text == "" {
					if err := os.Remove(at); err != nil {
						t.Fatal(err)
					}
				} else {
					write(t, at, text)
				}
				expected := want
				if string(before) == text {
					expected = nothing // it was written, but it has not changed
				}
				if c := tree.scan(); c.kind != expected || expected != nothing && !slices.Equal(c.paths, []string{name}) {
					t.Errorf("after %q: %v, want %v", text, c, expected)
				}
			}
		})
	}
}

// The folder of static files and the file of the configuration may be anywhere.
func TestTheTreeFollowsTheSettings(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	files(t, dir, "public/index.html")
	files(t, elsewhere, "index.html", "app.yaml")
	tree := newTree(dir, filepath.Join(elsewhere, "app.yaml"), []string{elsewhere})
	tree.scan()
	tree.setPublic(elsewhere)
	if c := tree.scan(); c.kind != nothing {
		t.Errorf("another folder of files is a change: %v", c)
	}
	write(t, filepath.Join(elsewhere, "index.html"), "two")
	if c := tree.scan(); c.kind != reload {
		t.Errorf("a static file: %v", c)
	}
	write(t, filepath.Join(elsewhere, "app.yaml"), "two")
	if c := tree.scan(); c.kind != restart {
		t.Errorf("the configuration: %v", c)
	}
	files(t, dir, "config.yaml")
	if c := tree.scan(); c.kind != nothing {
		t.Errorf("a file that is not the configuration: %v", c)
	}
}

// A list that this program writes is no change; a change of the user in the same moment is one.
func TestWhatIsWrittenHereIsNoChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := newTree(dir, "", nil)
	tree.scan()
	tree.write(func() []string {
		files(t, dir, "actions/all.gen.go", "actions/hello.go")
		return []string{filepath.Join(dir, "actions", "all.gen.go")}
	})
	if c := tree.scan(); !slices.Equal(c.paths, []string{"actions/hello.go"}) {
		t.Errorf("changed: %v", c.paths)
	}
}

// watch watches a folder until the test ends.
func watch(t *testing.T, dir string, w *watcher) <-chan change {
	t.Helper()
	found := make(chan change, 16)
	w.tree, w.found = newTree(dir, "", nil), func(c change) { found <- c }
	if w.note == nil {
		w.note = func(text string) { t.Error(text) }
	}
	w.start()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return found
}

// Changes are found by events of the system and by polling: in new folders, by a rename as editors save, and by the end of a
// folder. Several files that are written together are one change or few.
func TestTheWatcherFindsChanges(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*watcher{"events": {}, "polling": {poll: 10 * quiet}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files(t, dir, "main.go", "actions/hello.go")
			found := watch(t, dir, w)
			want := func(paths ...string) {
				t.Helper()
				var c change
				for !slices.Equal(c.paths, paths) {
					next := <-found
					if c = c.join(next); c.kind != build {
						t.Fatalf("found %v", next)
					}
					for _, path := range next.paths {
						if !slices.Contains(paths, path) {
							t.Fatalf("found %v, want %v", next, paths)
						}
					}
				}
			}
			write(t, filepath.Join(dir, "actions", ".hello.go.tmp"), "two")
			if err := os.Rename(filepath.Join(dir, "actions", ".hello.go.tmp"), filepath.Join(dir, "actions", "hello.go")); err != nil {
				t.Fatal(err)
			}
			want("actions/hello.go")
			files(t, dir, "users/admin/create.go", "users/admin/delete.go", "users/log.txt")
			want("users/admin/create.go", "users/admin/delete.go")
			write(t, filepath.Join(dir, "users", "admin", "create.go"), "two")
			want("users/admin/create.go")
			if err := os.Rename(filepath.Join(dir, "users"), filepath.Join(t.TempDir(), "away")); err != nil {
				t.Fatal(err)
			}
			want("users/admin/create.go", "users/admin/delete.go")
			if err := os.RemoveAll(filepath.Join(dir, "actions")); err != nil {
				t.Fatal(err)
			}
			want("actions/hello.go")
		})
	}
}

// Without events of the system, the watcher says so and compares the files.
func TestAWatcherWithoutEventsPolls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := ""
	w := &watcher{note: func(text string) { said = text }}
	w.tree = newTree(dir, "", nil)
	w.giveUp(os.ErrPermission)
	found := watch(t, dir, w)
	files(t, dir, "main.go")
	if c := <-found; c.kind != build || !strings.Contains(said, "the files are compared every 300ms") {
		t.Errorf("found %v; said %q", c, said)
	}
}

func TestTheMainPackageIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files []string // of package main
		want  string
		fault string
	}{
		"here":    {[]string{"main.go", "cmd/tool/main.go"}, ".", ""},
		"in cmd":  {[]string{"cmd/app/main.go", "cmd/app/main_test.go"}, "./cmd/app", ""},
		"several": {[]string{"cmd/app/main.go", "cmd/tool/main.go"}, "", "cmd/ has several main packages: name one with --package, such as --package ./cmd/app"},
		"none":    {nil, "", "the current folder has no main package"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "go.mod"), "module x\n")
		write(t, filepath.Join(dir, "lib.go"), "package main_test\n")
		for _, name := range c.files {
			write(t, filepath.Join(dir, filepath.FromSlash(name)), "package main\n")
		}
		got, err := mainPackage(dir)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := mainPackage(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make one with \"actionhero generate DIR\"") {
		t.Errorf("without a module: %v", err)
	}
}

// The folders of modules that are built from their source on this machine are known.
func TestSourceRoots(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	top, err := filepath.EvalSymlinks(top)
	if err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(top, "app")
	write(t, filepath.Join(app, "go.mod"), "module app\n\ngo 1.26\n\nreplace example.com/lib => ../lib\n\nreplace example.com/other => example.com/fork v1.0.0\n")
	write(t, filepath.Join(top, "lib", "go.mod"), "module example.com/lib\n\ngo 1.26\n")
	write(t, filepath.Join(top, "tools", "go.mod"), "module example.com/tools\n\ngo 1.26\n")
	env := append(os.Environ(), "GOWORK=off", "PWD="+app)
	if got := sourceRoots(t.Context(), app, env); !slices.Equal(got, []string{filepath.Join(top, "lib")}) {
		t.Errorf("with go.mod: %v", got)
	}
	write(t, filepath.Join(top, "go.work"), "go 1.26\n\nuse (\n\t./app\n\t./tools\n)\n")
	env = append(os.Environ(), "GOWORK=", "PWD="+app)
	if got := sourceRoots(t.Context(), app, env); !slices.Equal(got, []string{filepath.Join(top, "lib"), filepath.Join(top, "tools")}) {
		t.Errorf("with go.work: %v", got)
	}
}

// What a compiler says becomes lines whose paths a terminal can open.
func TestTheTextOfTheCompiler(t *testing.T) {
	t.Parallel()
	const text = "# example.com/hello/actions\nactions/greet.go:7:3: undefined: x\n# example.com/hello\n./main.go:9:1: syntax error\n\tdetail\n"
	if got := clean(text); got != "actions/greet.go:7:3: undefined: x\nmain.go:9:1: syntax error\n\tdetail" {
		t.Errorf("%q", got)
	}
	var end tail
	for _, part := range []string{"a line\npanic: first\n", strings.Repeat("x", 2*maxTail), "\npanic: second\n\ngoroutine 1"} {
		_, _ = end.Write([]byte(part))
	}
	if got := end.String(); got != "panic: second\n\ngoroutine 1" {
		t.Errorf("the end is %q", got)
	}
	c := change{paths: []string{"a", "b", "c", "d"}}
	if got := c.subject(); got != "a, b and 2 more" {
		t.Errorf("the subject is %q", got)
	}
}

// The folder of an app and the folder of its static files may be symbolic links.
func TestFoldersBehindLinksAreWatched(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	app, public := filepath.Join(base, "real"), filepath.Join(base, "pages")
	files(t, base, "real/main.go", "real/actions/hello.go", "pages/index.html")
	link := filepath.Join(base, "app")
	for from, to := range map[string]string{link: app, filepath.Join(app, "public"): public} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	tree := newTree(resolved(link), "", nil)
	tree.scan()
	for name, want := range map[string]change{
		filepath.Join(app, "actions", "hello.go"): {kind: build, paths: []string{"actions/hello.go"}},
		filepath.Join(public, "index.html"):       {kind: reload, paths: []string{"../pages/index.html"}},
	} {
		write(t, name, "changed")
		if got := tree.scan(); got.kind != want.kind || len(got.paths) != 1 {
			t.Errorf("a change of %s is %+v, want %+v", name, got, want)
		}
	}
	tree.setPublic("public") // as the app names it
	if got := tree.scan(); got.kind != nothing {
		t.Errorf("the name of a known folder is the change %+v", got)
	}
	write(t, filepath.Join(public, "index.html"), "changed again")
	if got := tree.scan(); got.kind != reload {
		t.Errorf("after setPublic, a change is %+v", got)
	}
}

// A program with the tag ignore, for "go run", makes no main package.
func TestAnIgnoredFileMakesNoMainPackage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, "go.mod")
	write(t, filepath.Join(dir, "gen.go"), "//go:build ignore\n\npackage main\n")
	write(t, filepath.Join(dir, ".#main.go"), "package main\n")
	write(t, filepath.Join(dir, "app.go"), "package app\n")
	write(t, filepath.Join(dir, "cmd", "app", "main.go"), "package main\n")
	if got, err := mainPackage(dir); got != "./cmd/app" || err != nil {
		t.Errorf("the main package is %q, %v", got, err)
	}
}

// The programs of a dev that was killed are removed by the next one, those of a running one are not.
func TestALeftoverOfAKilledDevIsRemoved(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	running, release, err := makeFolder(top)
	if err != nil {
		t.Fatal(err)
	}
	killed, fresh, other := filepath.Join(top, folderPrefix+"1"), filepath.Join(top, folderPrefix+"2"), filepath.Join(top, "other")
	files(t, top, folderPrefix+"1/1/app", folderPrefix+"2/1/app", "other/app")
	hour := time.Now().Add(-time.Hour)
	for _, name := range []string{running, killed, other} {
		if err := os.Chtimes(name, hour, hour); err != nil {
			t.Fatal(err)
		}
	}
	_, releaseSecond, err := makeFolder(top)
	if err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{running: true, killed: false, fresh: true, other: true} {
		if _, err := os.Stat(name); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
	release()
	releaseSecond()
	if _, err := os.Stat(running); err == nil {
		t.Error("an orderly end leaves the programs")
	}
}

// The name of a file cannot control the terminal.
func TestNamesOfFilesDoNotControlTheTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &printer{out: &out, colours: true}
	p.say(plain, "%s: serving", change{paths: []string{"public/a\x1b]0;owned\x07\nb.html"}}.subject())
	if strings.Contains(out.String(), "\x1b]") || strings.Contains(out.String(), "\x07") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("the terminal gets %q", out.String())
	}
}
