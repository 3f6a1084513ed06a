// Package builtin holds the actions and tasks that come with the server. An app that wants them lists [All], or some of
// them, beside its own.
package builtin

import (
	"context"
	"math/rand/v2"

	"github.com/actionhero-go/actionhero"
)

// All is every action of this package, and the task [RunAction].
var All = actionhero.Parts{Status, ActionsView, CacheTest, ActionClusterCacheTest, RandomNumber, Say, File, RunAction}

// RandomNumberOutput is what [RandomNumber] answers.
type RandomNumberOutput struct {
	RandomNumber float64 `json:"randomNumber" example:"0.123"`
}

// The factor by which the HTTP method multiplies the random number.
var factors = map[string]float64{"PUT": 10, "POST": 100, "DELETE": 1000}

// RandomNumber returns a random number of at least 0 and below 1; over HTTP, PUT multiplies it by 10, POST by 100 and
// DELETE by 1000, so that a client can see that its method arrived.
var RandomNumber = actionhero.Action[actionhero.None, RandomNumberOutput]{
	Name:        "randomNumber",
	Description: "Returns a random number: below 1, or below 10, 100 or 1000 for PUT, POST and DELETE",
	Run: func(ctx context.Context, _ actionhero.None) (RandomNumberOutput, error) {
		number := rand.Float64()
		if factor := factors[actionhero.RequestFrom(ctx).Method]; factor > 0 {
			number *= factor
		}
		return RandomNumberOutput{number}, nil
	},
}

// SayInput is what [Say] takes.
type SayInput struct {
	Room    string `json:"room" required:"true" doc:"the room whose members get the message"`
	Message string `json:"message" required:"true" doc:"the message"`
}

// SayOutput is what [Say] answers.
type SayOutput struct {
	RoomStatus actionhero.RoomStatus `json:"roomStatus"`
}

// Say sends a message to a room, for clients that have no persistent connection.
var Say = actionhero.Action[SayInput, SayOutput]{
	Name:        "say",
	Description: "Sends a message to everybody in a chat room",
	Run: func(ctx context.Context, in SayInput) (SayOutput, error) {
		req := actionhero.RequestFrom(ctx)
		if err := req.API.Rooms.Say(ctx, req.Conn, in.Room, in.Message); err != nil {
			return SayOutput{}, err
		}
		status, err := req.API.Rooms.Status(ctx, in.Room)
		return SayOutput{status}, err
	},
}

// FileInput is what [File] takes.
type FileInput struct {
	FileName string `json:"fileName" required:"true" doc:"the path of the file below the folder of static files"`
}

// File sends a static file.
var File = actionhero.Action[FileInput, *actionhero.Content]{
	Name:        "file",
	Description: "Sends a static file",
	Run: func(ctx context.Context, in FileInput) (*actionhero.Content, error) {
		return actionhero.RequestFrom(ctx).API.Files.Open(in.FileName)
	},
}
