package actionhero_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
)

// action returns an action without inputs whose output is a map.
func action(name string, run func(ctx context.Context) (map[string]any, error)) actionhero.Action[actionhero.None, map[string]any] {
	return actionhero.Action[actionhero.None, map[string]any]{
		Name: name, Run: func(ctx context.Context, _ actionhero.None) (map[string]any, error) { return run(ctx) },
	}
}

// An action forwards its request to another action: the other action has a context that works, within the first one's.
func TestARequestIsForwarded(t *testing.T) {
	t.Parallel()
	var outer, inner context.Context
	forward := action("forward", func(ctx context.Context) (map[string]any, error) {
		outer = ctx
		req := actionhero.RequestFrom(ctx)
		req.Action = "target"
		out, err := transport.Of(req.API).Dispatch(ctx, req)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil || inner.Err() == nil {
			return nil, fmt.Errorf("the context of the caller is %v, the one of the target is %v", ctx.Err(), inner.Err())
		}
		return out.(map[string]any), nil
	})
	target := action("target", func(ctx context.Context) (map[string]any, error) {
		inner = ctx
		<-time.After(0)
		return map[string]any{"name": actionhero.RequestFrom(ctx).Action, "alive": ctx.Err() == nil && ctx.Done() != nil}, nil
	})
	api := newAPI(t, actionhero.Config{RequestLimit: 1}, forward, target)
	req := transport.Of(api).NewRequest("test")
	req.Action, req.RemoteIP = "forward", "192.0.2.1"
	out, err := transport.Of(api).Dispatch(t.Context(), req)
	object, encodeErr := transport.AppendOutput(nil, req, out)
	if err != nil || encodeErr != nil || string(object) != `"alive":true,"name":"target"` {
		t.Errorf("the answer is %s, with %v, %v", object, err, encodeErr)
	}
	if !errors.Is(outer.Err(), context.Canceled) || !errors.Is(inner.Err(), context.Canceled) {
		t.Errorf("after the call the contexts have the errors %v and %v", outer.Err(), inner.Err())
	}
}

// Actions that forward in a circle get an error; without it the stack would overflow and end the process.
func TestForwardingInACircleIsAnError(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, action("circle", func(ctx context.Context) (map[string]any, error) {
		req := actionhero.RequestFrom(ctx)
		_, err := transport.Of(req.API).Dispatch(ctx, req)
		return nil, err
	}))
	_, err := dispatch(t, api, "circle")
	failed(t, "a circle", err, actionhero.CodeInternal, "The server experienced an internal error")
	if !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "in a circle") {
		t.Errorf("the cause is %v", errors.Unwrap(err))
	}
}

// A request that was dispatched already runs again, and its time limit counts from the second dispatch.
func TestAFinishedRequestRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var contexts []context.Context
		limited := action("limited", func(ctx context.Context) (map[string]any, error) {
			contexts = append(contexts, ctx)
			return nil, ctx.Err()
		})
		limited.Timeout = time.Second
		api := newAPI(t, actionhero.Config{}, limited)
		req := transport.Of(api).NewRequest("test")
		req.Action = "limited"
		for range 3 {
			if _, err := transport.Of(api).Dispatch(t.Context(), req); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		for i, ctx := range contexts {
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("the context of run %d has the error %v", i, ctx.Err())
			}
		}
	})
}

// exits ends the goroutine of its caller, as a failed assertion of a test library does.
func exits() error {
	runtime.Goexit()
	return nil
}

