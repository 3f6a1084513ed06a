package mcp_test

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

type outcomeInput struct {
	How string `json:"how" required:"true"`
	N   int    `json:"n"`
}

// outcomeParts are those of the test of the same name in package server: an action that ends as it is asked to, and
// middleware that refuses a request.
func outcomeParts(seen *atomic.Int32) actionhero.Parts {
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
				ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
				cancel()
				return nil, ctx.Err()
			case "later":
				return nil, &actionhero.Error{Code: actionhero.CodeUnavailable, Message: "not now", RetryAfter: 3 * time.Second}
			}
			return map[string]any{"x": 1}, nil
		},
	}
	return actionhero.Parts{isTool(action), actionhero.Initializer{Name: "middleware", Setup: func(api *actionhero.API) error {
		api.AcceptSecret("token")
		api.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				seen.Add(1)
				switch req.Params.Get("token") {
				case "wrong":
					return nil, actionhero.Errorf(actionhero.CodePermissionDenied, "not you")
				case "panic":
					panic("in a middleware")
				}
				return next(ctx, req)
			}
		})
		return nil
	}}}
}

// Every outcome of a call has the code and the text that it has on the other transports, as a result that models read.
func TestOutcomesOfToolsAreThoseOfOtherTransports(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := start(t, nil, outcomeParts(&seen))
	http := s.HTTP(t)
	for name, outcome := range map[string]struct {
		arguments map[string]any
		code      string
		text      string
	}{
		"ok":                    {map[string]any{"how": "ok"}, "", ""},
		"missing input":         {nil, "invalidInput", "how is a required parameter for this action"},
		"wrong input":           {map[string]any{"how": "ok", "n": "x"}, "invalidInput", "n must be a whole number"},
		"refused by middleware": {map[string]any{"how": "ok", "token": "wrong"}, "permissionDenied", "not you"},
		"panic":                 {map[string]any{"how": "panic"}, "internal", "The server experienced an internal error"},
		"panic in middleware":   {map[string]any{"how": "ok", "token": "panic"}, "internal", "The server experienced an internal error"},
		"error without a code":  {map[string]any{"how": "error"}, "internal", "The server experienced an internal error"},
		"timeout":               {map[string]any{"how": "timeout"}, "deadlineExceeded", "The request took too long"},
		"cancelled":             {map[string]any{"how": "cancelled"}, "canceled", "The request was canceled"},
		"retry":                 {map[string]any{"how": "later"}, "unavailable", "not now"},
		"does not encode":       {map[string]any{"how": "nan"}, "internal", "The server experienced an internal error"},
	} {
		for _, version := range versions {
			t.Run(name+" with "+version, func(t *testing.T) {
				session := connect(t, s, version, nil)
				if got := session.InitializeResult().ProtocolVersion; got != version {
					t.Fatalf("the version is %s", got)
				}
				before := seen.Load()
				got := call(t, session, "outcome", outcome.arguments)
				if seen.Load() != before+1 {
					t.Errorf("the middleware has run %d times", seen.Load()-before)
				}
				params := map[string]string{}
				for key, value := range outcome.arguments {
					params[key] = value.(string)
				}
				if web := http.Do("outcome", params).Error; web != outcome.text {
					t.Errorf("over HTTP the text is %q", web)
				}
				if outcome.code == "" {
					if structured(t, got) != `{"x":1}` {
						t.Error(structured(t, got))
					}
					return
				}
				f := failureOf(t, got)
				if f.ErrorCode != outcome.code || f.Error != outcome.text {
					t.Errorf("the failure is %+v", f)
				}
				if name == "wrong input" && (len(f.ErrorDetails) != 1 || f.ErrorDetails[0].Field != "n") {
					t.Errorf("the details are %+v", f.ErrorDetails)
				}
				if name == "retry" && f.RetryAfter != 3 {
					t.Errorf("the failure is %+v", f)
				}
			})
		}
	}
}

// An action that ends its goroutine loses its call, and no other one.
func TestGoexitEndsOneCallOnly(t *testing.T) {
	t.Parallel()
	s := start(t, nil, isTool(close("fine")), isTool(does("leave", func(context.Context) error {
		var none testing.T
		none.SkipNow() // runtime.Goexit
		return nil
	})))
	for _, version := range versions {
		session := connect(t, s, version, nil)
		got := call(t, session, "leave", nil)
		if f := failureOf(t, got); f.ErrorCode != "internal" {
			t.Errorf("%s: %+v", version, f)
		}
		if got := call(t, session, "fine", map[string]any{"id": "12"}); got.IsError {
			t.Errorf("%s: %s", version, text(t, got))
		}
	}
}

// The context of an action ends when the agent no longer waits: it says so, or leaves.
func TestAnEndedCallEndsItsContext(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}, 2), make(chan error, 2)
	slow := does("slow", func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	slow.Timeout = -1
	s := start(t, nil, isTool(slow))
	for _, version := range versions {
		session := connect(t, s, version, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := session.CallTool(ctx, toolCall("slow", nil))
			done <- err
		}()
		<-begun
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", version, err)
		}
		if err := <-done; err == nil {
			t.Errorf("%s: the call has succeeded", version)
		}
	}
}

// A log line says who has called which tool with which arguments, and how it ended. Secrets are filtered.
func TestEveryCallHasALineInTheLog(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Public), isTool(close("ticket.close")), who("admins", actionhero.Roles("admin")))
	s.Log.Entries()
	for _, version := range versions {
		before := len(calls(s))
		session := connect(t, s, version, bearer("ann"))
		call(t, session, "ticket_close", map[string]any{"id": "12", "token": "hush"})
		call(t, session, "admins", nil)
		call(t, session, "ticket_close", map[string]any{"id": "1"})
		if _, err := session.CallTool(t.Context(), toolCall("made-up", nil)); err == nil {
			t.Error("an unknown tool has succeeded")
		}
		var got []string
		for _, e := range calls(s)[before:] {
			a := e.Attrs
			got = append(got, strings.Join([]string{a["user"], a["client"], a["action"], a["tool"], a["params"], a["outcome"], a["remote"]}, " "))
			if len(a["request_id"]) != 32 && a["action"] != "" {
				t.Errorf("the id is %q", a["request_id"])
			}
		}
		want := []string{
			`ann tester 1.2 ticket.close  {"id":"12","token":"[FILTERED]","limit":100,"offset":0} ok 127.0.0.1`,
			`ann tester 1.2 admins  {"limit":100,"offset":0} permissionDenied 127.0.0.1`,
			`ann tester 1.2 ticket.close  {"id":"1","limit":100,"offset":0} invalidInput 127.0.0.1`,
			`ann tester 1.2  made-up   127.0.0.1`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: the log has\n%s\nwant\n%s", version, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if s.Log.Has("hush") {
		t.Error("the log has a secret")
	}
}

func calls(s *testkit.Server) (lines []testkit.Entry) {
	for _, e := range s.Log.Entries() {
		if strings.HasPrefix(e.Message, "an agent has called") {
			lines = append(lines, e)
		}
	}
	return lines
}
