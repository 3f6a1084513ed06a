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

// verb does what a client asks for by name, and appends the answer or returns why not.
type verb func(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, arg string) ([]byte, error)

var verbs = map[string]verb{
	"detailsView": detailsView,
	"roomAdd":     roomAdd,
	"roomChange":  roomChange,
	"roomLeave":   roomLeave,
	"roomView":    roomView,
	"say":         say,
}

// Commands returns the names of all verbs, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(verbs)) }

// RunCommand does what all persistent transports do when a client asks for it by name, and appends the answer: detailsView,
// roomAdd ROOM, roomChange ROOM, roomLeave ROOM, roomView (of the room "" for who is in none), say TEXT. arg is what stands behind the name, "" if nothing
// does; white space around the name of a room does not count. ok is false, and dst as it was, if there is no such verb.
//
// What went wrong for a reason of the server's own is logged. It may wait for a room middleware, so it must not be
// called where that would hold up other clients.
func RunCommand(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, name, arg string) (object []byte, ok bool) {
	run := verbs[name]
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

// Enter brings a client that has just connected into the default room. If it may not be in it, refused is true and the
// answer that says why is appended: send it after the welcome.
func Enter(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn) (object []byte, refused bool) {
	if err := api.Rooms.Move(ctx, c, api.Config().DefaultChatRoom); err != nil {
		return failed(dst, api, c, "connect", err), true
	}
	return dst, false
}

// failed appends the answer to a verb that failed.
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

// Details appends what the client may know of itself, the answer to detailsView. params is a JSON object, nil on
// transports without sticky params.
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
