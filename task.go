package actionhero

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Task is the declaration of background work. The server's workers run a task because a job of the task was enqueued,
// or on a schedule. An enqueued job survives the end of the process and is retried until it succeeds, so Run may run
// more than once for one job. Run must therefore be idempotent.
//
// In is a struct type whose fields are the inputs, with the same tags as the inputs of an [Action]. If the task has no
// inputs, In is [None].
type Task[In any] struct {
	Name        string // 1 to 64 letters, digits and _ . : -; required
	Description string // one sentence for people

	Scope     Scope         // the nodes on which the task runs; default: ScopeAnyNode
	Frequency time.Duration // the task runs at each multiple of Frequency since 1970; 10ms or more; default: no schedule
	Cron      string        // the task runs at the times of a cron expression of five fields, or "@every 90s"; excludes Frequency
	TimeZone  string        // the time zone of Cron, as in "Europe/Berlin"; default: UTC

	Queue       string                          // the queue of the task's jobs; default: "default"
	Priority    int8                            // in one queue, jobs with a higher priority run first; default: 0
	Timeout     time.Duration                   // time limit of a run; negative: no limit; default: the worker's Timeout
	MaxAttempts int                             // a job is dead after this number of failed attempts; negative: no limit; default: 25, or 1 for a scheduled run
	Backoff     func(attempt int) time.Duration // the delay after a failed attempt, counted from 1; default: Exponential(time.Second, 6*time.Hour)
	Unique      Unique                          // when an equal job cannot be enqueued; default: never
	Middleware  []Middleware                    // wraps this task only, outermost first, inside the API's middleware; default: none
	Exclusive   bool                            // on a cluster, the context of a run ends before another node may run the job again; default: a run goes on while the server of the cluster cannot be reached
	OtherParams bool                            // params that In does not name are allowed, and are in Request.Params; default: they are refused

	// Check refuses inputs when a job is enqueued, after the tags of In have been checked. If Check returns an error,
	// Enqueue returns that error and stores nothing. Default: none.
	Check func(api *API, in In) error

	// Run does the work. The input in is decoded and checked. If Run returns an error, the job is retried after
	// Backoff. If the error is from [CancelJob], the job ends instead; if it is from [SnoozeJob], the job is
	// rescheduled. A panic counts as an error, whose text has the stack. The context ends at the Timeout, when the job
	// is cancelled ([ErrJobCancelled]), when another node may run the job ([ErrJobLost]), and when the grace period of a
	// stop is over ([ErrJobRequeued]).
	Run func(ctx context.Context, in In) error
}

// Scope selects the nodes of a cluster on which a task runs.
type Scope uint8

// The values of Scope.
const (
	ScopeAnyNode  Scope = iota // on one node, the first with a free worker
	ScopeAllNodes              // on every node of the cluster that runs tasks
)

// String returns "all" for [ScopeAllNodes] and "any" for [ScopeAnyNode].
func (s Scope) String() string {
	if s == ScopeAllNodes {
		return "all"
	}
	return "any"
}

// defaultMaxAttempts is the MaxAttempts of a task that sets none. With the default Backoff, the last attempt is about
// two and a half days after the first attempt.
const defaultMaxAttempts = 25

// minFrequency is the minimum of Task.Frequency. The minimum refuses a Frequency in a wrong unit, because the task
// would then run in a tight loop.
const minFrequency = 10 * time.Millisecond

// TaskInfo describes a registered task. [Tasks.Registered] returns one TaskInfo for each task.
type TaskInfo struct {
	Name, Description string
	Scope             Scope
	Schedule          Schedule // zero: none
	Queue             string
	Priority          int8
	Timeout           time.Duration // negative: no limit; 0: the worker's Timeout
	MaxAttempts       int           // of enqueued jobs; negative: no limit
	Inputs            []Input
	InputSchema       []byte // the JSON Schema (2020-12) of the inputs
}

// task is a registered [Task] without its type parameter, so that tasks with different input types fit into one map.
type task struct {
	info     TaskInfo
	act      action // act.run calls the task's own middleware around a Handler that decodes the input and calls Run
	attempts int    // MaxAttempts of a scheduled run
	unique   Unique
	backoff  func(attempt int) time.Duration
	other    bool // the task's OtherParams

	exclusive bool
	// check decodes and checks params, and calls the task's Check. If params are valid, check returns the function
	// canonical, which encodes the decoded input as JSON in canonical form. Otherwise check returns an error.
	check func(api *API, params []schema.Param) (canonical func() ([]byte, error), err error)
}

func (t Task[In]) register(r *registry) error {
	compiled, err := t.compile()
	if err != nil {
		return err
	}
	return r.addTask(compiled)
}

func (t Task[In]) compile() (*task, error) {
	if t.Name == "" {
		return nil, fmt.Errorf("a task that takes %v has no name: set Name", reflect.TypeFor[In]())
	}
	if err := t.checkFields(); err != nil {
		return nil, err
	}
	schedule, err := newSchedule(t.Frequency, t.Cron, t.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", t.Name, err)
	}
	input, err := schema.CompileInput(reflect.TypeFor[In](), schema.Options{FileType: reflect.TypeFor[File]()})
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", t.Name, err)
	}
	for _, f := range input.Fields() {
		if f.File {
			return nil, fmt.Errorf("task %q: its input %s is an uploaded file, which is gone when the task runs: keep the file and take its name", t.Name, f.Name)
		}
		if f.Required && !schedule.isZero() {
			return nil, fmt.Errorf("task %q has a schedule, but its input %s is required and scheduled runs have no input: add a default, or remove Frequency and Cron", t.Name, f.Name)
		}
	}
	return t.build(input, schedule), nil
}