// Code of the app that ends its goroutine gives the place of its call back, and the log says so: in an action, in a
// middleware and in a task.
func TestGoexitEndsTheCall(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(api *actionhero.API) error{
		"action":     func(api *actionhero.API) error { _, err := dispatch(t, api, "exits"); return err },
		"middleware": func(api *actionhero.API) error { _, err := dispatch(t, api, "guarded"); return err },
		"task":       func(api *actionhero.API) error { return api.Tasks.Run(context.Background(), "exits", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				var ctx context.Context
				guarded := action("guarded", func(context.Context) (map[string]any, error) { return nil, nil })
				guarded.Middleware = []actionhero.Middleware{func(actionhero.Handler) actionhero.Handler {
					return func(c context.Context, _ *actionhero.Request) (any, error) { ctx = c; return nil, exits() }
				}}
				api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.NewJSONHandler(&lines, nil))},
					guarded,
					action("exits", func(c context.Context) (map[string]any, error) { ctx = c; return nil, exits() }),
					actionhero.Task[actionhero.None]{Name: "exits", Run: func(c context.Context, _ actionhero.None) error { ctx = c; return exits() }},
				)
				if err == nil {
					err = api.Start(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				var ended sync.WaitGroup
				ended.Go(func() { _ = run(api) })
				ended.Wait()
				began := time.Now()
				if err := api.Stop(context.Background()); err != nil || time.Since(began) > 0 {
					t.Errorf("the stop took %v: %v", time.Since(began), err)
				}
				if !errors.Is(ctx.Err(), context.Canceled) {
					t.Errorf("the context of the call has the error %v", ctx.Err())
				}
				if !strings.Contains(lines.String(), "runtime.Goexit") {
					t.Errorf("the log does not name the fault: %s", &lines)
				}
			})
		})
	}
}

// body counts how often it is closed.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

// A Content that no transport will send is closed once, and a Content that a transport gets is open.
func TestAContentThatIsNotSentIsClosed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		middleware func(out any, err error) (any, error)
		err        error // of the action
		closed     int
	}{
		"sent":              {func(out any, err error) (any, error) { return out, err }, nil, 0},
		"error of action":   {func(out any, err error) (any, error) { return out, err }, errors.New("late"), 1},
		"refused":           {func(any, error) (any, error) { return nil, errors.New("no") }, nil, 1},
		"refused with it":   {func(out any, _ error) (any, error) { return out, errors.New("no") }, nil, 1},
		"another result":    {func(any, error) (any, error) { return map[string]any{}, nil }, nil, 1},
		"another content":   {func(any, error) (any, error) { return &actionhero.Content{Body: strings.NewReader("")}, nil }, nil, 1},
		"nil content":       {func(any, error) (any, error) { return (*actionhero.Content)(nil), nil }, nil, 1},
		"content, no body":  {func(any, error) (any, error) { return &actionhero.Content{}, nil }, nil, 1},
		"panic":             {func(any, error) (any, error) { panic("no") }, nil, 1},
		"end of goroutine":  {func(any, error) (any, error) { return nil, exits() }, nil, 1},
		"closed and failed": {func(out any, _ error) (any, error) { panic(out.(*actionhero.Content).Close()) }, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bytes := &body{Reader: strings.NewReader("bytes")}
			api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, *actionhero.Content]{
				Name: "bytes",
				Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
					return &actionhero.Content{Body: bytes}, test.err
				},
			})
			api.Use(func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					return test.middleware(next(ctx, req))
				}
			})
			var run sync.WaitGroup
			run.Go(func() { _, _ = dispatch(t, api, "bytes") })
			run.Wait()
			if bytes.closed != test.closed {
				t.Errorf("the body was closed %d times, want %d", bytes.closed, test.closed)
			}
		})
	}
}

// stuckBody is a Body whose Close blocks.
type stuckBody struct {
	io.Reader
	release chan struct{}
}

func (b stuckBody) Close() error { <-b.release; return nil }

// A request does not wait for ever for the Close of a Content that is not sent.
func TestABlockedCloseOfAContentDoesNotHoldTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, *actionhero.Content]{
			Name: "bytes",
			Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
				return &actionhero.Content{Body: stuckBody{strings.NewReader(""), release}}, errors.New("no")
			},
		})
		begun := time.Now()
		_, err := dispatch(t, api, "bytes")
		failed(t, "no", err, actionhero.CodeInternal, "The server experienced an internal error")
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the request takes %v", took)
		}
	})
}

// A Content without a Body cannot be sent: the transport gets an error instead.
func TestAContentWithoutABodyIsAnError(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "bytes",
		Run:  func(context.Context, actionhero.None) (*actionhero.Content, error) { return &actionhero.Content{}, nil },
	})
	out, err := dispatch(t, api, "bytes")
	failed(t, "no body", err, actionhero.CodeInternal, "The server experienced an internal error")
	if out != nil || !strings.Contains(errors.Unwrap(err).Error(), `action "bytes" answered a Content without a Body`) {
		t.Errorf("the output is %v, the cause %v", out, errors.Unwrap(err))
	}
}

