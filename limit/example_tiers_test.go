package limit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/limit"
)

// tiered limits callers with the role "pro" at a higher rate than all others.
func tiered() []actionhero.Middleware {
	small := limit.New(limit.Limit{Name: "free", Events: 2, Per: time.Hour})
	large := limit.New(limit.Limit{Name: "pro", Events: 5, Per: time.Hour})
	return []actionhero.Middleware{
		small.By(func(req *actionhero.Request) string {
			if req.Identity().HasRole("pro") {
				return "" // the other limit counts
			}
			return limit.Identity(req)
		}),
		large.By(func(req *actionhero.Request) string {
			if !req.Identity().HasRole("pro") {
				return ""
			}
			return limit.Identity(req)
		}),
	}
}

// Each caller has the rate of its plan, also while others have used theirs up.
func TestRatesByPlan(t *testing.T) {
	t.Parallel()
	search := actionhero.Action[actionhero.None, actionhero.None]{Name: "search", Middleware: tiered(), Run: func(context.Context, actionhero.None) (actionhero.None, error) {
		return actionhero.None{}, nil
	}}
	api := actionherotest.New(t, search)
	for i, who := range []actionhero.Identity{{ID: "ann"}, {ID: "bob", Roles: []string{"pro"}}, {ID: "eve"}, {}} {
		allowed := 0
		for range 10 {
			_, err := actionherotest.Run(t, api, "search", nil, actionherotest.As(who), actionherotest.FromIP("192.0.2.1"))
			if e := actionhero.AsError(err); e == nil {
				allowed++
			} else if e.Code != actionhero.CodeResourceExhausted || e.RetryAfter <= 0 {
				t.Fatal(err)
			}
		}
		if want := []int{2, 5, 2, 2}[i]; allowed != want {
			t.Errorf("%s may search %d times, want %d", fmt.Sprintf("%q", who.ID), allowed, want)
		}
	}
}
