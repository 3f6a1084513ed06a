package generate

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// The archives are what a user gets: read them as one.
func TestTheGeneratedAppIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	created := create(t, a)
	plain := tree(t, a.Dir)
	golden(t, "app", plain)
	if created.Name != "hello" || created.Module != "example.com/hello" || created.HadModule || len(created.Notes) > 0 || len(created.Files) != len(plain) {
		t.Errorf("the outcome is %+v", created)
	}
	for _, extra := range Extras() {
		a := newApp(t, extra)
		create(t, a)
		files := tree(t, a.Dir)
		maps.DeleteFunc(files, func(name, text string) bool { return plain[name] == text })
		golden(t, "with_"+extra, files)
	}
}

func TestExistingFilesAreNeverOverwritten(t *testing.T) {
	t.Parallel()
	a := newApp(t, Extras()...)
	create(t, a)
	mine := tree(t, a.Dir)
	for name := range mine {
		if filepath.Base(name) != listFile && name != "go.mod" && !strings.HasSuffix(name, ".go") {
			mine[name] = "mine\n"
			if err := os.WriteFile(filepath.Join(a.Dir, filepath.FromSlash(name)), []byte("mine\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	created := create(t, a)
	if !maps.Equal(mine, tree(t, a.Dir)) {
		t.Error("a second run has changed files")
	}
	for _, line := range outcomes(created.Files) {
		if !strings.HasPrefix(line, "skipped ") && !strings.HasPrefix(line, "kept ") {
			t.Errorf("the second run %s", line)
		}
	}
	if !created.HadModule {
		t.Errorf("the outcome is %+v", created)
	}
}

// A link that leads nowhere, or out of the folder, is a file of the user, too.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a permission there")
	}
	a := newApp(t)
	outside := t.TempDir()
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"Makefile": filepath.Join(outside, "Makefile"), "README.md": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(a.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	created := create(t, a)
	if lines := outcomes(created.Files); !slices.Contains(lines, "skipped Makefile") || !slices.Contains(lines, "skipped README.md") {
		t.Errorf("the outcome is %q", lines)
	}
	if err := os.RemoveAll(filepath.Join(a.Dir, "public")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(a.Dir, "public")); err != nil {
		t.Fatal(err)
	}
	if lines := outcomes(create(t, a).Files); !slices.Contains(lines, "skipped public/index.html") {
		t.Errorf("with a link to another folder, the outcome is %q", lines)
	}
	if files := tree(t, outside); len(files) > 0 {
		t.Errorf("outside of the app, there is %v", files)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.DryRun = true
	created := create(t, a)
	if _, err := os.Lstat(a.Dir); err == nil {
		t.Error("the dry run has made the folder")
	}
	would := outcomes(created.Files)
	a.DryRun = false
	if wrote := outcomes(create(t, a).Files); !slices.Equal(would, wrote) {
		t.Errorf("the dry run announces\n%q, and the run has\n%q", would, wrote)
	}
	var report strings.Builder
	Report(&report, []File{{"a", Wrote}, {"b", Skipped}, {"c", Kept}, {"d", Renewed}}, true)
	if want := "  would write a\n  would skip  b (it exists)\n  would renew d\n"; report.String() != want {
		t.Errorf("the report is %q", report.String())
	}
}

func TestAnAppKeepsTheModuleOfItsFolder(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.Dir = write(t, "-- go.mod --\nmodule \"corp.example/team/api/v2\" // a comment\n\ngo 1.26\n")
	created := create(t, a)
	if created.Name != "api" || created.Module != "corp.example/team/api/v2" || !created.HadModule {
		t.Errorf("the outcome is %+v", created)
	}
	contains(t, "main.go", tree(t, a.Dir)["main.go"], `"corp.example/team/api/v2/actions"`)
	a.Module = "example.com/other"
	if _, err := a.Create(); err == nil || !strings.Contains(err.Error(), "leave --module out") {
		t.Errorf("for a second module, the error is %v", err)
	}
}

// A folder that has code already is completed. Its mistakes are reported, and main.go is not touched.
func TestAnAppIsMadeAroundExistingCode(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.Dir = write(t, `-- go.mod --
module example.com/old

go 1.26
-- main.go --
package main

func main() {}
-- actions/sum.go --
package deeds

import "github.com/actionhero-go/actionhero"

var Sum = actionhero.Action[actionhero.None, actionhero.None]{Name: "sum"}
-- actions/greet.go --
package deeds
-- actions/greet_test.go --
package deeds
`)
	created := create(t, a)
	contains(t, "the list", tree(t, a.Dir)["actions/all.gen.go"], "package deeds\n", "\tSum,\n")
	notes := strings.Join(created.Notes, "\n")
	contains(t, "the notes", notes, "main.go: no part of actions/ is used: pass deeds.All to cli.Main", "main.go: no part of tasks/ is used")
}

func TestOddAppsAreRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]App{
		`the folder name "my app" cannot name a program: use letters`:                               {Dir: filepath.Join(dir, "my app")},
		`has the element "vendor", which Go does not take`:                                          {Dir: filepath.Join(dir, "vendor")},
		`has the element "Com1.x", which Go does not take`:                                          {Dir: dir, Module: "example.com/Com1.x"},
		`the folder name "é" cannot name a program`:                                                 {Dir: filepath.Join(dir, "é")},
		`the folder name "-x" cannot name a program`:                                                {Dir: filepath.Join(dir, "-x")},
		`the folder name ".x" cannot name a program`:                                                {Dir: filepath.Join(dir, ".x")},
		`has a control character in its name: use another name`:                                     {Dir: filepath.Join(dir, "a\nb")},
		`\x1b[31m" has a control character in its name`:                                             {Dir: filepath.Join(dir, "\x1b[31m")},
		`the module path "a b" is not allowed: use letters`:                                         {Dir: filepath.Join(dir, "a"), Module: "a b"},
		`the module path "example.com//x" is not allowed`:                                           {Dir: filepath.Join(dir, "a"), Module: "example.com//x"},
		`the module path "../x" is not allowed`:                                                     {Dir: filepath.Join(dir, "a"), Module: "../x"},
		`the module path "/x" is not allowed`:                                                       {Dir: filepath.Join(dir, "a"), Module: "/x"},
		`the module path "x\n" is not allowed`:                                                      {Dir: filepath.Join(dir, "a"), Module: "x\n"},
		`the end of the module path "example.com/~x" cannot name`:                                   {Dir: filepath.Join(dir, "a"), Module: "example.com/~x"},
		`there is no extra "sqlit" (did you mean sqlite?): --with takes auth, cluster, mcp, sqlite`: {Dir: filepath.Join(dir, "a"), With: []string{"sqlit"}},
		`there is no extra "x": --with takes auth, cluster, mcp, sqlite`:                            {Dir: filepath.Join(dir, "a"), With: []string{"x"}},
		"cannot be made": {Dir: filepath.Join(dir, "file"), Module: "example.com/file"},
	} {
		if _, err := a.Create(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if files := tree(t, dir); len(files) != 1 {
		t.Errorf("refused apps have written %v", slices.Collect(maps.Keys(files)))
	}
}

// A file in the place of a folder is an error that names it. The files that were written before stay.
func TestAFileInPlaceOfAFolderIsAnError(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.Dir = write(t, "-- go.mod --\nmodule example.com/x\n-- tasks --\n")
	if _, err := a.Create(); err == nil || !strings.Contains(err.Error(), "tasks") {
		t.Errorf("the error is %v", err)
	}
}

func TestAReplacedSourceIsQuotedInGoMod(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{
		"/src/actionhero": "=> /src/actionhero\n", "/my src/(a)": "=> \"/my src/(a)\"\n",
	} {
		a := newApp(t)
		a.Source.Dir = dir
		create(t, a)
		contains(t, "go.mod", tree(t, a.Dir)["go.mod"], "replace "+Module+" "+want)
	}
}

// The rule for the source of the framework.
func TestTheSourceIsACheckoutOrTheVersionOfTheProgram(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := FindSource("", "0.1.0") // this test is built from a checkout
	if err != nil || got != (Source{"v0.1.0", checkout}) {
		t.Errorf("in a checkout: %+v, %v", got, err)
	}
	if got, err := FindSource("../..", "0.1.0"); err != nil || got.Dir != checkout {
		t.Errorf("with --source: %+v, %v", got, err)
	}
	for _, dir := range []string{".", t.TempDir(), "nowhere"} {
		if _, err := FindSource(dir, "0.1.0"); err == nil || !strings.Contains(err.Error(), "is no checkout") {
			t.Errorf("with --source %s: %v", dir, err)
		}
	}
	module := func(version string, replaced bool) *debug.Module {
		m := &debug.Module{Path: Module, Version: version}
		if replaced {
			m.Replace = &debug.Module{Path: "/src"}
		}
		return m
	}
	for name, tt := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"go install":               {debug.BuildInfo{Main: *module("v0.1.0", false)}, "v0.1.0"},
		"a commit":                 {debug.BuildInfo{Main: *module("v0.1.1-0.20261130000000-0123456789ab", false)}, "v0.1.1-0.20261130000000-0123456789ab"},
		"go tool in an app":        {debug.BuildInfo{Main: debug.Module{Path: "example.com/x", Version: "(devel)"}, Deps: []*debug.Module{module("v0.1.0", false)}}, "v0.1.0"},
		"a replaced module":        {debug.BuildInfo{Deps: []*debug.Module{module("v0.1.0", true)}}, ""},
		"a checkout that is gone":  {debug.BuildInfo{Main: *module("(devel)", false)}, ""},
		"a changed checkout":       {debug.BuildInfo{Main: *module("v0.1.1-0.20261130000000-0123456789ab+dirty", false)}, ""},
		"a program of other parts": {debug.BuildInfo{Main: debug.Module{Path: "example.com/x", Version: "v1.0.0"}}, ""},
	} {
		got, err := sourceOf(&tt.info)
		if got.Version != tt.want || (err == nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), "--source DIR") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A program that was built with -trimpath does not know its checkout. In a checkout, as with "go run", it is that one.
func TestAProgramWithoutAVersionTakesTheCheckoutThatItRunsIn(t *testing.T) {
	t.Parallel()
	checkout := t.TempDir()
	below := filepath.Join(checkout, "cmd", "actionhero")
	if err := os.MkdirAll(below, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(checkout, "go.mod"), []byte("module "+Module+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{checkout, below} {
		if s, err := sourceAbove(folder, "0.1.0"); err != nil || s.Dir != checkout || s.Version != "v0.1.0" {
			t.Errorf("in %s, the source is %+v, %v", folder, s, err)
		}
	}
	if s, err := sourceAbove(t.TempDir(), "0.1.0"); err == nil || !strings.Contains(err.Error(), "run it in a checkout") {
		t.Errorf("in no checkout, the source is %+v, %v", s, err)
	}
}

func TestEachAppHasAPrefixOfItsOwn(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{
		"example.com/hello":     `prefix: "hello"`,
		"example.com/my-app.v2": `prefix: "my-app.v2"`,
	} {
		a := newApp(t)
		a.Module, a.Config = module, []byte("redis:\n  "+defaultPrefix+"\n")
		create(t, a)
		config, err := os.ReadFile(filepath.Join(a.Dir, "config.yaml"))
		if err != nil || string(config) != "redis:\n  "+want+"\n" {
			t.Errorf("%s: %q, %v", module, config, err)
		}
	}
}
