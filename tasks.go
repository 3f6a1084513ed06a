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

// Tasks enqueues background work and manages its jobs. The jobs are stored in the API's backend, so all nodes of a
// cluster share them.
//
// Errors are an *[Error]: [CodeNotFound] for an unknown task or job, [CodeInvalidInput] for an invalid input,
// [CodeConflict] if the state of the job does not allow the call, [CodeResourceExhausted] if the queue is full,
// [CodeUnavailable] while the API is stopped. Errors of the storage, such as a full disk, are returned unchanged, so
// clients read an internal error.
type Tasks struct {
	api   *API
	queue backend.Queue

	mu    sync.Mutex
	nodes []string // the nodes whose workers run in this process
}

// Job is the stored record of an enqueued task.
type Job = backend.Job

// JobFilter selects jobs.
type JobFilter = backend.JobFilter

// JobStats counts the jobs by state.
type JobStats = backend.QueueStats

// Enqueue stores a job that a worker runs as soon as one is free, or when the options say. params must encode as a JSON
// object with the inputs of the task, or be nil; they are checked like the inputs of an action. If Enqueue returns no
// error, the job is durable, unless the queue is in memory.
//
// A task of [ScopeAllNodes] becomes a job for each node; Enqueue returns the first one.
func (t *Tasks) Enqueue(ctx context.Context, task string, params any, options ...EnqueueOption) (Enqueued, error) {
	raw, err := encodeParams(task, params)
	if err != nil {
		return Enqueued{}, err
	}
	return t.enqueue(ctx, task, raw, options)
}

// Run runs a task now in this process, through its middleware and checks, without a job and without retries. Its
// context ends with ctx, at the task's Timeout, and when the grace of a stop is over. The error is the one that a
// client would get.
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

// complete checks the options and sets the key of a unique job.
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
	o.job.MaxAttempts = storedAttempts(o.job.MaxAttempts, defaultMaxAttempts)
	return nil
}

// storedAttempts returns a declared number of attempts in the form of the backend: 0 is no limit.
func storedAttempts(declared, byDefault int) int {
	return min(max(cmp.Or(declared, byDefault), 0), maxAttempts)
}

// forNodes returns the jobs for a task of some scope: one, or one for each node.
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

// checkedParams are reused by checkParams. The decoded input refers only to the JSON.
var checkedParams = sync.Pool{New: func() any { return new(Params) }}

// checkParams checks the input of a job, and returns a function that encodes it in canonical form.
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

// List returns the jobs that match f. The zero JobFilter returns the 100 oldest jobs.
func (t *Tasks) List(ctx context.Context, f JobFilter) ([]Job, error) {
	jobs, err := t.queue.List(ctx, f)
	return jobs, queueError(err)
}

// Stats returns the number of jobs by state. Its cost does not grow with the number of jobs.
func (t *Tasks) Stats(ctx context.Context) (JobStats, error) {
	stats, err := t.queue.Stats(ctx)
	return stats, queueError(err)
}

// Retry makes a waiting or ended job available at once. It fails with [CodeConflict] if the job is running, or if
// another job holds its unique key.
func (t *Tasks) Retry(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Retry(ctx, id)
	return job, jobError(id, err)
}

// Cancel ends a waiting job. If the job is running, Cancel cancels its context and returns it as running; it is not
// retried. An ended job stays unchanged.
func (t *Tasks) Cancel(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Cancel(ctx, id)
	return job, jobError(id, err)
}

// Delete deletes a job. It fails with [CodeConflict] if the job is running: cancel it first.
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

// scheduleName is the backend's key for the last run of a task. A changed schedule starts anew.
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
