package actionhero

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// EnqueueOption says how a task is enqueued, where that differs from its declaration.
type EnqueueOption func(*enqueueOptions)

type enqueueOptions struct {
	job    backend.NewJob
	unique Unique
	key    string
}

// Enqueued is what became of an enqueued task: the id of its job, and whether that had been there before, because the
// task is to be unique.
type Enqueued = backend.Enqueued

// At has the task start at a time, or soon after it. The zero time, and one that has passed, is at once.
func At(t time.Time) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = t, 0 }
}

// After has the task start after a time, or soon after that, whatever somebody does to the clock meanwhile.
func After(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = time.Time{}, max(d, 0) }
}

// InQueue puts the task into another queue than its own. Some worker must serve that queue.
func InQueue(name string) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Queue = name }
}

// WithPriority gives the task another priority than its own: of those that wait in one queue, higher ones come first.
func WithPriority(priority int8) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Priority = priority }
}

// WithMaxAttempts is after how many attempts that failed the job is dead; negative: no limit.
func WithMaxAttempts(n int) EnqueueOption {
	return func(o *enqueueOptions) { o.job.MaxAttempts = n }
}

// WithTimeout is when the context of a run ends.
func WithTimeout(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Timeout = max(d, 0) }
}

// UniqueBy makes the job the only one of its task: by name, or by input.
func UniqueBy(by Uniqueness) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.By = by }
}

// UniqueKey makes the job the only one of its task with this key.
func UniqueKey(key string) EnqueueOption {
	return func(o *enqueueOptions) { o.key = key }
}

// UniqueFor is for how long, from now on, a unique job stays the only one, even after it has ended.
func UniqueFor(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.For = d }
}

// Unique says when enqueueing a task adds nothing, because a job like it is there. Enqueue is then as successful as
// otherwise.
type Unique struct {
	By  Uniqueness    // what makes two jobs alike; default: NotUnique
	For time.Duration // from when the job was enqueued; default, 0: until it is completed, cancelled or dead
}

// Uniqueness says what makes two jobs of one task alike.
type Uniqueness uint8

// What makes two jobs alike.
const (
	NotUnique Uniqueness = iota // nothing
	ByName                      // that they are jobs of the same task
	ByInput                     // their input
)

func (u Unique) check() string {
	switch {
	case u.By > ByInput:
		return fmt.Sprintf("is unique by %d: use ByName or ByInput", u.By)
	case u.For < 0:
		return fmt.Sprintf("is unique for %v: use a time above zero, or 0 for until it has ended", u.For)
	case u.For > 0 && u.By == NotUnique:
		return fmt.Sprintf("is unique for %v, but by nothing: say ByName, ByInput or a key", u.For)
	}
	return ""
}

// uniqueKey returns the key of a job in the backend; "" for none. All keys of a task begin with its name, which has no
// space.
func (o *enqueueOptions) uniqueKey(task string, canonical func() ([]byte, error)) (string, error) {
	switch {
	case o.key != "":
		return task + " key " + o.key, nil
	case o.unique.By == ByName:
		return task + " name", nil
	case o.unique.By == ByInput:
		input, err := canonical()
		if err != nil {
			return "", fmt.Errorf("the input of task %q does not encode: %w", task, err)
		}
		sum := sha256.Sum256(input)
		return task + " input " + hex.EncodeToString(sum[:]), nil
	}
	return "", nil
}

// Exponential returns a Backoff that waits first after the first failure and twice as long after each further one, up
// to most; each time a quarter more or less, so that what failed together does not come back together.
func Exponential(first, most time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		d := float64(first) * math.Pow(2, float64(max(attempt, 1)-1))
		d = min(d, float64(most)) * (0.75 + rand.Float64()/2)
		return time.Duration(min(d, math.MaxInt64/2))
	}
}

// Constant returns a Backoff that always waits as long.
func Constant(d time.Duration) func(attempt int) time.Duration {
	return func(int) time.Duration { return d }
}
