package backend

import (
	"context"
	"time"
)

// The limits of a [Queue]. Unique keys and the names of tasks, queues, nodes and schedules have at most [MaxKeyBytes]
// bytes.
const (
	// MaxParamsBytes is the maximum length of the parameters of one job, in bytes.
	MaxParamsBytes = 1 << 20
	// MaxEnqueueBytes is the maximum total length of the parameters and names of all jobs of one Enqueue call, in
	// bytes.
	MaxEnqueueBytes = 64 << 20
	// MaxErrorBytes is the maximum length of the error text of a job, in bytes. A longer text is truncated.
	MaxErrorBytes = 16 << 10
)

const (
	// DefaultQueue is the queue of a job if NewJob.Queue is empty.
	DefaultQueue = "default"
	// DefaultMaxCrashes is the number of crashes after which a job becomes dead if NewJob.MaxCrashes is 0.
	DefaultMaxCrashes = 3
)

// Queue stores jobs until they have finished, and gives each job to one worker at a time. One Queue value serves the
// whole cluster and contains all named queues.
//
// A call that returns without an error is durable: a backend that stores jobs on disk has written the change to disk.
// If a call fails with an error of this package other than [ErrUnavailable], nothing has changed. If a call fails with
// ErrUnavailable or with another error, for example a lost connection, the change may have happened.
//
// A job runs at least once. A run begins with Fetch and ends with Finish. Each run belongs to the node that fetched it,
// and ends with that node: if the node's process dies, or if the node cannot reach the server for [NodeLease], the run
// counts as a crash, unless Drain was called for the run. After a crash the job is due again at once, until it has
// crashed [Job.MaxCrashes] times in a row. A node runs one job at a time that has crashed and whose next crash is the last,
// so that these jobs do not die with each other. An outage of the server ends no run. An embedded queue has one node, which
// only dies with its process.
//
// A [Run] has a fence, which no other run of the same job has. All calls about runs take and return Run values, so that
// an answer about one run is never applied to another run of the same job.
//
// All times come from the wall clock of the machine that stores the jobs, with millisecond precision. A RunAt always means
// the time that the clock shows. If that wall clock is set forward or back, the length of a Delay does not change in an
// embedded queue. With a server, a step of its clock moves delays and retries, too.
type Queue interface {
	// Enqueue adds all jobs or none, and returns one result for each job, in the order of the argument jobs. A backend with a
	// server may add more than 512 jobs, or more than 1 MiB, in parts; if a part fails, the error says how many of the first
	// jobs were added. A queue of several shards adds the jobs of each shard as a part. Enqueue fails with [ErrFull], [ErrDiskFull], [ErrReadOnly], [ErrTooLarge], [ErrKeyTooLong], [ErrClosed], and with [ErrInvalid] if
	// a field of a job is out of range.
	Enqueue(ctx context.Context, jobs ...NewJob) ([]Enqueued, error)
	// Fetch starts runs of due jobs and returns these jobs. An empty result is not an error. Fetch does not wait for
	// due jobs; use Watch to wait. The result is ordered by the position of the job's queue in req.Queues, then by
	// priority, then by the time at which the job became due; a queue of several shards has this order within each shard, and
	// may return the jobs of one shard after those of another. Every start of a run is durable before Fetch returns.
	Fetch(ctx context.Context, req FetchRequest) ([]Job, error)
	// Watch returns a channel that receives a value after jobs of these queues became due, or at once if some are due
	// already. One value may stand for many jobs, and another worker may have fetched them already. So call Fetch until
	// it returns no jobs, then wait for the next value. Watch may be called before Open and works through Close and
	// Open. The returned function stop ends the notifications; the channel is never closed.
	Watch(queues ...string) (due <-chan struct{}, stop func())
	// Finish ends the runs of all outcomes in one step. If a job was cancelled during its run, the job becomes
	// Cancelled, unless the outcome is Completed or Dead.
	//
	// The result lost has the runs whose outcomes were dropped: the run had ended with its node, and the job runs again,
	// was cancelled or was deleted. If a run has ended with its node and nothing else has happened to its job, the
	// outcome counts. A repeated call changes nothing, and an outcome that an earlier call stored is not lost.
	//
	// A run that has an outcome shows that its job does not crash the process. So Finish sets the number of crashes to
	// 0, also for a lost run, unless the outcome is Available.
	Finish(ctx context.Context, outcomes ...Outcome) (lost []Run, err error)
	// Drain declares that the worker of these runs stops. If the process of one of them ends before Finish, the job is
	// due again as after the outcome Available, and no crash is counted. Runs that have ended are skipped.
	Drain(ctx context.Context, runs ...Run) error
	// OnStop adds the callback f, which the queue calls with a run that was fetched on this node and that should stop,
	// and with the reason. The callback may be called again for the same run and reason. OnStop may be called before
	// Open, and the callback stays through Close and Open until stop is called. The callback must not block and must
	// not call the queue.
	OnStop(f func(run Run, why StopReason)) (stop func())

	// Get returns the job with this id. If there is no job with this id, Get fails with [ErrNotFound].
	Get(ctx context.Context, id uint64) (Job, error)
	// List returns the jobs that match the filter f. The zero filter returns the 100 jobs with the lowest ids.
	List(ctx context.Context, f JobFilter) ([]Job, error)
	// Stats returns the numbers of jobs by state, in total, by queue and by task. Its cost does not depend on the
	// number of jobs.
	Stats(ctx context.Context) (QueueStats, error)
	// Retry makes a waiting or finished job due at once and returns the job. Retry sets the number of crashes to 0, and
	// raises MaxAttempts if no attempt is left. It fails with [ErrNotFound], with [ErrRunning], and with [ErrDuplicate]
	// if another job holds the unique key of this job.
	Retry(ctx context.Context, id uint64) (Job, error)
	// Cancel ends a waiting job and returns the job. A running job is returned in the state Running: its worker is
	// notified through the OnCancel callback, and the job does not run again. A finished job is returned unchanged. If
	// there is no job with this id, Cancel fails with [ErrNotFound].
	Cancel(ctx context.Context, id uint64) (Job, error)
	// Delete removes a job that is not running and frees the unique key of the job. It fails with [ErrNotFound] and
	// [ErrRunning].
	Delete(ctx context.Context, id uint64) error

	// EnqueueScheduled adds jobs and sets the last run of the schedule to the time in the argument at, in one step. It
	// then returns true. If the stored last run of the schedule is at that time or later, EnqueueScheduled does nothing
	// and returns false. If jobs with unique keys are in several shards, the step is one for each shard, and a later call for the
	// same time completes one that was cut off. So if several nodes call EnqueueScheduled for the same time, at most one call returns true. If
	// another job holds the unique key of a new job, the new job is not added; the call still returns true.
	// EnqueueScheduled fails with the errors of Enqueue. If the server that stores the jobs has a clock of its own, and at
	// is more than 2 s ahead of that clock, EnqueueScheduled fails with [ErrEarly]. So a node whose clock is ahead starts
	// no task early.
	EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...NewJob) (won bool, err error)
	// SetLastRun changes the last run of the schedule to the time in the argument at, and returns true. In the argument
	// before, the caller passes the last run that it knows, or the zero time if the schedule never ran. If the stored
	// last run differs from the argument before, SetLastRun does nothing and returns false. The new last run may be
	// earlier, to correct a clock that was ahead. If the server that stores the jobs has a clock of its own, and at is ahead
	// of that clock, the new last run is the time of that clock. SetLastRun fails with the errors of EnqueueScheduled.
	SetLastRun(ctx context.Context, schedule string, before, at time.Time) (done bool, err error)
	// LastRuns returns a map from the name of each schedule to the time of its last run. The queue stores the last runs
	// of at least 1,000 schedules. Beyond its limit, a new schedule replaces the schedule whose last run is the earliest.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
}

