package wire_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/command"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

const (
	ok     = `{"context":"response","status":"OK"`
	noName = `{"context":"response","error":"room must be a name of 1 to 128 bytes"}`
)

func TestCommands(t *testing.T) {
	t.Parallel()
	api, c := newAPIWith(t, actionhero.Config{Log: slog.New(slog.DiscardHandler), MaxRooms: 3})
	for _, call := range []struct{ command, arg, want string }{
		{"roomView", "", ok + `,"room":"defaultRoom","roomStatus":{"members":["me"],"membersCount":1}}`},
		{"roomChange", ` other "room" `, ok + `,"room":"other \"room\""}`},
		{"roomChange", "", noName},
		{"roomChange", "\t ", noName},
		{"roomView", "ignored", ok + `,"room":"other \"room\"","roomStatus":{"members":["me"],"membersCount":1}}`},
		{"roomAdd", "den ", ok + `,"room":"den"}`},
		{"roomAdd", "", noName},
		{"roomAdd", "attic", ok + `,"room":"attic"}`},
		{"roomAdd", "cellar", `{"context":"response","error":"a connection may be in 3 rooms at most: leave one first"}`},
		{"roomLeave", " attic", ok + `,"room":"attic"}`},
		{"roomLeave", "attic", `{"context":"response","error":"you are not in the room attic"}`},
		{"roomLeave", "", noName},
		{"roomLeave", `other "room"`, `{"context":"response","error":"other \"room\" is your current room: move to another one with roomChange first"}`},
		{"say", " hi ", ok + `}`},
		{"say", "", ok + `}`},
		{"detailsView", "", ok + `,"details":{"public":{"id":"me","connectedAt":1343604353551}}}`},
	} {
		object, failure := wire.RunCommand(t.Context(), prefix(), api, c, call.command, wire.Words(call.command, call.arg))
		if (failure != nil) != strings.Contains(call.want, "error") {
			t.Errorf("%s fails with %v", call.command, failure)
		}
		wantObject(t, call.command+" "+call.arg, object, call.want)
	}
	if rooms := c.Rooms(); c.Room() != `other "room"` || !slices.Equal(rooms, []string{"den", `other "room"`}) {
		t.Errorf("at the end the current room is %q, all rooms are %q", c.Room(), rooms)
	}
	for _, name := range []string{"", "status", "quit", "roomview", "paramAdd"} {
		object, failure := wire.RunCommand(t.Context(), prefix(), api, c, name, wire.Args{Room: "x"})
		wantObject(t, name, object, `{"context":"response","error":"`+name+` is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit"}`)
		if failure == nil || failure.Code != actionhero.CodeInvalidInput {
			t.Errorf("%q fails with %v", name, failure)
		}
	}
	transport.Of(api).Disconnect(c)
	object, _ := wire.RunCommand(t.Context(), prefix(), api, c, "roomView", wire.Args{})
	wantObject(t, "roomView in no room", object, ok+`,"room":"","roomStatus":{"members":null,"membersCount":0}}`)
}

// A message that names its room is said there or nowhere, and a view that names its room asks whether the client may see it.
func TestCommandsThatNameTheirRoom(t *testing.T) {
	t.Parallel()
	api, c := newAPIWith(t, actionhero.Config{Log: slog.New(slog.DiscardHandler)}, actionhero.RoomMiddleware{
		Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
			if room == "secret" {
				return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
			}
			return nil
		},
	})
	if err := api.Rooms.Join(t.Context(), c, "den"); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct{ command, room, want string }{
		{"say", " den ", ok + `}`},
		{"say", "defaultRoom", ok + `}`},
		{"say", "attic", `{"context":"response","error":"you are not in the room attic"`},
		{"say", "secret", `{"context":"response","error":"you are not in the room secret"`},
		{"say", "", noName},
		{"roomView", "den", ok + `,"room":"den","roomStatus":{"members":["me"],"membersCount":1}}`},
		{"roomView", "attic", ok + `,"room":"attic","roomStatus":{"members":null,"membersCount":0}}`},
		{"roomView", "secret", `{"context":"response","error":"members only"`},
		{"roomView", "", noName},
	} {
		object, _ := wire.RunCommand(t.Context(), prefix(), api, c, call.command, wire.Args{Room: call.room, NamesRoom: true, Text: "hi"})
		if !strings.HasPrefix(string(object), "prefix|"+strings.TrimSuffix(call.want, "}")) {
			t.Errorf("%s %q: got %s, want %s", call.command, call.room, object, call.want)
		}
	}
}

