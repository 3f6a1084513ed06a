package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
	"github.com/actionhero-go/actionhero/server"
)

// files returns a file system with these files: name, content, name, content, …
func files(pairs ...string) fs.FS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys["migrations/"+pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

var notes = files("0001_notes.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);")

// noteActions has an action that adds a note and returns the number of notes.
func noteActions(db actionhero.Value[*sql.DB]) actionhero.Part {
	return actionhero.Action[actionhero.None, map[string]int]{Name: "noteAdd", Run: func(ctx context.Context, _ actionhero.None) (map[string]int, error) {
		if _, err := db.Get().ExecContext(ctx, `INSERT INTO notes (text) VALUES ('milk')`); err != nil {
			return nil, err
		}
		var n int
		err := db.Get().QueryRowContext(ctx, `SELECT count(*) FROM notes`).Scan(&n)
		return map[string]int{"notes": n}, err
	}}
}

var app = actionhero.Parts{
	sqlite.New(sqlite.Options{Migrations: notes}),
	actionhero.Initializer{Name: "notes", Setup: func(api *actionhero.API) error {
		return api.Register(noteActions(actionhero.Use[*sql.DB](api)))
	}},
}

func wantNotes(t *testing.T, api *actionhero.API, want int) {
	t.Helper()
	out, err := actionherotest.RunAs[map[string]int](t, api, "noteAdd", nil)
	if err != nil || out["notes"] != want {
		t.Errorf("got %v, %v, want %d notes", out, err, want)
	}
}

func wantError(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %v, want an error with %q", what, err, text)
	}
}

// The rows outlive a restart. A second API has a database of its own.
func TestTheDatabaseKeepsItsRows(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "folder", "a name with ? and % and #.db")
	first := actionherotest.New(t, app, sqlite.File(file))
	second := actionherotest.New(t, sqlite.File(filepath.Join(t.TempDir(), "other.db")), app)
	wantNotes(t, first, 1)
	pool := actionhero.Use[*sql.DB](first).Get()
	if err := first.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantError(t, "the pool of the first start", pool.PingContext(t.Context()), "closed")
	wantNotes(t, first, 2)
	wantNotes(t, second, 1)
	info, err := os.Stat(file)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
}

func TestTheSettingsComeFromTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ACTIONHERO_SQLITE_FILE", filepath.Join(dir, "from the environment.db"))
	config := filepath.Join(dir, "config.json")
	if err := os.WriteFile(config, []byte(`{"sqlite": {"file": "ignored", "maxConnections": 3}, "tasks": {"memory": true}, "log": {"logging": false}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := server.Load(dir, app...)
	if err != nil {
		t.Fatal(err)
	}
	api, err := server.NewAPI(cfg, app...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(api.Start(t.Context()), api.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	if n := actionhero.Use[*sql.DB](api).Get().Stats().MaxOpenConnections; n != 3 {
		t.Errorf("%d connections", n)
	}
	if _, err := os.Stat(filepath.Join(dir, "from the environment.db")); err != nil {
		t.Error(err)
	}
}

func TestAWrongFileIsRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blocked := filepath.Join(dir, "blocked")
	if err := os.WriteFile(blocked, []byte("this is a text of some length, and no database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		":memory:":                     `sqlite.file is ":memory:": it must be the path of a file; a test uses a file in t.TempDir()`,
		"file:x?mode=memory":           "it must be the path of a file",
		dir:                            "(sqlite.file) cannot be opened",
		filepath.Join(blocked, "x.db"): "(sqlite.file) cannot be made",
		blocked:                        "blocked (sqlite.file): file is not a database",
	} {
		_, err := sqlite.Open(t.Context(), sqlite.Settings{File: file}, notes)
		wantError(t, file, err, want)
	}
}

// While the file of the database is gone, a load balancer sends no clients.
func TestTheServerIsNotReadyWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.db")
	s := actionherotest.NewServer(t, app, sqlite.File(file))
	ready := func(status int, text string) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get("http://" + s.Web.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != status || string(body) != text || err != nil {
			t.Errorf("%d %q, %v", resp.StatusCode, body, err)
		}
	}
	ready(200, "ready\n")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed")
	}
	if err := s.Start(t.Context()); err != nil { // the result of the first check is forgotten
		t.Fatal(err)
	}
	if err := os.Rename(file, file+".moved"); err != nil {
		t.Fatal(err)
	}
	ready(503, "not ready: a health check fails: sqlite\n")
	wantError(t, "Health", errors.Unwrap(s.Health(t.Context())), "was removed while the server runs")
}

func TestAReplacedFileIsFound(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.db")
	api := actionherotest.New(t, app, sqlite.File(file))
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced")
	}
	if err := errors.Join(os.Rename(file, file+".moved"), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Health", errors.Unwrap(api.Health(t.Context())), "was replaced while the server runs")
}

// The app says which two initializers provide the database.
func TestASecondDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	other := actionhero.Initializer{Name: "archive", Setup: func(api *actionhero.API) error {
		actionhero.Provide(api, func(ctx context.Context) (*sql.DB, error) {
			return sqlite.Open(ctx, sqlite.Settings{File: filepath.Join(t.TempDir(), "archive.db")}, nil)
		}, nil)
		return nil
	}}
	_, err := server.NewAPI(server.Config{General: actionhero.Config{}}, sqlite.New(sqlite.Options{}), other)
	wantError(t, "NewAPI", err, `initializers "sqlite" and "archive" both provide a *sql.DB`)
}

// open opens the database for a test that needs no API.
func open(t *testing.T, settings sqlite.Settings, migrations fs.FS) *sql.DB {
	t.Helper()
	if settings.File == "" {
		settings.File = filepath.Join(t.TempDir(), "x.db")
	}
	db, err := sqlite.Open(t.Context(), settings, migrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Error(fmt.Errorf("%s: %w", query, err))
	}
	return n
}
