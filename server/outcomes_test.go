package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// Every outcome of a request gives the same code and the same text on every transport. A task has no client: its job
// keeps the cause of an internal error.
func TestOutcomesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]struct {
		action string
		params map[string]string
		code   actionhero.Code
		text   string
		kept   string // of a task, if that is something else
	}{
		"ok":                    {"outcome", map[string]string{"how": "ok"}, 0, "", ""},
		"missing input":         {"outcome", nil, actionhero.CodeInvalidInput, "how is a required parameter for this action", "how is a required parameter for this task"},
		"wrong input":           {"outcome", map[string]string{"how": "ok", "n": "x"}, actionhero.CodeInvalidInput, "n must be a whole number", ""},
		"unknown action":        {"unknown", nil, actionhero.CodeNotFound, "unknown is not a known action.", waits},
		"refused by middleware": {"outcome", map[string]string{"how": "ok", "token": "wrong"}, actionhero.CodePermissionDenied, "not you", ""},
		"panic":                 {"outcome", map[string]string{"how": "panic"}, actionhero.CodeInternal, "The server experienced an internal error", "panic: as asked"},
		"panic in middleware":   {"outcome", map[string]string{"how": "ok", "token": "panic"}, actionhero.CodeInternal, "The server experienced an internal error", "panic: in a middleware"},
		"error without a code":  {"outcome", map[string]string{"how": "error"}, actionhero.CodeInternal, "The server experienced an internal error", "secret"},
		"timeout":               {"outcome", map[string]string{"how": "timeout"}, actionhero.CodeDeadlineExceeded, "The request took too long", "waiting: context deadline exceeded"},
		"cancelled":             {"outcome", map[string]string{"how": "cancelled"}, actionhero.CodeCanceled, "The request was canceled", "context canceled"},
		// A task answers nothing, so nothing can fail to encode.
		"does not encode": {"outcome", map[string]string{"how": "nan"}, actionhero.CodeInternal, "The server experienced an internal error", "-"},
	} {
		for kind, connect := range everyTransport() {
			if kind == "worker" && outcome.kept == waits {
				continue
			}
			t.Run(name+" over "+kind, func(t *testing.T) {
				t.Parallel()
				want := outcome.text
				if kind == "worker" && outcome.kept != "" {
					want = strings.TrimPrefix(outcome.kept, "-")
				}
				s, seen := outcomeServer(t)
				got := connect(t, s).Do(outcome.action, outcome.params).Error
				if got != want {
					t.Errorf("the client got %q, want %q", got, want)
				}
				if name == "unknown action" && kind == "cli" {
					return // refused before the app starts
				}
				if code := seen.Load(); name != "does not encode" && code != codeOf(outcome.text != "", outcome.code) {
					t.Errorf("the code was %v, want %v", code, outcome.code)
				}
			})
		}
	}
}

// waits marks an outcome that a task does not have, because its job waits for a node that knows the task.
const waits = "waits"

// codeOf is what the outermost middleware of outcomeServer notes: the code and one, or zero for none.
func codeOf(failed bool, code actionhero.Code) int32 {
	if !failed {
		return 0
	}
	return int32(code) + 1
}

type outcomeInput struct {
	How string `json:"how" required:"true"`
	N   int    `json:"n"`
}

// outcomeServer is a server whose action ends in the way it is asked to, and what its outermost middleware saw.
func outcomeServer(t *testing.T) (*testkit.Server, *atomic.Int32) {
	var cancel context.CancelFunc
	action := actionhero.Action[outcomeInput, map[string]any]{
		Name: "outcome", Timeout: 50 * time.Millisecond,
		Run: func(ctx context.Context, in outcomeInput) (map[string]any, error) {
			switch in.How {
			case "panic":
				panic("as asked")
			case "error":
				return nil, errors.New("secret")
			case "nan":
				return map[string]any{"x": make(chan int)}, nil
			case "timeout":
				<-ctx.Done()
				return nil, fmt.Errorf("waiting: %w", ctx.Err())
			case "cancelled":
				ctx, cancel = context.WithCancel(context.WithoutCancel(ctx)) // the time limit may pass first
				cancel()
				return nil, ctx.Err()
			}
			return map[string]any{"x": 1}, nil
		},
	}
	task := actionhero.Task[outcomeInput]{
		Name: action.Name, Timeout: action.Timeout,
		Run: func(ctx context.Context, in outcomeInput) error {
			_, err := action.Run(ctx, in)
			return err
		},
	}
	seen := &atomic.Int32{}
	middleware := actionhero.Initializer{Name: "middleware", Setup: func(api *actionhero.API) error {
		api.AcceptSecret("token")
		api.Use(outcomeMiddleware(seen)...)
		return nil
	}}
	return testkit.Start(t, testkit.Options{Parts: actionhero.Parts{action, task, middleware}}), seen
}

// outcomeMiddleware notes in seen what the client gets, and refuses a request whose token says so.
func outcomeMiddleware(seen *atomic.Int32) []actionhero.Middleware {
	return []actionhero.Middleware{
		func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (out any, err error) {
				defer func() {
					if p := recover(); p != nil {
						seen.Store(codeOf(true, actionhero.CodeInternal))
						panic(p)
					}
					if err != nil {
						seen.Store(codeOf(true, actionhero.AsError(err).Code))
					}
				}()
				return next(ctx, req)
			}
		},
		func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				switch req.Params.Get("token") {
				case "wrong":
					return nil, actionhero.Errorf(actionhero.CodePermissionDenied, "not you")
				case "panic":
					panic("in a middleware")
				}
				return next(ctx, req)
			}
		},
	}
}

// A stop lets requests in flight finish over HTTP and TCP, and sends a goodbye to TCP clients.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	gate := testkit.NewGate()
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{gate.Action()}})
	tcp, http := s.TCP(t), s.HTTP(t)
	tcp.Send("gate\r\n")
	answered := make(chan string, 1)
	go func() { answered <- http.Do("gate", nil).Error }()
	<-gate.Begun
	<-gate.Begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.API.Stop(context.Background()) }()
	// The web server follows when TCP is done.
	testkit.Eventually(t, "TCP has stopped listening", func() bool { return s.TCPAddr() == nil })
	gate.Open()
	if text := <-answered; text != "" {
		t.Errorf("over HTTP: %s", text)
	}
	tcp.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	tcp.Want(`{"status":"Bye!","context":"api","messageCount":1}`)
	tcp.WantClosed()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	// And it can start again, on the same settings.
	s.Start()
	if failure := s.TCP(t).Do("randomNumber", nil).Error; failure != "" {
		t.Errorf("after a restart: %s", failure)
	}
}
