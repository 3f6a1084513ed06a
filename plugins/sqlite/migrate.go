package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "modernc.org/sqlite"
)

// migration is one file of [Options.Migrations].
type migration struct {
	name       string // without its folder
	statements string
	checksum   string // of the statements, with line breaks of Unix: a checkout on Windows may have others
	draft      bool   // it is not complete, and must not be applied
}

// isDraft reports whether the first line of a file is "-- draft", with or without a colon and a text.
func isDraft(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line, _, _ = bytes.Cut(line, []byte(":"))
	return string(bytes.TrimSpace(line)) == "-- draft"
}

// migrationsIn returns the files *.sql of fsys in the order of their names.
func migrationsIn(fsys fs.FS) (found []migration, err error) {
	if fsys == nil {
		return nil, nil
	}
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".sql" {
			return err
		}
		text, err := fs.ReadFile(fsys, name)
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		sum := sha256.Sum256(text)
		found = append(found, migration{path.Base(name), string(text), hex.EncodeToString(sum[:]), isDraft(text)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the migrations cannot be read: %w", err)
	}
	if len(found) == 0 {
		return nil, errors.New("Options.Migrations has no file *.sql: embed some with //go:embed migrations/*.sql, or leave Migrations out")
	}
	slices.SortFunc(found, func(a, b migration) int { return strings.Compare(a.name, b.name) })
	for i, m := range found[1:] {
		before := found[i].name
		if m.name == before {
			return nil, fmt.Errorf("two migrations are named %s: rename one", m.name)
		}
		if number(m.name) < number(before) {
			return nil, fmt.Errorf("the migration %s sorts before %s: give all numbers the same length, such as 0009 and 0010", before, m.name)
		}
	}
	return found, nil
}

// number returns the number at the beginning of a name, or 0.
func number(name string) int {
	end := strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(name[:max(end, 0)])
	return n
}

// migrate applies the files that the database has not seen yet. Each transaction looks again, because another server may
// start at the same time.
func migrate(ctx context.Context, db *sql.DB, files []migration, log *slog.Logger) error {
	if len(files) == 0 {
		return nil
	}
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)`)
	if err != nil {
		return err
	}
	for {
		next, err := pending(ctx, db, files)
		if err != nil {
			return err
		}
		if next == nil {
			warnOfDrafts(ctx, files, log)
			return nil
		}
		if err := applyNext(ctx, db, files, log); err != nil {
			return err
		}
	}
}

// warnOfDrafts logs why files are not applied.
func warnOfDrafts(ctx context.Context, files []migration, log *slog.Logger) {
	for _, m := range files {
		if m.draft {
			log.WarnContext(ctx, "a migration is a draft: neither it nor a later one is applied until its first line is deleted", "file", m.name)
			return
		}
	}
}

// applyNext applies the first file that the database has not seen yet.
func applyNext(ctx context.Context, db *sql.DB, files []migration, log *slog.Logger) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // without effect after Commit
	next, err := pending(ctx, tx, files)
	if next == nil || err != nil {
		return err
	}
	began := time.Now()
	if _, err := tx.ExecContext(ctx, next.statements); err != nil {
		return fmt.Errorf("the migration %s fails, and has changed nothing: %w", next.name, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (?, ?, ?)`,
		next.name, next.checksum, time.Now().UTC().Format(time.RFC3339))
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("the migration %s is not recorded (a file must not begin or end a transaction): %w", next.name, err)
	}
	log.InfoContext(ctx, "a migration was applied", "file", next.name, "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pending returns the first file that the database has not seen yet, or nil if there is none or it is a draft. It returns an error if the applied files do
// not fit to the files.
func pending(ctx context.Context, db querier, files []migration) (*migration, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, checksum FROM schema_migrations`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	applied := map[string]string{}
	for rows.Next() {
		var name, checksum string
		if err := rows.Scan(&name, &checksum); err != nil {
			return nil, err
		}
		applied[name] = checksum
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return compare(applied, files)
}

func compare(applied map[string]string, files []migration) (next *migration, err error) {
	newest, known, drafts := "", map[string]bool{}, false
	for name := range applied {
		newest = max(newest, name)
	}
	for i, m := range files {
		known[m.name] = true
		checksum, isApplied := applied[m.name]
		switch {
		case isApplied && checksum != m.checksum:
			return nil, fmt.Errorf("the migration %s was changed after it was applied: restore the file, and put the change into a new one, or delete the database if only this machine has it", m.name)
		case isApplied:
		case m.name < newest:
			return nil, fmt.Errorf("the migration %s is new, but sorts before %s, which was applied already: give it a name that sorts last", m.name, newest)
		case m.draft:
			drafts = true
		case next == nil && !drafts: // a file after a draft would keep the draft from being applied
			next = &files[i]
		}
	}
	for name := range applied {
		if last := files[len(files)-1].name; !known[name] && name < last {
			return nil, fmt.Errorf("the migration %s was applied, but its file is gone: restore it; files that were applied cannot be removed or renamed", name)
		}
	}
	return next, nil
}

// isBusy reports whether another connection has the database locked.
func isBusy(err error) bool {
	const busy, locked = 5, 6 // SQLITE_BUSY, SQLITE_LOCKED
	e, ok := errors.AsType[*driver.Error](err)
	return ok && (e.Code()&0xff == busy || e.Code()&0xff == locked)
}