// State is the state of a job in a [Queue]. The zero State is invalid.
type State uint8

// These are the states of a job. Fetch returns only jobs in the state Available.
const (
	Scheduled State = 1 + iota // the job waits until RunAt
	Available                  // the job is due and waits for a worker
	Running                    // a worker has fetched the job
	Retryable                  // the last run failed, and the job waits until RunAt for the next attempt
	Completed                  // the job finished without an error
	Cancelled                  // Cancel or the job's own run cancelled the job
	Dead                       // the job failed permanently, or crashed MaxCrashes times
)

var stateNames = [...]string{Scheduled: "scheduled", Available: "available", Running: "running", Retryable: "retryable",
	Completed: "completed", Cancelled: "cancelled", Dead: "dead"}

// Job is a job in a [Queue], with its declaration, its state and the facts about its runs.
type Job struct {
	ID       uint64 `json:"id"`       // unique; rises with each enqueued job of its shard; without shards the first is 1
	Task     string `json:"task"`     // the name of the task
	Queue    string `json:"queue"`    // the name of the queue
	Priority int8   `json:"priority"` // jobs with a higher priority are fetched first
	Params   []byte `json:"-"`        // one JSON value, as enqueued; must not be modified
	State    State  `json:"state"`

	RunAt    time.Time `json:"runAt"`             // the time from which on the job is due
	Enqueued time.Time `json:"enqueued"`          // the time of the Enqueue
	Started  time.Time `json:"started,omitzero"`  // the start of the last run; zero: the job never ran
	Finished time.Time `json:"finished,omitzero"` // the time when the job became completed, cancelled or dead; zero: the job has not finished

	Attempt     int `json:"attempt"`     // the number of runs that had an outcome, the current run included; crashed, requeued and snoozed runs do not count
	MaxAttempts int `json:"maxAttempts"` // as enqueued; enforced by the worker; 0: no limit
	Crashes     int `json:"crashes"`     // the number of runs that ended because their process died or their lease expired, since the last run that had an outcome
	MaxCrashes  int `json:"maxCrashes"`  // the number of crashes in a row after which the job is dead
	Starts      int `json:"starts"`      // the number of all runs

	// Fence identifies the last run of the job, and rises with each run. A task that writes to another system can pass
	// the fence with each write, so that the system can refuse the writes of an older run. Zero: the job never ran.
	Fence uint64 `json:"fence,omitempty"`

	Timeout     time.Duration `json:"timeout"`              // the maximum duration of a run, as enqueued; enforced by the worker; 0: none was set; negative: no limit
	Unique      string        `json:"unique,omitempty"`     // the unique key
	UniqueUntil time.Time     `json:"uniqueUntil,omitzero"` // the time until which the job holds the unique key; zero: until the job has finished
	Cancelling  bool          `json:"cancelling,omitempty"` // the job is running and was cancelled
	Error       string        `json:"error,omitempty"`      // the error text of the last failed run, or the reason why the job is dead or cancelled
	Node        string        `json:"node,omitempty"`       // the node of the last run
}

