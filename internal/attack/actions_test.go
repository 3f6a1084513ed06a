//go:build hostile

package attack_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// oddInput has every kind of param that an action may take.
type oddInput struct {
	Key  string         `json:"key"`
	N    int            `json:"n"`
	List []string       `json:"list"`
	Map  map[string]any `json:"map"`
	Any  any            `json:"any"`
}

var odd = actionhero.Action[oddInput, oddInput]{
	Name: "odd", Description: "Answers its params",
	Run: func(_ context.Context, in oddInput) (oddInput, error) { return in, nil },
}

// boom panics in two ways.
var boom = actionhero.Action[oddInput, actionhero.None]{
	Name: "boom", Description: "Panics",
	Run: func(ctx context.Context, in oddInput) (n actionhero.None, err error) {
		limit := actionhero.RequestFrom(ctx).Limit
		if limit%2 == 0 {
			var none []int
			none[limit]++
		}
		panic(fmt.Errorf("in the action, number %d", limit))
	},
}

// boomFile is the file of both panics.
const boomFile = "actions_test.go"

// panics is a middleware that panics if the param key says so.
func panics(next actionhero.Handler) actionhero.Handler {
	return func(ctx context.Context, req *actionhero.Request) (any, error) {
		if req.Params.Get("key") == "middleware" {
			panic("in the middleware, number " + req.Params.Get("limit"))
		}
		return next(ctx, req)
	}
}

// Actions whose answers fill the queues of a client: large with each answer, medium after some. No buffer of a socket
// holds a large one.
var large, medium = answers("large", 400<<10), answers("medium", 4<<10)

func answers(name string, n int) actionhero.Part {
	text := strings.Repeat("x", n)
	return actionhero.Action[actionhero.None, map[string]string]{
		Name: name, Description: "Answers much",
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": text}, nil
		},
	}
}

// many is n texts of a format with a number.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
