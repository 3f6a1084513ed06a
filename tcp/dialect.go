package tcp

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// dialect holds what differs between the wire of the original's early versions and the wire of its versions 9 to 20.
// Everything else is the same code.
type dialect struct {
	commands     map[string]command
	entersRoom   bool // a new client enters the default room
	hearsItself  bool // a client receives what it says
	keepsParams  bool // the params of a JSON line replace the sticky params
	skipsLong    bool // a line that is too long is skipped; otherwise, it ends the connection
	crEndsLine   bool // CR ends a line, as LF does
	fileArgument bool // "file NAME" sends the file NAME

	message func(api transport.Host, m *actionhero.RoomMessage) []byte // encodes a message of a room
	welcome func(dst []byte, text, room string) []byte
	bye     func(dst []byte) []byte // the reply to quit
}

// dialects holds the dialects by the values of the setting "dialect".
var dialects map[string]*dialect

func init() {
	dialects = map[string]*dialect{
		"classic": {
			commands: classicCommands(), entersRoom: true,
			message: func(_ transport.Host, m *actionhero.RoomMessage) []byte { return wire.RoomMessage(nil, m) },
			welcome: wire.Welcome,
			bye:     func(dst []byte) []byte { return wire.Status(dst, "Bye!") },
		},
		"later": {
			commands: laterCommands(), hearsItself: true, keepsParams: true, skipsLong: true, crEndsLine: true, fileArgument: true,
			message: laterMessage,
			welcome: func(dst []byte, text, _ string) []byte {
				return append(jsonx.AppendString(append(dst, `{"welcome":`...), text), `,"context":"api"`...)
			},
			bye: wire.Goodbye,
		},
	}
}
