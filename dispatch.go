package actionhero

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
)

// Handler runs a request and returns the output of the requested action, or an error.
type Handler func(ctx context.Context, req *Request) (any, error)

// Middleware returns a Handler that wraps the Handler next. The returned Handler can inspect or change the request,
// refuse it with an error, or change the output of next. Middleware is the only hook into a request, and it applies to
// every transport.
type Middleware func(next Handler) Handler

func chain(middleware []Middleware, last Handler) Handler {
	for i := len(middleware) - 1; i >= 0; i-- {
		last = middleware[i](last)
	}
	return last
}

// Dispatch implements transport.Host.Dispatch. Every transport calls Dispatch for every request, so no transport can
// skip a rule that Dispatch enforces. The returned error is nil or an *[Error]. It is a method of host, not a call of a
// method of API, because each frame counts: a deeper stack makes the goroutine of a connection grow its stack.
func (h *host) Dispatch(ctx context.Context, request any) (any, error) {
	api, req := (*API)(h), request.(*Request)
	calls := api.calls.enter()
	if calls == nil {
		return nil, stopping(nil)
	}
	defer calls.leave()
	reg := api.registry.Load()
	req.act = reg.actions[req.Action]
	limit := api.cfg.ActionTimeout
	if req.act != nil && req.act.limit != 0 {
		limit = req.act.limit
	}
	out, err := api.call(ctx, calls.ctx, reg, req, limit)
	failure := AsError(err)
	api.logRequest(req, failure)
	if failure != nil {
		return nil, calls.outcome(failure)
	}
	return out, nil
}

// call runs req, after the action or task of req has been looked up in reg. The context of the request ends when ctx or
// calls ends. If limit is above zero, the context also ends when limit has passed since req.Started.
func (api *API) call(ctx, calls context.Context, reg *registry, req *Request, limit time.Duration) (any, error) {
	req.ctx.parent, req.ctx.calls, req.ctx.req = ctx, calls, req
	if limit > 0 {
		req.ctx.deadline = req.Started.Add(limit)
	}
	out, err := api.run(reg, req)
	req.ctx.end()
	return out, err
}

// run sets the limit and the offset of req and calls the handler of the registry reg. If the handler panics, run
// returns an error.
func (api *API) run(reg *registry, req *Request) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, panicked(p)
		}
	}()
	if req.Job == nil {
		if err := req.page(); err != nil && req.Err == nil {
			req.Err = err
		}
	}
	return reg.handler(&req.ctx, req)
}

// runAction is the innermost Handler, which the API's middleware wraps. runAction returns req.Err if that error is set,
// a [CodeNotFound] error if the action or task is unknown, and otherwise the result of the action or task.
func runAction(ctx context.Context, req *Request) (any, error) {
	if req.Err != nil {
		return nil, req.Err
	}
	if req.act == nil {
		return nil, unknown(req)
	}
	return req.act.run(ctx, req)
}

func unknown(req *Request) *Error {
	if req.Job != nil {
		return unknownTask(req.Action)
	}
	name := req.Action
	if name == "" {
		name = "{no action}"
	}
	return &Error{Code: CodeNotFound, Message: name + " is not a known action."}
}

// panicked returns the [CodeInternal] error for a recovered panic. The client reads only a general text; the log line
// has the value of the panic and the stack.
func panicked(value any) *Error {
	return &Error{Code: CodeInternal, Message: internalText, Err: &panicError{value: value, stack: debug.Stack()}}
}

// panicError is the cause of an Error that panicked returns: the value of the panic and the stack.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

var logBuffers = sync.Pool{New: func() any { return new([]byte) }}

// logRequest writes the log line of a request if the request failed with [CodeInternal] or if Config.LogRequests is
// set. failure is the error of the request, or nil.
func (api *API) logRequest(req *Request, failure *Error) {
	internal := failure != nil && failure.Code == CodeInternal
	if !internal && !api.cfg.LogRequests {
		return
	}
	level := slog.LevelInfo
	if internal {
		level = slog.LevelError
	}
	if !api.log.Enabled(context.Background(), level) {
		return
	}
	buf := logBuffers.Get().(*[]byte)
	*buf = req.Params.appendJSON((*buf)[:0], api, maxLogged)
	attrs := append(make([]slog.Attr, 0, 6),
		slog.String("to", req.RemoteIP),
		slog.String("action", req.Action),
		slog.String("params", string(*buf)),
		slog.String("duration", strconv.FormatInt(time.Since(req.Started).Milliseconds(), 10)))
	logBuffers.Put(buf)
	if failure != nil {
		attrs = append(attrs, slog.String("error", failure.Message))
		if internal && failure.Err != nil {
			attrs = append(attrs, slog.String("cause", failure.Err.Error()))
		}
	}
	message := "[action @ web]" // a constant: most requests come over HTTP, and a concatenation allocates
	if req.Transport != "web" {
		message = "[action @ " + req.Transport + "]"
	}
	logLine(api.log, level, message, attrs)
}

// logLine logs a record without its source position: the position would always be in this package, and finding it costs
// a third of the line.
func logLine(log *slog.Logger, level slog.Level, message string, attrs []slog.Attr) {
	record := slog.NewRecord(time.Now(), level, message, 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), record) // as slog.Logger does: a handler reports its own failures
}

// appendOutput implements transport.AppendOutput, which documents it.
func appendOutput(dst []byte, req, out any) ([]byte, error) {
	var err error
	r := req.(*Request)
	n := len(dst)
	if r.act != nil && r.act.output != nil && reflect.TypeOf(out) == r.act.outType {
		dst, err = r.act.output.AppendMembers(dst, out)
	} else if out != nil {
		dst, err = encode.AppendMembers(dst, out)
	}
	if err != nil {
		return dst[:n], r.encodeFailure(err)
	}
	return dst, nil
}

// encodeFailure logs that the output of the action does not encode, and returns the error for the client.
func (r *Request) encodeFailure(err error) error {
	failure := AsError(fmt.Errorf("the answer of action %q does not encode: %w", r.Action, err))
	r.API.logRequest(r, failure)
	return failure
}