// Run returns the identity of the current run of the job, for [Queue.Finish] and [Queue.Drain]. The job j must come
// from [Queue.Fetch].
func (j Job) Run() Run { return Run{ID: j.ID, Fence: j.Fence} }

// Run identifies one run of a job. A later run of the same job has a higher value in the field Fence.
type Run struct {
	ID    uint64 // the id of the job
	Fence uint64 // the value of [Job.Fence] during the run
}

// NodeLease is the time for which the runs of a node go on without contact between the node and the server, while the
// server answers the other nodes. After that time the runs count as crashed.
const NodeLease = 10 * time.Second

// StopReason is the reason why a run should stop, see [Queue.OnStop].
type StopReason uint8

// These are the reasons why a run should stop.
const (
	// RunCancelled means that the job was cancelled. It does not run again.
	RunCancelled StopReason = 1 + iota
	// RunLost means that the run has ended with the lease of its node, so another run of the job may have begun.
	RunLost
	// RunSilent means that the server has not answered this node for 7 s. If the server answers the other nodes, they
	// may start the job again 3 s later. So a task that must not overlap with its next run has to stop.
	RunSilent
)

// NewJob is a job to enqueue. Only the field Task is required.
type NewJob struct {
	Task        string        // required
	Queue       string        // default: DefaultQueue
	Priority    int8          // jobs with a higher priority are fetched first
	Params      []byte        // one JSON value
	RunAt       time.Time     // the earliest start, rounded up to a millisecond; zero or past: the job is due at once
	Delay       time.Duration // if RunAt is zero: the time from now to the earliest start
	MaxAttempts int           // the maximum number of attempts, stored for the worker; 0: no limit
	MaxCrashes  int           // default: DefaultMaxCrashes
	Timeout     time.Duration // the maximum duration of a run, stored for the worker with millisecond precision; 0: none is set; negative: no limit

	// Unique, unless empty, is a key that at most one job holds. The job holds the key until the job is completed,
	// cancelled or dead. While a job holds the key, an Enqueue with the same key adds nothing and returns the id of
	// that job.
	Unique string
	// UniqueFor, unless 0, is the minimum duration for which the job holds its unique key, whatever the state of the
	// job. If Delete removes the job, the key is free earlier.
	UniqueFor time.Duration
}

