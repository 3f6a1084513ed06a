package wire

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// Args holds the arguments of a command.
type Args struct {
	Room      string // white space around the name is ignored
	NamesRoom bool   // the client has sent the name of a room, possibly an empty one
	Text      string // the text of say
}

// Words returns the arguments of the named command on a wire with lines, where rest is the text after the name of the
// command.
func Words(name, rest string) Args {
	switch name {
	case "say":
		return Args{Text: rest}
	case "roomView", "detailsView":
		return Args{}
	}
	return Args{Room: rest, NamesRoom: true}
}

// command is the function of one command. It runs the command for the client c, and appends the reply to dst or returns
// an error.
type command func(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error)

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
// dst. The commands are detailsView, roomAdd, roomChange, roomLeave, roomView and say. Without the name of a room,
// roomView shows the current room, and say speaks in it. With a name, roomView shows any room that the client may enter,
// and say speaks in that room if the client is in it. If the client is in no room, roomView replies with the room "". If
// the command fails, the reply is the error, which is also the result failure: the caller calls transport.AppendError
// after its own keys.
//
// If there is no command with the given name, the failure says so. RunCommand logs internal errors. RunCommand may block, because it calls room middleware. Do not call RunCommand where
// blocking would delay other clients.
func RunCommand(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, name string, args Args) (object []byte, failure *actionhero.Error) {
	run := commands[name]
	if run == nil {
		return Failed(dst, Unknown(name))
	}
	start := len(dst)
	args.Room = strings.TrimSpace(args.Room)
	dst, err := run(ctx, dst, api, c, args)
	if err != nil {
		return failed(dst[:start], api, c, name, err)
	}
	return dst, nil
}

// Unknown returns the error for an event with this name, which is neither "action" nor a command.
func Unknown(event string) *actionhero.Error {
	return actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a known event: use action, %s or quit", event, strings.Join(Commands(), ", "))
}

// Enter moves the client c, which has just connected, into the default room. Before, Enter calls welcome, which sends the
// welcome message, with the name of the room, or "" if the client may not enter the room. In that case, Enter returns the
// reason as failure and appends the reply to dst, as [RunCommand] does, with the name of the room.
func Enter(ctx context.Context, dst []byte, api transport.Host, c *actionhero.Conn, welcome func(room string)) (object []byte, failure *actionhero.Error) {
	room := api.Config().DefaultChatRoom
	if err := api.Enter(ctx, c, room, welcome); err != nil {
		object, failure = failed(dst, api.API, c, "connect", err)
		return jsonx.AppendString(append(object, `,"room":`...), room), failure
	}
	return dst, nil
}

// failed appends to dst the reply to the named command, which failed with err. It logs err if err is an internal error.
func failed(dst []byte, api *actionhero.API, c *actionhero.Conn, name string, err error) ([]byte, *actionhero.Error) {
	if failure := actionhero.AsError(err); failure.Code == actionhero.CodeInternal {
		cause := err
		if failure.Err != nil {
			cause = failure.Err
		}
		api.Log().Error("["+name+" @ "+c.Transport+"]", slog.String("to", c.Remote.Addr().String()), slog.String("error", failure.Message), slog.String("cause", logged(cause)))
	}
	return Failed(dst, err)
}

// logged returns the text of cause for a log line. Room middleware may repeat what a client has said in its errors, and
// clients must not be able to push older lines out of the log.
func logged(cause error) string {
	const most = 16 << 10
	text := cause.Error()
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:most], ""), len(text))
}

func roomChange(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error) {
	return appendRoom(dst, args.Room), api.Rooms.Move(ctx, c, args.Room)
}

func roomAdd(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error) {
	return appendRoom(dst, args.Room), api.Rooms.Join(ctx, c, args.Room)
}

func roomLeave(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error) {
	return appendRoom(dst, args.Room), api.Rooms.Leave(ctx, c, args.Room)
}

func appendRoom(dst []byte, room string) []byte {
	return jsonx.AppendString(append(OK(dst), `,"room":`...), room)
}

func roomView(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error) {
	room, status, err := args.Room, actionhero.RoomStatus{}, error(nil)
	if !args.NamesRoom {
		room = c.Room()
	}
	if room != "" || args.NamesRoom {
		status, err = api.Rooms.View(ctx, c, room)
	}
	if err != nil {
		return dst, err
	}
	object, err := status.MarshalJSON()
	return append(append(appendRoom(dst, room), `,"roomStatus":`...), object...), err
}

func say(ctx context.Context, dst []byte, api *actionhero.API, c *actionhero.Conn, args Args) ([]byte, error) {
	if args.NamesRoom && args.Room != "" && !c.In(args.Room) {
		return dst, actionhero.Errorf(actionhero.CodeNotFound, "you are not in the room %.*s", actionhero.MaxRoomName, args.Room)
	}
	if args.NamesRoom && args.Room == "" { // not the current room, which Rooms.Say would use
		return dst, api.Rooms.MayEnter(ctx, c, "")
	}
	return OK(dst), api.Rooms.Say(ctx, c, args.Room, args.Text)
}

func detailsView(_ context.Context, dst []byte, _ *actionhero.API, c *actionhero.Conn, _ Args) ([]byte, error) {
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
