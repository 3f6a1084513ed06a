package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/bridge"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// newAPI returns a started API, and a client of it in the room defaultRoom.
func newAPI(t testing.TB, parts ...actionhero.Part) (*actionhero.API, *actionhero.Conn) {
	t.Helper()
	return newAPIOf(t, actionhero.Config{Log: slog.New(slog.DiscardHandler)}, parts...)
}

func newAPIOf(t testing.TB, cfg actionhero.Config, parts ...actionhero.Part) (*actionhero.API, *actionhero.Conn) {
	t.Helper()
	cfg.Backend = local.New(local.Config{})
	api, err := actionhero.New(cfg, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := transport.Of(api).Connect("tcp", netip.MustParseAddrPort("127.0.0.1:1"), sink{})
	c.ID, c.ConnectedAt = "me", time.UnixMilli(1343604353551)
	if err := api.Rooms.Move(t.Context(), c, "defaultRoom"); err != nil {
		t.Fatal(err)
	}
	return api, c
}

// sink is a client that hears nothing.
type sink struct{}

func (sink) Deliver(*actionhero.RoomMessage) bool { return false }
func (sink) Flush()                               {}
func (sink) Close(string)                         {}

// same reports an object, to which its closing brace is added, that is not to the letter what clients expect.
func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	before, text, ok := strings.Cut(string(got)+"}", "|")
	if !ok || before != "kept" {
		t.Errorf("%s: what was there before is lost: %s", what, got)
	}
	if text != want || !json.Valid([]byte(text)) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, text, want)
	}
}

func kept() []byte { return []byte("kept|") }

func TestMessages(t *testing.T) {
	t.Parallel()
	notice := &actionhero.RoomMessage{Body: []byte(`{"context":"api"}`), From: "x"}
	bridge.MessageOf(notice).IsNotice = true
	further := &actionhero.RoomMessage{Room: `the "den"`, Body: []byte(`1`), From: "x"}
	bridge.MessageOf(further).NamesRoom = true
	same(t, "Welcome", wire.Welcome(kept(), `Hello "you"`, "defaultRoom"), `{"welcome":"Hello \"you\"","room":"defaultRoom","context":"api"}`)
	same(t, "RoomMessage", wire.RoomMessage(kept(), &actionhero.RoomMessage{Body: []byte(`{"a":1}`), From: "x\n"}), `{"message":{"a":1},"from":"x\n","context":"user"}`)
	same(t, "RoomMessage of a notice", wire.RoomMessage(kept(), notice), `{"context":"api"}`)
	same(t, "RoomMessage of a further room", wire.RoomMessage(kept(), further), `{"message":1,"from":"x","context":"user","room":"the \"den\""}`)
	same(t, "Status", wire.Status(kept(), "Cannot set null"), `{"status":"Cannot set null","context":"response"}`)
	same(t, "Goodbye", wire.Goodbye(kept()), `{"status":"Bye!","context":"api"}`)
	same(t, "OK", wire.OK(kept()), `{"context":"response","status":"OK"}`)
	same(t, "Params", wire.Params(kept(), []byte(`{"a":"b"}`)), `{"context":"response","params":{"a":"b"}}`)
}

// An error with a code is for the client; any other is the server's own business.
func TestError(t *testing.T) {
	t.Parallel()
	same(t, "coded", wire.Error(kept(), actionhero.Errorf(actionhero.CodeNotFound, "no %q", "x")), `{"context":"response","error":"no \"x\""}`)
	same(t, "internal", wire.Error(kept(), errors.New("db.internal refuses")), `{"context":"response","error":"The server experienced an internal error"}`)
}

func TestResult(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	req := transport.Of(api).NewRequest("tcp")
	for name, test := range map[string]struct {
		out  any
		want string
	}{
		"members":              {struct{ A, B int }{1, 2}, `{"context":"response","A":1,"B":2,"error":false}`},
		"a map":                {map[string]any{"a": []int{1}}, `{"context":"response","a":[1],"error":false}`},
		"nothing":              {actionhero.None{}, `{"context":"response","status":"OK","error":false}`},
		"what does not encode": {map[string]any{"a": func() {}}, `{"context":"response","error":"The server experienced an internal error"}`},
	} {
		same(t, name, wire.Result(kept(), req, test.out), test.want)
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	_, c := newAPI(t)
	const public = `"public":{"id":"me","connectedAt":1343604353551}}}`
	same(t, "with params", wire.Details(kept(), c, []byte(`{"a":"b"}`)), `{"context":"response","status":"OK","details":{"params":{"a":"b"},`+public)
	same(t, "without", wire.Details(kept(), c, nil), `{"context":"response","status":"OK","details":{`+public)
	if err := c.SetDetail("id", "mine"); err != nil {
		t.Fatal(err)
	}
	same(t, "with a detail", wire.Details(kept(), c, nil), `{"context":"response","status":"OK","details":{`+strings.TrimSuffix(public, "}}}")+`,"details":{"id":"mine"}}}}`)
}
