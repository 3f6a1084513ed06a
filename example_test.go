package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
				return nil, actionhero.Errorf(actionhero.CodeUnauthenticated, "who are you?")
			}
			return next(ctx, req)
		}
	})
	req := transport.Of(api).NewRequest("example")
	req.Action = "add"
	_, err = transport.Of(api).Dispatch(context.Background(), req)
	fmt.Println(err)
	// Output: who are you?
}

type mailInput struct {
	To string `json:"to" required:"true" format:"email"`
}

var mail = actionhero.Task[mailInput]{
	Name:        "mail",
	Description: "Sends a mail",
	MaxAttempts: 5,
	Run: func(_ context.Context, in mailInput) error {
		fmt.Println("a mail to", in.To)
		return nil
	},
}

// A task is enqueued and a worker of the server runs it later. An invalid input is an error of the enqueue.
func ExampleTask() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, mail)
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

	_, err = mail.Enqueue(ctx, api, mailInput{To: "nowhere"}, actionhero.After(time.Hour))
	fmt.Println(err)
	_, err = mail.Enqueue(ctx, api, mailInput{To: "ann@example.com"}, actionhero.After(time.Hour))
	fmt.Println(err)
	jobs, err := api.Tasks.List(ctx, actionhero.JobFilter{})
	fmt.Println(jobs[0].Task, jobs[0].State, string(jobs[0].Params), err)

	fmt.Println(mail.Call(ctx, api, mailInput{To: "bob@example.com"})) // now, without a worker
	// Output:
	// to must be an email address
	// <nil>
	// mail scheduled {"to":"ann@example.com"} <nil>
	// a mail to bob@example.com
	// <nil>
}
