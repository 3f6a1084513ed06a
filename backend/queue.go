package backend

import (
	"context"
	"time"
)

// The bounds on what a [Queue] takes. Names (of tasks, queues, nodes and schedules) and unique keys have at most
// [MaxKeyBytes].
const (
	// MaxParamsBytes is how long the parameters of one job may be, in bytes.
	MaxParamsBytes = 1 << 20
	// MaxEnqueueBytes is how long the parameters and names of all jobs of one Enqueue may be together, in bytes.
	MaxEnqueueBytes = 64 << 20
	// MaxErrorBytes is how much of a job's error is kept, in bytes. What is longer is cut.
	MaxErrorBytes = 16 << 10
)

const (
	// DefaultQueue is the queue of jobs that name none.
	DefaultQueue = "default"
	// DefaultMaxCrashes is the number of crashes after which a job that names none is dead.
	DefaultMaxCrashes = 3
)

// Queue keeps jobs until they are done, and hands each to one worker at a time. One queue serves the whole cluster.
//
// A call that returned without an error is kept: by a backend that keeps its jobs on disk, on disk. If it fails with
// one of this package's errors, nothing has changed; if it fails with another, such as a lost connection, it may have
// happened all the same.
//
// A job is run at least once: its run begins with Take and ends with Finish. If the worker's lease ends or its process
// dies in between, that is a crash, and the job is due again at once, until it has crashed [Job.MaxCrashes] times.
//
// Times are the queue's own, by the wall clock of the place where the jobs are kept, with the precision of a
// millisecond. What begins with a Delay is not moved when somebody sets that clock; a RunAt means the time that the
// clock shows.
type Queue interface {
	// Enqueue adds jobs, all or none, and returns what became of each, in their order. It fails with [ErrFull],
	// [ErrDiskFull], [ErrReadOnly], [ErrTooLarge], [ErrKeyTooLong], [ErrClosed], and if a job has no Task.
	Enqueue(ctx context.Context, jobs ...NewJob) ([]Enqueued, error)
	// Fetch begins runs of jobs that are due, and returns them: none is no error. It does not wait; see Watch. The
	// queues' jobs come in the order of req.Queues, those of one queue by priority, then by when they became due. Each
	// start is kept before Take returns.
	Fetch(ctx context.Context, req FetchRequest) ([]Job, error)
	// Watch returns a channel that has a value in it after jobs of these queues became due, or right away if some are
	// due. It is no queue of events: one value may stand for many jobs, and another worker may have taken them. Take
	// until nothing comes, then wait for the next value. It works from before Open on, through Close and Open. stop ends
	// it; the channel is never closed.
	Watch(queues ...string) (due <-chan struct{}, stop func())
	// Finish ends runs, all in one step. It returns the ids of those that had ended before: their lease ended, and the
	// job may run elsewhere or be done. A run whose job was to be cancelled meanwhile ends as cancelled, unless it
	// completed or is dead.
	Finish(ctx context.Context, outcomes ...Outcome) (lost []uint64, err error)
	// Renew lets the leases of runs end a duration lease from now. It returns the ids of those that must stop: their
	// lease had ended already, or somebody cancels the job. Renewing at a third of the lease is a good habit.
	Renew(ctx context.Context, lease time.Duration, runs ...Run) (stop []uint64, err error)
	// OnCancel sets what is called when a running job, on any node, is to be cancelled. Call it before Open; it stays
	// set through Close and Open, and a second call replaces the first. f must neither wait nor call the queue.
	OnCancel(f func(id uint64))

	// Get returns the job with this id, or [ErrNotFound].
	Get(ctx context.Context, id uint64) (Job, error)
	// List returns the jobs that f asks for.
	List(ctx context.Context, f JobFilter) ([]Job, error)
	// Stats counts the jobs, in a time that does not grow with their number.
	Stats(ctx context.Context) (QueueStats, error)
	// Retry makes a job due at once that waits or has ended, with its crashes forgotten and at least one attempt left.
	// It fails with [ErrNotFound], with [ErrRunning], and with [ErrDuplicate] if another job has its unique key by now.
	Retry(ctx context.Context, id uint64) (Job, error)
	// Cancel ends a job that waits. One that runs is told to stop, and is returned as running; it is not run again. One
	// that has ended stays as it is, and is returned so. It fails with [ErrNotFound].
	Cancel(ctx context.Context, id uint64) (Job, error)
	// Delete removes a job that does not run, and frees its unique key. It fails with [ErrNotFound] and [ErrRunning].
	Delete(ctx context.Context, id uint64) error

	// EnqueueScheduled moves the last time of a schedule on to at, and adds jobs, in one step; it does nothing, and returns false,
	// if the last time is not before at. So of all nodes that see the same time come, one wins. Jobs whose unique key
	// is taken are left out, and the tick is won nevertheless. It fails as Enqueue does.
	EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...NewJob) (won bool, err error)
	// SetLastRun sets the last time of a schedule from before, the zero time if it never ticked, to at, which may be
	// earlier: the way back for a clock that was ahead. It does nothing, and returns false, if the last time is another
	// one by now. It fails as Tick does.
	SetLastRun(ctx context.Context, schedule string, before, at time.Time) (done bool, err error)
	// LastRuns returns the last time of each schedule that ever ticked, by name.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
}

// State is where a job is in its life.
type State uint8

