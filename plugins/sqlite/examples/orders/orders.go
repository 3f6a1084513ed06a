// Package orders takes orders in a transaction, and enqueues a mail for each. It shows a database with queries that sqlc
// has generated from SQL. Begin with [All].
package orders

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
	"github.com/actionhero-go/actionhero/plugins/sqlite/examples/orders/queries"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.30.0 generate

//go:embed migrations/*.sql
var migrations embed.FS

// All has the database, the actions and the tasks, as parts for cli.Main.
var All = actionhero.Parts{sqlite.New(sqlite.Options{Migrations: migrations}), Orders}

// Orders registers the parts that use the database.
var Orders = actionhero.Initializer{
	Name: "orders",
	Setup: func(api *actionhero.API) error {
		return api.Register(parts(actionhero.Use[*sql.DB](api))...)
	},
}

// orders holds the action `orders:place` and the tasks `pending` and `confirm`.
type orders struct {
	db      actionhero.Value[*sql.DB]
	confirm actionhero.Task[ConfirmInput]
}

func parts(db actionhero.Value[*sql.DB]) actionhero.Parts {
	o := &orders{db: db, confirm: actionhero.Task[ConfirmInput]{
		Name: "confirm", Description: "Confirms an order by mail", MaxAttempts: 10, Run: confirm,
	}}
	return actionhero.Parts{
		o.confirm,
		actionhero.Action[PlaceInput, PlaceOutput]{Name: "orders:place", Description: "Places an order", Route: "POST /orders", Run: o.place},
		actionhero.Task[actionhero.None]{Name: "pending", Description: "Enqueues the mails of new orders", Frequency: time.Second, Run: o.pending},
	}
}

// inTx runs f in a transaction. If f or the commit fails, nothing has changed.
func inTx(ctx context.Context, db *sql.DB, f func(*queries.Queries) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(queries.New(tx)); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// PlaceInput is the input of the action `orders:place`.
type PlaceInput struct {
	Item   string `json:"item" required:"true" maxLength:"100"`
	Amount int64  `json:"amount" minimum:"1" maximum:"100" default:"1"`
	Email  string `json:"email" required:"true" format:"email"`
}

// PlaceOutput is the output of the action `orders:place`.
type PlaceOutput struct {
	ID int64 `json:"id"`
}

// place takes the stock, writes the order and notes its mail, all or nothing.
func (o *orders) place(ctx context.Context, in PlaceInput) (out PlaceOutput, err error) {
	err = inTx(ctx, o.db.Get(), func(q *queries.Queries) error {
		taken, err := q.TakeStock(ctx, queries.TakeStockParams{Name: in.Item, Amount: in.Amount})
		if err != nil {
			return err
		}
		if taken == 0 {
			return actionhero.Errorf(actionhero.CodeConflict, "there are not %d of %s", in.Amount, in.Item)
		}
		if out.ID, err = q.AddOrder(ctx, queries.AddOrderParams{Name: in.Item, Amount: in.Amount, Email: in.Email}); err != nil {
			return err
		}
		return q.AddPending(ctx, out.ID)
	})
	return out, err
}

// pending enqueues a job for each pending row, and removes the row. If it is interrupted in between, the row is
// read again; the unique key makes one job of it.
func (o *orders) pending(ctx context.Context, _ actionhero.None) error {
	api, q := actionhero.RequestFrom(ctx).API, queries.New(o.db.Get())
	rows, err := q.ListPending(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		in := ConfirmInput{Order: row.OrderID, Email: row.Email}
		key := actionhero.UniqueKey(fmt.Sprint("order ", row.OrderID))
		if _, err := o.confirm.Enqueue(ctx, api, in, key, actionhero.UniqueFor(24*time.Hour)); err != nil {
			return err
		}
		if err := q.RemovePending(ctx, row.ID); err != nil {
			return err
		}
	}
	return nil
}

// ConfirmInput is the input of the task `confirm`.
type ConfirmInput struct {
	Order int64  `json:"order" required:"true"`
	Email string `json:"email" required:"true" format:"email"`
}

// confirm stands for sending a mail.
func confirm(ctx context.Context, in ConfirmInput) error {
	actionhero.Log(ctx).Info("a mail confirms an order", "order", in.Order, "to", in.Email)
	return nil
}
