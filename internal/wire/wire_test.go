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

// newAPI returns a started API and a connection to it that is in the room defaultRoom.
func newAPI(t testing.TB, parts ...actionhero.Part) (*actionhero.API, *actionhero.Conn) {
	t.Helper()
	return newAPIWith(t, actionhero.Config{Log: slog.New(slog.DiscardHandler)}, parts...)
}

func newAPIWith(t testing.TB, cfg actionhero.Config, parts ...actionhero.Part) (*actionhero.API, *actionhero.Conn) {
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
	c := transport.Of(api).Connect("tcp", netip.MustParseAddrPort("127.0.0.1:1"), discardSender{})
	c.ID, c.ConnectedAt = "me", time.UnixMilli(1343604353551)
	if err := api.Rooms.Move(t.Context(), c, "defaultRoom"); err != nil {
		t.Fatal(err)
	}
	return api, c
}

// discardSender is a transport.Sender that discards everything.
type discardSender struct{}

func (discardSender) Deliver(*actionhero.RoomMessage) bool { return false }
func (discardSender) Flush()                               {}
func (discardSender) Close(string)                         {}

// wantObject closes an open object, and compares it with want. It also checks that the prefix is intact.
func wantObject(t *testing.T, name string, got []byte, want string) {
	t.Helper()
	before, text, ok := strings.Cut(string(got)+"}", "|")
	if !ok || before != "prefix" {
		t.Errorf("%s: the prefix is lost: %s", name, got)
	}
	if text != want || !json.Valid([]byte(text)) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, text, want)
	}
}

func prefix() []byte { return []byte("prefix|") }

func TestMessages(t *testing.T) {
	t.Parallel()
	notice := &actionhero.RoomMessage{Body: []byte(`{"context":"api"}`), From: "x"}
	bridge.MessageOf(notice).IsNotice = true
	further := &actionhero.RoomMessage{Room: `the "den"`, Body: []byte(`1`), From: "x"}
	bridge.MessageOf(further).NamesRoom = true
	wantObject(t, "Welcome", wire.Welcome(prefix(), `Hello "you"`, "defaultRoom"), `{"welcome":"Hello \"you\"","room":"defaultRoom","context":"api"}`)
	wantObject(t, "RoomMessage", wire.RoomMessage(prefix(), &actionhero.RoomMessage{Body: []byte(`{"a":1}`), From: "x\n"}), `{"message":{"a":1},"from":"x\n","context":"user"}`)
	wantObject(t, "RoomMessage of a notice", wire.RoomMessage(prefix(), notice), `{"context":"api"}`)
	wantObject(t, "RoomMessage of a further room", wire.RoomMessage(prefix(), further), `{"message":1,"from":"x","context":"user","room":"the \"den\""}`)
	wantObject(t, "Status", wire.Status(prefix(), "Cannot set null"), `{"status":"Cannot set null","context":"response"}`)
	wantObject(t, "Goodbye", wire.Goodbye(prefix()), `{"status":"Bye!","context":"api"}`)
	wantObject(t, "OK", wire.OK(prefix()), `{"context":"response","status":"OK"}`)
	wantObject(t, "Params", wire.Params(prefix(), []byte(`{"a":"b"}`)), `{"context":"response","params":{"a":"b"}}`)
}

// The client gets the message of an error with a code, and a general message for any other error.
func TestError(t *testing.T) {
	t.Parallel()
	wantObject(t, "coded", wire.Error(prefix(), actionhero.Errorf(actionhero.CodeNotFound, "no %q", "x")), `{"context":"response","error":"no \"x\""}`)
	wantObject(t, "internal", wire.Error(prefix(), errors.New("db.internal refuses")), `{"context":"response","error":"The server experienced an internal error"}`)
}

func TestResult(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(t)
	req := transport.Of(api).NewRequest("tcp")
	for name, test := range map[string]struct {
		out  any
		want string
	}{
		"members":       {struct{ A, B int }{1, 2}, `{"context":"response","A":1,"B":2,"error":false}`},
		"a map":         {map[string]any{"a": []int{1}}, `{"context":"response","a":[1],"error":false}`},
		"nothing":       {actionhero.None{}, `{"context":"response","status":"OK","error":false}`},
		"not encodable": {map[string]any{"a": func() {}}, `{"context":"response","error":"The server experienced an internal error"}`},
	} {
		object, failure := wire.Result(prefix(), req, test.out)
		wantObject(t, name, object, test.want)
		if (failure != nil) != (name == "not encodable") {
			t.Errorf("%s: the failure is %v", name, failure)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	_, c := newAPI(t)
	const public = `"public":{"id":"me","connectedAt":1343604353551}}}`
	wantObject(t, "with params", wire.Details(prefix(), c, []byte(`{"a":"b"}`)), `{"context":"response","status":"OK","details":{"params":{"a":"b"},`+public)
	wantObject(t, "without", wire.Details(prefix(), c, nil), `{"context":"response","status":"OK","details":{`+public)
	if err := c.SetDetail("id", "mine"); err != nil {
		t.Fatal(err)
	}
	wantObject(t, "with a detail", wire.Details(prefix(), c, nil), `{"context":"response","status":"OK","details":{`+strings.TrimSuffix(public, "}}}")+`,"details":{"id":"mine"}}}}`)
}
