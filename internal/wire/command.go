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

// command runs one command with its argument, and appends the reply or returns an error.
type command func(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error)

var commands = map[string]command{
	"detailsView": detailsView,
	"roomAdd":     roomAdd,
	"roomChange":  roomChange,
	"roomLeave":   roomLeave,
	"roomView":    roomView,
	"say":         say,
}

// Commands returns the names of all commands, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(commands)) }

// RunCommand runs a command that all persistent transports have, and appends the reply. The commands are detailsView,
// roomAdd ROOM, roomChange ROOM, roomLeave ROOM, roomView and say TEXT. For a client that is in no room, roomView replies
// with the room "". arg is the text after the name of the command, or "". White space around the name of a room is
// ignored. If there is no command of that name, ok is false and dst is returned unchanged.
//
// Internal errors are logged. RunCommand may block in a room middleware, so do not call it where this would delay other
// clients.
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

// Enter moves a client that has just connected into the default room. If the client may not enter it, refused is true and
// the reply with the reason is appended: send it after the welcome.
func Enter(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn) (object []byte, refused bool) {
	if err := api.Rooms.Move(ctx, c, api.Config().DefaultChatRoom); err != nil {
		return failed(dst, api, c, "connect", err), true
	}
	return dst, false
}

// failed appends the reply to a command that failed. It logs internal errors.
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

// Details appends the reply to detailsView: the id, the time of connecting and the details of the client. params is a JSON
// object with the sticky params, nil on transports without them.
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
