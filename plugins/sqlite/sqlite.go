package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// Settings are the section "sqlite" of the configuration.
type Settings struct {
	File           string        `json:"file" default:"./data/app.db" doc:"file of the database; its folder is made if it does not exist"`
	BusyTimeout    time.Duration `json:"busyTimeout" default:"5s" min:"1ms" max:"10m" doc:"how long a write waits for other writes"`
	MaxConnections int           `json:"maxConnections" default:"16" min:"2" max:"1000" doc:"largest number of connections; a read has one, and also a write that waits"`
}

// Section is the section of the configuration that [New] registers.
const Section = actionhero.Section[Settings]("sqlite")

// Options are the options of [New]. The zero Options are a database without migrations.
type Options struct {
	Migrations fs.FS // files *.sql, in any folder; default: none
}

// New returns the initializer "sqlite". It opens the database at each start, after which the migrations are applied, and
// provides it as a *[sql.DB]. A health check "sqlite" reads the database. An API can have one database; a second one is
// opened with [Open] in an initializer of the app.
func New(options Options) actionhero.Initializer {
	return actionhero.Initializer{
		Name:  "sqlite",
		Parts: actionhero.Parts{Section},
		Setup: func(api *actionhero.API) error {
			var file databaseFile // of the current start
			db := actionhero.Provide(api, func(ctx context.Context) (*sql.DB, error) {
				settings := Section.Get(api)
				for _, part := range transport.Of(api).Parts() {
					if f, ok := part.(filePart); ok {
						settings.File = string(f)
					}
				}
				db, opened, err := open(ctx, settings, options.Migrations, api.Log())
				file = opened
				return db, err
			}, func(_ context.Context, db *sql.DB) error { return db.Close() })
			api.AddHealthCheck("sqlite", func(ctx context.Context) error { return check(ctx, db.Get(), file) })
			return nil
		},
	}
}

type filePart string

// File returns a part that names the file of the database, in place of the setting sqlite.file. Tests use it:
//
//	actionherotest.New(t, sqlite.File(filepath.Join(t.TempDir(), "test.db")), initializers.All, actions.All)
func File(path string) actionhero.Part { return transport.Part(filePart(path)) }

// Open opens the database outside of an API, for a script or as a second database, and applies the migrations;
// nil has none. Zero fields of settings have their defaults. The caller closes the database.
func Open(ctx context.Context, settings Settings, migrations fs.FS) (*sql.DB, error) {
	db, _, err := open(ctx, settings.withDefaults(), migrations, slog.New(slog.DiscardHandler))
	return db, err
}

func (s Settings) withDefaults() Settings {
	_, defaults, err := Section.Defaults()
	if err != nil {
		panic(err) // a mistake in the tags of Settings
	}
	d := defaults.(*Settings)
	if s.File == "" {
		s.File = d.File
	}
	if s.BusyTimeout == 0 {
		s.BusyTimeout = d.BusyTimeout
	}
	if s.MaxConnections == 0 {
		s.MaxConnections = d.MaxConnections
	}
	return s
}

// databaseFile is the file of an open database.
type databaseFile struct {
	path string // absolute
	info fs.FileInfo
}

func open(ctx context.Context, s Settings, migrations fs.FS, log *slog.Logger) (db *sql.DB, file databaseFile, err error) {
	files, err := migrationsIn(migrations)
	if err != nil {
		return nil, file, err
	}
	if file, err = prepare(s.File); err != nil {
		return nil, file, err
	}
	db = sql.OpenDB(newConnector(source(file.path, s.BusyTimeout), s.BusyTimeout))
	db.SetMaxOpenConns(s.MaxConnections)
	db.SetMaxIdleConns(s.MaxConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	err = inWALMode(ctx, db, s.BusyTimeout)
	if err == nil {
		err = migrate(ctx, db, files, log)
	}
	if err != nil {
		return nil, file, errors.Join(fmt.Errorf("the database %s (sqlite.file): %w", s.File, err), db.Close())
	}
	return db, file, nil
}

// prepare creates the file, unless it exists. Only this user can read a new file.
func prepare(name string) (file databaseFile, err error) {
	if name == "" || strings.HasPrefix(name, ":") || strings.HasPrefix(name, "file:") {
		return file, fmt.Errorf("sqlite.file is %q: it must be the path of a file; a test uses a file in t.TempDir(), because each connection to a database in memory would have its own", name)
	}
	if file.path, err = filepath.Abs(name); err != nil {
		return file, fmt.Errorf("sqlite.file is %q: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Dir(file.path), 0o700); err != nil {
		return file, fmt.Errorf("the folder of the database %s (sqlite.file) cannot be made: %w", name, err)
	}
	f, err := os.OpenFile(file.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return file, fmt.Errorf("the database %s (sqlite.file) cannot be opened: %w", name, err)
	}
	file.info, err = f.Stat()
	return file, errors.Join(err, f.Close())
}

// source returns the name of the file for the driver, with the settings of each connection. A transaction is a writer
// from its beginning: one that reads first and writes later could fail, because another one has written meanwhile.
func source(path string, busy time.Duration) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/data
	}
	options := url.Values{
		"_pragma": {"busy_timeout(" + strconv.FormatInt(max(busy.Milliseconds(), 1), 10) + ")", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
}

// inWALMode puts the file into WAL mode, which the file keeps. SQLite does not wait for others while it does that, so
// that one of several servers that start at once tries again.
func inWALMode(ctx context.Context, db *sql.DB, limit time.Duration) error {
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(limit); ; {
		var mode string
		err := db.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode)
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("the journal mode is %s and cannot be WAL: put the file on a local disk", mode)
		case !isBusy(err) || time.Now().After(deadline):
			return err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// check reads the database, and looks whether its file is still there. SQLite would go on with a removed file, whose rows
// are lost at the end of the process.
func check(ctx context.Context, db *sql.DB, file databaseFile) error {
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	now, err := os.Stat(file.path)
	if err != nil {
		return fmt.Errorf("the file of the database was removed while the server runs: %w", err)
	}
	if !os.SameFile(now, file.info) {
		return fmt.Errorf("the file of the database, %s, was replaced while the server runs: restart the server", file.path)
	}
	return nil
}
