package generate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A migration has the number after the last one, with as many digits, and is a draft.
func TestAMigrationHasTheNextNumber(t *testing.T) {
	t.Parallel()
	for want, before := range map[string][]string{
		"0001_add_age.sql": nil,
		"0002_add_age.sql": {"0001_notes.sql", "README.md", "x_7.sql"},
		"10_add_age.sql":   {"09_b.sql", "08_a.sql"},
		"100_add_age.sql":  {"099_b.sql"},
	} {
		dir := newMigrations(t, before...)
		for _, dry := range []bool{true, false} {
			files, err := Migration(dir, "addAge", dry)
			if err != nil || len(files) != 1 || files[0] != (File{migrationsFolder + "/" + want, Wrote}) {
				t.Errorf("after %v, the file is %v, %v", before, files, err)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(migrationsFolder), want))
		if err != nil || !strings.HasPrefix(string(text), "-- draft: ") {
			t.Errorf("%s: %q, %v", want, text, err)
		}
	}
}

func TestAMigrationThatCannotBeAddedIsExplained(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "go.mod"), []byte("module example.com/x\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for want, tt := range map[string]struct{ dir, name string }{
		"the app has no folder initializers/migrations": {empty, "x"},
		"all numbers with 1 digits are taken":           {newMigrations(t, "9_a.sql"), "x"},
		"has a folder: leave it out":                    {newMigrations(t), "admin/x"},
		`the name "1st" is not allowed`:                 {newMigrations(t), "1st"},
		"is too large":                                  {newMigrations(t, strings.Repeat("9", 30)+"_a.sql"), "x"},
	} {
		if files, err := Migration(tt.dir, tt.name, false); err == nil || !strings.Contains(err.Error(), want) || len(files) > 0 {
			t.Errorf("%q: %v, %v", want, files, err)
		}
	}
}

// newMigrations returns the folder of an app with migrations.
func newMigrations(t *testing.T, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	folder := filepath.Join(dir, filepath.FromSlash(migrationsFolder))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"../../go.mod"}, files...) {
		if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), []byte("module example.com/x\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
