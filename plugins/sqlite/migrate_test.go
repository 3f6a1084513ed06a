package sqlite_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
)

// fileVariable names the database that this program opens in place of its tests.
const fileVariable = "SQLITE_TEST_FILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(fileVariable); file != "" {
		db, err := sqlite.Open(context.Background(), sqlite.Settings{File: file}, manyMigrations)
		if err == nil {
			_, err = db.Exec(`INSERT INTO starts DEFAULT VALUES`)
		}
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		_ = db.Close()
		os.Exit(0)
	}
	basics.VerifyTestMain(m)
}

var manyMigrations = files(
	"0001_starts.sql", "CREATE TABLE starts (id INTEGER PRIMARY KEY);",
	"0002_runs.sql", "CREATE TABLE runs (id INTEGER PRIMARY KEY); INSERT INTO runs DEFAULT VALUES;",
	"0003_more.sql", "INSERT INTO runs DEFAULT VALUES; INSERT INTO runs DEFAULT VALUES;",
)

// Several processes start on a new file at once: each migration is applied once, and all of them start.
func TestProcessesMayStartAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.db")
	const processes = 6
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fileVariable+"="+file)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Run(); err != nil {
				t.Errorf("%v: %s", err, &errs)
			}
		})
	}
	all.Wait()
	db := open(t, sqlite.Settings{File: file}, manyMigrations)
	if starts, runs := count(t, db, `SELECT count(*) FROM starts`), count(t, db, `SELECT count(*) FROM runs`); starts != processes || runs != 3 {
		t.Errorf("%d starts, %d runs", starts, runs)
	}
}

func TestServersOfOneProcessMayStartAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := sqlite.Open(t.Context(), sqlite.Settings{File: file}, manyMigrations)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs := count(t, open(t, sqlite.Settings{File: file}, manyMigrations), `SELECT count(*) FROM runs`); runs != 3 {
		t.Errorf("%d runs", runs)
	}
}

// Each set of files that does not fit to the database, or to itself, is refused with the name of a file and a remedy. The
// database stays as it is.
func TestMigrationsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	const a, b = "CREATE TABLE a (x);", "CREATE TABLE b (x);"
	for name, test := range map[string]struct {
		before, after fs.FS
		want          string // empty: no error
	}{
		"changed":            {files("1.sql", a), files("1.sql", b), "the migration 1.sql was changed after it was applied: restore the file"},
		"gone":               {files("1.sql", a, "2.sql", b), files("2.sql", b), "the migration 1.sql was applied, but its file is gone"},
		"late":               {files("2.sql", a), files("1.sql", b, "2.sql", a), "the migration 1.sql is new, but sorts before 2.sql"},
		"broken":             {files("1.sql", a), files("1.sql", a, "2.sql", b+"CREATE TABLE oops;"), "the migration 2.sql fails, and has changed nothing"},
		"ends its own":       {files("1.sql", a), files("1.sql", a, "2.sql", "COMMIT;"), "a file must not begin or end a transaction"},
		"numbers":            {files("1.sql", a), files("1.sql", a, "2.sql", b, "10.sql", b), "the migration 10.sql sorts before 2.sql: give all numbers the same length"},
		"none":               {files("1.sql", a), files(), "has no file *.sql"},
		"older program":      {files("1.sql", a, "2.sql", b), files("1.sql", a), ""},
		"line breaks":        {files("1.sql", a+"\n"), files("1.sql", a+"\r\n"), ""},
		"without migrations": {files("1.sql", a), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "x.db")
			tables := count(t, open(t, sqlite.Settings{File: file}, test.before), `SELECT count(*) FROM sqlite_schema WHERE type = 'table'`)
			db, err := sqlite.Open(t.Context(), sqlite.Settings{File: file}, test.after)
			if test.want == "" && err == nil {
				_ = db.Close()
				return
			}
			wantError(t, name, err, test.want)
			if now := count(t, open(t, sqlite.Settings{File: file}, test.before), `SELECT count(*) FROM sqlite_schema WHERE type = 'table'`); now != tables {
				t.Errorf("%d tables, before %d", now, tables)
			}
		})
	}
}

// A file whose first line is "-- draft" is not applied, nor is a later one, so that it may change while it is written.
func TestADraftIsAppliedWhenItIsComplete(t *testing.T) {
	t.Parallel()
	const a, b, c = "CREATE TABLE a (x);", "CREATE TABLE b (x);", "CREATE TABLE c (x);"
	file := sqlite.Settings{File: filepath.Join(t.TempDir(), "x.db")}
	for _, step := range []struct {
		files  fs.FS
		tables int // besides schema_migrations
	}{
		{files("1.sql", a, "2.sql", "-- draft: delete this line\n"+b), 1},
		{files("1.sql", a, "2.sql", "-- draft\r\nCREATE TABLE b (", "3.sql", c), 1},
		{files("1.sql", a, "2.sql", "-- drafts of letters\n"+b, "3.sql", "-- draft\n"+c), 2},
		{files("1.sql", a, "2.sql", "-- drafts of letters\n"+b, "3.sql", c), 3},
	} {
		if tables := count(t, open(t, file, step.files), `SELECT count(*) FROM sqlite_schema WHERE type = 'table'`) - 1; tables != step.tables {
			t.Errorf("with %v, there are %d tables", step.files, tables)
		}
	}
	db, err := sqlite.Open(t.Context(), file, files("1.sql", "-- draft\n"+a))
	if err == nil {
		_ = db.Close()
	}
	wantError(t, "an applied file that becomes a draft", err, "the migration 1.sql was changed after it was applied")
}

// A start with a draft says so in the log.
func TestTheLogHasADraft(t *testing.T) {
	t.Parallel()
	draft := sqlite.New(sqlite.Options{Migrations: files("1.sql", "-- draft\n")})
	api := actionherotest.New(t, draft, sqlite.File(filepath.Join(t.TempDir(), "x.db")))
	for _, line := range actionherotest.Logged(t, api) {
		if strings.HasPrefix(line.Message, "a migration is a draft") && line.Attrs["file"] == "1.sql" {
			return
		}
	}
	t.Error("the log has no draft")
}

// The log has each migration, and a start that has none to apply is silent.
func TestTheLogHasEachMigration(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, app, sqlite.File(filepath.Join(t.TempDir(), "x.db")))
	if err := api.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, line := range actionherotest.Logged(t, api) {
		if line.Message == "a migration was applied" {
			applied++
		}
	}
	if applied != 1 {
		t.Errorf("the log has %d migrations", applied)
	}
}
