package actionhero

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/envelope"
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
	if req.act = reg.actions[req.Action]; req.act == nil || req.act.versioned {
		reg.chooseVersion(req)
	}
	limit := api.cfg.ActionTimeout
	if req.act != nil && req.act.limit != 0 {
		limit = req.act.limit
	}
	out, err := api.call(ctx, calls, reg, req, limit)
	if content, ok := out.(*Content); ok || req.opened != nil {
		out, err = req.settle(content, out, err)
	}
	failure := AsError(err)
	api.logRequest(req, failure)
	if failure != nil {
		return nil, calls.outcome(failure)
	}
	return out, nil
}

// maxForwards is how many times the actions of one request may dispatch it again, one within the other.
const maxForwards = 16

var errForwards = fmt.Errorf("a request was dispatched %d times, one within the other: its actions forward it in a circle", maxForwards)

// call runs req, after the action or task of req has been looked up in reg. The context of the request ends when ctx or
// the context of calls ends. If limit is above zero, the context also ends when limit has passed since req.Started.
func (api *API) call(ctx context.Context, calls *calls, reg *registry, req *Request, limit time.Duration) (any, error) {
	c := &req.ctx
	if c.req != nil {
		return api.callAgain(ctx, calls, reg, req, limit)
	}
	c.parent, c.calls, c.req, c.limit = ctx, calls, req, limit
	out, err := api.run(reg, c, req)
	c.end()
	return out, err
}

// callAgain is call for a request that was dispatched before, or that its action forwards. The run has a context of its
// own, because the context in the request has ended or is a parent of ctx. limit counts from now.
func (api *API) callAgain(ctx context.Context, calls *calls, reg *registry, req *Request, limit time.Duration) (any, error) {
	if req.ctx.forwards >= maxForwards {
		return nil, errForwards
	}
	req.ctx.forwards++
	defer func() { req.ctx.forwards-- }()
	if limit > 0 {
		limit += time.Since(req.Started)
	}
	c := &callContext{parent: ctx, calls: calls, req: req, limit: limit}
	out, err := api.run(reg, c, req)
	c.end()
	return out, err
}

// run sets the limit and the offset of req and calls the handler of the registry reg. If the handler panics, run
// returns an error. If the handler ends the goroutine with runtime.Goexit, run ends the call and logs the error, because
// it cannot return.
func (api *API) run(reg *registry, c *callContext, req *Request) (out any, err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			out, err = nil, panicked(p)
			return
		}
		api.exited(c, req)
	}()
	if req.Job == nil {
		if err := req.page(); err != nil && req.Err == nil {
			req.Err = err
		}
	}
	if len(reg.authenticators) > 0 {
		api.authenticate(c, reg.authenticators, req)
	}
	out, err = reg.handler(c, req)
	returned = true
	return out, err
}

var errGoexit = errors.New("the action or task ended its goroutine with runtime.Goexit: it must return instead")

// exited ends a call whose goroutine ends with runtime.Goexit.
func (api *API) exited(c *callContext, req *Request) {
	c.end()
	_, _ = req.settle(nil, nil, errGoexit)
	if req.Job == nil { // the code that runs a job logs the end of the job
		api.logRequest(req, AsError(errGoexit))
	}
}

// runAction is the innermost Handler, which the API's middleware wraps. runAction returns req.Err if that error is set,
// a [CodeNotFound] error if the action or task is unknown, the error of the rule that refuses the caller, and otherwise the result of the action or task. A *pageError
// comes after the rules, and unless it is about the size, with the faults that the action finds when it decodes its input.
func runAction(ctx context.Context, req *Request) (any, error) {
	if req.Err != nil {
		if _, ok := req.Err.(*pageError); !ok || req.act == nil {
			return nil, req.Err
		}
	}
	if req.act == nil {
		return nil, unknown(req)
	}
	if req.act.info.Deprecated != nil {
		req.API.noteDeprecated(req)
	}
	if info := &req.act.info; info.Access.level != levelPublic || info.Transports != nil {
		if err := req.refuse(); err != nil {
			return nil, err
		}
	}
	if page, ok := req.Err.(*pageError); ok && page.tooLarge {
		return nil, page.own
	}
	return req.act.run(ctx, req)
}

// refuse returns an error if the caller of the request, or its transport, may not run the action.
func (r *Request) refuse() error {
	if r.Job != nil {
		return nil
	}
	if !r.act.isOver(r) {
		return unknown(r)
	}
	return r.API.registry.Load().access(&r.act.info.Access).refuse(r)
}

func unknown(req *Request) *Error {
	if req.Job != nil {
		return unknownTask(req.Action)
	}
	name := req.Action
	if req.act == nil {
		if err := req.API.registry.Load().unknownVersion(req); err != nil {
			return err
		}
	}
	if name == "" {
		name = "{no action}"
	}
	return &Error{Code: CodeNotFound, Message: shortened(name, maxLoggedName) + " is not a known action."}
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

// appendOutput implements transport.AppendOutput, which documents it.
func appendOutput(dst []byte, req, out any, reserved []string) (object []byte, err error) {
	r := req.(*Request)
	n := len(dst)
	defer func() {
		if p := recover(); p != nil { // the app's MarshalJSON
			object, err = dst[:n], r.encodeFailure(&panicError{value: p, stack: debug.Stack()})
		}
	}()
	var names []string // of the members of out, if they are known
	if r.act != nil && r.act.output != nil && reflect.TypeOf(out) == r.act.outType {
		object, err = r.act.output.AppendMembers(dst, out)
		names = r.act.outNames
	} else if object = dst; out != nil {
		object, err = encode.AppendMembers(dst, out)
	}
	if err != nil {
		return dst[:n], r.encodeFailure(err)
	}
	bare := reserved != nil && len(reserved) == 0 // see transport.AppendObject
	if names == nil && len(object) > n && !bare || len(reserved) > 0 && overlap(names, reserved) {
		object = envelope.Rename(object, n, reserved)
	}
	return object, nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// encodeFailure logs that the output of the action does not encode, and returns the error for the client.
func (r *Request) encodeFailure(err error) error {
	failure := AsError(fmt.Errorf("the answer of action %q does not encode: %w", r.Action, err))
	r.API.logRequest(r, failure)
	return failure
}
