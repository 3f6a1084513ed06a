package actionherotest_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

type orderInput struct {
	ID int64 `json:"id" required:"true"`
}

var (
	orderPaid = actionhero.Event[orderInput]{Name: "orderPaid", Room: "order:{id}"}
	orderNote = actionhero.Event[string]{Name: "orderNote", Room: "order:{id}"}
)

var pay = actionhero.Action[orderInput, actionhero.None]{Name: "pay", Run: func(ctx context.Context, in orderInput) (none actionhero.None, err error) {
	api := actionhero.RequestFrom(ctx).API
	if err := orderNote.Publish(ctx, api, "order:7", "paid by card"); err != nil {
		return none, err
	}
	return none, orderPaid.Publish(ctx, api, "order:7", in)
}}

func TestATestReceivesAnEventAndSkipsOtherMessages(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, pay, orderPaid, orderNote)
	ann := actionherotest.Connect(t, api, "order:7")
	actionherotest.Connect(t, api, "order:7") // ann reads a notice
	if err := api.Rooms.Broadcast(t.Context(), "order:7", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := actionherotest.Run(t, api, "pay", orderInput{7}); err != nil {
		t.Fatal(err)
	}
	if value, room := actionherotest.NextEvent(t, ann, orderPaid); value.ID != 7 || room != "order:7" {
		t.Errorf("%+v in %q", value, room)
	}
	if left := ann.Messages(); left != nil {
		t.Errorf("NextEvent leaves %v", left)
	}
}

func TestAValueOfAnotherTypeFailsTheTest(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, orderNote)
	ann := actionherotest.Connect(t, api, "order:7")
	if err := orderNote.Publish(t.Context(), api, "order:7", "x"); err != nil {
		t.Fatal(err)
	}
	f := &fakeTest{TB: t}
	func() {
		defer func() { _ = recover() }()
		actionherotest.NextEvent(f, ann, actionhero.Event[int]{Name: "orderNote"})
	}()
	if f.message == "" {
		t.Error("a text passes for a number")
	}
}