// actionsView lists every command except say. An action may not have the name of a listed command.
func TestCommandsAreListed(t *testing.T) {
	t.Parallel()
	names := wire.Commands()
	if want := []string{"detailsView", "roomAdd", "roomChange", "roomLeave", "roomView", "say"}; !slices.Equal(names, want) {
		t.Errorf("the commands are %q, want %q", names, want)
	}
	for _, name := range names {
		listed := slices.ContainsFunc(command.Of("websocket"), func(c command.Command) bool { return c.Name == name })
		if listed == (name == "say") {
			t.Errorf("%s: listed among the commands: %v", name, listed)
		}
	}
}

func TestRoomViewShowsDetails(t *testing.T) {
	t.Parallel()
	api, _ := newAPIWith(t, actionhero.Config{Log: slog.New(slog.DiscardHandler), RoomDetails: true})
	c := transport.Of(api).Connect("tcp", netip.AddrPort{}, discardSender{})
	defer transport.Of(api).Disconnect(c)
	err := errors.Join(api.Rooms.Move(t.Context(), c, "den"), c.SetDetail("name", "Ann"))
	object, _ := wire.RunCommand(t.Context(), prefix(), api, c, "roomView", wire.Args{})
	wantObject(t, "roomView", object, ok+`,"room":"den","roomStatus":{"members":["`+c.ID+`"],"membersCount":1,"details":{"`+c.ID+`":{"name":"Ann"}}}}`)
	if err != nil {
		t.Error(err)
	}
}

// If a room middleware refuses, the client gets its error. If it fails, its error is logged and the client gets an internal error.
func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	refuse := func(text string) error {
		switch text {
		case "closed":
			return actionhero.Errorf(actionhero.CodePermissionDenied, `it is "closed"`)
		case "broken":
			return errors.New("db.internal refuses")
		case "panic":
			panic("at the door")
		}
		if len(text) > 1<<10 {
			return errors.New("spam: " + text)
		}
		return nil
	}
	api, c := newAPIWith(t, actionhero.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, actionhero.RoomMiddleware{
		Join: func(_ context.Context, _ *actionhero.Conn, room string) error { return refuse(room) },
		Say:  func(_ context.Context, _ *actionhero.Conn, _, text string) (string, error) { return text, refuse(text) },
	})
	long := strings.Repeat("x", 64<<10)
	const internal = `{"context":"response","error":"The server experienced an internal error"}`
	for _, command := range []string{"roomAdd", "roomChange", "say"} {
		for arg, test := range map[string]struct{ want, logged string }{
			"closed": {`{"context":"response","error":"it is \"closed\""}`, ""},
			"broken": {internal, `cause="db.internal refuses"`},
			"panic":  {internal, `cause="panic: at the door\n`},
		} {
			log.Reset()
			object, _ := wire.RunCommand(t.Context(), prefix(), api, c, command, wire.Words(command, arg))
			wantObject(t, command+" "+arg, object, test.want)
			if line := log.String(); test.logged == "" && line != "" || !strings.Contains(line, test.logged) ||
				line != "" && !strings.Contains(line, `msg="[`+command+` @ tcp]" to=127.0.0.1 error="The server experienced an internal error"`) {
				t.Errorf("%s %s is logged as %q", command, arg, line)
			}
		}
	}
	log.Reset()
	wire.RunCommand(t.Context(), prefix(), api, c, "say", wire.Words("say", long))
	if n := log.Len(); n < 1<<10 || n > 20<<10 {
		t.Errorf("an error that repeats a long message is logged with %d bytes", n)
	}
	if rooms := c.Rooms(); !slices.Equal(rooms, []string{"defaultRoom"}) {
		t.Errorf("after the refusals the rooms are %q", rooms)
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	closed := false
	api, _ := newAPIWith(t, actionhero.Config{Log: slog.New(slog.DiscardHandler)}, actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
		if closed {
			return actionhero.Errorf(actionhero.CodeUnauthenticated, "say who you are")
		}
		return nil
	}})
	for _, closed = range []bool{false, true} {
		c := transport.Of(api).Connect("tcp", netip.AddrPort{}, discardSender{})
		welcomed := "none"
		object, failure := wire.Enter(t.Context(), prefix(), transport.Of(api), c, func(room string) {
			if welcomed = room; c.Room() != "" {
				t.Error("the client is in a room before its welcome")
			}
		})
		if welcomed != c.Room() {
			t.Errorf("the welcome names the room %q, and the client is in %q", welcomed, c.Room())
		}
		refused := failure != nil
		if refused != closed || c.Room() == "" != closed {
			t.Errorf("closed %v: refused is %v, the room is %q", closed, refused, c.Room())
		}
		if closed {
			wantObject(t, "the refusal", object, `{"context":"response","error":"say who you are","room":"defaultRoom"}`)
		}
		transport.Of(api).Disconnect(c)
	}
}
