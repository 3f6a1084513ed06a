package backend

import (
	"context"
	"time"
)

// The limits of a [Queue]. Names (of tasks, queues, nodes and schedules) and unique keys have at most [MaxKeyBytes].
const (
	// MaxParamsBytes is the maximum length of the parameters of one job, in bytes.
	MaxParamsBytes = 1 << 20
	// MaxEnqueueBytes is the maximum total length of the parameters and names of all jobs of one Enqueue, in bytes.
	MaxEnqueueBytes = 64 << 20
	// MaxErrorBytes is the maximum length of a job's error, in bytes. A longer error is truncated.
	MaxErrorBytes = 16 << 10
)

const (
	// DefaultQueue is the queue of a job without NewJob.Queue.
	DefaultQueue = "default"
	// DefaultMaxCrashes is the number of crashes after which a job without NewJob.MaxCrashes is dead.
	DefaultMaxCrashes = 3
)

// Queue stores jobs until they have finished, and gives each to one worker at a time. One queue serves the whole cluster.
//
// A call that returns without an error is durable: a backend that stores jobs on disk has written the change to disk. If
// a call fails with an error of this package, nothing has changed. If it fails with another error, for example a
// lost connection, the change may have happened.
//
// A job is run at least once. Its run begins with Fetch and ends with Finish. If the worker's lease expires or its
// process dies in between, that is a crash: the job is due again at once, until it has crashed [Job.MaxCrashes] times.
//
// Times are those of the queue: the wall clock of the machine that stores the jobs, with millisecond precision. If that
// clock is set, a Delay still lasts as long as before; a RunAt means the time that the clock shows.
type Queue interface {
	// Enqueue adds all jobs or none, and returns the result for each, in the order of jobs. It fails with [ErrFull],
	// [ErrDiskFull], [ErrReadOnly], [ErrTooLarge], [ErrKeyTooLong], [ErrClosed], and if a job has no Task.
	Enqueue(ctx context.Context, jobs ...NewJob) ([]Enqueued, error)
	// Fetch starts runs of due jobs and returns them. An empty result is not an error. Fetch does not block; use Watch to
	// wait. Jobs are ordered by their queue's position in req.Queues, then by priority, then by the time at which they
	// became due. Every start is durable before Fetch returns.
	Fetch(ctx context.Context, req FetchRequest) ([]Job, error)
	// Watch returns a channel that receives a value after jobs of these queues became due, or at once if some are due. One
	// value may stand for many jobs, and another worker may have fetched them already. So call Fetch until it returns no
	// jobs, then wait for the next value. Watch may be called before Open and works through Close and Open. stop ends it;
	// the channel is never closed.
	Watch(queues ...string) (due <-chan struct{}, stop func())
	// Finish ends runs, all in one step. It returns the job ids of the runs that had ended before because their lease
	// expired; the job may be running elsewhere or have finished. If the job was cancelled during the run, it ends as
	// Cancelled, unless the outcome is Completed or Dead.
	Finish(ctx context.Context, outcomes ...Outcome) (lost []uint64, err error)
	// Renew sets the expiry of the runs' leases to lease from now. It returns the job ids of the runs that must stop, because
	// their lease had expired or the job was cancelled. Renew after a third of the lease has passed.
	Renew(ctx context.Context, lease time.Duration, runs ...Run) (stop []uint64, err error)
	// OnCancel sets the callback for a running job, on any node, that is cancelled. Call it before Open. The callback stays
	// set through Close and Open, and a second call replaces it. f must neither block nor call the queue.
	OnCancel(f func(id uint64))

	// Get returns the job with this id, or [ErrNotFound].
	Get(ctx context.Context, id uint64) (Job, error)
	// List returns the jobs that match f. The zero filter returns the 100 jobs with the lowest ids.
	List(ctx context.Context, f JobFilter) ([]Job, error)
	// Stats counts the jobs. Its cost does not depend on their number.
	Stats(ctx context.Context) (QueueStats, error)
	// Retry makes a waiting or finished job due at once. It resets the crashes and leaves at least one attempt. It fails
	// with [ErrNotFound], with [ErrRunning], and with [ErrDuplicate] if another job holds its unique key.
	Retry(ctx context.Context, id uint64) (Job, error)
	// Cancel ends a waiting job. A running job is returned as Running; its run is notified and the job does not run again.
	// A finished job is returned unchanged. Cancel fails with [ErrNotFound].
	Cancel(ctx context.Context, id uint64) (Job, error)
	// Delete removes a job that is not running and frees its unique key. It fails with [ErrNotFound] and [ErrRunning].
	Delete(ctx context.Context, id uint64) error

	// EnqueueScheduled sets the last run of a schedule to at and adds jobs, in one step. If the last run is not before at,
	// it does nothing and returns false. So if several nodes reach the same time, exactly one of them wins. A job whose
	// unique key is held is not added; the call still returns true. It fails as Enqueue does.
	EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...NewJob) (won bool, err error)
	// SetLastRun changes the last run of a schedule from before to at. before is the zero time if the schedule never ran. at
	// may be earlier, to correct a clock that was ahead. If the last run is not before, SetLastRun does nothing and returns
	// false. It fails as EnqueueScheduled does.
	SetLastRun(ctx context.Context, schedule string, before, at time.Time) (done bool, err error)
	// LastRuns returns the last run of each schedule that ever ran, by name.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
}

// State is the state of a job.
type State uint8

