package actionhero

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Task is background work: a declaration like an [Action], run by the server's workers, later or on a schedule. An
// enqueued task survives the end of the process and is retried until it succeeds, so Run may run more than once: make
// it idempotent.
//
// In is a struct whose fields are the inputs, with the tags of an action's input; [None] if there are none.
type Task[In any] struct {
	Name        string // 1 to 64 letters, digits and _ . : -; required
	Description string // one sentence for people

	Scope     Scope         // on which nodes it runs; default: ScopeAnyNode
	Frequency time.Duration // runs on a schedule this often, at multiples of it since 1970; 10ms or more; default: no schedule
	Cron      string        // runs on the schedule of a cron expression of five fields, or "@every 90s"; excludes Frequency
	TimeZone  string        // of Cron, as in "Europe/Berlin"; default: UTC

	Queue       string                          // default: "default"
	Priority    int8                            // in one queue, jobs with a higher priority run first; default: 0
	Timeout     time.Duration                   // limit of a run; negative: no limit; default: the worker's
	MaxAttempts int                             // a job is dead after so many failed attempts; negative: no limit; default: 25, or 1 for a scheduled run
	Backoff     func(attempt int) time.Duration // the delay after a failed attempt, counted from 1; default: Exponential(time.Second, 6*time.Hour)
	Unique      Unique                          // whether an equal job can be enqueued; default: yes
	Middleware  []Middleware                    // runs around this task only, outermost first, inside the API's middleware; default: none

	// Run does the work. Its input is decoded and checked. After an error the job is retried after Backoff; [CancelJob]
	// ends the job instead, [SnoozeJob] reschedules it. A panic is an error with its stack. The context ends at the
	// Timeout, when the job is cancelled, and when the grace of a stop is over.
	Run func(ctx context.Context, in In) error
}

// Scope selects the nodes of a cluster on which a task runs.
type Scope uint8

// The scopes.
const (
	ScopeAnyNode  Scope = iota // on one node, the first with a free worker
	ScopeAllNodes              // on every node
)

// String returns "any" or "all".
func (s Scope) String() string {
	if s == ScopeAllNodes {
		return "all"
	}
	return "any"
}

// defaultMaxAttempts is used if a task does not set MaxAttempts. With the default Backoff, the last attempt is about two
// and a half days after the first.
const defaultMaxAttempts = 25

// minFrequency keeps a wrong unit from running a task in a loop.
const minFrequency = 10 * time.Millisecond

// TaskInfo describes a registered task.
type TaskInfo struct {
	Name, Description string
	Scope             Scope
	Schedule          Schedule // zero: none
	Queue             string
	Priority          int8
	Timeout           time.Duration // negative: no limit; 0: the worker's
	MaxAttempts       int           // of enqueued jobs; negative: no limit
	Inputs            []Input
}

// task is a registered [Task] without its types.
type task struct {
	info     TaskInfo
	act      action // its run is the task's own middleware around decode and Run
	attempts int    // of a scheduled run
	unique   Unique
	backoff  func(attempt int) time.Duration
	// check decodes params and returns a function that encodes the input in canonical form, or the broken rules.
	check func(params []schema.Param) (canonical func() ([]byte, error), fail *schema.Failure)
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

// build returns the task for checked fields.
func (t Task[In]) build(input *schema.Input, schedule Schedule) *task {
	attempts := cmp.Or(t.MaxAttempts, 1)
	t.MaxAttempts = cmp.Or(t.MaxAttempts, defaultMaxAttempts)
	t.Queue = cmp.Or(t.Queue, backend.DefaultQueue)
	if t.Backoff == nil {
		t.Backoff = defaultBackoff
	}
	compiled := &task{attempts: attempts, unique: t.Unique, backoff: t.Backoff}
	compiled.info = TaskInfo{
		Name: t.Name, Description: t.Description, Scope: t.Scope, Schedule: schedule, Queue: t.Queue, Priority: t.Priority,
		Timeout: t.Timeout, MaxAttempts: t.MaxAttempts, Inputs: inputsOf(input),
	}
	compiled.check = func(params []schema.Param) (func() ([]byte, error), *schema.Failure) {
		var in In
		if fail := input.Decode(&in, params); fail != nil {
			return nil, fail
		}
		return func() ([]byte, error) { return jsonx.Marshal(in) }, nil
	}
	compiled.act.info.Name = t.Name
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

// maxAttempts is the largest number of attempts; more is taken for a mistake.
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

// Enqueue stores a job that a worker runs once, as soon as one is free or when the options say. If it returns no error,
// the job is durable, unless the queue is in memory. The input is checked as it is when the task runs; an invalid one
// is a [CodeInvalidInput].
func (t Task[In]) Enqueue(ctx context.Context, api *API, in In, options ...EnqueueOption) (Enqueued, error) {
	raw, err := t.encode(in)
	if err != nil {
		return Enqueued{}, err
	}
	return api.Tasks.enqueue(ctx, t.Name, raw, options)
}

// Call runs the task now in this process, through its middleware and checks, without a job and without retries. The
// error is the one that a client would get.
func (t Task[In]) Call(ctx context.Context, api *API, in In) error {
	raw, err := t.encode(in)
	if err != nil {
		return err
	}
	return api.Tasks.runNow(ctx, t.Name, raw)
}

func (t Task[In]) encode(in In) ([]byte, error) {
	raw, err := jsonx.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("the input of task %q does not encode: %w", t.Name, err)
	}
	return raw, nil
}
