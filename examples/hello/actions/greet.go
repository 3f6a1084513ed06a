// Package actions holds the actions and the middleware of the example app hello.
package actions

import (
	"context"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// GreetInput is the input of greet. Its tags are the documentation, the whitelist and the check.
type GreetInput struct {
	Name  string `json:"name" required:"true" maxLength:"50" doc:"name of the person to greet"`
	Times int    `json:"times" minimum:"1" maximum:"5" default:"1" doc:"number of greetings"`
}

// GreetOutput is the output of greet.
type GreetOutput struct {
	Greeting string `json:"greeting" example:"Hello, Ann!"`
}

// Greet greets a person by name.
var Greet = actionhero.Action[GreetInput, GreetOutput]{
	Name:        "greet",
	Description: "Greets a person by name",
	Run: func(_ context.Context, in GreetInput) (GreetOutput, error) {
		return GreetOutput{strings.TrimSpace(strings.Repeat("Hello, "+in.Name+"! ", in.Times))}, nil
	},
}