// The states of a job. Only an Available job can be fetched.
const (
	Scheduled State = 1 + iota // waits until RunAt
	Available                  // due: waits for a worker
	Running                    // fetched by a worker
	Retryable                  // failed, and waits until RunAt for the next attempt
	Completed                  // finished without an error
	Cancelled                  // cancelled by Cancel or by its own run
	Dead                       // failed permanently, or crashed MaxCrashes times
)

var stateNames = [...]string{Scheduled: "scheduled", Available: "available", Running: "running", Retryable: "retryable",
	Completed: "completed", Cancelled: "cancelled", Dead: "dead"}

// Job is a job in a [Queue].
type Job struct {
	ID       uint64 `json:"id"`       // rises with each enqueued job; the first is 1
	Task     string `json:"task"`     // the name of the task
	Queue    string `json:"queue"`    // the name of the queue
	Priority int8   `json:"priority"` // jobs with a higher priority are fetched first
	Params   []byte `json:"-"`        // one JSON value, as enqueued; must not be modified
	State    State  `json:"state"`

	RunAt    time.Time `json:"runAt"`             // the time from which on it is due
	Enqueued time.Time `json:"enqueued"`          // the time of the Enqueue
	Started  time.Time `json:"started,omitzero"`  // the start of the last run; zero: it never ran
	Finished time.Time `json:"finished,omitzero"` // the time when it was completed, cancelled or dead; zero: it is not

	Attempt     int `json:"attempt"`     // the number of runs that had an outcome, the current run included; crashed, requeued and snoozed runs do not count
	MaxAttempts int `json:"maxAttempts"` // as enqueued; enforced by the worker; 0: no limit
	Crashes     int `json:"crashes"`     // the number of runs that ended because their process died or their lease expired
	MaxCrashes  int `json:"maxCrashes"`  // the number of crashes after which the job is dead
	Starts      int `json:"starts"`      // the number of all runs; identifies a run, see [Run]

	Timeout     time.Duration `json:"timeout"`              // the maximum duration of a run, as enqueued; enforced by the worker; 0: no limit
	Unique      string        `json:"unique,omitempty"`     // the unique key
	UniqueUntil time.Time     `json:"uniqueUntil,omitzero"` // the time until which it holds the key; zero: until it has finished
	Cancelling  bool          `json:"cancelling,omitempty"` // it is running and was cancelled
	Error       string        `json:"error,omitempty"`      // of the last failed run, or the reason why the job is dead or cancelled
	Node        string        `json:"node,omitempty"`       // the node of the last run
}

// Run returns the run for which the job was fetched.
func (j Job) Run() Run { return Run{ID: j.ID, Start: j.Starts} }

// Run identifies one run of a job. A run ends when its lease expires, even if the job runs again.
type Run struct {
	ID    uint64 // of the job
	Start int    // the value of [Job.Starts] during the run
}

// NewJob is a job to enqueue.
type NewJob struct {
	Task        string        // required
	Queue       string        // default: DefaultQueue
	Priority    int8          // jobs with a higher priority are fetched first
	Params      []byte        // one JSON value
	RunAt       time.Time     // the earliest start, rounded up to a millisecond; zero or past: due at once
	Delay       time.Duration // if RunAt is zero: the earliest start, from now
	MaxAttempts int           // stored for the worker
	MaxCrashes  int           // default: DefaultMaxCrashes
	Timeout     time.Duration // stored for the worker; in milliseconds

	// Unique, unless empty, is a key that at most one job holds, until that job is completed, cancelled or dead. While a
	// job holds it, Enqueue adds nothing and returns that job.
	Unique string
	// UniqueFor, unless 0, is the minimum duration for which the key is held, whatever the state of the job. Delete frees
	// the key earlier.
	UniqueFor time.Duration
}

// Enqueued is the result of enqueueing a [NewJob].
type Enqueued struct {
	ID       uint64 // of the job
	Existing bool   // nothing was added, because this job holds the unique key
}

// FetchRequest selects the jobs that a worker fetches.
type FetchRequest struct {
	Node   string        // the name of the worker's node
	Queues []string      // the queues to fetch from, in this order
	Max    int           // the maximum number of jobs
	Lease  time.Duration // the time after which a run counts as crashed, unless renewed; 0: never
}

// Outcome is the result of a run.
type Outcome struct {
	Run
	// State decides what happens to the job:
	//
	//	Completed   it has finished
	//	Retryable   it failed with Error, and is due again after Delay
	//	Scheduled   it is snoozed for Delay; the attempt is not counted
	//	Available   it is requeued as if it had not been fetched; the attempt is not counted
	//	Cancelled   it ends with the reason Error
	//	Dead        it failed permanently with Error
	State State
	Delay time.Duration
	Error string
}

// JobFilter selects the jobs that List returns.
type JobFilter struct {
	States []State // default: all
	Queue  string  // default: all
	Task   string  // default: all
	Newest bool    // by falling id; default: by rising id
	After  uint64  // begin with the job after this id, in the order of the result; 0: with the first
	Limit  int     // the maximum number of jobs; 0: 100
}

// Counts is the number of jobs in each state.
type Counts struct {
	Scheduled int `json:"scheduled"`
	Available int `json:"available"`
	Running   int `json:"running"`
	Retryable int `json:"retryable"`
	Completed int `json:"completed"`
	Cancelled int `json:"cancelled"`
	Dead      int `json:"dead"`
}

// QueueStats is the number of jobs of a [Queue].
type QueueStats struct {
	Total  Counts            `json:"total"`
	Queues map[string]Counts `json:"queues"` // by name; only queues with jobs
	Tasks  map[string]Counts `json:"tasks"`  // by name; only tasks with jobs
}

// NodeQueue returns the name of the queue for jobs that only this node may run.
func NodeQueue(node string) string { return "node:" + node }
