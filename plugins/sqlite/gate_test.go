package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/plugins/sqlite"
)

const counter = "CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0);"

// Writers of all kinds wait for each other: none fails, and no change is lost.
func TestConcurrentWritesNeitherFailNorGetLost(t *testing.T) {
	t.Parallel()
	db := open(t, sqlite.Settings{MaxConnections: 4, BusyTimeout: time.Minute}, files("1.sql", counter))
	prepared, err := db.PrepareContext(t.Context(), `UPDATE counter SET n = n + 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	ways := []func(ctx context.Context) error{
		func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, `UPDATE counter SET n = n + 1`)
			return err
		},
		func(ctx context.Context) error { _, err := prepared.ExecContext(ctx); return err },
		func(ctx context.Context) error { return inTransaction(ctx, db) },
		func(ctx context.Context) error {
			var n int
			return db.QueryRowContext(ctx, `UPDATE counter SET n = n + 1 RETURNING n`).Scan(&n)
		},
	}
	const writers, each = 16, 20
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for range each {
				if err := ways[i%len(ways)](t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := count(t, db, `SELECT n FROM counter`); n != writers*each {
		t.Errorf("%d, want %d", n, writers*each)
	}
}

// inTransaction reads the counter, and writes it in a later statement.
func inTransaction(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT n FROM counter`).Scan(&n); err != nil {
		return err
	}
	stmt, err := tx.PrepareContext(ctx, `UPDATE counter SET n = ?`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	if _, err := stmt.ExecContext(ctx, n+1); err != nil {
		return err
	}
	return tx.Commit()
}

// Readers do not wait for a writer. A second writer waits up to sqlite.busyTimeout, or until its context ends.
func TestAWriteWaitsForATransactionAndAReadDoesNot(t *testing.T) {
	t.Parallel()
	db := open(t, sqlite.Settings{BusyTimeout: 50 * time.Millisecond}, files("1.sql", counter))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE counter SET n = 5`); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT n FROM counter`); n != 0 {
		t.Errorf("a reader sees %d", n)
	}
	read, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Error(err)
	} else if err := read.Rollback(); err != nil {
		t.Error(err)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE counter SET n = 6`)
	wantError(t, "a second write", err, "a write waits longer than 50ms (sqlite.busyTimeout) for a transaction of this server")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.BeginTx(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE counter SET n = n + 1`); err != nil {
		t.Error(err)
	}
	if n := count(t, db, `SELECT n FROM counter`); n != 6 {
		t.Errorf("after the commit: %d", n)
	}
}

// However a transaction ends, the next write begins at once.
func TestEachEndOfATransactionLetsTheNextWriteIn(t *testing.T) {
	t.Parallel()
	db := open(t, sqlite.Settings{}, files("1.sql", counter+"CREATE TABLE child (n INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); CREATE TABLE parent (id INTEGER PRIMARY KEY);"))
	for name, end := range map[string]func(tx *sql.Tx, cancel func()) error{
		"commit":   func(tx *sql.Tx, _ func()) error { return tx.Commit() },
		"rollback": func(tx *sql.Tx, _ func()) error { return tx.Rollback() },
		"context":  func(_ *sql.Tx, cancel func()) error { cancel(); return nil },
		"failed statement": func(tx *sql.Tx, _ func()) error {
			_, err := tx.Exec(`INSERT INTO nowhere VALUES (1)`)
			wantError(t, "a wrong statement", err, "no such table")
			return tx.Rollback()
		},
		"failed commit": func(tx *sql.Tx, _ func()) error {
			if _, err := tx.Exec(`INSERT INTO child VALUES (7)`); err != nil {
				return err
			}
			wantError(t, "a commit without the parent", tx.Commit(), "FOREIGN KEY")
			return nil
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := end(tx, cancel); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := db.ExecContext(t.Context(), `UPDATE counter SET n = n + 1`); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		cancel()
	}
	if n := count(t, db, `SELECT n FROM counter`); n != 5 {
		t.Errorf("%d writes", n)
	}
}
