//go:build linux

package run

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// The names of the tasks that the code treats in a special way.
const (
	cancelled  = "cancelled"
	everywhere = "everywhere"
)

// taskKind describes a task with the jobs that the load enqueues.
type taskKind struct {
	name      string
	exclusive bool
	every     time.Duration // a schedule
	share     int           // of the load: jobs of all kinds together make 100
	job       func() (in jobInput, options []actionhero.EnqueueOption)
}

func between(low, high int) int { return low + rand.IntN(high-low+1) }

var tasks = []taskKind{
	{name: "plain", share: 44, job: func() (jobInput, []actionhero.EnqueueOption) { return jobInput{Ms: rand.IntN(20)}, nil }},
	{name: "delayed", share: 12, job: func() (jobInput, []actionhero.EnqueueOption) {
		return jobInput{}, []actionhero.EnqueueOption{actionhero.After(time.Duration(between(100, 6000)) * time.Millisecond)}
	}},
	{name: "unique", share: 12, job: func() (jobInput, []actionhero.EnqueueOption) {
		key := actionhero.UniqueKey(strconv.Itoa(rand.IntN(6)))
		if rand.IntN(3) == 0 {
			return jobInput{Ms: rand.IntN(300)}, []actionhero.EnqueueOption{key, actionhero.UniqueFor(2 * time.Second)}
		}
		return jobInput{Ms: rand.IntN(300)}, []actionhero.EnqueueOption{key}
	}},
	{name: "retried", share: 10, job: func() (jobInput, []actionhero.EnqueueOption) {
		if rand.IntN(5) == 0 {
			return jobInput{Fail: 9}, []actionhero.EnqueueOption{actionhero.WithMaxAttempts(2)} // it dies
		}
		return jobInput{Fail: between(1, 3)}, nil
	}},
	{name: "urgent", share: 8, job: func() (jobInput, []actionhero.EnqueueOption) {
		return jobInput{}, []actionhero.EnqueueOption{actionhero.WithPriority(int8(rand.IntN(10)))}
	}},
	{name: cancelled, share: 6, job: func() (jobInput, []actionhero.EnqueueOption) { return jobInput{Ms: between(1, 2000)}, nil }},
	{name: "long", share: 3, job: func() (jobInput, []actionhero.EnqueueOption) { return jobInput{Ms: between(2000, 12_000)}, nil }},
	{name: "exclusive", exclusive: true, share: 2, job: func() (jobInput, []actionhero.EnqueueOption) {
		return jobInput{Ms: between(2000, 12_000)}, nil
	}},
	{name: everywhere, share: 3, job: func() (jobInput, []actionhero.EnqueueOption) { return jobInput{}, nil }},
	{name: "tick", every: time.Second},
	{name: "seldom", every: 7 * time.Second},
}

// parts returns the tasks and actions of the app.
func (n *node) parts() actionhero.Parts {
	parts := actionhero.Parts{n.workAction()}
	for _, kind := range tasks {
		t := actionhero.Task[jobInput]{
			Name: kind.name, Exclusive: kind.exclusive, Frequency: kind.every, Run: n.runJob,
			Backoff: actionhero.Constant(300 * time.Millisecond), Timeout: time.Minute, MaxAttempts: 1000,
		}
		if kind.name == everywhere {
			t.Scope = actionhero.ScopeAllNodes
		}
		parts = append(parts, t)
	}
	// A schedule of all nodes runs without a job, so it has no history.
	return append(parts, actionhero.Task[actionhero.None]{
		Name: "local", Scope: actionhero.ScopeAllNodes, Frequency: 2 * time.Second,
		Run: func(context.Context, actionhero.None) error { return nil },
	})
}

var errFails = errors.New("this attempt fails")

// runJob is the Run of all tasks with jobs.
func (n *node) runJob(ctx context.Context, in jobInput) error {
	j := actionhero.RequestFrom(ctx).Job
	number, err := strconv.ParseUint(in.N, 10, 64)
	if err != nil {
		return actionhero.CancelJob(err)
	}
	run := n.backend.queue.runOf(j, number)
	n.rec.Start(run)
	var once sync.Once
	ended := func() {
		once.Do(func() { n.rec.CtxEnd(run.ID, run.Fence, context.Cause(ctx).Error()) })
	}
	defer once.Do(func() { n.rec.CtxEnd(run.ID, run.Fence, "the run has returned") }) // its outcome may wait for the server
	stop := context.AfterFunc(ctx, ended)
	defer stop()
	if !wait(ctx, time.Duration(in.Ms)*time.Millisecond) {
		ended()
		return context.Cause(ctx)
	}
	if j.Attempt <= in.Fail {
		return errFails
	}
	return nil
}

