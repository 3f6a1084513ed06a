package actionherotest_test

import (
	"context"
	"io"
	"strings"
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

type changeIn struct {
	Title actionhero.Optional[string] `json:"title"`
	Due   actionhero.Optional[string] `json:"due"`
	Times int                         `json:"times" default:"3" minimum:"1"`
	Files []*actionhero.File          `json:"files"`
}

var change = actionhero.Action[changeIn, map[string]any]{
	Name: "change",
	Run: func(_ context.Context, in changeIn) (map[string]any, error) {
		names := ""
		for _, f := range in.Files {
			text, err := io.ReadAll(f)
			if err != nil {
				return nil, err
			}
			names += f.Name + "=" + string(text)
		}
		return map[string]any{"title": in.Title.Set, "due": in.Due.Set, "null": in.Due.Null, "times": in.Times, "files": names}, nil
	},
}

// A struct gives what Action.Call gives: no field with its zero value, and files.
func TestAStructOfParamsGivesOnlyWhatIsSet(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, change)
	in := changeIn{
		Due:   actionhero.Optional[string]{Set: true, Null: true},
		Files: []*actionhero.File{{Name: "a", ReadSeeker: strings.NewReader("b")}},
	}
	want := `{"due":true,"files":"a=b","null":true,"times":3,"title":false}`
	if got, err := actionherotest.Run(t, api, "change", &in); err != nil || string(got) != want {
		t.Errorf("a pointer: got %s, want %s: %v", got, want, err)
	}
	in.Files[0].ReadSeeker = strings.NewReader("b")
	if got, err := actionherotest.Run(t, api, "change", in); err != nil || string(got) != want {
		t.Errorf("a struct: got %s, want %s: %v", got, want, err)
	}
	if _, err := actionherotest.Run(t, api, "change", map[string]any{"times": 0}); err == nil {
		t.Error("a zero in a map is not sent")
	}
}

// A client of a room that is only for users connects, logs in, and then enters.
func TestConnectInNoRoom(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, _ string) error {
		if c.Detail("user") == nil {
			return actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first")
		}
		return nil
	}})
	client := actionherotest.Connect(t, api, "")
	if room := client.Room(); room != "" {
		t.Errorf("the client is in %q", room)
	}
	if err := client.SetDetail("user", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := api.Rooms.Move(t.Context(), client.Conn, "users"); err != nil {
		t.Errorf("after the login: %v", err)
	}
}
