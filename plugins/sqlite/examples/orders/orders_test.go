package orders

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
	"github.com/actionhero-go/actionhero/plugins/sqlite/examples/orders/queries"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts the app with a database that has cups, and returns its queries.
func start(t *testing.T, cups int64) (*actionhero.API, *sql.DB, *queries.Queries) {
	t.Helper()
	api := actionherotest.New(t, All, sqlite.File(filepath.Join(t.TempDir(), "orders.db")))
	db := actionhero.Use[*sql.DB](api).Get()
	q := queries.New(db)
	if err := q.AddItem(t.Context(), queries.AddItemParams{Name: "cup", Stock: cups}); err != nil {
		t.Fatal(err)
	}
	return api, db, q
}

func place(t *testing.T, api *actionhero.API, amount int64) error {
	t.Helper()
	_, err := actionherotest.RunAs[PlaceOutput](t, api, "orders:place", PlaceInput{Item: "cup", Amount: amount, Email: "ann@example.com"})
	return err
}

func TestAnOrderIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	api, _, q := start(t, 5)
	if err := place(t, api, 2); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the second and the third find nothing
		if err := actionherotest.RunTask(t, api, "pending", nil); err != nil {
			t.Fatal(err)
		}
	}
	if rows, err := q.ListPending(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("the table has %v, %v", rows, err)
	}
	actionherotest.RequireEnqueued(t, api, "confirm", 1)
}

// A job whose row could not be removed is enqueued again, and is no second job.
func TestAnInterruptedTaskMakesNoSecondJob(t *testing.T) {
	t.Parallel()
	api, _, q := start(t, 5)
	if err := place(t, api, 1); err != nil {
		t.Fatal(err)
	}
	rows, err := q.ListPending(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("the table has %v, %v", rows, err)
	}
	for range 2 {
		if err := actionherotest.RunTask(t, api, "pending", nil); err != nil {
			t.Fatal(err)
		}
		if err := q.AddPending(t.Context(), rows[0].OrderID); err != nil {
			t.Fatal(err)
		}
	}
	actionherotest.RequireEnqueued(t, api, "confirm", 1)
}

func TestARefusedOrderChangesNothing(t *testing.T) {
	t.Parallel()
	api, db, q := start(t, 5)
	if e := actionhero.AsError(place(t, api, 6)); e == nil || e.Code != actionhero.CodeConflict {
		t.Errorf("an order of too much: %v", e)
	}
	failure := errors.New("a failure after the stock was taken")
	if err := inTx(t.Context(), db, func(q *queries.Queries) error {
		_, err := q.TakeStock(context.Background(), queries.TakeStockParams{Name: "cup", Amount: 1})
		return errors.Join(failure, err)
	}); !errors.Is(err, failure) {
		t.Errorf("the error of a transaction is %v", err)
	}
	stock, err := q.Stock(t.Context(), "cup")
	rows, err2 := q.ListPending(t.Context())
	if err != nil || err2 != nil || stock != 5 || len(rows) != 0 {
		t.Errorf("the stock is %d, and the table has %v: %v, %v", stock, rows, err, err2)
	}
}

func TestNoCupIsSoldTwice(t *testing.T) {
	t.Parallel()
	api, _, q := start(t, 10)
	var sold sync.Map
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			_, err := actionherotest.RunAs[PlaceOutput](t, api, "orders:place", PlaceInput{Item: "cup", Amount: 1, Email: "ann@example.com"})
			if err == nil {
				sold.Store(i, true)
			} else if actionhero.AsError(err).Code != actionhero.CodeConflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	sold.Range(func(any, any) bool { n++; return true })
	if stock, err := q.Stock(t.Context(), "cup"); n != 10 || stock != 0 || err != nil {
		t.Errorf("%d of 10 cups were sold, and %d are left: %v", n, stock, err)
	}
}