type workOutput struct {
	ID uint64 `json:"id"`
}

// workAction enqueues a job for a client.
func (n *node) workAction() actionhero.Part {
	return actionhero.Action[actionhero.None, workOutput]{
		Name: "work", Description: "Enqueues a job",
		Run: func(ctx context.Context, _ actionhero.None) (workOutput, error) {
			added, err := n.server.API.Tasks.Enqueue(ctx, "plain", jobInput{N: "0"})
			return workOutput{added.ID}, err
		},
	}
}

// The load of one node, if nodeConfig.Load is 1.
const (
	jobsPerSecond     = 6
	messagesPerSecond = 3
	storePerSecond    = 8
)

// load starts the generators, which run until ctx ends.
func (n *node) load(ctx context.Context) {
	repeat := func(perSecond float64, f func(context.Context)) {
		go func() {
			for wait(ctx, time.Duration(rand.ExpFloat64()/(perSecond*n.config.Load)*float64(time.Second))) {
				bounded, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				f(bounded)
				cancel()
			}
		}()
	}
	// Two generators of each kind, so that a call that waits does not end the load.
	for range 2 {
		repeat(jobsPerSecond/2., n.enqueueOne)
		repeat(messagesPerSecond/2., n.sayOne)
		repeat(storePerSecond/4., n.lockOne)
		repeat(storePerSecond/4., n.cacheOne)
	}
}

func (n *node) enqueueOne(ctx context.Context) {
	at := rand.IntN(100)
	for _, kind := range tasks {
		if at -= kind.share; at >= 0 {
			continue
		}
		in, options := kind.job()
		in.N = "0"
		added, err := n.server.API.Tasks.Enqueue(ctx, kind.name, in, options...)
		if err == nil && kind.name == cancelled && !added.Existing {
			wait(ctx, time.Duration(rand.IntN(1500))*time.Millisecond)
			_, _ = n.server.API.Tasks.Cancel(ctx, added.ID)
		}
		return
	}
}

func (n *node) sayOne(ctx context.Context) {
	_ = n.server.API.Rooms.Broadcast(ctx, rooms[rand.IntN(len(rooms))], textOf(n.rec.Number()))
}

// The keys of locks and values. They are few, so that nodes meet.
func someKey(kind string) string { return kind + strconv.Itoa(rand.IntN(4)) }

const lockTTL = 3 * time.Second

func (n *node) lockOne(ctx context.Context) {
	cache, key := n.server.API.Cache, someKey("lock")
	c := n.rec.LockIntent(key, lockTTL)
	var lock *actionhero.Lock
	var err error
	if rand.IntN(2) == 0 {
		lock, err = cache.Lock(ctx, key, lockTTL)
	} else {
		lock, err = cache.LockWait(ctx, key, lockTTL)
	}
	if err != nil {
		recordError(c, err)
		return
	}
	c.Done(lock.Fence)
	wait(ctx, time.Duration(rand.IntN(200))*time.Millisecond)
	u := n.rec.UnlockIntent(key, lock.Fence)
	switch err := lock.Unlock(ctx); {
	case err == nil:
		u.Done()
	case errors.Is(err, backend.ErrNotOwner):
		u.Absent()
	default:
		recordError(u, err)
	}
}

var values = actionhero.CacheOf[string]{Prefix: "value:"}

const valueTTL = 30 * time.Second

func (n *node) cacheOne(ctx context.Context) {
	api, key := n.server.API, someKey("v")
	switch rand.IntN(8) {
	case 0:
		number := n.rec.Number()
		c := n.rec.CacheSetIntent(key, number)
		if err := values.Set(ctx, api, key, formatNumber(number), valueTTL); err != nil {
			recordError(c, err)
		} else {
			c.Done()
		}
	case 1:
		c := n.rec.CacheInvalidateIntent(key)
		if found, err := values.Delete(ctx, api, key); err != nil {
			recordError(c, err)
		} else if found {
			c.Done()
		} else {
			c.Absent()
		}
	case 2, 3, 4:
		n.read(key, func() (string, error) { return values.Get(ctx, api, key) })
	default:
		n.read(key, func() (string, error) {
			return values.GetOrLoad(ctx, api, key, valueTTL, func(ctx context.Context) (string, error) {
				number := n.rec.CacheLoad(key)
				wait(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
				return formatNumber(number), nil
			})
		})
	}
}

func (n *node) read(key string, read func() (string, error)) {
	c := n.rec.CacheGetIntent(key)
	value, err := read()
	switch {
	case err == nil:
		number, _ := strconv.ParseUint(value, 10, 64)
		c.Done(number)
	case errors.Is(err, backend.ErrNotFound):
		c.Absent()
	default:
		recordError(c, err)
	}
}

var _ failed = history.GetCall{}