// Enqueued is the result of [Queue.Enqueue] for one [NewJob].
type Enqueued struct {
	ID       uint64 // the id of the job that was added, or of the existing job
	Existing bool   // nothing was added, because the job with this ID holds the unique key
}

// FetchRequest is the argument of [Queue.Fetch]. It selects the jobs that a worker fetches.
type FetchRequest struct {
	Node   string   // the name of the worker's node, for Job.Node
	Queues []string // the queues to fetch from, in this order
	Tasks  []string // the tasks that the worker knows; jobs of other tasks wait for a worker that knows them; nil: all
	Max    int      // the maximum number of jobs
}

// Outcome is the result of a run of a job, which a worker passes to [Queue.Finish].
type Outcome struct {
	Run
	// State is the outcome of the run. It decides what happens to the job:
	//
	//	Completed   the job has finished
	//	Retryable   the job failed with Error, and is due again after Delay
	//	Scheduled   the job is snoozed for Delay; the attempt is not counted
	//	Available   the job is requeued as if it had not been fetched; the attempt is not counted
	//	Cancelled   the job ends with the reason Error
	//	Dead        the job failed permanently with Error
	State State
	Delay time.Duration
	Error string
}

// JobFilter selects the jobs that [Queue.List] returns, and their order. A job must match every field.
type JobFilter struct {
	States []State // default: all
	Queue  string  // default: all
	Task   string  // default: all
	Newest bool    // by falling id; default: by rising id
	After  uint64  // the result begins with the job after this id, in the order of the result; 0: with the first job
	Limit  int     // the maximum number of jobs; 0: 100
}

// Counts holds the number of jobs in each state.
type Counts struct {
	Scheduled int `json:"scheduled"`
	Available int `json:"available"`
	Running   int `json:"running"`
	Retryable int `json:"retryable"`
	Completed int `json:"completed"`
	Cancelled int `json:"cancelled"`
	Dead      int `json:"dead"`
}

// QueueStats holds the numbers of jobs of a [Queue], as [Queue.Stats] returns them.
type QueueStats struct {
	Total  Counts            `json:"total"`
	Queues map[string]Counts `json:"queues"` // by name; only queues with jobs
	Tasks  map[string]Counts `json:"tasks"`  // by name; only tasks with jobs
}

// NodeQueue returns the name of the queue for jobs that only the node with the given name may run.
func NodeQueue(node string) string { return "node:" + node }
