package actionhero_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/transport"
)

type payInput struct {
	Amount int    `json:"amount" required:"true"`
	To     string `json:"to" default:"ann"`
}

type payOutput struct {
	Number int64             `json:"number"`
	Notes  map[string]string `json:"notes"`
}

// pay is an action with idempotency keys. Each run has a number.
type pay struct {
	runs atomic.Int64
	run  func(ctx context.Context, in payInput) error // nil: the run works
}

func (p *pay) action(name string, use actionhero.KeyUse) actionhero.Action[payInput, payOutput] {
	return actionhero.Action[payInput, payOutput]{
		Name: name, IdempotencyKey: use,
		Run: func(ctx context.Context, in payInput) (payOutput, error) {
			n := p.runs.Add(1)
			if p.run != nil {
				if err := p.run(ctx, in); err != nil {
					return payOutput{}, err
				}
			}
			return payOutput{n, map[string]string{"z": "<é>", "a": "1"}}, nil
		},
	}
}

// storeOf is a backend with another store.
type storeOf struct {
	backend.Backend
	store backend.Store
}

func (b storeOf) Store() backend.Store { return b.store }

func newLocal() backend.Backend { return local.New(local.Config{}) }

// keyed starts an API with the backend b.
func keyed(t *testing.T, b backend.Backend, log *slog.Logger, change func(*actionhero.Config), parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg := actionhero.Config{Backend: b, Log: log}
	if change != nil {
		change(&cfg)
	}
	api, err := actionhero.New(cfg, parts...)
	if err == nil {
		err = api.Start(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Stop(context.Background()) })
	return api
}

// call is a call of an action by a client.
type keyedCall struct {
	name, key, ip, user string
	params              map[string]string // JSON
}

// do runs the action, and returns the answer in JSON.
func (c keyedCall) do(ctx context.Context, api *actionhero.API) (string, *actionhero.Error) {
	host := transport.Of(api)
	req := host.NewRequest("test")
	req.Action, req.IdempotencyKey, req.RemoteIP = c.name, c.key, c.ip
	if req.RemoteIP == "" {
		req.RemoteIP = "192.0.2.1"
	}
	if c.user != "" {
		_ = req.SetIdentity(ctx, actionhero.Identity{ID: c.user})
	}
	if c.params == nil {
		c.params = map[string]string{"amount": "5"}
	}
	for name, raw := range c.params {
		_ = transport.ParamsOf(&req.Params).AddJSON(name, []byte(raw))
	}
	out, err := host.Dispatch(ctx, req)
	if err == nil {
		var object []byte
		object, err = transport.AppendOutput([]byte("{"), req, out)
		return string(object) + "}", actionhero.AsError(err)
	}
	return "", actionhero.AsError(err)
}

// want fails the test unless the call is answered by the given run, or fails with the code.
func (c keyedCall) want(t *testing.T, api *actionhero.API, run int64, code actionhero.Code) *actionhero.Error {
	t.Helper()
	answer, err := c.do(t.Context(), api)
	var out payOutput
	switch {
	case run == 0 && (err == nil || err.Code != code):
		t.Errorf("%+v: %s, %v, want %v", c, answer, err, code)
	case run != 0 && (err != nil || json.Unmarshal([]byte(answer), &out) != nil || out.Number != run):
		t.Errorf("%+v: %s, %v, want the answer of run %d", c, answer, err, run)
	}
	return err
}

func TestOneKeyRunsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pay
		api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional), p.action("other", actionhero.KeyOptional))
		first, err := keyedCall{name: "pay", key: "k"}.do(t.Context(), api)
		if err != nil || !strings.Contains(first, `"number":1,`) {
			t.Fatalf("%s, %v", first, err)
		}
		for range 3 {
			if again, err := (keyedCall{name: "pay", key: "k"}).do(t.Context(), api); err != nil || again != first {
				t.Errorf("the kept answer is %s, %v, want %s", again, err, first)
			}
		}
		keyedCall{name: "pay", key: "k2"}.want(t, api, 2, 0)
		keyedCall{name: "other", key: "k"}.want(t, api, 3, 0)
		keyedCall{name: "pay", key: "k", ip: "192.0.2.2"}.want(t, api, 4, 0)
		keyedCall{name: "pay"}.want(t, api, 5, 0)
		keyedCall{name: "pay"}.want(t, api, 6, 0)
		keyedCall{name: "pay", key: "v6", ip: "2001:db8::1"}.want(t, api, 7, 0)
		keyedCall{name: "pay", key: "v6", ip: "2001:db8::2"}.want(t, api, 7, 0)
		time.Sleep(24*time.Hour - time.Minute)
		keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
		time.Sleep(time.Minute)
		keyedCall{name: "pay", key: "k"}.want(t, api, 8, 0)
	})
}

