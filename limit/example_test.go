package limit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/limit"
)

// Two actions share a limit of the client's address; the API has a further limit for all actions.
func ExampleLimiter_By() {
	searches := limit.New(limit.Limit{Name: "searches", Events: 30, Per: time.Minute, Burst: 10})
	type input struct {
		Query string `json:"query" required:"true"`
	}
	run := func(context.Context, input) (n actionhero.None, err error) { return n, nil }
	byText := actionhero.Action[input, actionhero.None]{Name: "byText", Middleware: []actionhero.Middleware{searches.By(limit.IP)}, Run: run}
	byTag := actionhero.Action[input, actionhero.None]{Name: "byTag", Middleware: []actionhero.Middleware{searches.By(limit.IP)}, Run: run}

	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, byText, byTag)
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Use(limit.New(limit.Limit{Name: "all", Events: 10, Per: time.Second, Burst: 100}).By(limit.IP))
	fmt.Println(len(api.Actions()), "actions")
	// Output: 2 actions
}

// A login counts attempts for an account, from wherever they come.
func ExampleLimiter_Allow() {
	attempts := limit.New(limit.Limit{Name: "logins", Events: 5, Per: time.Hour})
	ctx := context.Background()
	for range 6 {
		if err := attempts.Allow(ctx, "account:ann"); err != nil {
			var e *actionhero.Error
			fmt.Println(errors.As(err, &e), e.Code, e.Message, e.RetryAfter.Round(time.Minute))
		}
	}
	// Output: true resourceExhausted too many requests: the limit logins allows 5 in 1h0m0s 12m0s
}
