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

// Task is work that is done in the background, later or again and again: a declaration like an [Action], run by the
// server's own workers. One that is enqueued survives the end of the process and is run until it succeeds, so its Run
// may happen more than once: write it so that a second time does no harm.
//
// In is a struct whose fields are the inputs, with the same tags as those of an action; [None] if there are none.
type Task[In any] struct {
	Name        string // how it is enqueued: letters, digits and _ . : - up to 64 characters; required
	Description string // one sentence for people

	Scope     Scope         // on which nodes it runs; default: Any
	Frequency time.Duration // runs by itself this often, at multiples of it since 1970; 10ms or more; default: it does not
	Cron      string        // runs by itself by a cron expression of five fields, or "@every 90s"; not beside Frequency
	TimeZone  string        // of Cron, as in "Europe/Berlin"; default: UTC

	Queue       string                          // default: "default"
	Priority    int8                            // of several that wait in one queue, those with a higher one come first; default: 0
	Timeout     time.Duration                   // when its context ends; negative: never; default: the worker's
	MaxAttempts int                             // after so many that failed it is dead; negative: no limit; default: 25, or 1 for a run by Frequency or Cron
	Backoff     func(attempt int) time.Duration // how long to wait after the attempt that failed, from 1 on; default: Exponential(time.Second, 6*time.Hour)
	Unique      Unique                          // whether it can be enqueued once more while it waits; default: yes
	Middleware  []Middleware                    // run around this task alone, outermost first, inside the API's own; default: none

	// Run does the work. It gets its input decoded and checked. An error has it run again after Backoff; [CancelJob] ends
	// the job instead, [SnoozeJob] puts it off. A panic is an error with its stack. The context ends at the Timeout, when
	// somebody cancels the job, and when the grace of a stop is over.
	Run func(ctx context.Context, in In) error
}

// Scope says on which nodes of a cluster a task runs.
type Scope uint8

// The scopes.
const (
	ScopeAnyNode  Scope = iota // on one node, whichever has a worker free
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

// minFrequency keeps a task from being run in a loop by a slip of the unit.
const minFrequency = 10 * time.Millisecond

// TaskInfo describes a registered task.
type TaskInfo struct {
	Name, Description string
	Scope             Scope
	Schedule          Schedule // when it runs by itself; zero: never
	Queue             string
	Priority          int8
	Timeout           time.Duration // negative: none; 0: the worker's
	MaxAttempts       int           // of what is enqueued; negative: no limit
	Inputs            []Input
}

// task is a registered [Task], its types erased.
type task struct {
	info     TaskInfo
	act      action // its run is the task's own middleware around decode and Run
	attempts int    // of a run by the timetable
	unique   Unique
	backoff  func(attempt int) time.Duration
	// check decodes params and returns the input as it would be encoded, or what is wrong with them.
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
			return nil, fmt.Errorf("task %q runs by itself, but its input %s is required and nobody gives it: give it a default, or enqueue the task instead", t.Name, f.Name)
		}
	}
	return t.build(input, schedule), nil
}

// build makes the task of what is checked.
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

// maxAttempts is the largest number of attempts; more is a slip.
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

// Enqueue has the task run in the background by a worker, once, as soon as one is free or when the options say. When it
// returns without an error the job is durable, unless the queue is in memory. The input is checked here as it is when the task
// runs, and what is wrong with it is an [CodeInvalidInput].
func (t Task[In]) Enqueue(ctx context.Context, api *API, in In, options ...EnqueueOption) (Enqueued, error) {
	raw, err := t.encode(in)
	if err != nil {
		return Enqueued{}, err
	}
	return api.Tasks.enqueue(ctx, t.Name, raw, options)
}

// Call runs the task in this process now, through its middleware and checks, and returns its error as a client would
// get it. Nothing is kept and nothing is tried again.
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
