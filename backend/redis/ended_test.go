//go:build unix

package redis

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// waitingCalls has each method of a backend with a context and an error, except those that succeed without the server.
var waitingCalls = map[string]func(ctx context.Context, b backend.Backend) error{
	"Store.Set":       func(ctx context.Context, b backend.Backend) error { return b.Store().Set(ctx, "a", nil, 0) },
	"Store.Add":       func(ctx context.Context, b backend.Backend) error { return second(b.Store().Add(ctx, "a", nil, 0)) },
	"Store.Get":       func(ctx context.Context, b backend.Backend) error { return second(b.Store().Get(ctx, "a")) },
	"Store.Delete":    func(ctx context.Context, b backend.Backend) error { return second(b.Store().Delete(ctx, "a")) },
	"Store.Increment": func(ctx context.Context, b backend.Backend) error { return second(b.Store().Increment(ctx, "a", 1, 0)) },
	"Store.Keys": func(ctx context.Context, b backend.Backend) error {
		_, _, err := b.Store().Keys(ctx, "", "", 1)
		return err
	},
	"Store.Clear": func(ctx context.Context, b backend.Backend) error { return second(b.Store().Clear(ctx, "")) },
	"Store.Len":   func(ctx context.Context, b backend.Backend) error { return second(b.Store().Len(ctx)) },
	"Store.Lock":  func(ctx context.Context, b backend.Backend) error { return second(b.Store().Lock(ctx, "a", time.Hour)) },
	"Store.LockWait": func(ctx context.Context, b backend.Backend) error {
		return second(b.Store().LockWait(ctx, "a", time.Hour))
	},
	"Store.Refresh": func(ctx context.Context, b backend.Backend) error {
		return second(b.Store().Refresh(ctx, "a", "token", time.Hour))
	},
	"Store.Unlock": func(ctx context.Context, b backend.Backend) error { return b.Store().Unlock(ctx, "a", "token") },
	"Store.Reserve": func(ctx context.Context, b backend.Backend) error {
		_, _, _, err := b.Store().Reserve(ctx, "a", time.Hour)
		return err
	},
	"Store.Fill": func(ctx context.Context, b backend.Backend) error {
		return second(b.Store().Fill(ctx, "a", "load", nil, 0))
	},
	"Store.Renew": func(ctx context.Context, b backend.Backend) error {
		return second(b.Store().Renew(ctx, "a", "load", time.Hour))
	},
	"Store.Take": func(ctx context.Context, b backend.Backend) error {
		return second(b.Store().Take(ctx, "a", backend.Rate{Every: time.Second, Burst: 1}))
	},

	// It returns after a while, and its caller looks again.
	"Store.AwaitLoad": func(ctx context.Context, b backend.Backend) error {
		for {
			if err := b.Store().AwaitLoad(ctx, "a", "load"); err != nil {
				return err
			}
			if err := second(b.Store().Get(ctx, "a")); err != nil {
				return err
			}
		}
	},

	"Broker.Publish": func(ctx context.Context, b backend.Backend) error {
		return second(b.Broker().Publish(ctx, backend.Message{Room: "a"}))
	},
	"Broker.Members": func(ctx context.Context, b backend.Backend) error {
		_, _, err := b.Broker().Members(ctx, "a", 1)
		return err
	},

	"Queue.Enqueue": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().Enqueue(ctx, backend.NewJob{Task: "a"}))
	},
	"Queue.Fetch": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().Fetch(ctx, backend.FetchRequest{Node: "node", Queues: []string{"default"}, Max: 1}))
	},
	"Queue.Finish": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().Finish(ctx, backend.Outcome{Run: backend.Run{ID: 1, Fence: 1}, State: backend.Completed}))
	},
	"Queue.Drain": func(ctx context.Context, b backend.Backend) error { return b.Queue().Drain(ctx, backend.Run{ID: 1}) },
	"Queue.Get":   func(ctx context.Context, b backend.Backend) error { return second(b.Queue().Get(ctx, 1)) },
	"Queue.List": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().List(ctx, backend.JobFilter{}))
	},
	"Queue.Stats":  func(ctx context.Context, b backend.Backend) error { return second(b.Queue().Stats(ctx)) },
	"Queue.Retry":  func(ctx context.Context, b backend.Backend) error { return second(b.Queue().Retry(ctx, 1)) },
	"Queue.Cancel": func(ctx context.Context, b backend.Backend) error { return second(b.Queue().Cancel(ctx, 1)) },
	"Queue.Delete": func(ctx context.Context, b backend.Backend) error { return b.Queue().Delete(ctx, 1) },
	"Queue.EnqueueScheduled": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().EnqueueScheduled(ctx, "a", time.Unix(1, 0), backend.NewJob{Task: "a"}))
	},
	"Queue.SetLastRun": func(ctx context.Context, b backend.Backend) error {
		return second(b.Queue().SetLastRun(ctx, "a", time.Time{}, time.Unix(1, 0)))
	},
	"Queue.LastRuns": func(ctx context.Context, b backend.Backend) error { return second(b.Queue().LastRuns(ctx)) },

	"Cluster.Peers": func(ctx context.Context, b backend.Backend) error { return second(b.Cluster().Peers(ctx)) },
	"Cluster.Call": func(ctx context.Context, b backend.Backend) error {
		return second(b.Cluster().Call(ctx, "another", "method", nil))
	},
	"Cluster.Notify": func(ctx context.Context, b backend.Backend) error { return b.Cluster().Notify(ctx, "method", nil) },
	"Cluster.Count": func(ctx context.Context, b backend.Backend) error {
		return b.Cluster().Count(ctx, map[string]int64{"a": 1})
	},
	"Cluster.Counts": func(ctx context.Context, b backend.Backend) error { return second(b.Cluster().Counts(ctx)) },
}

