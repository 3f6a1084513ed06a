// Package builtin holds the actions and tasks that come with the server. An app lists [All], or some of these parts,
// next to its own parts. Begin with All. The stock server has [Stock]. Clients depend on the names, outputs and descriptions of the actions, because
// these are part of the protocol.
//
// CleanLogFiles, CleanOldCacheObjects and PingSocketClients run on a schedule and are not in All: package server adds
// them if the setting tasks.examples is on.
package builtin

import (
	"context"
	"math/rand/v2"

	"github.com/actionhero-go/actionhero"
)

// All holds the actions [Status], [ActionsView] and [File], and the task [RunAction]. Pass All to cli.Main, server.New or
// actionhero.New.
var All = actionhero.Parts{Status, ActionsView, File, RunAction}

// Demo holds the actions [CacheTest], [ActionClusterCacheTest], [RandomNumber] and [Say], with which a client can try a
// server. Any client may call them, so most apps leave them out.
var Demo = actionhero.Parts{CacheTest, ActionClusterCacheTest, RandomNumber, Say}

// Stock holds the parts of the stock server cmd/actionhero: those of [All] and [Demo], with [FullStatus] instead of
// [Status]. Stock is for development and tests, because it shows the state of the server to any client.
var Stock = actionhero.Parts{FullStatus, ActionsView, File, RunAction, Demo}

// RandomNumberOutput is the output of [RandomNumber].
type RandomNumberOutput struct {
	RandomNumber float64 `json:"randomNumber" example:"0.123"`
}

// factors maps an HTTP method to the factor by which [RandomNumber] multiplies its number.
var factors = map[string]float64{"PUT": 10, "POST": 100, "DELETE": 1000}

// RandomNumber is the action "randomNumber", which returns a random number of at least 0 and below 1. Over HTTP, the
// method PUT multiplies the number by 10, POST by 100 and DELETE by 1000, so that a client can see which method
// arrived.
var RandomNumber = actionhero.Action[actionhero.None, RandomNumberOutput]{
	Name:        "randomNumber",
	Description: "Returns a random number: below 1, or below 10, 100 or 1000 for PUT, POST and DELETE",
	Kind:        actionhero.KindRead,
	Run: func(ctx context.Context, _ actionhero.None) (RandomNumberOutput, error) {
		number := rand.Float64()
		if factor := factors[actionhero.RequestFrom(ctx).Method]; factor > 0 {
			number *= factor
		}
		return RandomNumberOutput{number}, nil
	},
}

// SayInput is the input of [Say].
type SayInput struct {
	Room    string `json:"room" required:"true" doc:"the room whose members get the message"`
	Message string `json:"message" required:"true" doc:"the message"`
}

// SayOutput is the output of [Say].
type SayOutput struct {
	RoomStatus actionhero.RoomStatus `json:"roomStatus"`
}

// Say is the action "say", which sends a message to the members of a room and returns the status of the room. Clients
// without a persistent connection, such as HTTP clients, can call the action, too; the members read
// [actionhero.WebSender] as the sender. A client that may not enter the room is refused, as by the command roomChange.
var Say = actionhero.Action[SayInput, SayOutput]{
	Name:        "say",
	Description: "Sends a message to everybody in a chat room",
	Run: func(ctx context.Context, in SayInput) (SayOutput, error) {
		req := actionhero.RequestFrom(ctx)
		if err := req.API.Rooms.Say(ctx, req.Conn, in.Room, in.Message); err != nil {
			return SayOutput{}, err
		}
		status, err := req.API.Rooms.View(ctx, req.Conn, in.Room)
		return SayOutput{status}, err
	},
}

// FileInput is the input of [File].
type FileInput struct {
	FileName string `json:"fileName" required:"true" doc:"the path of the file below the folder of static files"`
}

// File is the action "file", which returns a static file by its path below the folder of static files.
var File = actionhero.Action[FileInput, *actionhero.Content]{
	Name:        "file",
	Description: "Sends a static file",
	Kind:        actionhero.KindRead,
	Run: func(ctx context.Context, in FileInput) (*actionhero.Content, error) {
		return actionhero.RequestFrom(ctx).API.Files.Open(in.FileName)
	},
}
