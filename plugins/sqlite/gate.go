package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// connector opens connections that share a gate. Without the gate, SQLite would let waiting writers poll for its lock, in
// no order, so that some of them would wait for long.
type connector struct {
	source string
	gate   *gate
}

func newConnector(source string, busy time.Duration) connector {
	return connector{source, &gate{make(chan struct{}, 1), busy}}
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &sqlite.Driver{} }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	inner, err := (&sqlite.Driver{}).Open(c.source)
	if err != nil {
		return nil, err
	}
	complete, ok := inner.(innerConn)
	if !ok {
		return nil, fmt.Errorf("the driver of SQLite has a %T, which lacks a method of package database/sql/driver", inner)
	}
	return &conn{innerConn: complete, gate: c.gate}, nil
}

// gate lets one writer of this process through at a time, in the order of their calls.
type gate struct {
	taken chan struct{}
	limit time.Duration
}

func (g *gate) enter(ctx context.Context) error {
	select {
	case g.taken <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(g.limit)
	defer timer.Stop()
	select {
	case g.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("database is locked: a write waits longer than %v (sqlite.busyTimeout) for a transaction of this server", g.limit)
	}
}

func (g *gate) leave() { <-g.taken }

// innerConn is what database/sql calls at a connection of the driver.
type innerConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection whose writes pass the gate. database/sql calls it from one goroutine at a time.
type conn struct {
	innerConn
	gate *gate
	tx   *tx // the running transaction
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	t := &tx{conn: c, writes: !options.ReadOnly}
	if t.writes {
		if err := c.gate.enter(ctx); err != nil {
			return nil, err
		}
	}
	inner, err := c.innerConn.BeginTx(ctx, options)
	if err != nil {
		t.end()
		return nil, err
	}
	t.Tx, c.tx = inner, t
	return t, nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.write(ctx, func() (driver.Result, error) { return c.innerConn.ExecContext(ctx, query, args) })
}

func (c *conn) write(ctx context.Context, exec func() (driver.Result, error)) (driver.Result, error) {
	if c.tx == nil {
		if err := c.gate.enter(ctx); err != nil {
			return nil, err
		}
		defer c.gate.leave()
	}
	return exec()
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.innerConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	complete, ok := inner.(innerStmt)
	if !ok {
		return nil, fmt.Errorf("the driver of SQLite has a %T, which lacks a method of package database/sql/driver", inner)
	}
	return &stmt{complete, c}, nil
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	if c.tx != nil {
		defer c.tx.end()
	}
	return c.innerConn.Close()
}

type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	innerStmt
	conn *conn
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.write(ctx, func() (driver.Result, error) { return s.innerStmt.ExecContext(ctx, args) })
}

// tx is a transaction. A transaction that writes is within the gate.
type tx struct {
	driver.Tx
	conn   *conn
	writes bool
	once   sync.Once
}

// end leaves the gate.
func (t *tx) end() {
	t.once.Do(func() {
		t.conn.tx = nil
		if t.writes {
			t.conn.gate.leave()
		}
	})
}

// Commit implements driver.Tx.
func (t *tx) Commit() error {
	defer t.end()
	err := t.Tx.Commit()
	if err != nil {
		_ = t.Tx.Rollback() // the connection goes back to the pool: it must not keep the lock
	}
	return err
}

// Rollback implements driver.Tx.
func (t *tx) Rollback() error {
	defer t.end()
	return t.Tx.Rollback()
}
