package actionhero

import (
	"context"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Request is one call of one action by one client. It is valid until the action returns: keep nothing of it.
type Request struct {
	API       *API
	Conn      *Conn     // the persistent client that sent the request; nil over HTTP and for calls within the process
	Transport string    // the transport: "web", "tcp", "websocket", "socketio"; "task" for a task; "internal" for Action.Call
	Action    string    // the requested name; the task's name if Job is set
	Job       *Job      // the job of a task; nil for actions
	Method    string    // the HTTP method; empty elsewhere
	RemoteIP  string    // the client's address, over HTTP the one behind trusted proxies; empty for internal calls
	Params    Params    // the params, undecoded
	Limit     int       // the input limit, or its default
	Offset    int       // the input offset, or its default
	Remaining int       // requests that this client may still make in the window; -1 without a limit
	Extra     any       // the transport's own state of this call, for the functions of its package; nil if it has none
	Started   time.Time // when the transport had read the request
	Err       error     // the error that the transport found in the request: it is the answer, after the middleware ran

	act *action
	ctx callContext
}

// newRequest returns an empty request for a call within the process.
func (api *API) newRequest(transport string) *Request {
	req := new(Request)
	api.initRequest(req, transport)
	return req
}

// initRequest is transport.Host.InitRequest.
func (api *API) initRequest(req *Request, transport string) {
	req.API, req.Transport, req.Remaining, req.Started = api, transport, -1, time.Now()
	req.Params.accepted = api.registry.Load().accepted
}

// Header returns a header of the request, or "" on transports without headers.
func (r *Request) Header(name string) string {
	if h, ok := r.Extra.(interface{ RequestHeader(name string) string }); ok {
		return h.RequestHeader(name)
	}
	return ""
}

// requestKey is the context key of the *Request.
type requestKey struct{}

// RequestFrom returns the request of an action's context: actions and middleware learn from it who calls. It returns
// nil for any other context.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}

// page reads limit and offset, and sets their defaults.
func (r *Request) page() error {
	r.Params.setPage(r.API)
	if err := r.pageNumber("limit", &r.Limit, r.API.cfg.DefaultLimit); err != nil {
		return err
	}
	return r.pageNumber("offset", &r.Offset, r.API.cfg.DefaultOffset)
}

func (r *Request) pageNumber(key string, dst *int, fallback int) error {
	v := &r.Params.list[r.Params.find(key)].Value
	if v.File == nil && v.Raw != nil && canonical(v.Raw) {
		*dst, _ = strconv.Atoi(jsonx.ViewString(v.Raw))
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
	raw := jsonx.ViewBytes(text) // read-only
	if !canonical(raw) {
		raw = strconv.AppendInt(nil, int64(n), 10)
	}
	*v = schema.Value{Raw: raw}
	return nil
}

// canonical reports whether digits are a number of at most 18 digits in the form that strconv writes.
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
