package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
)

// A middleware of the API runs around every action on every transport. This one reads a param that no action declares, so
// the API must accept it. Logs show its value as [FILTERED].
func ExampleAPI_Use() {
	sessions := actionhero.Initializer{Name: "sessions", Setup: func(api *actionhero.API) error {
		api.AcceptSecret("token")
		api.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				if req.Params.Get("token") != "sesame" {
					return nil, actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first")
				}
				return next(ctx, req)
			}
		})
		return nil
	}}
	api, stop := startAPI(sessions, add)
	defer stop()

	fmt.Println(request(api, "add", map[string]string{"a": "1"}))
	fmt.Println(request(api, "add", map[string]string{"a": "1", "token": "sesame"}))
	// Output:
	// <nil> log in first
	// {2} <nil>
}

// The middleware of an action runs around that action only. It can add values to the context of Run.
func ExampleMiddleware() {
	type userKey struct{}
	withUser := func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			return next(context.WithValue(ctx, userKey{}, "ann"), req) // as a session says
		}
	}
	profile := actionhero.Action[actionhero.None, map[string]string]{
		Name:        "profile",
		Description: "Returns the profile of the user",
		Middleware:  []actionhero.Middleware{withUser},
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"name": ctx.Value(userKey{}).(string)}, nil
		},
	}
	api, stop := startAPI(profile)
	defer stop()

	fmt.Println(request(api, "profile", nil))
	// Output: map[name:ann] <nil>
}

// A Handler returns the output and the error of the action, so a middleware can change both. This one adds the time at
// which a retry makes sense.
func ExampleHandler() {
	retryLater := func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			out, err := next(ctx, req)
			var e *actionhero.Error
			if errors.As(err, &e) && e.Code == actionhero.CodeUnavailable {
				later := *e
				later.RetryAfter = time.Minute
				return nil, &later
			}
			return out, err
		}
	}
	report := actionhero.Action[actionhero.None, actionhero.None]{
		Name:        "report",
		Description: "Returns the report of the day",
		Middleware:  []actionhero.Middleware{retryLater},
		Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
			return n, actionhero.Errorf(actionhero.CodeUnavailable, "the report is not ready")
		},
	}
	api, stop := startAPI(report)
	defer stop()

	_, err := request(api, "report", nil)
	fmt.Println(err, actionhero.AsError(err).RetryAfter)
	// Output: the report is not ready 1m0s
}
