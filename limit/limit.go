// Package limit limits how often clients may call actions: per address, per identity, or per any other key.
//
// Declare a [Limit], make a [Limiter] of it, and use its middleware for an action, for a group of actions that share the
// limit, or for all actions:
//
//	var search = limit.New(limit.Limit{Name: "search", Events: 30, Per: time.Minute})
//
//	actionhero.Action[In, Out]{Name: "search", Middleware: []actionhero.Middleware{search.By(limit.Identity)}, …}
//
// A client beyond the limit reads an error of CodeResourceExhausted with retryAfter, on every transport; over HTTP, the
// status is 429. Answers over HTTP have the headers RateLimit-Policy and RateLimit. [Limiter.Allow] counts other events,
// for example attempts to log in for one account.
package limit

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/gcra"
)

// Limit is the declaration of a limit, for [New]. After a pause, Burst events are allowed at once. Then one more event is
// allowed each Per/Events. A refused event does not count.
type Limit struct {
	Name   string        // 1 to 64 letters, digits and _ . : -; clients read it; required
	Events int           // the events that are allowed in each Per, from 1; required
	Per    time.Duration // from 1 µs for each event to 366 days for a Burst; required
	Burst  int           // the events that are allowed at once, from 1; default: Events

	// Shared counts in the whole cluster, by the clock of the server of the backend. Limiters with the same Name then share
	// their counts across nodes, so no two limits may have the same Name. Each allowed event asks the server; a key that is
	// limited is refused without that. While the server does not answer, each node counts alone. Without a cluster, Shared
	// has no effect; default: each node counts alone.
	Shared bool
}

// Limiter counts events against a [Limit], with a count of its own for each key. All middleware of one Limiter shares the
// counts; different Limiters never do, unless they are [Limit.Shared]. Its memory is bounded to about 7 MiB, however many keys clients invent: of more than
// 131,072 keys, some share a count. So a key may be limited too early, but no limited key becomes free.
//
// A Limiter may be used by several goroutines.
type Limiter struct {
	limit   Limit
	rate    backend.Rate
	table   *gcra.Table
	shared  shared
	headers *gcra.Headers
}

var limitName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// New returns a Limiter. If a field of the Limit is missing or out of range, New panics with a sentence that names it:
// limits are declared when a program starts.
func New(l Limit) *Limiter {
	if !limitName.MatchString(l.Name) {
		panic(fmt.Sprintf("the limit %q has no usable name: use 1 to 64 letters, digits and _ . : -", l.Name))
	}
	if l.Events < 1 || l.Burst < 0 {
		panic(fmt.Sprintf("the limit %q has %d Events and the Burst %d: use Events from 1, and a Burst from 1, or 0 for the Events", l.Name, l.Events, l.Burst))
	}
	if l.Burst == 0 {
		l.Burst = l.Events
	}
	rate := backend.Rate{Every: l.Per / time.Duration(l.Events), Burst: l.Burst}
	if err := rate.Check(); err != nil {
		panic(fmt.Sprintf("the limit %q is out of range: %v", l.Name, err))
	}
	return &Limiter{limit: l, rate: rate, table: gcra.NewTable(), headers: gcra.NewHeaders(l.Name, rate), shared: shared{base: time.Now()}}
}

// Allow counts one event of the key. If the limit is used up, Allow counts nothing, and returns an *actionhero.Error of
// CodeResourceExhausted with RetryAfter. A key has any length. The key "" is not limited. If the Limit is Shared, ctx must be
// the context of a request or a task.
func (l *Limiter) Allow(ctx context.Context, key string) error {
	if key == "" {
		return nil
	}
	req := actionhero.RequestFrom(ctx)
	if l.limit.Shared && req == nil {
		return fmt.Errorf("the shared limit %s was asked without a request: pass the context of the action or the task", l.limit.Name)
	}
	return l.refusal(l.take(ctx, req, key))
}

// By returns middleware that counts each request of a client against the limit of the key that the function key returns
// for it. A request with the key "" is not limited. [IP] and [Identity] are functions of this kind. The middleware may be used
// several times: for several actions that share the limit, or with [actionhero.API.Use] for all actions.
//
// A call with Action.Call and a forwarded request do not count, because no client made them. A task counts if the function
// returns a key for it.
func (l *Limiter) By(key func(*actionhero.Request) string) actionhero.Middleware {
	return func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			if req.IsInner() {
				return next(ctx, req)
			}
			of := key(req)
			if of == "" {
				return next(ctx, req)
			}
			taken := l.take(ctx, req, of)
			left := 0
			if taken.Wait == 0 {
				left = l.rate.Left(taken.Full)
			}
			if req.Remaining < 0 || left < req.Remaining {
				req.Remaining = left
			}
			l.headers.Tell(req.Extra, left, taken)
			if err := l.refusal(taken); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}
	}
}

// take counts one event of the key. If the limit is not shared, req may be nil.
func (l *Limiter) take(ctx context.Context, req *actionhero.Request, key string) backend.Taken {
	k := l.table.KeyOf(key)
	if l.limit.Shared && req.API.Cluster.Shared() {
		return l.takeShared(ctx, req.API, key, k)
	}
	return l.table.Take(k, l.rate)
}

// refusal returns the error for the client, or nil if the event is allowed.
func (l *Limiter) refusal(taken backend.Taken) error {
	if taken.Wait == 0 {
		return nil
	}
	return &actionhero.Error{
		Code: actionhero.CodeResourceExhausted, RetryAfter: taken.Wait,
		Message: fmt.Sprintf("too many requests: the limit %s allows %d in %v", l.limit.Name, l.limit.Events, l.limit.Per),
	}
}
