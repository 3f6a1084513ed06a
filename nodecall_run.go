package actionhero

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// The first byte of an answer to a call of another node says what follows.
const (
	answered byte = '+' // the output as JSON
	failed   byte = '-' // a nodeFailure as JSON
	notKnown byte = '?' // nothing: the node does not know the call
)

// nodeFailure is an [Error] that another node reads. Its cause stays in the log of the node where it occurred.
type nodeFailure struct {
	Code       string        `json:"code"`
	Message    string        `json:"message"`
	Details    []Detail      `json:"details,omitzero"`
	RetryAfter time.Duration `json:"retryAfter,omitzero"` // in nanoseconds
}

// handle answers a call of the node from, which may be this node. The backend calls it in a goroutine of its own. Code of
// the app runs in a further one, so that neither a panic nor runtime.Goexit reaches the backend.
func (c *Cluster) handle(ctx context.Context, from, method string, body []byte) (answer []byte) {
	if f, ok := c.transports.Load(method); ok {
		return c.handleTransport(ctx, f.(func(context.Context, string, []byte) ([]byte, error)), from, method, body)
	}
	calls := c.api.calls.enter()
	if calls == nil {
		return failureAnswer(stopping(nil))
	}
	defer calls.leave()
	call := c.api.registry.Load().nodeCalls[method]
	if call == nil {
		c.api.log.Warn("another node has sent a call that this node does not know: do both run the same version of the app?", "call", shortened(method, maxLoggedName), "from", from)
		return []byte{notKnown}
	}
	req := c.api.newRequest("node")
	req.Action = call.name
	(*paramsWriter)(&req.Params).AcceptAll()
	run := &req.ctx
	run.parent, run.calls, run.req, run.limit = ctx, calls, req, cmp.Or(call.limit, c.api.cfg.ActionTimeout)
	defer run.end()
	err := (*paramsWriter)(&req.Params).AddObject(body)
	if err == nil {
		err = c.api.hook(func() (err error) {
			answer, err = call.run(run, req)
			return err
		})
	}
	if err == nil && len(answer) > backend.MaxCallBytes {
		err = Errorf(CodeInternal, "The answer of the node call %s has %d bytes: it may have %d at most", call.name, len(answer), backend.MaxCallBytes)
	}
	if err == nil {
		return answer
	}
	failure := AsError(err)
	if failure.Code == CodeInternal {
		c.api.log.Error("[call]", "call", call.name, "from", from, "error", failure.Message, "cause", failureText(failure))
	}
	return failureAnswer(calls.outcome(failure))
}

// failureAnswer encodes e for the calling node. Details that make the answer too large are left out.
func failureAnswer(e *Error) []byte {
	f := nodeFailure{Code: e.Code.String(), Message: e.Message, Details: e.Details, RetryAfter: e.RetryAfter}
	for {
		answer, err := jsonx.Append([]byte{failed}, f)
		switch {
		case err == nil && len(answer) <= backend.MaxCallBytes:
			return answer
		case len(f.Details) > 0:
			f.Details = nil
		default: // the message is far too long
			f.Message = generalTexts[e.Code%codeCount]
		}
	}
}

// readAnswer returns the output in an answer of a node, or the error in it.
func readAnswer(node, name string, answer []byte) (out []byte, err error) {
	kind := notKnown
	if len(answer) > 0 {
		kind = answer[0]
	}
	switch kind {
	case answered:
		return answer[1:], nil
	case failed:
		var f nodeFailure
		if err := jsonx.Unmarshal(answer[1:], &f); err != nil {
			return nil, &Error{Code: CodeInternal, Message: internalText, Err: fmt.Errorf("the error of node %q in the call %q does not decode: %w", node, name, err)}
		}
		code := max(slices.Index(codeNames[:], f.Code), 0)
		return nil, &Error{
			Code: Code(code), Message: f.Message, Details: f.Details, RetryAfter: f.RetryAfter,
			Err: fmt.Errorf("node %q has answered the call %q with this error: %s", node, name, f.Message),
		}
	}
	return nil, Errorf(CodeNotFound, "node %s does not know the call %s", node, name)
}