// succeeding are the other methods with a context. Their contracts let them succeed.
var succeeding = map[string]bool{"Store.RemoveExpired": true, "Broker.Move": true}

func second[T any](_ T, err error) error { return err }

// checkWaitingCalls fails if a method of a backend is missing in the lists.
func checkWaitingCalls(t *testing.T) {
	t.Helper()
	waits := reflect.TypeFor[context.Context]()
	for _, of := range []reflect.Type{
		reflect.TypeFor[backend.Store](), reflect.TypeFor[backend.Broker](), reflect.TypeFor[backend.Queue](), reflect.TypeFor[backend.Cluster](),
	} {
		for m := range of.NumMethod() {
			method := of.Method(m)
			name := of.Name() + "." + method.Name
			if method.Type.NumIn() > 0 && method.Type.In(0) == waits && waitingCalls[name] == nil && !succeeding[name] {
				t.Errorf("%s is not tested", name)
			}
		}
	}
}

// lateContext is a context whose timer is late, as on a busy machine.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c lateContext) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func lateTimer(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := cancelAfter(t, time.Second)
	return lateContext{ctx, time.Now().Add(50 * time.Millisecond)}, cancel
}

func cancelAfter(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(d, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}

// TestTheEndOfItsContextIsTheErrorOfEachCall makes each call while the server does not answer. Once the context of the
// caller ends, the call must fail with the error of that context. A time limit of the backend must not look like one.
func TestTheEndOfItsContextIsTheErrorOfEachCall(t *testing.T) {
	t.Parallel()
	checkWaitingCalls(t)
	node := newNodes(t, Config{URL: "redis://" + redistest.Redis.Shared(t).Addr, Timeout: 2 * time.Second, ConnectTimeout: 30 * time.Second}, 1)[0]
	if err := node.Open(t.Context(), newNode()); err != nil {
		t.Fatal(err)
	}
	node.Pause()
	nodes := &node.Backend.(*Backend).cluster.list
	old := *nodes.Load()
	old.at = time.Time{} // Peers has to ask
	nodes.Store(&old)
	limit := func(d time.Duration) func(t *testing.T) (context.Context, context.CancelFunc) {
		return func(t *testing.T) (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), d) }
	}
	for name, c := range map[string]struct {
		ctx  func(t *testing.T) (context.Context, context.CancelFunc)
		want error
	}{
		"the deadline passes":         {limit(50 * time.Millisecond), context.DeadlineExceeded},
		"the deadline has passed":     {limit(0), context.DeadlineExceeded},
		"the timer is late":           {lateTimer, context.DeadlineExceeded},
		"the context is cancelled":    {func(t *testing.T) (context.Context, context.CancelFunc) { return cancelAfter(t, 50*time.Millisecond) }, context.Canceled},
		"the backend waits no longer": {limit(time.Hour), backend.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls sync.WaitGroup
			for method, call := range waitingCalls {
				calls.Go(func() {
					ctx, cancel := c.ctx(t)
					defer cancel()
					begun := time.Now()
					err := call(ctx, node.Backend)
					ofContext := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
					if c.want != backend.ErrUnavailable && time.Since(begun) > 3*time.Second {
						t.Errorf("%s: it has waited for %v after the end of its context", method, time.Since(begun))
					}
					if !errors.Is(err, c.want) || ofContext != (c.want != backend.ErrUnavailable) {
						t.Errorf("%s: error %v after %v, want %v", method, err, time.Since(begun), c.want)
					}
				})
			}
			calls.Wait()
		})
	}
	t.Cleanup(func() {
		node.Heal()
		if err := node.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// TestTheDeadlineOfACallDoesNotEndTheCallsOfOthers lets the deadline of a call pass on an idle connection, on which another
// call waits for its answer.
func TestTheDeadlineOfACallDoesNotEndTheCallsOfOthers(t *testing.T) {
	t.Parallel()
	p, b := throughProxy(t, redistest.Redis, Config{Timeout: time.Minute})
	p.Freeze()
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	first, others := make(chan error, 1), make(chan error, 8)
	go func() { first <- second(b.Store().Get(short, "a")) }()
	for range cap(others) {
		go func() { others <- second(b.Store().Increment(t.Context(), "a", 1, 0)) }()
	}
	if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: error %v, want the end of its context", err)
	}
	p.Heal()
	for range cap(others) {
		if err := <-others; err != nil {
			t.Errorf("Increment: %v, because the deadline of another call has passed", err)
		}
	}
}

// TestACallWaitsForALoginNoLongerThanItsContext makes calls while a connection logs in at a server that does not answer.
func TestACallWaitsForALoginNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	p, b := throughProxy(t, redistest.Redis, Config{Timeout: time.Minute, ConnectTimeout: time.Minute})
	p.Freeze()
	p.CloseAll()
	ctx, cancel := context.WithCancel(t.Context())
	login := make(chan error, 1)
	go func() { login <- second(b.Store().Get(ctx, "a")) }()
	basics.Eventually(t, "a connection logs in", func() bool {
		s, err := b.core.current()
		return err == nil && s.dialer.connecting.Load() > 0
	})
	for range 3 {
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := second(b.Store().Get(short, "a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: error %v, want the end of its context", err)
		}
	}
	select {
	case err := <-login:
		t.Errorf("the calls have waited until the end of the login: %v", err)
	default:
	}
	cancel()
	if err := <-login; !errors.Is(err, context.Canceled) {
		t.Errorf("the call that logs in: error %v, want the end of its context", err)
	}
	p.Heal()
	basics.Eventually(t, "calls succeed after the outage", func() bool { // a connection of the outage may still end
		return b.Store().Set(t.Context(), "a", nil, 0) == nil
	})
}