// The states. A job is due, and may be taken, once it is Available.
const (
	Scheduled State = 1 + iota // waits for its time
	Available                  // due: waits for a worker
	Running                    // a worker has it
	Retryable                  // its last attempt failed, and it waits for the next one
	Completed                  // done
	Cancelled                  // ended by somebody, or by itself
	Dead                       // failed for good, or crashed too often
)

var stateNames = [...]string{Scheduled: "scheduled", Available: "available", Running: "running", Retryable: "retryable",
	Completed: "completed", Cancelled: "cancelled", Dead: "dead"}

// Job is what a [Queue] keeps about one job.
type Job struct {
	ID       uint64 `json:"id"`       // counts up with each job that is enqueued, from 1 on
	Task     string `json:"task"`     // the name of the task
	Queue    string `json:"queue"`    // the queue it is in
	Priority int8   `json:"priority"` // higher ones are taken first
	Params   []byte `json:"-"`        // one JSON value, as it was enqueued; must not be modified
	State    State  `json:"state"`

	RunAt    time.Time `json:"runAt"`             // from when on it may start, or could have
	Enqueued time.Time `json:"enqueued"`          // when it was added
	Started  time.Time `json:"started,omitzero"`  // when its last run began; zero: it never did
	Finished time.Time `json:"finished,omitzero"` // when it was completed, cancelled or dead; zero: it is not

	Attempt     int `json:"attempt"`     // runs that ended in an outcome of their own, and the one under way: not those that crashed, were put back or snoozed
	MaxAttempts int `json:"maxAttempts"` // as enqueued; it is the worker that obeys it; 0: no limit
	Crashes     int `json:"crashes"`     // runs that ended with the death of their process, or with their lease
	MaxCrashes  int `json:"maxCrashes"`  // with as many crashes the job is dead
	Starts      int `json:"starts"`      // all runs that ever began; tells one run from the next, see [Run]

	Timeout     time.Duration `json:"timeout"`              // how long a run may take, as enqueued; it is the worker that obeys it; 0: no limit
	Unique      string        `json:"unique,omitempty"`     // the key it was enqueued with
	UniqueUntil time.Time     `json:"uniqueUntil,omitzero"` // until when it holds the key; zero: until it has ended
	Cancelling  bool          `json:"cancelling,omitempty"` // it runs, and is to stop
	Error       string        `json:"error,omitempty"`      // of the last run that failed, or why the job is dead or cancelled
	Node        string        `json:"node,omitempty"`       // where its last run began
}

// Run returns the run that the job was taken for.
func (j Job) Run() Run { return Run{ID: j.ID, Start: j.Starts} }

// Run is one run of a job. Whoever kept a job for longer than its lease holds a run that has ended, even if the job
// runs again.
type Run struct {
	ID    uint64 // of the job
	Start int    // its [Job.Starts]
}

// NewJob is a job to be enqueued.
type NewJob struct {
	Task        string        // required
	Queue       string        // default: DefaultQueue
	Priority    int8          // higher ones are taken first
	Params      []byte        // one JSON value
	RunAt       time.Time     // not before this time, rounded up to a millisecond; zero or past: at once
	Delay       time.Duration // if RunAt is zero: not before this much time has passed
	MaxAttempts int           // kept for the worker
	MaxCrashes  int           // default: DefaultMaxCrashes
	Timeout     time.Duration // kept for the worker; in milliseconds

	// Unique, unless empty, is a key that one job at a time has, until it is completed, cancelled or dead. While a job
	// has it, Enqueue returns that one.
	Unique string
	// UniqueFor, unless 0, is for how long the key is taken, whatever becomes of the job, unless it is deleted.
	UniqueFor time.Duration
}

// Enqueued is what became of a [NewJob].
type Enqueued struct {
	ID       uint64 // of the job
	Existing bool   // nothing was added: this job has the unique key
}

// FetchRequest says what a worker wants.
type FetchRequest struct {
	Node   string        // who takes
	Queues []string      // from which queues; those named first come first
	Max    int           // how many jobs at most
	Lease  time.Duration // after which the run counts as crashed, unless renewed; 0: never
}

// Outcome is how a run ended.
type Outcome struct {
	Run
	// State is what becomes of the job:
	//
	//	Completed   it is done
	//	Retryable   it failed with Error, and is due again after Delay
	//	Scheduled   it snoozes for Delay; no attempt is counted
	//	Available   it is put back, as if it had not been taken; no attempt is counted
	//	Cancelled   it ends for the reason Error
	//	Dead        it failed for good with Error
	State State
	Delay time.Duration
	Error string
}

// JobFilter says which jobs to list.
type JobFilter struct {
	States []State // default: all
	Queue  string  // default: all
	Task   string  // default: all
	Newest bool    // by falling id; default: by rising id
	After  uint64  // begin with the job that follows this id in that order; 0: with the first
	Limit  int     // at most so many; 0: 100
}

// Counts has a number of jobs for each state.
type Counts struct {
	Scheduled int `json:"scheduled"`
	Available int `json:"available"`
	Running   int `json:"running"`
	Retryable int `json:"retryable"`
	Completed int `json:"completed"`
	Cancelled int `json:"cancelled"`
	Dead      int `json:"dead"`
}

// QueueStats counts the jobs of a [Queue].
type QueueStats struct {
	Total  Counts            `json:"total"`
	Queues map[string]Counts `json:"queues"` // by name; a queue without jobs is not there
	Tasks  map[string]Counts `json:"tasks"`  // by name; a task without jobs is not there
}

// NodeQueue returns the name of the queue for jobs that this node must run itself.
func NodeQueue(node string) string { return "node:" + node }
