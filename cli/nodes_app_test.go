package cli_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
)

// The tests run this test binary again as an app. This variable makes it one.
const roleVariable = "TEST_PROCESS_IS"

// which says which process answers.
var which = actionhero.Action[actionhero.None, struct {
	ID  string `json:"nodeId"`
	PID int    `json:"pid"`
}]{
	Name: "which", Kind: actionhero.KindRead,
	Run: func(ctx context.Context, _ actionhero.None) (out struct {
		ID  string `json:"nodeId"`
		PID int    `json:"pid"`
	}, err error) {
		out.ID, out.PID = actionhero.RequestFrom(ctx).API.Stats.ID(), os.Getpid()
		return out, nil
	},
}

// restarted counts the restarts that have ended.
var restarted atomic.Int64

// restart restarts the server once more, and returns how many restarts have ended before.
var restart = actionhero.Action[actionhero.None, struct {
	Before int64 `json:"before"`
}]{
	Name: "restart",
	Run: func(ctx context.Context, _ actionhero.None) (out struct {
		Before int64 `json:"before"`
	}, err error) {
		api := actionhero.RequestFrom(ctx).API
		out.Before = restarted.Load()
		go func() {
			if api.Restart(context.Background()) == nil {
				restarted.Add(1)
			}
		}()
		return out, nil
	},
}

type valueInput struct {
	Key   string `json:"key" required:"true"`
	Value string `json:"value"`
}

// cachedValue stores a value, if one is given, and says whether the cache has the key.
var cachedValue = actionhero.Action[valueInput, struct {
	Found bool `json:"found"`
}]{
	Name: "cachedValue",
	Run: func(ctx context.Context, in valueInput) (out struct {
		Found bool `json:"found"`
	}, err error) {
		cache := actionhero.RequestFrom(ctx).API.Cache
		if in.Value != "" {
			return out, cache.Set(ctx, in.Key, in.Value, time.Minute)
		}
		_, err = cache.Get(ctx, in.Key)
		if out.Found = err == nil; errors.Is(err, backend.ErrNotFound) {
			err = nil
		}
		return out, err
	},
}

type jobInput struct {
	Name string        `json:"name" required:"true"`
	Hold time.Duration `json:"hold"`
}

// startJob enqueues the task note.
var startJob = actionhero.Action[jobInput, actionhero.None]{
	Name: "startJob",
	Run: func(ctx context.Context, in jobInput) (n actionhero.None, err error) {
		_, err = note.Enqueue(ctx, actionhero.RequestFrom(ctx).API, in)
		return n, err
	},
}

// notes are the names of the jobs that have begun and ended in this process.
var notes struct {
	sync.Mutex
	begun, ended []string
}

// note takes as long as its job says, and notes its name.
var note = actionhero.Task[jobInput]{
	Name: "note",
	Run: func(ctx context.Context, in jobInput) error {
		notes.Lock()
		notes.begun = append(notes.begun, in.Name)
		notes.Unlock()
		select {
		case <-time.After(in.Hold):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		notes.Lock()
		defer notes.Unlock()
		notes.ended = append(notes.ended, in.Name)
		return nil
	},
}

type jobsOutput struct {
	PID   int      `json:"pid"`
	Begun []string `json:"begun"`
	Ended []string `json:"ended"`
}

// jobsRun returns the notes.
var jobsRun = actionhero.Action[actionhero.None, jobsOutput]{
	Name: "jobsRun", Kind: actionhero.KindRead,
	Run: func(context.Context, actionhero.None) (jobsOutput, error) {
		notes.Lock()
		defer notes.Unlock()
		return jobsOutput{os.Getpid(), slices.Clone(notes.begun), slices.Clone(notes.ended)}, nil
	},
}
