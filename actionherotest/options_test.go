package actionherotest_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

type callerIn struct {
	Name string `json:"name"`
}

type callerOut struct {
	Name, Auth, ID, IP, Body string
}

var caller = actionhero.Action[callerIn, callerOut]{
	Name: "caller",
	Run: func(ctx context.Context, in callerIn) (callerOut, error) {
		req := actionhero.RequestFrom(ctx)
		out := callerOut{Name: in.Name, Auth: req.Header("authorization"), IP: req.RemoteIP, Body: string(req.Body())}
		if req.Conn != nil {
			out.ID = req.Conn.ID
		}
		return out, nil
	},
}

// A test chooses the headers, the connection and the address of the client, and gets the output with its type.
func TestOptionsOfRun(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, caller)
	client := actionherotest.Connect(t, api, "a")
	got, err := actionherotest.RunAs[callerOut](t, api, "caller", callerIn{"ann"},
		actionherotest.WithHeader("Authorization", "Bearer x"), actionherotest.WithHeader("Other", "y"), actionherotest.From(client), actionherotest.WithBody([]byte("raw")))
	if want := (callerOut{"ann", "Bearer x", client.ID, "127.0.0.1", "raw"}); err != nil || got != want {
		t.Errorf("the action sees %+v, want %+v: %v", got, want, err)
	}
	got, err = actionherotest.RunAs[callerOut](t, api, "caller", nil, actionherotest.FromIP("192.0.2.1"))
	if want := (callerOut{IP: "192.0.2.1"}); err != nil || got != want {
		t.Errorf("the action sees %+v, want %+v: %v", got, want, err)
	}
	if _, err := actionherotest.RunAs[callerOut](t, api, "none", nil); actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeNotFound {
		t.Errorf("an unknown action: %v", err)
	}
}

// The error of a success is nil, also in a variable of type error.
func TestASuccessHasNoError(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, caller, actionhero.Task[actionhero.None]{Name: "task", Run: func(context.Context, actionhero.None) error { return nil }})
	var err error
	if _, err = actionherotest.Run(t, api, "caller", nil); err != nil {
		t.Errorf("the error of Run is %#v", err)
	}
	if err = actionherotest.RunTask(t, api, "task", nil); err != nil {
		t.Errorf("the error of RunTask is %#v", err)
	}
}
