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

// EnqueueOption changes how one call of [Task.Enqueue] or [Tasks.Enqueue] stores its job. The option overrides the
// corresponding field of the task's declaration.
type EnqueueOption func(*enqueueOptions)

type enqueueOptions struct {
	job    backend.NewJob
	unique Unique
	key    string
}

// Enqueued is the result of an enqueue: the id of the job, and whether that job existed before the enqueue. An enqueue
// of a unique task stores no job if an equal job exists; it then returns the existing job.
type Enqueued = backend.Enqueued

// At makes the job start at the time t, or soon after t. A zero t and a t in the past mean now. A t after the year 9999
// is refused.
func At(t time.Time) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = t, 0 }
}

// After makes the job start when the delay d has passed, or soon after that. Changes of the wall clock do not affect
// the delay.
func After(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.RunAt, o.job.Delay = time.Time{}, max(d, 0) }
}

// InQueue stores the job in the queue with this name instead of the task's queue. The job runs only if a worker fetches
// from that queue.
func InQueue(name string) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Queue = name }
}

// WithPriority sets the priority of the job. In one queue, jobs with a higher priority run first.
func WithPriority(priority int8) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Priority = priority }
}

// WithMaxAttempts sets the number of failed attempts after which the job is dead. A negative n means no limit.
func WithMaxAttempts(n int) EnqueueOption {
	return func(o *enqueueOptions) { o.job.MaxAttempts = n }
}

// WithTimeout sets the time limit of each run of the job. If d is negative, the job has no time limit. If d is 0, the
// task's own time limit applies.
func WithTimeout(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.job.Timeout = d }
}

// UniqueBy makes the job unique among the jobs of its task: [ByName] allows one job of the task, [ByInput] one job for
// each input.
func UniqueBy(by Uniqueness) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.By = by }
}

// UniqueKey makes the job unique among the jobs of its task that were enqueued with the same key.
func UniqueKey(key string) EnqueueOption {
	return func(o *enqueueOptions) { o.key = key }
}

// UniqueFor sets how long the job stays unique, counted from the enqueue, even if the job ends earlier.
func UniqueFor(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.unique.For = d }
}

// Unique defines when an enqueue stores no job, because the task has an equal job already. The enqueue then succeeds
// and returns the existing job.
type Unique struct {
	By  Uniqueness    // the property that makes two jobs equal; default: NotUnique
	For time.Duration // counted from the enqueue; 0, the default: until the job is completed, cancelled or dead
}

// Uniqueness is the property that makes two jobs of a task equal.
type Uniqueness uint8

// The values of Uniqueness.
const (
	NotUnique Uniqueness = iota // no property: all jobs differ
	ByName                      // the name of the task: all jobs of a task are equal
	ByInput                     // the input: jobs with the same input are equal
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

// uniqueKey returns the key by which the backend finds an equal job, or "" if the job is not unique. Every key begins
// with the name of the task and a space. No name contains a space, so different tasks never share a key.
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

// Exponential returns a function for Task.Backoff. The argument first is the delay after the first failure. The delay
// doubles after each further failure, up to the maximum most. Each delay varies at random by up to a quarter, so that
// jobs that failed together are not retried together. No delay is longer than most.
func Exponential(first, most time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		d := float64(first) * math.Pow(2, float64(max(attempt, 1)-1))
		d = min(d, float64(most)) * (0.75 + rand.Float64()/2)
		if over := d - float64(most); over > 0 {
			d -= 2 * over // mirrored, so that the longest delays vary, too
		}
		return time.Duration(min(d, math.MaxInt64/2))
	}
}

// Constant returns a function for Task.Backoff that returns the delay d for every attempt.
func Constant(d time.Duration) func(attempt int) time.Duration {
	return func(int) time.Duration { return d }
}
