package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
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

// An API with one action and without a transport. Programs that serve clients call server.New or cli.Main instead.
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
	// true invalidInput b must be at most 1000
}

// A wrong part is an error of New: a sentence that names the part and the fault.
func ExampleNew() {
	type input struct {
		Age int `json:"age" minimum:"old"`
	}
	wrong := actionhero.Action[input, actionhero.None]{
		Name: "register",
		Run:  func(_ context.Context, _ input) (n actionhero.None, err error) { return n, nil },
	}
	_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, wrong)
	fmt.Println(err)
	// Output: action "register": field Age of actionhero_test.input has minimum:"old", which is not a value of its type: correct the tag
}

// startAPI returns a started API on the embedded backend, and the function that stops it. The examples use it in place of
// server.New.
func startAPI(parts ...actionhero.Part) (api *actionhero.API, stop func()) {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, parts...)
	if err == nil {
		err = api.Start(context.Background())
	}
	if err != nil {
		panic(err)
	}
	return api, func() { _ = api.Stop(context.Background()) }
}

// request runs an action as a transport does for a client: with params as text, key by key.
func request(api *actionhero.API, action string, params map[string]string) (any, error) {
	host := transport.Of(api)
	req := host.NewRequest("web")
	req.Action = action
	for key, text := range params {
		if err := transport.ParamsOf(&req.Params).Add(key, text); err != nil {
			return nil, err
		}
	}
	return host.Dispatch(context.Background(), req)
}
