package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/transport"
)

// Folder returns the folder in which the tasks are stored, or "" if the setting tasks.memory keeps the tasks in memory.
func (c TasksConfig) Folder() string {
	c.fill()
	if c.Memory {
		return ""
	}
	return c.Path
}

// ControlSocket returns the path of the Unix socket over which package cli manages the tasks of a running server. It
// returns "" if the tasks are in memory or the setting tasks.control is off.
func (c TasksConfig) ControlSocket() string {
	c.fill()
	if folder := c.Folder(); folder != "" && *c.Control {
		return control.Path(folder)
	}
	return ""
}

// controller is the component that serves the control socket, over which package cli manages the tasks of the server.
type controller struct {
	api       *actionhero.API
	endpoints func() []Endpoint // nil: none
	path      string
	server    *control.Server
}

// ServeControl serves a control socket at path for an API that has none, such as one from [NewAPI]. The caller must call
// stop before it stops the API. It is for package cli.
func ServeControl(ctx context.Context, api *actionhero.API, path string) (stop func() error, err error) {
	c := &controller{api: api, path: path}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	return c.server.Close, nil
}

// Start implements actionhero.Component. It opens the control socket.
func (c *controller) Start(ctx context.Context) (err error) {
	c.server, err = control.Listen(ctx, c.path, c.routes(), c.api.Log())
	return err
}

// Stop implements actionhero.Component. It closes the control socket.
func (c *controller) Stop(context.Context) error { return c.server.Close() }

func (c *controller) routes() map[string]control.Handler {
	tasks := c.api.Tasks
	routes := map[string]control.Handler{
		"GET /stats":             func(r *http.Request) (any, error) { return tasks.Stats(r.Context()) },
		"GET /node":              c.node,
		"POST /actions":          c.runAction,
		"GET /jobs":              c.list,
		"POST /jobs":             c.enqueue,
		"GET /jobs/{id}":         c.job(tasks.Get),
		"POST /jobs/{id}/retry":  c.job(tasks.Retry),
		"POST /jobs/{id}/cancel": c.job(tasks.Cancel),
		"DELETE /jobs/{id}":      byID(func(ctx context.Context, id uint64) (any, error) { return nil, tasks.Delete(ctx, id) }),
	}
	maps.Copy(routes, c.lookRoutes())
	for pattern, handler := range routes {
		routes[pattern] = withCode(handler)
	}
	return routes
}

// withCode returns a handler that converts the errors of the given handler to [*control.Error], with the code and the
// text of an [actionhero.Error]. The client is the operator of the server, so the text of an internal error contains
// the cause.
func withCode(handler control.Handler) control.Handler {
	return func(r *http.Request) (any, error) {
		result, err := handler(r)
		if err == nil {
			return result, nil
		}
		if coded, ok := errors.AsType[*control.Error](err); ok {
			return nil, coded
		}
		e := actionhero.AsError(err)
		message := e.Message
		if e.Code == actionhero.CodeInternal && e.Err != nil {
			message = e.Err.Error()
		}
		return nil, &control.Error{Code: e.Code.String(), Message: message}
	}
}

// byID returns a handler that calls do with the job id in the path of the request. If the id is not a whole number, the
// handler returns an error.
func byID(do func(ctx context.Context, id uint64) (any, error)) control.Handler {
	return func(r *http.Request) (any, error) {
		id, err := number(r.PathValue("id"), "the id of the job")
		if err != nil {
			return nil, err
		}
		return do(r.Context(), id)
	}
}

// job returns a handler that calls do with the job id in the path of the request. The handler answers with the job that
// do returns.
func (c *controller) job(do func(ctx context.Context, id uint64) (actionhero.Job, error)) control.Handler {
	return byID(func(ctx context.Context, id uint64) (any, error) {
		job, err := do(ctx, id)
		return c.view(job), err
	})
}

// number parses text as a whole number. It returns 0 if text is empty. The text of an error uses name as the name of
// the number.
func number(text, name string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, actionhero.Errorf(actionhero.CodeInvalidInput, "%s is %q: it must be a whole number", name, text)
	}
	return n, nil
}

func (c *controller) list(r *http.Request) (any, error) {
	filter, err := jobFilter(r.URL.Query())
	if err != nil {
		return nil, err
	}
	jobs, err := c.api.Tasks.List(r.Context(), filter)
	views := make([]control.Job, len(jobs))
	for i, job := range jobs {
		views[i] = c.view(job)
	}
	return views, err
}

// jobFilter parses the query of a request for a list of jobs. The query can have "state" (several times), "queue",
// "task", "limit", "after" and "oldest".
func jobFilter(query url.Values) (f actionhero.JobFilter, err error) {
	for _, name := range query["state"] {
		state, err := backend.ParseState(name)
		if err != nil {
			return f, actionhero.Errorf(actionhero.CodeInvalidInput, "%v", err)
		}
		f.States = append(f.States, state)
	}
	limit, err := number(query.Get("limit"), "limit")
	if err != nil {
		return f, err
	}
	if f.After, err = number(query.Get("after"), "after"); err != nil {
		return f, err
	}
	f.Queue, f.Task, f.Newest = query.Get("queue"), query.Get("task"), query.Get("oldest") != "true"
	f.Limit = int(min(limit, control.MaxJobs))
	return f, nil
}

// view converts a job to the form in which the control socket sends jobs. The values of secret params become
// "[FILTERED]".
func (c *controller) view(job actionhero.Job) control.Job {
	var params actionhero.Params
	writer := transport.ParamsOf(&params)
	writer.AcceptAll()
	if err := writer.AddObject(job.Params); err != nil {
		return control.Job{Job: job}
	}
	return control.Job{Job: job, Params: writer.AppendJSON(nil, c.api, 0)}
}

func (c *controller) enqueue(r *http.Request) (any, error) {
	job, err := control.Body[control.NewJob](r)
	if err != nil {
		return nil, err
	}
	var options []actionhero.EnqueueOption
	if !job.At.IsZero() {
		options = append(options, actionhero.At(job.At))
	}
	if job.After != 0 {
		options = append(options, actionhero.After(job.After))
	}
	if job.Queue != "" {
		options = append(options, actionhero.InQueue(job.Queue))
	}
	if job.Priority != nil {
		options = append(options, actionhero.WithPriority(*job.Priority))
	}
	if job.MaxAttempts != 0 {
		options = append(options, actionhero.WithMaxAttempts(job.MaxAttempts))
	}
	var params any
	if len(job.Params) > 0 {
		params = job.Params
	}
	added, err := c.api.Tasks.Enqueue(r.Context(), job.Task, params, options...)
	return control.Enqueued{ID: added.ID, Existing: added.Existing}, err
}
