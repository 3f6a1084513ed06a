package mcp

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// metaIdempotencyKey is the member of _meta with which a client sends an idempotency key.
const metaIdempotencyKey = "idempotencyKey"

// call is one call of a tool.
type call struct {
	*caller
	actionhero.Request
	about    string // the message of the line in the log
	client   string // the program that calls
	progress progress
	trace    string // the traceparent of the message
}

// outcome is the end of a call.
type outcome struct {
	call    *call
	out     any    // the output
	object  []byte // the output, a JSON object; nil after a failure and with a file
	nothing bool   // the action has no output
	file    *file
	failure *actionhero.Error
}

// file is the Content with which an action has answered.
type file struct {
	name, mediaType string
	bytes           []byte
}

// begin returns the call of an action with arguments, a JSON object or nothing.
func (e *endpoint) begin(c *caller, action string, arguments json.RawMessage) *call {
	r := &call{caller: c, about: auditCall}
	c.prepare(&r.Request)
	r.Request.Action, r.Request.Extra = action, r
	if len(arguments) > 0 && string(arguments) != "null" {
		r.Request.Err = transport.ParamsOf(&r.Request.Params).AddObject(arguments)
	}
	return r
}

// setKey sets the idempotency key of the call. A key that is no text must not make a call without a key: it would run again.
func (r *call) setKey(meta map[string]any) {
	value, sent := meta[metaIdempotencyKey]
	key, ok := value.(string)
	if r.IdempotencyKey = key; sent && (!ok || key == "") && r.Request.Err == nil {
		r.Request.Err = actionhero.Errorf(actionhero.CodeInvalidInput, "idempotencyKey must be a string that is not empty")
	}
}

// RequestID returns the id of the HTTP request, or the one of the message.
func (r *call) RequestID() string {
	if r.trace != "" {
		if id := transport.RequestID(r.trace, ""); id != "" {
			return id
		}
	}
	return r.caller.RequestID()
}

// run runs the action, and writes the line for the call to the log. It runs the action in a goroutine of its own: one that
// ends its goroutine must not end the one of the library.
func (r *call) run(ctx context.Context) *outcome {
	if r.left != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(r.left, cancel)()
	}
	o := &outcome{call: r, failure: actionhero.AsError(errGoexit)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.failure = o.answer(ctx)
	}()
	<-done
	r.audit(o.code())
	return o
}

var errGoexit = errors.New("the action ended its goroutine with runtime.Goexit")

// answer runs the action, and returns its failure or nil.
func (o *outcome) answer(ctx context.Context) *actionhero.Error {
	r := o.call
	e := r.endpoint
	out, err := e.api.Dispatch(ctx, &r.Request)
	if err != nil {
		return actionhero.AsError(err)
	}
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		bytes, failure := transport.ReadContent(ctx, &r.Request, content, transport.ContentLimits{
			Bytes: e.cfg.MaxFileBytes, Time: e.cfg.FileTimeout, TimeSetting: "mcp.fileTimeout", Client: r.prefix(),
		})
		o.file = &file{content.Name, transport.MediaType(content), bytes}
		return failure
	}
	object, err := transport.AppendObject([]byte{'{'}, &r.Request, out)
	if err != nil {
		return actionhero.AsError(err)
	}
	o.out = out
	o.object, o.nothing = append(object, '}'), e.api.ReturnsNothing(&r.Request)
	return nil
}

// code returns "ok", or the name of the code of the failure.
func (o *outcome) code() string {
	if o.failure == nil {
		return "ok"
	}
	return o.failure.Code.String()
}
