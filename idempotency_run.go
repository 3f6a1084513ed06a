package actionhero

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// keyLease is the time after which the key of a run is free if its node does not renew it. keyRenewal is the time between
// two renewals, and storeTime the longest time of one, and of storing an answer.
const (
	keyLease   = 30 * time.Second
	keyRenewal = 8 * time.Second
	storeTime  = 5 * time.Second
)

// keyedCall is a call with an idempotency key. The run of a key is a load of the cache (see [backend.Store]), whose value is
// the answer: so one call in the cluster runs, only that call can store an answer, and it cannot if its lease has ended.
type keyedCall struct {
	req    *Request
	store  backend.Store
	caller string
	key    string // of the cache
	inputs [sha256.Size]byte
	load   string
}

// call returns the kept answer of the key, or runs run.
func (k *keyedCall) call(ctx context.Context, run keyedRun) (any, error) {
	e, mine, err := k.reserve(ctx)
	switch {
	case err != nil:
		return nil, err
	case !mine:
		return k.repeat(e.Value)
	}
	return k.run(ctx, run)
}

// keyedRun is a run without its inputs.
type keyedRun = func(context.Context) (any, error)

// reserve returns the kept answer of the key, or mine = true if the call has to run.
func (k *keyedCall) reserve(ctx context.Context) (e backend.Entry, mine bool, err error) {
	e, load, mine, err := k.store.Reserve(ctx, k.key, keyLease)
	switch {
	case err != nil:
		return e, false, k.unavailable(ctx, err)
	case load != "" && !mine:
		return e, false, &Error{Code: CodeConflict, Message: "a call with this idempotency key is running", RetryAfter: time.Second}
	}
	k.load = load
	return e, mine, nil
}

// unavailable returns the error of a call whose key cannot be looked up. The action must not run: it may have run before.
func (k *keyedCall) unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, backend.ErrUnavailable) {
		return &Error{Code: CodeUnavailable, Message: "the idempotency key cannot be checked now", RetryAfter: time.Second, Err: err}
	}
	return storeError(err)
}

// allow counts a new key of the client. A client that invents keys must not fill the cache.
func (k *keyedCall) allow(ctx context.Context) error {
	cfg := &k.req.API.cfg
	rate := backend.Rate{Every: cfg.IdempotencyWindow / time.Duration(cfg.IdempotencyKeys), Burst: cfg.IdempotencyKeys}
	taken, err := k.store.Take(ctx, "_idempotency:"+k.caller, rate)
	switch {
	case err != nil:
		return k.unavailable(ctx, err)
	case taken.Wait > 0:
		return &Error{Code: CodeResourceExhausted, Message: "too many idempotency keys", RetryAfter: taken.Wait}
	}
	return nil
}

// run runs the action, and keeps its answer or frees the key.
func (k *keyedCall) run(ctx context.Context, run keyedRun) (out any, err error) {
	kept := false
	defer func() {
		if !kept { // also after a panic
			k.free(ctx)
		}
	}()
	if err := k.allow(ctx); err != nil {
		return nil, err
	}
	watched := watchAnswer(k.req)
	out, err = k.renewing(ctx, run)
	record, ok := k.record(out, err, watched)
	if !ok {
		return out, err
	}
	kept = true
	return k.keep(ctx, out, err, record)
}

// free ends the load without an answer.
func (k *keyedCall) free(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, err := k.store.Fill(ctx, k.key, k.load, nil, 0); err != nil {
		k.req.API.log.Warn("an idempotency key could not be freed: it is free in 30 s", "action", k.req.Action, "error", err.Error())
	}
}

// keep stores the record of the answer out or failure, and returns the answer for the client. If the call has lost its lease,
// the answer of another call is the answer of the key.
func (k *keyedCall) keep(ctx context.Context, out any, failure error, record []byte) (any, error) {
	if stored, err := k.fill(ctx, record); stored || err != nil {
		return out, failure
	}
	k.req.API.log.Warn("a run with an idempotency key has lost its key, because it was cut off from the cache or its cache was cleared",
		"action", k.req.Action, "request_id", k.req.ID())
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	e, mine, err := k.reserve(again)
	switch {
	case err != nil:
		return nil, err
	case !mine:
		return k.repeat(e.Value)
	}
	_, _ = k.fill(ctx, record) // the action has run, whether or not its answer is kept
	return out, failure
}

// fill stores the record, or the mark if there is no room for the record. It logs an error.
func (k *keyedCall) fill(ctx context.Context, record []byte) (stored bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime) // the client may be gone, but will ask again
	defer cancel()
	api, window := k.req.API, k.req.API.cfg.IdempotencyWindow
	if stored, err = k.store.Fill(ctx, k.key, k.load, record, window); errors.Is(err, backend.ErrFull) {
		stored, err = k.store.Fill(ctx, k.key, k.load, k.mark(), window)
	}
	if err != nil {
		api.log.Error("the answer for an idempotency key could not be stored: if the client tries again, the action may run again",
			"action", k.req.Action, "request_id", k.req.ID(), "error", err.Error())
	}
	return stored, err
}

var errKeyLost = errors.New("the run has lost its idempotency key: another call may run")

// renewing calls run while it renews the lease of the key. If the lease is lost, the context of run ends.
func (k *keyedCall) renewing(ctx context.Context, run keyedRun) (any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &renewal{call: k, cancel: cancel, last: time.Now()}
	r.ctx, r.end = context.WithCancel(context.WithoutCancel(ctx))
	r.timer = time.AfterFunc(keyRenewal, r.renew)
	defer r.stop()
	return run(ctx)
}

// renewal renews the lease of one run.
type renewal struct {
	call   *keyedCall
	cancel context.CancelCauseFunc
	ctx    context.Context // of the renewals
	end    context.CancelFunc

	mu    sync.Mutex // held during a renewal
	timer *time.Timer
	last  time.Time // of the last renewal that worked
	over  bool
}

func (r *renewal) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	at := time.Now()
	ctx, cancel := context.WithTimeout(r.ctx, storeTime)
	held, err := r.call.store.Renew(ctx, r.call.key, r.call.load, keyLease)
	cancel()
	switch {
	case err == nil && held:
		r.last = at
	case err == nil || time.Since(r.last) > keyLease-keyRenewal:
		r.cancel(errKeyLost)
		return
	}
	r.timer.Reset(keyRenewal)
}

// stop ends the renewals, and waits for one that runs.
func (r *renewal) stop() {
	r.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.timer.Stop()
}
