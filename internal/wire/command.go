package wire

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// command is the function of one command. It runs the command with the argument arg for the client c, and appends the
// reply to dst or returns an error.
type command func(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error)

var commands = map[string]command{
	"detailsView": detailsView,
	"roomAdd":     roomAdd,
	"roomChange":  roomChange,
	"roomLeave":   roomLeave,
	"roomView":    roomView,
	"say":         say,
}

// Commands returns the names of all commands that [RunCommand] runs, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(commands)) }

// RunCommand runs the named command, which all persistent transports have, for the client c and appends the reply to
// dst. The commands are detailsView, roomAdd ROOM, roomChange ROOM, roomLeave ROOM, roomView and say TEXT. arg is the
// text after the name of the command, or "". White space around the name of a room is ignored. If the client is in no
// room, roomView replies with the room "". If there is no command with the given name, ok is false and object is dst
// unchanged.
//
// RunCommand logs internal errors. RunCommand may block, because it calls room middleware. Do not call RunCommand where
// blocking would delay other clients.
func RunCommand(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, name, arg string) (object []byte, ok bool) {
	run := commands[name]
	if run == nil {
		return dst, false
	}
	start := len(dst)
	dst, err := run(ctx, dst, api, c, arg)
	if err != nil {
		return failed(dst[:start], api, c, name, err), true
	}
	return dst, true
}

// Enter moves the client c, which has just connected, into the default room. If c may not enter the room, refused is
// true, and Enter appends the reply with the reason to dst. The caller must send this reply after the welcome message.
func Enter(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn) (object []byte, refused bool) {
	if err := api.Rooms.Move(ctx, c, api.Config().DefaultChatRoom); err != nil {
		return failed(dst, api, c, "connect", err), true
	}
	return dst, false
}

// failed appends to dst the reply to the named command, which failed with err. It logs err if err is an internal error.
func failed(dst []byte, api *actionhero.API, c *actionhero.Conn, name string, err error) []byte {
	if failure := actionhero.AsError(err); failure.Code == actionhero.CodeInternal {
		cause := err
		if failure.Err != nil {
			cause = failure.Err
		}
		api.Log().Error("["+name+" @ "+c.Transport+"]", slog.String("to", c.Remote.Addr().String()), slog.String("error", failure.Message), slog.String("cause", cause.Error()))
	}
	return Error(dst, err)
}

func roomChange(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error) {
	room := strings.TrimSpace(arg)
	return appendRoom(dst, room), api.Rooms.Move(ctx, c, room)
}

func roomAdd(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error) {
	room := strings.TrimSpace(arg)
	return appendRoom(dst, room), api.Rooms.Join(ctx, c, room)
}

func roomLeave(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error) {
	room := strings.TrimSpace(arg)
	return appendRoom(dst, room), api.Rooms.Leave(ctx, c, room)
}

func appendRoom(dst []byte, room string) []byte {
	return jsonx.AppendString(append(OK(dst), `,"room":`...), room)
}

func roomView(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, _ string) ([]byte, error) {
	room := c.Room()
	status, err := api.Rooms.Status(ctx, room)
	if err != nil {
		return dst, err
	}
	object, err := status.MarshalJSON()
	return append(append(appendRoom(dst, room), `,"roomStatus":`...), object...), err
}

func say(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, text string) ([]byte, error) {
	return OK(dst), api.Rooms.Say(ctx, c, "", text)
}

func detailsView(_ context.Context, dst []byte, _ *actionhero.API, c *actionhero.Conn, _ string) ([]byte, error) {
	return Details(dst, c, nil), nil
}

// Details appends to dst the reply to the command detailsView: the id, the time of connecting and the details of the
// client c. params is a JSON object with the params that the connection keeps, or nil on transports that keep no
// params.
func Details(dst []byte, c *actionhero.Conn, params []byte) []byte {
	dst = append(OK(dst), `,"details":{`...)
	if params != nil {
		dst = append(append(append(dst, `"params":`...), params...), ',')
	}
	dst = jsonx.AppendString(append(dst, `"public":{"id":`...), c.ID)
	dst = strconv.AppendInt(append(dst, `,"connectedAt":`...), c.ConnectedAt.UnixMilli(), 10)
	if object, ok := transport.AppendDetails(append(dst, `,"details":`...), c); ok {
		dst = object
	}
	return append(dst, "}}"...)
}
