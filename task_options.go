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

// EnqueueOption changes how one job is enqueued. It overrides the declaration of the task.
type EnqueueOption func(*enqueueOptions)

type enqueueOptions struct {
	job    backend.NewJob
	unique Unique
	key    string
}

// Enqueued is the result of an enqueue: the id of the job, and whether it is an existing job that a unique task already
// had.
type Enqueued = backend.Enqueued

// At starts the job at a time, or soon after. A zero or past time is now.
func At(t time.Time) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = t, 0 }
}

// After starts the job after a delay, or soon after. Changes of the clock do not affect it.
func After(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = time.Time{}, max(d, 0) }
}

// InQueue puts the job into another queue than the task's. A worker must serve that queue.
func InQueue(name string) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Queue = name }
}

// WithPriority sets the priority: in one queue, jobs with a higher priority run first.
func WithPriority(priority int8) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Priority = priority }
}

// WithMaxAttempts sets the number of failed attempts after which the job is dead; negative: no limit.
func WithMaxAttempts(n int) EnqueueOption {
	return func(o *enqueueOptions) { o.job.MaxAttempts = n }
}

// WithTimeout sets the limit of a run.
func WithTimeout(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Timeout = max(d, 0) }
}

// UniqueBy makes the job unique among those of its task: by name or by input.
func UniqueBy(by Uniqueness) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.By = by }
}

// UniqueKey makes the job unique among those of its task with this key.
func UniqueKey(key string) EnqueueOption {
	return func(o *enqueueOptions) { o.key = key }
}

// UniqueFor sets for how long, from now on, the job stays unique, even after it has ended.
func UniqueFor(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.For = d }
}

// Unique says when an enqueue adds nothing because an equal job exists. The enqueue then succeeds and returns that job.
type Unique struct {
	By  Uniqueness    // the property that makes two jobs equal; default: NotUnique
	For time.Duration // counted from the enqueue; default, 0: until the job is completed, cancelled or dead
}

// Uniqueness is the property that makes two jobs of a task equal.
type Uniqueness uint8

// The values of Uniqueness.
const (
	NotUnique Uniqueness = iota // none: all jobs differ
	ByName                      // the task: all its jobs are equal
	ByInput                     // the input
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

// uniqueKey returns the key of a job in the backend; "" for none. All keys of a task begin with its name and a space,
// which no name contains.
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

// Exponential returns a Backoff whose delay is first after the first failure and doubles after each further one, up to
// most. Each delay then varies by up to a quarter, so that jobs that failed together are not retried together.
func Exponential(first, most time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		d := float64(first) * math.Pow(2, float64(max(attempt, 1)-1))
		d = min(d, float64(most)) * (0.75 + rand.Float64()/2)
		return time.Duration(min(d, math.MaxInt64/2))
	}
}

// Constant returns a Backoff with a constant delay.
func Constant(d time.Duration) func(attempt int) time.Duration {
	return func(int) time.Duration { return d }
}