// The context of a call that has ended keeps its first error, whatever ends later, and agrees with its channel.
func TestTheFirstErrorOfAContextStays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ask    bool // ask for the error before the channel
		cancel bool // cancel the parent; otherwise wait for the deadline
		want   error
	}{
		"deadline, asked first": {true, false, context.DeadlineExceeded},
		"deadline":              {false, false, context.DeadlineExceeded},
		"parent, asked first":   {true, true, context.Canceled},
		"parent":                {false, true, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				var kept context.Context
				limited := action("limited", func(ctx context.Context) (map[string]any, error) {
					kept = ctx
					if !test.ask {
						ctx.Done()
					}
					if test.cancel {
						cancel()
					} else {
						time.Sleep(time.Minute)
					}
					return nil, nil
				})
				limited.Timeout = time.Second
				api := newAPI(t, actionhero.Config{}, limited)
				req := transport.Of(api).NewRequest("test")
				req.Action = "limited"
				check := func(when string) {
					if err := kept.Err(); !errors.Is(err, test.want) {
						t.Errorf("%s, the error is %v, want %v", when, err, test.want)
					}
				}
				api.Use(func(next actionhero.Handler) actionhero.Handler {
					return func(ctx context.Context, req *actionhero.Request) (any, error) {
						out, err := next(ctx, req)
						check("before the end of the call")
						return out, err
					}
				})
				_, _ = transport.Of(api).Dispatch(parent, req)
				check("after the call")
				select {
				case <-kept.Done():
				default:
					t.Error("the channel is open although the context has ended")
				}
				cancel()
				time.Sleep(time.Hour)
				check("an hour later")
				if cause := context.Cause(kept); !errors.Is(cause, test.want) {
					t.Errorf("the cause is %v", cause)
				}
			})
		})
	}
}

// A context that an action derives from its own needs no goroutine, and ends with it.
func TestDerivedContextsNeedNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var derived []context.Context
		api := newAPI(t, actionhero.Config{}, action("derives", func(ctx context.Context) (map[string]any, error) {
			before := runtime.NumGoroutine()
			for range 100 {
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				derived = append(derived, child)
			}
			if n := runtime.NumGoroutine() - before; n > 50 { // other tests start goroutines of their own
				t.Errorf("100 contexts started %d goroutines", n)
			}
			again, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
			defer cancel()
			return map[string]any{}, again.Err()
		}))
		if _, err := dispatch(t, api, "derives"); err != nil {
			t.Error(err)
		}
		for _, child := range derived {
			if !errors.Is(child.Err(), context.Canceled) {
				t.Errorf("a derived context has the error %v", child.Err())
			}
		}
	})
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("in MarshalJSON") }

type failsToSay struct{ why string }

func (e *failsToSay) Error() string { return e.why }

// Code of the app that runs after the action is within the request, too: its failures are internal errors.
func TestCodeOfTheAppThatRunsLate(t *testing.T) {
	t.Parallel()
	cycle := map[string]any{}
	cycle["cycle"] = cycle
	var lines bytes.Buffer
	api := newAPI(t, actionhero.Config{Log: slog.New(slog.NewJSONHandler(&lines, nil))},
		action("panics", func(context.Context) (map[string]any, error) { return map[string]any{"a": panicking{}}, nil }),
		action("cycle", func(context.Context) (map[string]any, error) { return cycle, nil }),
		action("error", func(context.Context) (map[string]any, error) { return nil, (*failsToSay)(nil) }),
	)
	for name, cause := range map[string]string{"panics": "in MarshalJSON", "cycle": "break the cycle", "error": "whose Error panics"} {
		req := transport.Of(api).NewRequest("test")
		req.Action = name
		out, err := transport.Of(api).Dispatch(t.Context(), req)
		dst := []byte("before")
		if err == nil {
			dst, err = transport.AppendOutput(dst, req, out)
		}
		failed(t, name, err, actionhero.CodeInternal, "The server experienced an internal error")
		if string(dst) != "before" {
			t.Errorf("%s: the buffer has %q", name, dst)
		}
		var line struct{ Level, Cause string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level != "ERROR" || !strings.Contains(line.Cause, cause) {
			t.Errorf("%s: the log has %s: %v", name, &lines, err)
		}
		lines.Reset()
	}
}
