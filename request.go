package actionhero

import (
	"context"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/schema"
)

// Request is one call of one action by one client. It belongs to that call: keep nothing of it after the action
// returned.
type Request struct {
	API       *API
	Conn      *Conn     // the persistent client that asks; nil over HTTP and for calls within the process
	Transport string    // which transport it came over: "web", "tcp", …; "task" for a task; "internal" for Action.Call
	Action    string    // the name the client gave; the task's, if Job is set
	Job       *Job      // the job that a task runs for; nil for actions
	Method    string    // the HTTP method; empty elsewhere
	RemoteIP  string    // the client's address, the one behind trusted proxies over HTTP; empty for internal calls
	Params    Params    // what the client sent, undecoded
	Limit     int       // the input limit, or its default
	Offset    int       // the input offset, or its default
	Remaining int       // requests that this client may still make in the window; -1 while there is no limit
	Carrier   any       // what the transport keeps of this call, for the functions of its own package
	Started   time.Time // when the transport had read it
	Refused   error     // what the transport found wrong with it: the answer, once the middleware has let it through

	act *action
	ctx callContext
}

// NewRequest returns an empty request for a transport to fill in and dispatch. Its Params let in only what some
// action takes.
func (api *API) NewRequest(transport string) *Request {
	req := new(Request)
	api.InitRequest(req, transport)
	return req
}

// InitRequest is [API.NewRequest] for a zero Request that is part of something else.
func (api *API) InitRequest(req *Request, transport string) {
	req.API, req.Transport, req.Remaining, req.Started = api, transport, -1, time.Now()
	req.Params.accepted = api.registry.Load().accepted
}

// Header returns a header that the client sent with the request, or "" on transports that have none.
func (r *Request) Header(name string) string {
	if h, ok := r.Carrier.(interface{ RequestHeader(name string) string }); ok {
		return h.RequestHeader(name)
	}
	return ""
}

// requestKey is the context key of the *Request.
type requestKey struct{}

// RequestFrom returns the request that ctx belongs to: what an action or a middleware asks to learn about its caller.
// It returns nil for a context that is not an action's.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}

// callContext is the context of one call. It is part of the Request, and its timer is made when somebody first asks
// for Done, so that an action that never waits pays neither for a timer nor for a chain of contexts.
type callContext struct {
	parent   context.Context
	calls    context.Context // ends when the API cancels its calls
	req      *Request
	deadline time.Time // zero: none

	mu     sync.Mutex
	real   context.Context
	cancel context.CancelFunc
	ended  bool
}

func (c *callContext) Value(key any) any {
	if _, ok := key.(requestKey); ok {
		return c.req
	}
	return c.parent.Value(key)
}

func (c *callContext) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && (c.deadline.IsZero() || d.Before(c.deadline)) {
		return d, true
	}
	return c.deadline, !c.deadline.IsZero()
}

// Done makes the real context. It ends with the parent, at the deadline, when the API cancels its calls, and when the
// call is over.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realize().Done()
}

func (c *callContext) realize() context.Context {
	if c.real != nil {
		return c.real
	}
	var cancel context.CancelFunc
	if c.deadline.IsZero() {
		c.real, cancel = context.WithCancel(c.parent)
	} else {
		c.real, cancel = context.WithDeadline(c.parent, c.deadline)
	}
	stop := context.AfterFunc(c.calls, cancel)
	c.cancel = func() { stop(); cancel() }
	if c.ended {
		c.cancel()
	}
	return c.real
}

func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.real != nil:
		return c.real.Err()
	case c.ended || c.calls.Err() != nil:
		return context.Canceled
	case c.parent.Err() != nil:
		return c.parent.Err()
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// end tells whoever still holds the context that the call is over.
func (c *callContext) end() {
	c.mu.Lock()
	c.ended = true
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// page reads limit and offset and sees to it that both are there.
func (r *Request) page() error {
	r.Params.SetPage(r.API)
	if err := r.pageNumber("limit", &r.Limit, r.API.cfg.DefaultLimit); err != nil {
		return err
	}
	return r.pageNumber("offset", &r.Offset, r.API.cfg.DefaultOffset)
}

func (r *Request) pageNumber(key string, dst *int, fallback int) error {
	v := &r.Params.list[r.Params.find(key)].Value
	if v.File == nil && v.Raw != nil && canonical(v.Raw) {
		*dst, _ = strconv.Atoi(unsafe.String(&v.Raw[0], len(v.Raw)))
		return nil
	}
	text := valueText(v)
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		n = fallback
	case err != nil || n < 0:
		message := key + " must be a whole number of 0 or more"
		return &Error{Code: CodeInvalidInput, Message: message, Details: []Detail{{Field: key, Rule: "type", Message: message}}}
	}
	*dst = n
	raw := unsafe.Slice(unsafe.StringData(text), len(text)) // only ever read
	if !canonical(raw) {
		raw = strconv.AppendInt(nil, int64(n), 10)
	}
	*v = schema.Value{Raw: raw}
	return nil
}

// canonical reports whether digits are a number of at most 18 digits, as strconv writes it.
func canonical(digits []byte) bool {
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(digits) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
