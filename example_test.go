package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

type addInput struct {
	A int `json:"a" required:"true"`
	B int `json:"b" default:"1" maximum:"1000"`
}

type addOutput struct {
	Sum int `json:"sum"`
}

var add = actionhero.Action[addInput, addOutput]{
	Name:        "add",
	Description: "Adds two numbers",
	Run: func(_ context.Context, in addInput) (addOutput, error) {
		return addOutput{in.A + in.B}, nil
	},
}

// A program of one's own: an API with one action, called as a transport would.
func Example() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, add)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()

	out, err := add.Call(ctx, api, addInput{A: 2, B: 3})
	fmt.Println(out.Sum, err)

	_, err = add.Call(ctx, api, addInput{A: 2, B: 5000})
	var e *actionhero.Error
	fmt.Println(errors.As(err, &e), e.Code, e.Message)
	// Output:
	// 5 <nil>
	// true invalid_input b must be at most 1000
}

// A middleware holds for every action over every transport.
func ExampleAPI_Use() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, add)
	if err != nil {
		fmt.Println(err)
		return
	}
	api.AcceptSecret("token")
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			if req.Params.Get("token") != "sesame" {
				return nil, actionhero.Errorf(actionhero.Unauthenticated, "who are you?")
			}
			return next(ctx, req)
		}
	})
	req := api.NewRequest("example")
	req.Action = "add"
	_, err = api.Dispatch(context.Background(), req)
	fmt.Println(err)
	// Output: who are you?
}
