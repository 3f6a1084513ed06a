package server

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// socketIn is where the server of a folder answers the command line.
func socketIn(folder string) string { return filepath.Join(folder, "control.sock") }

// controller is the component that answers the command line about tasks.
type controller struct {
	api    *actionhero.API
	path   string
	server *control.Server
}

// Start implements actionhero.Component.
func (c *controller) Start(context.Context) (err error) {
	c.server, err = control.Listen(c.path, c.answer)
	return err
}

// Stop implements actionhero.Component.
func (c *controller) Stop(context.Context) error { return c.server.Close() }

// What the command line asks, and what it gets.
type (
	listQuery struct {
		States []backend.State `json:"states,omitempty"`
		Queue  string          `json:"queue,omitempty"`
		Task   string          `json:"task,omitempty"`
		Limit  int             `json:"limit,omitempty"`
		After  uint64          `json:"after,omitempty"`
		Oldest bool            `json:"oldest,omitempty"`
	}
	jobQuery struct {
		ID uint64 `json:"id"`
	}
	enqueueQuery struct {
		Task        string          `json:"task"`
		Params      json.RawMessage `json:"params,omitempty"`
		At          time.Time       `json:"at,omitzero"`
		After       time.Duration   `json:"after,omitempty"`
		Queue       string          `json:"queue,omitempty"`
		Priority    *int8           `json:"priority,omitempty"`
		MaxAttempts int             `json:"maxAttempts,omitempty"`
	}
	jobView struct {
		backend.Job
		Params json.RawMessage `json:"params"` // secrets filtered
	}
	enqueuedView struct {
		ID       uint64 `json:"id"`
		Existing bool   `json:"existing"`
	}
	taskView struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Scope       string   `json:"scope"`
		Schedule    string   `json:"schedule"`
		Queue       string   `json:"queue"`
		Inputs      []string `json:"inputs"`
	}
)

// maxListed is how many jobs one list may have.
const maxListed = 1000

// answer implements control.Handler.
func (c *controller) answer(ctx context.Context, method string, params json.RawMessage) (any, error) {
	var result any
	var err error
	switch method {
	case "stats":
		result, err = c.api.Tasks.Stats(ctx)
	case "registered":
		result = tasksOf(c.api)
	case "list":
		result, err = ask(params, func(q listQuery) ([]jobView, error) { return c.list(ctx, q) })
	case "show":
		result, err = c.job(ctx, params, c.api.Tasks.Get)
	case "retry":
		result, err = c.job(ctx, params, c.api.Tasks.Retry)
	case "cancel":
		result, err = c.job(ctx, params, c.api.Tasks.Cancel)
	case "delete":
		result, err = ask(params, func(q jobQuery) (any, error) { return nil, c.api.Tasks.Delete(ctx, q.ID) })
	case "enqueue":
		result, err = ask(params, func(q enqueueQuery) (enqueuedView, error) { return c.enqueue(ctx, q) })
	default:
		err = actionhero.Errorf(actionhero.CodeNotFound, "the server knows no %q: it may be of another version", method)
	}
	if err != nil {
		return nil, controlError(err)
	}
	return result, nil
}

// controlError is an error as the command line gets it: all of it, for it is the operator who asks.
func controlError(err error) error {
	e := actionhero.AsError(err)
	message := e.Message
	if e.Code == actionhero.CodeInternal && e.Err != nil {
		message = e.Err.Error()
	}
	return &control.Error{Code: e.Code.String(), Message: message}
}

// ask decodes params and calls do with them.
func ask[Q, R any](params json.RawMessage, do func(Q) (R, error)) (any, error) {
	var q Q
	if err := jsonx.Unmarshal(params, &q); err != nil {
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "the request makes no sense: %w", err)
	}
	return do(q)
}

func (c *controller) job(ctx context.Context, params json.RawMessage, do func(ctx context.Context, id uint64) (actionhero.Job, error)) (any, error) {
	return ask(params, func(q jobQuery) (jobView, error) {
		job, err := do(ctx, q.ID)
		return c.view(job), err
	})
}

func (c *controller) list(ctx context.Context, q listQuery) ([]jobView, error) {
	jobs, err := c.api.Tasks.List(ctx, actionhero.JobFilter{
		States: q.States, Queue: q.Queue, Task: q.Task, Newest: !q.Oldest, After: q.After, Limit: min(q.Limit, maxListed),
	})
	views := make([]jobView, len(jobs))
	for i, job := range jobs {
		views[i] = c.view(job)
	}
	return views, err
}

// view is a job as the command line sees it.
func (c *controller) view(job actionhero.Job) jobView {
	var params actionhero.Params
	writer := transport.ParamsOf(&params)
	writer.AcceptAll()
	if err := writer.AddObject(job.Params); err != nil {
		return jobView{Job: job}
	}
	return jobView{Job: job, Params: writer.AppendJSON(nil, transport.Of(c.api).Secret)}
}

func (c *controller) enqueue(ctx context.Context, q enqueueQuery) (enqueuedView, error) {
	var options []actionhero.EnqueueOption
	if !q.At.IsZero() {
		options = append(options, actionhero.At(q.At))
	}
	if q.After != 0 {
		options = append(options, actionhero.After(q.After))
	}
	if q.Queue != "" {
		options = append(options, actionhero.InQueue(q.Queue))
	}
	if q.Priority != nil {
		options = append(options, actionhero.WithPriority(*q.Priority))
	}
	if q.MaxAttempts != 0 {
		options = append(options, actionhero.WithMaxAttempts(q.MaxAttempts))
	}
	var params any
	if len(q.Params) > 0 {
		params = q.Params
	}
	added, err := c.api.Tasks.Enqueue(ctx, q.Task, params, options...)
	return enqueuedView{added.ID, added.Existing}, err
}

// tasksOf describes the tasks of an API.
func tasksOf(api *actionhero.API) []taskView {
	infos := api.Tasks.Registered()
	views := make([]taskView, len(infos))
	for i, info := range infos {
		views[i] = taskView{Name: info.Name, Description: info.Description, Scope: info.Scope.String(), Schedule: info.Schedule.String(), Queue: info.Queue}
		for _, in := range info.Inputs {
			views[i].Inputs = append(views[i].Inputs, in.Name)
		}
		slices.Sort(views[i].Inputs)
	}
	return views
}
