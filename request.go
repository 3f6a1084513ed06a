package actionhero

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Request is one call of an action by a client, or one run of a task. A Request is valid until the action or task
// returns; the code of the app must not use the Request or its fields after that.
type Request struct {
	API       *API
	Conn      *Conn     // the persistent client that sent the request; nil over HTTP, and for calls within the process that no request made
	Transport string    // the transport: "web", "tcp", "websocket", "socketio"; "task" for a task; "internal" for Action.Call
	Action    string    // the requested name; the task's name if Job is set
	Job       *Job      // the job of a task; nil for actions
	Method    string    // the HTTP method; empty elsewhere
	RemoteIP  string    // the client's address; over HTTP, the address of the client behind trusted proxies; empty for calls within the process that no request made
	Params    Params    // the params, undecoded
	Limit     int       // the input limit, or its default
	Offset    int       // the input offset, or its default
	Remaining int       // requests that this client may still make in the window; -1 without a limit
	Extra     any       // the transport's own state of this call, for functions of the transport's package; nil if there is none
	Started   time.Time // when the transport had read the request
	Err       error     // the error that the transport found in the request: the answer to the client, after the middleware ran

	act    *action
	ctx    callContext
	id     string       // see ID; guarded by ctx.mu
	caller *Request     // the request whose action made this one with Action.Call; nil otherwise
	opened *openContent // each Content that the action returned and Dispatch may have to close
}

// newRequest returns a request without an action name and params, for a call from within the process.
func (api *API) newRequest(transport string) *Request {
	req := new(Request)
	api.initRequest(req, transport)
	return req
}

// initRequest implements transport.Host.InitRequest, which documents the method.
func (api *API) initRequest(req *Request, transport string) {
	req.API, req.Transport, req.Remaining, req.Started = api, transport, -1, time.Now()
	req.Params.accepted = api.registry.Load().accepted
}

// isInner reports whether the action of a request that the client made has made r, or forwards it. An inner request does
// not count against the limits of the client.
func (r *Request) isInner() bool {
	return r.caller != nil || r.ctx.forwards > 0 && !r.ctx.hasEnded()
}

// Header returns the value of the request header with this name. If the request has no such header, or the transport
// has no headers, Header returns "". A request that [Action.Call] makes has the headers of the calling request.
func (r *Request) Header(name string) string {
	if r.caller != nil {
		return r.caller.Header(name)
	}
	if h, ok := r.Extra.(interface{ RequestHeader(name string) string }); ok {
		return h.RequestHeader(name)
	}
	return ""
}

// requestKey is the key under which the context of a request holds its *Request.
type requestKey struct{}

// RequestFrom returns the request that is being handled with ctx, the context that an action, a task or a middleware
// received. Actions and middleware use the request to find the client that called. For any other context, RequestFrom
// returns nil.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}

// page sets r.Limit and r.Offset to the params "limit" and "offset", or to the defaults of the API. If a param is not a
// whole number of 0 or more, or the limit is above Config.MaxLimit, page returns a [CodeInvalidInput] error.
func (r *Request) page() error {
	r.Params.setPage(r.API)
	if err := r.pageNumber("limit", &r.Limit, r.API.cfg.DefaultLimit); err != nil {
		return err
	}
	if most := r.API.cfg.MaxLimit; most > 0 && r.Limit > most {
		message := fmt.Sprintf("limit must be at most %d", most)
		return &Error{Code: CodeInvalidInput, Message: message, Details: []Detail{{Field: "limit", Rule: "maximum", Message: message}}}
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

// canonical reports whether digits is a decimal number of 1 to 18 digits without a leading zero, as package strconv
// writes numbers.
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