// An operator reads in the log which of the calls with one key has run.
func TestTheLogTellsARepeatFromARun(t *testing.T) {
	t.Parallel()
	var p pay
	p.run = func(_ context.Context, in payInput) error {
		if in.Amount > 5 {
			return actionhero.Errorf(actionhero.CodeConflict, "too much")
		}
		return nil
	}
	api, lines := logged(t, p.action("pay", actionhero.KeyOptional))
	for _, call := range []struct {
		keyedCall
		replayed bool
	}{
		{keyedCall{name: "pay", key: "k"}, false},
		{keyedCall{name: "pay", key: "k"}, true},
		{keyedCall{name: "pay", key: "k", params: map[string]string{"amount": "4"}}, false}, // refused
		{keyedCall{name: "pay", key: "large", params: map[string]string{"amount": "6"}}, false},
		{keyedCall{name: "pay", key: "large", params: map[string]string{"amount": "6"}}, true}, // of a refusal
		{keyedCall{name: "pay"}, false},
	} {
		_, _ = call.do(t.Context(), api)
		line := last(t, lines)
		if got, has := line["replayed"]; has != call.replayed || has && got != true {
			t.Errorf("%+v: the line is %v", call, line)
		}
	}
}

// A user keeps the keys from any address, and no other client meets them, whatever the names are.
func TestAKeyBelongsToAnIdentity(t *testing.T) {
	t.Parallel()
	var p pay
	api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "k", user: "ann"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "k", user: "ann", ip: "192.0.2.7"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "k", user: "bob"}.want(t, api, 2, 0)
	keyedCall{name: "pay", key: "k"}.want(t, api, 3, 0)
	keyedCall{name: "pay", key: "b k", user: "a"}.want(t, api, 4, 0)
	keyedCall{name: "pay", key: "k", user: "a b"}.want(t, api, 5, 0)
}

// Who may not run the action reads no kept answer.
func TestAKeptAnswerIsBehindTheRulesOfTheAction(t *testing.T) {
	t.Parallel()
	var p pay
	action := p.action("pay", actionhero.KeyOptional)
	action.Access = actionhero.Allow(func(_ context.Context, _ actionhero.Identity, in payInput) error {
		if p.runs.Load() > 0 {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "no longer")
		}
		return nil
	})
	api := keyed(t, newLocal(), nil, nil, action)
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "k"}.want(t, api, 0, actionhero.CodePermissionDenied)
}

// Inputs count as they are decoded, not as they are written.
func TestAKeyWithOtherInputsIsRefused(t *testing.T) {
	t.Parallel()
	var p pay
	api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	for _, same := range []map[string]string{{"amount": `"5"`}, {"amount": "5.0", "to": `"ann"`}, {"amount": "5", "to": "null"}, {"to": `"\u0061nn"`, "amount": " 5"}} {
		keyedCall{name: "pay", key: "k", params: same}.want(t, api, 1, 0)
	}
	for _, other := range []map[string]string{{"amount": "0"}, {"amount": "5", "to": `"bob"`}} {
		if err := (keyedCall{name: "pay", key: "k", params: other}).want(t, api, 0, actionhero.CodeInvalidInput); !errors.Is(err, actionhero.ErrKeyReused) {
			t.Errorf("%v: the error is %v", other, err)
		}
	}
	// A wrong input uses no key.
	keyedCall{name: "pay", key: "new", params: map[string]string{"amount": `"x"`}}.want(t, api, 0, actionhero.CodeInvalidInput)
	keyedCall{name: "pay", key: "new"}.want(t, api, 2, 0)
}

func TestACallDuringTheRunIsAConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pay{run: func(context.Context, payInput) error { time.Sleep(10 * time.Minute); return nil }}
		action := p.action("pay", actionhero.KeyOptional)
		action.Timeout = -1
		api := keyed(t, newLocal(), nil, nil, action)
		first := make(chan string, 1)
		go func() {
			answer, _ := keyedCall{name: "pay", key: "k"}.do(t.Context(), api)
			first <- answer
		}()
		for range 9 { // far longer than a lease
			synctest.Wait()
			err := keyedCall{name: "pay", key: "k"}.want(t, api, 0, actionhero.CodeConflict)
			if err != nil && err.RetryAfter != time.Second {
				t.Errorf("RetryAfter is %v", err.RetryAfter)
			}
			time.Sleep(time.Minute)
		}
		if answer := <-first; !strings.Contains(answer, `"number":1,`) {
			t.Errorf("the run answers %s", answer)
		}
		keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	})
}

func TestRefusalsAreKeptAndFailuresMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	refusal := &actionhero.Error{Code: actionhero.CodeInvalidInput, Message: "no", Details: []actionhero.Detail{{Field: "amount", Rule: "sum", Message: "<too> much"}}}
	for name, tt := range map[string]struct {
		err  error
		kept bool
	}{
		"invalid input":    {refusal, true},
		"not found":        {actionhero.Errorf(actionhero.CodeNotFound, "no"), true},
		"already exists":   {actionhero.Errorf(actionhero.CodeAlreadyExists, "no"), true},
		"permission":       {actionhero.Errorf(actionhero.CodePermissionDenied, "no"), true},
		"conflict":         {actionhero.Errorf(actionhero.CodeConflict, "no"), true},
		"conflict for now": {&actionhero.Error{Code: actionhero.CodeConflict, Message: "no", RetryAfter: time.Second}, false},
		"unauthenticated":  {actionhero.Errorf(actionhero.CodeUnauthenticated, "no"), false},
		"exhausted":        {actionhero.Errorf(actionhero.CodeResourceExhausted, "no"), false},
		"internal":         {errors.New("no"), false},
		"unavailable":      {actionhero.Errorf(actionhero.CodeUnavailable, "no"), false},
		"deadline":         {context.DeadlineExceeded, false},
		"canceled":         {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pay
			p.run = func(context.Context, payInput) error {
				if p.runs.Load() == 1 {
					return tt.err
				}
				return nil
			}
			api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
			want := actionhero.AsError(tt.err)
			keyedCall{name: "pay", key: "k"}.want(t, api, 0, want.Code)
			if !tt.kept {
				keyedCall{name: "pay", key: "k"}.want(t, api, 2, 0)
				return
			}
			_, err := keyedCall{name: "pay", key: "k"}.do(t.Context(), api)
			if err == nil || string(transport.AppendError(nil, err)) != string(transport.AppendError(nil, want)) || err.Message != want.Message || p.runs.Load() != 1 {
				t.Errorf("the kept error is %+v after %d runs, want %+v", err, p.runs.Load(), want)
			}
		})
	}
}

// A run that panics, ends its goroutine or is cancelled leaves the key free.
func TestARunWithoutAnAnswerFreesTheKey(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"panic": func() { panic("no") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pay
			p.run = func(context.Context, payInput) error {
				if p.runs.Load() == 1 {
					end()
				}
				return nil
			}
			api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = keyedCall{name: "pay", key: "k"}.do(t.Context(), api) })
			wg.Wait()
			keyedCall{name: "pay", key: "k"}.want(t, api, 2, 0)
		})
	}
}

// The client of a run may go away: it asks again with the key.
func TestTheAnswerIsKeptIfTheClientIsGone(t *testing.T) {
	t.Parallel()
	ctx, gone := context.WithCancel(t.Context())
	p := pay{run: func(context.Context, payInput) error { gone(); return nil }}
	b := newLocal()
	api := keyed(t, storeOf{b, &cutStore{Store: b.Store()}}, nil, nil, p.action("pay", actionhero.KeyOptional))
	_, _ = keyedCall{name: "pay", key: "k"}.do(ctx, api)
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
}

// cutStore is a store that a node does not reach while cut is true.
type cutStore struct {
	backend.Store
	cut atomic.Bool
}

func (s *cutStore) Reserve(ctx context.Context, key string, ttl time.Duration) (e backend.Entry, load string, mine bool, err error) {
	if s.cut.Load() {
		return e, "", false, backend.ErrUnavailable
	}
	return s.Store.Reserve(ctx, key, ttl)
}

func (s *cutStore) Renew(ctx context.Context, key, load string, ttl time.Duration) (bool, error) {
	if s.cut.Load() {
		return false, backend.ErrUnavailable
	}
	return s.Store.Renew(ctx, key, load, ttl)
}

