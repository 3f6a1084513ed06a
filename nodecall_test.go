package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
)

type echoInput struct {
	Text string `json:"text" required:"true" maxLength:"300000"`
	Fail string `json:"fail"`
}

// echo answers with the id of the node and the text, or fails.
var echo = actionhero.NodeCall[echoInput, string]{Name: "echo", Run: func(ctx context.Context, in echoInput) (string, error) {
	req := actionhero.RequestFrom(ctx)
	switch in.Fail {
	case "refuse":
		return "", &actionhero.Error{Code: actionhero.CodeConflict, Message: "no " + in.Text, Details: []actionhero.Detail{{Field: "text", Rule: "own", Message: "not this"}}, RetryAfter: 7 * time.Second, Err: errors.New("a secret")}
	case "wrapped":
		return "", fmt.Errorf("%s: %w", in.Text, actionhero.Errorf(actionhero.CodeNotFound, "nothing"))
	case "plain":
		return "", errors.New("the database says " + in.Text)
	case "panic":
		panic(in.Text)
	case "exit":
		runtime.Goexit()
	case "wait":
		<-ctx.Done()
		return "", ctx.Err()
	case "long":
		return strings.Repeat("x", backend.MaxCallBytes), nil
	case "wordy":
		return "", actionhero.Errorf(actionhero.CodeConflict, "%s", strings.Repeat("x", backend.MaxCallBytes))
	case "utf8":
		return "", actionhero.Errorf(actionhero.CodeConflict, "%s", "\xff")
	}
	return req.API.Stats.ID() + ": " + in.Text, nil
}}

func TestANodeCallIsAnsweredByItsNode(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a", echo), startNode(t, net, "b", echo)
	for _, node := range []string{"a", "b"} {
		if out, err := echo.Call(t.Context(), a.API, node, echoInput{Text: "hi"}); err != nil || out != node+": hi" {
			t.Errorf("%s answers %q, %v", node, out, err)
		}
	}
	answers, err := echo.CallAll(t.Context(), b.API, echoInput{Text: "all"})
	if want := []actionhero.NodeAnswer[string]{{Node: "a", Out: "a: all"}, {Node: "b", Out: "b: all"}}; err != nil || !slices.Equal(answers, want) {
		t.Errorf("all answer %+v, %v", answers, err)
	}
}

// An error of the other side comes back with its code, message and details. Its cause stays in the log of that node.
func TestTheErrorOfANodeCallComesBack(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startNode(t, net, "a", echo), startNode(t, net, "b", echo)
	const internal = "The server experienced an internal error"
	for fail, test := range map[string]struct {
		code    actionhero.Code
		message string
		logged  string // on b
	}{
		"refuse":  {actionhero.CodeConflict, "no text", ""},
		"wrapped": {actionhero.CodeNotFound, "nothing", ""},
		"plain":   {actionhero.CodeInternal, internal, "the database says text"},
		"panic":   {actionhero.CodeInternal, internal, "panic: text"},
		"exit":    {actionhero.CodeInternal, internal, "runtime.Goexit"},
		"long":    {actionhero.CodeInternal, "The answer of the node call echo has 262147 bytes: it may have 262144 at most", "at most"},
		"utf8":    {actionhero.CodeConflict, "\ufffd", ""},
		"wordy":   {actionhero.CodeConflict, "The current state does not allow this", ""},
	} {
		_, err := echo.Call(t.Context(), a.API, "b", echoInput{Text: "text", Fail: fail})
		e, ok := err.(*actionhero.Error)
		if !ok || e.Code != test.code || e.Message != test.message || strings.Contains(fmt.Sprint(e.Err), "secret") {
			t.Errorf("%s: %#v", fail, err)
		}
		if test.logged != "" {
			b.log.Await(t, 1, "cause", test.logged)
		}
		if fail == "refuse" && (len(e.Details) != 1 || e.Details[0] != actionhero.Detail{Field: "text", Rule: "own", Message: "not this"} || e.RetryAfter != 7*time.Second) {
			t.Errorf("the details are %+v, the client may retry after %v", e.Details, e.RetryAfter)
		}
	}
	if out, err := echo.Call(t.Context(), a.API, "b", echoInput{Text: "still"}); err != nil || out != "b: still" {
		t.Errorf("after the failures: %q, %v", out, err)
	}
	answers, err := echo.CallAll(t.Context(), a.API, echoInput{Text: "x", Fail: "wrapped"})
	if err != nil || len(answers) != 2 || actionhero.AsError(answers[1].Err).Code != actionhero.CodeNotFound {
		t.Errorf("answers %+v, %v", answers, err)
	}
}

