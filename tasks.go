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
	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Tasks enqueues tasks as jobs and manages these jobs. The API's backend stores the jobs, so all nodes of a cluster
// share them.
//
// The methods return an *[Error]: [CodeNotFound] for an unknown task or job, [CodeInvalidInput] for an invalid input,
// [CodeConflict] if the state of the job does not allow the call, [CodeResourceExhausted] if the queue is full,
// [CodeUnavailable] while the API is stopped. Errors of the storage, such as a full disk, are returned unchanged; a
// client reads them as an internal error.
type Tasks struct {
	api   *API
	queue backend.Queue

	mu    sync.Mutex
	nodes []*string // the nodes of the workers that run in this process, one pointer for each worker

	declared []string // the nodes of all workers of this process, "" for its own node; for the other nodes of a cluster
}

// Job is the stored record of one enqueued task: its params, its state and its attempts.
type Job = backend.Job

// JobFilter selects the jobs that [Tasks.List] returns.
type JobFilter = backend.JobFilter

// JobStats is the number of jobs in each state, as returned by [Tasks.Stats].
type JobStats = backend.QueueStats

// Enqueue stores a job. A worker runs the job as soon as the worker is free, or at the time that the options set.
// params is nil, a struct, a map with string keys, or another value that encodes as a JSON object. For a struct, also
// inside a map, the rules of [Action.Call] apply: a field with its zero value counts as not given. A member of a map is
// given, unless it is an [Optional] that is not set. Enqueue checks params like the inputs of an action, and refuses
// params that the task does not name unless Task.OtherParams is set. If Enqueue returns no error, the job is durable. A
// job in a queue in memory is never durable.
//
// For a task of [ScopeAllNodes], Enqueue stores one job for each live node of the cluster that runs tasks, and returns
// the first of these jobs. A node that dies before it has run its job runs the job when it starts again with the same id.
// If no node runs tasks, Enqueue stores one job for the API's own node, which a later start of that node runs.
func (t *Tasks) Enqueue(ctx context.Context, task string, params any, options ...EnqueueOption) (Enqueued, error) {
	raw, err := t.encodeParams(task, params)
	if err != nil {
		return Enqueued{}, err
	}
	return t.enqueue(ctx, task, raw, options)
}

// Run runs a task now in this process, without a job and without retries. params has the form of [Tasks.Enqueue]. The
// middleware of the task runs and the params are checked. The context of the task ends when ctx ends, at the task's Timeout, or when the grace period of a
// stop is over. Run blocks until the task ends, and returns the error that a client would receive.
func (t *Tasks) Run(ctx context.Context, task string, params any) error {
	raw, err := t.encodeParams(task, params)
	if err != nil {
		return err
	}
	return t.runNow(ctx, task, raw)
}

func (t *Tasks) enqueue(ctx context.Context, name string, raw []byte, options []EnqueueOption) (Enqueued, error) {
	declared := t.api.registry.Load().tasks[name]
	if declared == nil {
		return Enqueued{}, unknownTask(name)
	}
	canonical, err := declared.checkParams(t.api, raw)
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
	jobs, err := t.forNodes(ctx, info.Scope, o.job)
	if err != nil {
		return Enqueued{}, err
	}
	added, err := t.queue.Enqueue(ctx, jobs...)
	if err != nil {
		return Enqueued{}, queueError(err)
	}
	return added[0], nil
}

// complete checks the options of an enqueue and returns an error if an option is wrong. It sets three fields of the
// job: Unique, UniqueFor and MaxAttempts. canonical returns the input of the task in canonical form.
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

// storedAttempts converts a declared MaxAttempts to the number that the backend stores, in which 0 means no limit. If
// declared is 0, storedAttempts uses byDefault instead.
func storedAttempts(declared, byDefault int) int {
	return min(max(cmp.Or(declared, byDefault), 0), maxAttempts)
}

// declaredNodes returns the nodes of all workers of this process, "" for its own node. It is not nil.
func (t *Tasks) declaredNodes() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string{}, t.declared...)
}

// localNodes returns the nodes of the workers that run in this process.
func (t *Tasks) localNodes() (nodes []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, node := range t.nodes {
		if !slices.Contains(nodes, *node) {
			nodes = append(nodes, *node)
		}
	}
	return nodes
}

// forNodes returns the jobs that one enqueue stores. For ScopeAnyNode it is one job. For ScopeAllNodes it is one job
// for each node of the cluster with a worker. If there is none, it is one job for the API's own node.
func (t *Tasks) forNodes(ctx context.Context, scope Scope, job backend.NewJob) (jobs []backend.NewJob, err error) {
	if scope == ScopeAnyNode {
		return []backend.NewJob{job}, nil
	}
	nodes := t.localNodes()
	if t.api.Cluster.Shared() {
		if nodes, err = t.api.Cluster.workers(ctx); err != nil {
			return nil, err
		}
	}
	if len(nodes) == 0 {
		nodes = []string{t.api.Stats.ID()}
	}
	jobs = make([]backend.NewJob, len(nodes))
	for i, node := range nodes {
		jobs[i] = job
		jobs[i].Queue = backend.NodeQueue(node)
		if job.Unique != "" {
			jobs[i].Unique = node + " " + job.Unique
		}
	}
	return jobs, nil
}