// build returns the registered form of t, with defaults for unset fields. The caller must have checked the fields of t.
func (t Task[In]) build(input *schema.Input, schedule Schedule) *task {
	attempts := cmp.Or(t.MaxAttempts, 1)
	t.MaxAttempts = cmp.Or(t.MaxAttempts, defaultMaxAttempts)
	t.Queue = cmp.Or(t.Queue, backend.DefaultQueue)
	if t.Backoff == nil {
		t.Backoff = defaultBackoff
	}
	compiled := &task{attempts: attempts, unique: t.Unique, backoff: t.Backoff, other: t.OtherParams, exclusive: t.Exclusive}
	compiled.info = TaskInfo{
		Name: t.Name, Description: t.Description, Scope: t.Scope, Schedule: schedule, Queue: t.Queue, Priority: t.Priority,
		Timeout: t.Timeout, MaxAttempts: t.MaxAttempts, Inputs: inputsOf(input), InputSchema: input.JSONSchema(),
	}
	compiled.check = func(api *API, params []schema.Param) (func() ([]byte, error), error) {
		var in In
		if fail := input.Decode(&in, params); fail != nil {
			return nil, inputError(fail, "task")
		}
		if t.Check != nil {
			if err := t.Check(api, in); err != nil {
				return nil, AsError(err)
			}
		}
		return func() ([]byte, error) { return input.AppendObject(nil, &in) }, nil
	}
	compiled.act.info.Name, compiled.act.input = t.Name, input
	compiled.act.run = chain(t.Middleware, func(ctx context.Context, req *Request) (any, error) {
		var in In
		if fail := input.Decode(&in, req.Params.list); fail != nil {
			return nil, inputError(fail, "task")
		}
		return nil, t.Run(ctx, in)
	})
	return compiled
}

func (t Task[In]) checkFields() error {
	problem := ""
	switch {
	case !actionName.MatchString(t.Name):
		return fmt.Errorf("task name %q is not allowed: use 1 to 64 letters, digits and _ . : -", t.Name)
	case t.Run == nil:
		problem = "has no Run: set the function that does the work"
	case t.Scope > ScopeAllNodes:
		problem = fmt.Sprintf("has the scope %d: use Any or All", t.Scope)
	case t.MaxAttempts > maxAttempts:
		problem = fmt.Sprintf("has MaxAttempts %d: use at most %d, or a negative number for no limit", t.MaxAttempts, maxAttempts)
	default:
		problem = cmp.Or(checkQueueName(t.Queue), t.Unique.check())
	}
	if problem != "" {
		return fmt.Errorf("task %q %s", t.Name, problem)
	}
	return nil
}

// maxAttempts is the maximum of MaxAttempts. A task with a larger number is refused, because the number is probably a
// mistake.
const maxAttempts = 1_000_000

func checkQueueName(name string) string {
	switch {
	case len(name) > backend.MaxKeyBytes:
		return fmt.Sprintf("has a queue whose name has %d bytes: use at most %d", len(name), backend.MaxKeyBytes)
	case strings.HasPrefix(name, backend.NodeQueue("")):
		return fmt.Sprintf("has the queue %q, which is a node's own: choose another name, or the scope All", name)
	}
	return ""
}

// Enqueue stores a job. A worker runs the job as soon as the worker is free, or at the time that the options set.
// Enqueue checks the input with the same rules as a run; for an invalid input, the error is [CodeInvalidInput]. If
// Enqueue returns no error, the job is durable. A job in a queue in memory is never durable. For a task of
// [ScopeAllNodes], Enqueue stores one job for each node of the cluster, see [Tasks.Enqueue].
//
// A field of in with its zero value counts as not given, as [Action.Call] says.
func (t Task[In]) Enqueue(ctx context.Context, api *API, in In, options ...EnqueueOption) (Enqueued, error) {
	raw, err := t.encode(api, in)
	if err != nil {
		return Enqueued{}, err
	}
	return api.Tasks.enqueue(ctx, t.Name, raw, options)
}

// Call runs the task now in this process, without a job and without retries. The middleware of the task runs and the
// input is checked. Call blocks until the task ends, and returns the error that a client would receive.
func (t Task[In]) Call(ctx context.Context, api *API, in In) error {
	raw, err := t.encode(api, in)
	if err != nil {
		return err
	}
	return api.Tasks.runNow(ctx, t.Name, raw)
}

func (t Task[In]) encode(api *API, in In) ([]byte, error) {
	var registered *schema.Input
	if known := api.registry.Load().tasks[t.Name]; known != nil {
		registered = known.act.input
	}
	input, err := inputFor[In](registered)
	var raw []byte
	if err == nil {
		raw, err = input.AppendObject(nil, &in)
	}
	if err != nil {
		return nil, fmt.Errorf("the input of task %q does not encode: %w", t.Name, err)
	}
	return raw, nil
}