// Whatever keeps a call from its node is an *Error with a code that says what to do.
func TestANodeCallThatReachesNobody(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	other := actionhero.NodeCall[actionhero.None, string]{Name: "new", Run: func(context.Context, actionhero.None) (string, error) { return "", nil }}
	a, b := startNode(t, net, "a", echo, other), startNode(t, net, "b", echo)
	want := func(what string, err error, code actionhero.Code, text string) {
		t.Helper()
		if e, ok := err.(*actionhero.Error); !ok || e.Code != code || !strings.Contains(e.Message, text) {
			t.Errorf("%s: %v (%T), want %v with %q", what, err, err, code, text)
		}
	}
	call := func(node string, in echoInput) error {
		_, err := echo.Call(t.Context(), a.API, node, in)
		return err
	}
	want("no such node", call("nobody", echoInput{Text: "x"}), actionhero.CodeNotFound, "No live node")
	want("missing input", call("b", echoInput{}), actionhero.CodeInvalidInput, "text is a required parameter for this call")
	want("missing input for all", echo.Notify(t.Context(), a.API, echoInput{}), actionhero.CodeInvalidInput, "text is a required")
	_, err := echo.CallAll(t.Context(), a.API, echoInput{})
	want("missing input for each", err, actionhero.CodeInvalidInput, "text is a required")
	want("too large", call("b", echoInput{Text: strings.Repeat("x", backend.MaxCallBytes)}), actionhero.CodeInvalidInput, "262144")
	_, err = other.Call(t.Context(), a.API, "b", actionhero.None{})
	want("another version", err, actionhero.CodeNotFound, "node b does not know the call new")
	b.log.Await(t, 1, "call", "new")
	_, err = other.Call(t.Context(), b.API, "a", actionhero.None{})
	want("not registered", err, actionhero.CodeNotFound, "new is not a known call between nodes")
	b.backend.Cut()
	want("cut off", call("b", echoInput{Text: "x"}), actionhero.CodeUnavailable, "cannot be reached")
	b.backend.Heal()
	steps(t, b.Stop(t.Context()))
	want("stopped", call("b", echoInput{Text: "x"}), actionhero.CodeNotFound, "No live node")
	_, err = echo.Call(t.Context(), b.API, "a", echoInput{Text: "x"})
	want("from a stopped node", err, actionhero.CodeUnavailable, "stopping")
}

// A call ends at its own limit, else at Config.ActionTimeout, and its Run learns of it. A stop of its node ends it, too.
func TestNodeCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		var ended atomic.Int64
		slow := actionhero.NodeCall[actionhero.None, actionhero.None]{Name: "slow", Timeout: time.Second, Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			<-ctx.Done()
			ended.Add(1)
			return n, ctx.Err()
		}}
		a, b := startNode(t, net, "a", echo, slow), startNode(t, net, "b", echo, slow)
		began := time.Now()
		_, err := slow.Call(t.Context(), a.API, "b", actionhero.None{})
		synctest.Wait()
		if took := time.Since(began); took != time.Second || actionhero.AsError(err).Code != actionhero.CodeDeadlineExceeded || ended.Load() != 1 {
			t.Errorf("its own limit: %v after %v, %d ended", err, took, ended.Load())
		}
		began = time.Now()
		_, err = echo.Call(t.Context(), a.API, "b", echoInput{Text: "x", Fail: "wait"})
		if took := time.Since(began); took != 30*time.Second || actionhero.AsError(err).Code != actionhero.CodeDeadlineExceeded {
			t.Errorf("the limit of the API: %v after %v", err, took)
		}
		steps(t, slow.Notify(t.Context(), a.API, actionhero.None{}))
		time.Sleep(1100 * time.Millisecond)
		if ended.Load() != 3 {
			t.Errorf("%d of 3 calls have ended", ended.Load())
		}
		failure := make(chan error)
		go func() {
			_, err := echo.Call(t.Context(), a.API, "b", echoInput{Text: "x", Fail: "wait"})
			failure <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _ = b.Stop(ctx) }()
		if err := <-failure; actionhero.AsError(err).Code != actionhero.CodeUnavailable {
			t.Errorf("a stop of the node: %v", err)
		}
		synctest.Wait()
		time.Sleep(time.Minute)
	})
}

func TestANotificationReachesAllNodes(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	heard := make(chan string, 10)
	call := actionhero.NodeCall[echoInput, actionhero.None]{Name: "hear", Run: func(ctx context.Context, in echoInput) (actionhero.None, error) {
		heard <- actionhero.RequestFrom(ctx).API.Stats.ID() + in.Text
		panic("afterwards")
	}}
	a, b := startNode(t, net, "a", call), startNode(t, net, "b", call)
	steps(t, call.Notify(t.Context(), a.API, echoInput{Text: "1"}))
	got := []string{<-heard, <-heard}
	slices.Sort(got)
	if !slices.Equal(got, []string{"a1", "b1"}) {
		t.Errorf("heard %q", got)
	}
	a.log.Await(t, 1, "cause", "afterwards")
	b.log.Await(t, 1, "cause", "afterwards")
	a.backend.Cut()
	if err := call.Notify(t.Context(), a.API, echoInput{Text: "2"}); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("a node that is cut off notifies: %v", err)
	}
}

func TestWrongNodeCallsAreRefused(t *testing.T) {
	t.Parallel()
	run := func(context.Context, actionhero.None) (string, error) { return "", nil }
	type call = actionhero.NodeCall[actionhero.None, string]
	for want, parts := range map[string]actionhero.Parts{
		"has no name: set Name":      {call{Run: run}},
		"\"a b\" is not allowed":     {call{Name: "a b", Run: run}},
		"has no Run":                 {call{Name: "a"}},
		`two node calls are named`:   {call{Name: "a", Run: run}, call{Name: "a", Run: run}},
		"for calls of the framework": {call{Name: "actionhero:conn", Run: run}},
		"is an uploaded file": {actionhero.NodeCall[struct {
			F *actionhero.File `json:"f"`
		}, string]{Name: "f", Run: func(context.Context, struct {
			F *actionhero.File `json:"f"`
		}) (string, error) {
			return "", nil
		}}},
	} {
		_, err := actionhero.New(actionhero.Config{Backend: memcluster.New(t).Node()}, parts)
		wantError(t, want, err, want)
	}
}

// Clients cannot call what only nodes may call.
func TestANodeCallIsNoAction(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, echo)
	if _, err := dispatch(t, api, "echo", "text", "x"); err == nil || err.Code != actionhero.CodeNotFound {
		t.Errorf("an action: %v", err)
	}
	if n := len(api.Actions()); n != 0 {
		t.Errorf("%d actions are listed", n)
	}
}