// checkedParams is a pool of the Params values that checkParams uses. A value can be reused after a check, because the
// decoded input refers only to the JSON.
var checkedParams = sync.Pool{New: func() any { return new(Params) }}

// checkParams decodes and checks raw, the params of a job as a JSON object. checkParams returns a function that encodes
// the decoded input in canonical form, or an error if raw breaks a rule.
func (t *task) checkParams(api *API, raw []byte) (canonical func() ([]byte, error), err error) {
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
	if err := t.checkNames(params.list); err != nil {
		return nil, err
	}
	return t.check(api, params.list)
}

// checkNames returns an error if the task has no input with the name of one of the params and does not allow other
// params.
func (t *task) checkNames(params []schema.Param) error {
	if t.other {
		return nil
	}
	for i := range params {
		key := params[i].Key
		if slices.ContainsFunc(t.info.Inputs, func(in Input) bool { return in.Name == key }) {
			continue
		}
		var names []string
		for _, in := range t.info.Inputs {
			names = append(names, in.Name)
		}
		message := fmt.Sprintf("%s is not an input of this task", key)
		if similar := near.Name(key, names); similar != "" {
			message += "; did you mean " + similar + "?"
		}
		return &Error{Code: CodeInvalidInput, Message: message, Details: []Detail{{Field: key, Rule: "unknown", Message: message}}}
	}
	return nil
}

func unknownTask(name string) *Error {
	if name == "" {
		name = "{no task}"
	}
	return &Error{Code: CodeNotFound, Message: name + " is not a known task."}
}

// Get returns the job with this id. If there is none, the error is [CodeNotFound].
func (t *Tasks) Get(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Get(ctx, id)
	return job, jobError(id, err)
}

// List returns the jobs that match f. The zero JobFilter returns the 100 oldest jobs.
func (t *Tasks) List(ctx context.Context, f JobFilter) ([]Job, error) {
	jobs, err := t.queue.List(ctx, f)
	return jobs, queueError(err)
}

// Stats returns the number of jobs in each state. The cost of a call does not grow with the number of jobs.
func (t *Tasks) Stats(ctx context.Context) (JobStats, error) {
	stats, err := t.queue.Stats(ctx)
	return stats, queueError(err)
}

// Retry makes a waiting or ended job available to workers at once, and returns the job. If the job is running, or if
// another job holds its unique key, the error is [CodeConflict].
func (t *Tasks) Retry(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Retry(ctx, id)
	return job, jobError(id, err)
}

// Cancel ends a waiting job. If the job is running, Cancel cancels the context of the run and returns the job in the
// state running; the job is not retried. If the job has ended already, it stays unchanged.
func (t *Tasks) Cancel(ctx context.Context, id uint64) (Job, error) {
	job, err := t.queue.Cancel(ctx, id)
	return job, jobError(id, err)
}

// Delete deletes the job with this id. If the job is running, the error is [CodeConflict]: call [Tasks.Cancel] first.
func (t *Tasks) Delete(ctx context.Context, id uint64) error {
	return jobError(id, t.queue.Delete(ctx, id))
}

// Registered returns descriptions of all registered tasks, sorted by name.
func (t *Tasks) Registered() []TaskInfo {
	tasks := t.api.registry.Load().tasks
	infos := make([]TaskInfo, 0, len(tasks))
	for _, name := range slices.Sorted(maps.Keys(tasks)) {
		infos = append(infos, tasks[name].info)
	}
	return infos
}

// scheduleName returns the key under which the backend stores the last run of a scheduled task. The key contains the
// schedule, so a task with a changed schedule has no last run.
func scheduleName(info *TaskInfo) string { return info.Name + " " + info.Schedule.String() }

// jobError converts an error of the backend for the job with this id into an error for clients. If the job does not
// exist, the error names the id. queueError converts all other errors.
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
	case is(backend.ErrTooLarge, backend.ErrKeyTooLong, backend.ErrInvalid):
		return &Error{Code: CodeInvalidInput, Message: err.Error(), Err: err}
	case is(backend.ErrRunning, backend.ErrDuplicate):
		return &Error{Code: CodeConflict, Message: err.Error(), Err: err}
	case is(backend.ErrClosed):
		return &Error{Code: CodeUnavailable, Message: "The queue of tasks is closed", Err: err}
	case is(backend.ErrUnavailable):
		return &Error{Code: CodeUnavailable, Message: "The queue of tasks cannot be reached now", Err: err}
	}
	return err
}
