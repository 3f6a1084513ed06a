// Package rules holds the two actions of the chat and the rules of its rooms. The rules apply on every transport. Begin
// with [Rules].
package rules

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
)

// All holds the actions and the room middleware of the chat, as parts for cli.Main.
var All = actionhero.Parts{Name, Mute, Rules}

// MembersRoom is the room that admits only users with a name.
const MembersRoom = "members"

// The names of the details that the chat stores for a connection. Every member of a room can read the detail "name" of
// the other members, because config.json sets general.roomDetails.
const (
	detailName  = "name"
	detailMuted = "muted"
)

// errNoConn is the error that both actions return to HTTP clients, because HTTP clients have no persistent connection.
var errNoConn = actionhero.Errorf(actionhero.CodeInvalidInput, "stay connected to chat: use WebSocket, Socket.IO or TCP")

// NameInput is the input and the output of the action `name`.
type NameInput struct {
	Name string `json:"name" required:"true" minLength:"2" maxLength:"20" pattern:"^[\\p{L}\\p{N} _-]+$" doc:"the name that others see"`
}

// Name is the action `name`, which stores a name for the connection of the caller.
var Name = actionhero.Action[NameInput, NameInput]{
	Name: "name", Description: "Sets your name, with which you may enter the room " + MembersRoom,
	Run: func(ctx context.Context, in NameInput) (NameInput, error) {
		conn := actionhero.RequestFrom(ctx).Conn
		if conn == nil {
			return NameInput{}, errNoConn
		}
		in.Name = strings.TrimSpace(in.Name)
		return in, conn.SetDetail(detailName, in.Name)
	},
}

// MuteInput is the input of the action `mute`.
type MuteInput struct {
	ID string `json:"id" required:"true" format:"uuid" doc:"the sender to mute: the field from of a message"`
}

// MuteOutput is the output of the action `mute`. It holds all ids that the caller has muted.
type MuteOutput struct {
	Muted []string `json:"muted"`
}

// Mute is the action `mute`. After it, the caller receives no more messages from one sender.
var Mute = actionhero.Action[MuteInput, MuteOutput]{
	Name: "mute", Description: "Stops the messages of one sender to you",
	Run: func(ctx context.Context, in MuteInput) (MuteOutput, error) {
		conn := actionhero.RequestFrom(ctx).Conn
		if conn == nil {
			return MuteOutput{}, errNoConn
		}
		list := muted(conn)
		if !slices.Contains(list, in.ID) {
			list = append(list, in.ID)
		}
		return MuteOutput{list}, conn.SetDetail(detailMuted, list)
	},
}

func muted(conn *actionhero.Conn) (list []string) {
	values, _ := conn.Detail(detailMuted).([]any)
	for _, v := range values {
		list = append(list, v.(string))
	}
	return list
}

// maxText is the maximum length of a chat message, in characters.
const maxText = 500

// Rules is the room middleware of the chat. It admits clients to rooms, checks the texts of messages, replaces swear
// words, and drops messages from muted senders.
var Rules = actionhero.RoomMiddleware{
	Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if room == MembersRoom && c.Detail(detailName) == nil {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "%s is for people with a name: call the action name first", room)
		}
		return nil
	},
	Say: func(_ context.Context, _ *actionhero.Conn, _, text string) (string, error) {
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			return "", actionhero.Errorf(actionhero.CodeInvalidInput, "say something")
		case utf8.RuneCountInString(text) > maxText:
			return "", actionhero.Errorf(actionhero.CodeInvalidInput, "a message may have %d characters at most", maxText)
		}
		return polite.Replace(text), nil
	},
	Deliver: func(to *actionhero.Conn, m *actionhero.RoomMessage) bool {
		values, _ := to.Detail(detailMuted).([]any)
		return !slices.Contains(values, any(m.From))
	},
}

var polite = strings.NewReplacer("damn", "****", "Damn", "****")