func (s *cutStore) Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (bool, error) {
	if s.cut.Load() {
		return false, backend.ErrUnavailable
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return s.Store.Fill(ctx, key, load, value, ttl)
}

// A node that is cut off, or dead, loses its key after the lease. The context of its run ends, and its late answer is dropped.
func TestALostLeaseFreesTheKeyAndDropsTheLateAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := newLocal()
		if err := shared.Open(t.Context(), backend.Node{ID: "shared"}); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = shared.Close(context.Background()) }()
		cut := &cutStore{Store: shared.Store()}
		begun, told := time.Now(), make(chan error, 1)
		slow := pay{run: func(ctx context.Context, _ payInput) error {
			<-ctx.Done()
			told <- context.Cause(ctx)
			time.Sleep(time.Minute)
			return nil // as an action does that does not heed its context
		}}
		slow.runs.Store(100)
		action := slow.action("pay", actionhero.KeyOptional)
		action.Timeout = -1
		lost := keyed(t, storeOf{newLocal(), cut}, nil, nil, action)
		var p pay
		other := keyed(t, storeOf{newLocal(), shared.Store()}, nil, nil, p.action("pay", actionhero.KeyOptional))

		late := make(chan string, 1)
		go func() {
			answer, err := keyedCall{name: "pay", key: "k"}.do(t.Context(), lost)
			if err != nil {
				answer = err.Message
			}
			late <- answer
		}()
		synctest.Wait()
		cut.cut.Store(true)
		time.Sleep(29 * time.Second)
		keyedCall{name: "pay", key: "k"}.want(t, other, 0, actionhero.CodeConflict)
		if cause := <-told; cause == nil || !strings.Contains(cause.Error(), "lost its idempotency key") || time.Since(begun) > 35*time.Second {
			t.Errorf("after %v, the context of the lost run has ended with %v", time.Since(begun), cause)
		}
		time.Sleep(5 * time.Second)
		keyedCall{name: "pay", key: "k"}.want(t, other, 1, 0)
		cut.cut.Store(false)
		if answer := <-late; !strings.Contains(answer, `"number":1,`) {
			t.Errorf("the late run answers %s, not the answer of the key", answer)
		}
		keyedCall{name: "pay", key: "k"}.want(t, other, 1, 0)
	})
}

// If the cache is cleared, no other call may have run: the answer is kept under the key again.
func TestARunKeepsItsAnswerAfterTheCacheWasCleared(t *testing.T) {
	t.Parallel()
	var p pay
	p.run = func(ctx context.Context, _ payInput) error {
		_, err := actionhero.RequestFrom(ctx).API.Cache.Clear(ctx, "")
		return err
	}
	api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
}

// fullStore is a store that has no room for values of some size.
type fullStore struct{ backend.Store }

func (s fullStore) Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (bool, error) {
	if len(value) > 60 {
		found, err := s.Store.Renew(ctx, key, load, time.Second)
		if err == nil && found {
			err = backend.ErrFull
		}
		return false, err
	}
	return s.Store.Fill(ctx, key, load, value, ttl)
}

// The client of a run reads its answer also if the cache was cleared and has no room then. The action does not run again.
func TestARunAnswersAfterTheCacheWasClearedAndIsFull(t *testing.T) {
	t.Parallel()
	var p pay
	p.run = func(ctx context.Context, _ payInput) error {
		_, err := actionhero.RequestFrom(ctx).API.Cache.Clear(ctx, "")
		return err
	}
	b := newLocal()
	api := keyed(t, storeOf{b, fullStore{b.Store()}}, nil, nil, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	if err := (keyedCall{name: "pay", key: "k"}).want(t, api, 0, actionhero.CodeConflict); err != nil && !strings.Contains(err.Message, "is done") {
		t.Errorf("a further call fails with %v", err)
	}
}

// Without the cache, an action with a key does not run: it may have run before.
func TestWithoutTheCacheACallWithAKeyFails(t *testing.T) {
	t.Parallel()
	var log testkit.Recorder
	b := newLocal()
	cut := &cutStore{Store: b.Store()}
	p := pay{run: func(context.Context, payInput) error { cut.cut.Store(true); return nil }}
	api := keyed(t, storeOf{b, cut}, slog.New(&log), nil, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "a"}.want(t, api, 1, 0) // the answer is sent, and the log has the failure
	if !slices.ContainsFunc(log.Entries(), func(e testkit.Entry) bool { return strings.Contains(e.Message, "could not be stored") }) {
		t.Error("the log does not have the failure")
	}
	if err := (keyedCall{name: "pay", key: "b"}).want(t, api, 0, actionhero.CodeUnavailable); err != nil && err.RetryAfter == 0 {
		t.Error("there is no RetryAfter")
	}
	keyedCall{name: "pay"}.want(t, api, 2, 0)
}

func TestALargeAnswerIsNotRepeatedAndDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	var p pay
	api := keyed(t, newLocal(), nil, func(cfg *actionhero.Config) { cfg.IdempotencyBytes = 40 }, p.action("pay", actionhero.KeyOptional))
	keyedCall{name: "pay", key: "k"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "k"}.want(t, api, 0, actionhero.CodeConflict)
	if p.runs.Load() != 1 {
		t.Errorf("%d runs", p.runs.Load())
	}
}

