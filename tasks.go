package actionhero

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Tasks is the work in the background: it enqueues tasks by name, runs one now, and shows and changes what becomes of
// the jobs. Jobs are kept in the API's backend, so all nodes of a cluster have the same ones.
//
// Its errors are an *[Error]: [CodeNotFound] for an unknown task or job, [CodeInvalidInput] for a wrong input, [CodeConflict] if the
// job's state does not allow it, [CodeResourceExhausted] if there is no room for more jobs, [CodeUnavailable] while the API is
// stopped. Others, such as a full disk, are as they come, so that a client learns nothing of them.
type Tasks struct {
	api   *API
	queue backend.Queue

	mu    sync.Mutex
	nodes []string // whose workers run in this process
}

// Job is what is kept about an enqueued task.
type Job = backend.Job

// JobFilter says which jobs to list.
type JobFilter = backend.JobFilter

// JobStats counts the jobs by state.
type JobStats = backend.QueueStats

// Enqueue has a task run in the background by a worker, as soon as one is free or when the options say, and returns its
// job. params are what encodes as a JSON object with the task's inputs, or nil; they are checked as those of an action.
// When it returns without an error the job is kept: on disk, unless the queue is in memory.
//
// A task of the scope All becomes a job for each node; the first one is returned.
func (t *Tasks) Enqueue(ctx context.Context, task string, params any, options ...EnqueueOption) (Enqueued, error) {
	raw, err := encodeParams(task, params)
	if err != nil {
		return Enqueued{}, err
	}
	return t.enqueue(ctx, task, raw, options)
}

// Run runs a task in this process now, through its middleware and checks. Nothing is kept and nothing is tried again.
// Its context ends with ctx, at the task's Timeout, and when the grace of a stop is over. The error is as a client would
// get it.
func (t *Tasks) Run(ctx context.Context, task string, params any) error {
	raw, err := encodeParams(task, params)
	if err != nil {
		return err
	}
	return t.runNow(ctx, task, raw)
}

func encodeParams(task string, params any) ([]byte, error) {
	if params == nil {
		return []byte("{}"), nil
	}
	raw, err := jsonx.Marshal(params)
	if err != nil {
		return nil, &Error{Code: CodeInvalidInput, Message: fmt.Sprintf("the params of task %s do not encode as JSON", task), Err: err}
	}
	return raw, nil
}

func (t *Tasks) enqueue(ctx context.Context, name string, raw []byte, options []EnqueueOption) (Enqueued, error) {
	declared := t.api.registry.Load().tasks[name]
	if declared == nil {
		return Enqueued{}, unknownTask(name)
	}
	canonical, err := declared.checkParams(raw)
	if err != nil {
		return Enqueued{}, err
	}
	info := &declared.info
	o := enqueueOptions{unique: declared.unique, job: backend.NewJob{
		Task: name, Queue: info.Queue, Priority: info.Priority, Params: raw, MaxAttempts: info.MaxAttempts, Timeout: max(info.Timeout, 0),
	}}
	for _, option := range options {
		option(&o)
	}
	if err := o.complete(name, canonical); err != nil {
		return Enqueued{}, err
	}
	added, err := t.queue.Enqueue(ctx, t.forNodes(info.Scope, o.job)...)
	if err != nil {
		return Enqueued{}, queueError(err)
	}
	return added[0], nil
}

// complete checks the options and makes the key of a unique job.
func (o *enqueueOptions) complete(task string, canonical func() ([]byte, error)) (err error) {
	unique := o.unique
	if o.key != "" {
		unique.By = ByName
	}
	if problem := cmp.Or(unique.check(), checkQueueName(o.job.Queue)); problem != "" {
		return Errorf(CodeInvalidInput, "task %q %s", task, problem)
	}
	if o.job.Unique, err = o.uniqueKey(task, canonical); err != nil {
		return err
	}
	o.job.UniqueFor = unique.For
	o.job.MaxAttempts = attemptLimit(o.job.MaxAttempts, defaultMaxAttempts)
	return nil
}

// attemptLimit is a declared number of attempts as a backend keeps it.
func attemptLimit(declared, byDefault int) int {
	return min(max(cmp.Or(declared, byDefault), 0), maxAttempts)
}

