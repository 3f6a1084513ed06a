package generate

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree returns the files below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		below, relErr := filepath.Rel(dir, name)
		if relErr != nil {
			return relErr
		}
		files[filepath.ToSlash(below)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// write writes the files of an archive into a new folder.
func write(t *testing.T, archive string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// golden compares files with a golden archive. With -update, it writes the archive.
func golden(t *testing.T, name string, files map[string]string) {
	t.Helper()
	name = filepath.Join("testdata", name+".txtar")
	if *update {
		archive := &txtar.Archive{Comment: []byte("go test ./internal/generate -update writes this file.\n")}
		for _, file := range slices.Sorted(maps.Keys(files)) {
			archive.Files = append(archive.Files, txtar.File{Name: file, Data: []byte(files[file])})
		}
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	if d := cmp.Diff(want, files); d != "" {
		t.Errorf("%s differs; -update writes it anew: %s", name, d)
	}
}

// newApp returns a description of an app in a new folder.
func newApp(t *testing.T, with ...string) App {
	t.Helper()
	return App{Dir: filepath.Join(t.TempDir(), "hello"), With: with, Source: Source{Version: "v1.2.3"}, Config: []byte("# settings\n")}
}

// create makes the app.
func create(t *testing.T, a App) Created {
	t.Helper()
	created, err := a.Create()
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// outcomes returns the files of the report as "wrote main.go" and so on.
func outcomes(files []File) (lines []string) {
	for _, f := range files {
		lines = append(lines, fmt.Sprint([]string{"wrote", "renewed", "skipped", "kept"}[f.Outcome], " ", f.Path))
	}
	return lines
}

func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q: %s", what, want, text)
		}
	}
}