// A client has a limited number of new keys in a window. Keys that it repeats do not count.
func TestAClientHasLimitedKeys(t *testing.T) {
	t.Parallel()
	var p pay
	api := keyed(t, newLocal(), nil, func(cfg *actionhero.Config) { cfg.IdempotencyKeys = 2 }, p.action("pay", actionhero.KeyOptional))
	for range 3 {
		keyedCall{name: "pay", key: "a"}.want(t, api, 1, 0)
	}
	keyedCall{name: "pay", key: "b"}.want(t, api, 2, 0)
	if err := (keyedCall{name: "pay", key: "c"}).want(t, api, 0, actionhero.CodeResourceExhausted); err != nil && err.RetryAfter < 11*time.Hour {
		t.Errorf("RetryAfter is %v", err.RetryAfter)
	}
	keyedCall{name: "pay", key: "a"}.want(t, api, 1, 0)
	keyedCall{name: "pay", key: "c", ip: "192.0.2.9"}.want(t, api, 3, 0)
}

// Code of the app has no keys, also if it runs for a client that has one.
func TestOnlyClientsNeedAKey(t *testing.T) {
	t.Parallel()
	var p pay
	inner := p.action("inner", actionhero.KeyRequired)
	outer := p.action("outer", actionhero.KeyRequired)
	outer.Run = func(ctx context.Context, in payInput) (payOutput, error) {
		if _, err := inner.Call(ctx, actionhero.RequestFrom(ctx).API, in); err != nil {
			return payOutput{}, err
		}
		return inner.Call(ctx, actionhero.RequestFrom(ctx).API, in)
	}
	api := keyed(t, newLocal(), nil, nil, inner, outer)
	keyedCall{name: "inner"}.want(t, api, 0, actionhero.CodeInvalidInput)
	keyedCall{name: "outer", key: "k"}.want(t, api, 2, 0)
	keyedCall{name: "outer", key: "k"}.want(t, api, 2, 0)
	if _, err := inner.Call(t.Context(), api, payInput{Amount: 1}); err != nil {
		t.Error(err)
	}
}

func TestAWrongKeyIsRefused(t *testing.T) {
	t.Parallel()
	var p pay
	api := keyed(t, newLocal(), nil, nil, p.action("pay", actionhero.KeyOptional))
	for _, key := range []string{strings.Repeat("k", 256), "a\nb", "é", "\x7f"} {
		keyedCall{name: "pay", key: key}.want(t, api, 0, actionhero.CodeInvalidInput)
	}
	keyedCall{name: "pay", key: strings.Repeat("k", 255)}.want(t, api, 1, 0)
}

func TestAnActionThatCannotHaveKeysIsRefused(t *testing.T) {
	t.Parallel()
	type input struct {
		Key string `json:"idempotencyKey"`
	}
	none := func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil }
	for want, part := range map[string]actionhero.Part{
		"which cannot be kept": actionhero.Action[actionhero.None, *actionhero.Content]{Name: "a", IdempotencyKey: actionhero.KeyOptional,
			Run: func(context.Context, actionhero.None) (*actionhero.Content, error) { return nil, nil }},
		"is of KindRead":       actionhero.Action[actionhero.None, actionhero.None]{Name: "a", IdempotencyKey: actionhero.KeyOptional, Kind: actionhero.KindRead, Run: none},
		"IdempotencyKey 3":     actionhero.Action[actionhero.None, actionhero.None]{Name: "a", IdempotencyKey: 3, Run: none},
		`input "idempotencyKe`: actionhero.Action[input, actionhero.None]{Name: "a", IdempotencyKey: actionhero.KeyRequired, Run: func(context.Context, input) (n actionhero.None, err error) { return n, nil }},
	} {
		if _, err := actionhero.New(actionhero.Config{Backend: newLocal()}, part); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