// forNodes returns the jobs that a job of some scope becomes.
func (t *Tasks) forNodes(scope Scope, job backend.NewJob) []backend.NewJob {
	if scope == ScopeAnyNode {
		return []backend.NewJob{job}
	}
	t.mu.Lock()
	nodes := slices.Clone(t.nodes)
	t.mu.Unlock()
	if len(nodes) == 0 {
		nodes = []string{t.api.Stats.ID()}
	}
	jobs := make([]backend.NewJob, len(nodes))
	for i, node := range nodes {
		jobs[i] = job
		jobs[i].Queue = backend.NodeQueue(node)
		if job.Unique != "" {
			jobs[i].Unique = node + " " + job.Unique
		}
	}
	return jobs
}

// checkedParams are used while params are checked, and no longer: what is decoded refers to the JSON alone.
var checkedParams = sync.Pool{New: func() any { return new(Params) }}

// checkParams checks the input of a job that is to be enqueued or run, and returns what encodes it in its one form.
func (t *task) checkParams(raw []byte) (canonical func() ([]byte, error), err error) {
	params := checkedParams.Get().(*Params)
	defer func() {
		*params = Params{}
		checkedParams.Put(params)
	}()
	writer := (*paramsWriter)(params)
	writer.AcceptAll()
	if err := writer.AddObject(raw); err != nil {
		return nil, err
	}
	canonical, fail := t.check(params.list)
	if fail != nil {
		return nil, inputError(fail, "task")
	}
	return canonical, nil
}

func unknownTask(name string) *Error {
	if name == "" {
		name = "{no task}"
	}
	return &Error{Code: CodeNotFound, Message: name + " is not a known task."}
}

// Get returns the job with this id.
func (t *Tasks) Get(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Get(ctx, id)
	return job, jobError(id, err)
}

// List returns the jobs that f asks for: without further ado the hundred oldest.
func (t *Tasks) List(ctx context.Context, f JobFilter) ([]Job, error) {
	jobs, err := t.queue.List(ctx, f)
	return jobs, queueError(err)
}

// Stats counts the jobs by state, in a time that does not grow with their number.
func (t *Tasks) Stats(ctx context.Context) (JobStats, error) {
	stats, err := t.queue.Stats(ctx)
	return stats, queueError(err)
}

// Retry has a job run again at once that waits or has ended. It fails with [CodeConflict] if the job runs, or if another one
// has taken its place as the unique one.
func (t *Tasks) Retry(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Retry(ctx, id)
	return job, jobError(id, err)
}

// Cancel ends a job that waits. One that runs gets its context cancelled, and is returned as running; it does not run
// again. One that has ended stays as it is.
func (t *Tasks) Cancel(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Cancel(ctx, id)
	return job, jobError(id, err)
}

// Delete forgets a job. It fails with [CodeConflict] if it runs: cancel it first.
func (t *Tasks) Delete(ctx context.Context, id uint64) error {
	return jobError(id, t.queue.Delete(ctx, id))
}

// Registered describes every registered task, sorted by name.
func (t *Tasks) Registered() []TaskInfo {
	tasks := t.api.registry.Load().tasks
	infos := make([]TaskInfo, 0, len(tasks))
	for _, name := range slices.Sorted(maps.Keys(tasks)) {
		infos = append(infos, tasks[name].info)
	}
	return infos
}

// scheduleName is how the backend knows when a task was due last. A schedule that was changed begins anew.
func scheduleName(info *TaskInfo) string { return info.Name + " " + info.Schedule.String() }

// jobError is queueError for a call that names a job.
func jobError(id uint64, err error) error {
	if errors.Is(err, backend.ErrNotFound) {
		return &Error{Code: CodeNotFound, Message: fmt.Sprintf("there is no job %d: it never was, was deleted, or ended too long ago", id), Err: err}
	}
	return queueError(err)
}

func queueError(err error) error {
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case err == nil:
		return nil
	case is(backend.ErrFull):
		return &Error{Code: CodeResourceExhausted, Message: "The queue of tasks is full", Err: err}
	case is(backend.ErrTooLarge, backend.ErrKeyTooLong):
		return &Error{Code: CodeInvalidInput, Message: err.Error(), Err: err}
	case is(backend.ErrRunning, backend.ErrDuplicate):
		return &Error{Code: CodeConflict, Message: err.Error(), Err: err}
	case is(backend.ErrClosed):
		return &Error{Code: CodeUnavailable, Message: "The queue of tasks is closed", Err: err}
	}
	return err
}
