package actionhero

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Request is one call of an action by a client, or one run of a task. A Request is valid until the action or task
// returns; the code of the app must not use the Request or its fields after that.
type Request struct {
	API       *API
	Conn      *Conn     // the persistent client that sent the request; nil over HTTP, and for calls within the process that no request made
	Transport string    // the transport: "web", "tcp", "websocket", "socketio", "mcp"; "task" for a task; "cli" for the command line; "internal" for Action.Call
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
	// IdempotencyKey is the key that the client sent in a message; "" if it sent none. Over HTTP, it is "": the header has the key.
	IdempotencyKey string
	Err            error // the error that the transport found in the request: the answer to the client, after the middleware ran

	act      *action
	ctx      callContext
	id       string                   // see ID; guarded by ctx.mu
	caller   *Request                 // the request whose action made this one with Action.Call; nil otherwise
	identity atomic.Pointer[Identity] // its own identity; nil: the one of caller or Conn
	opened   *openContent             // each Content that the action returned and Dispatch may have to close
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
	reg := api.registry.Load()
	req.Params.accepted, req.Params.strict = reg.accepted, reg.strict || api.cfg.StrictParams
}

// IsInner reports whether no client has made this request, but an action of the app: with [Action.Call], or by forwarding
// its own request. An inner request does not count against the limits of the client.
func (r *Request) IsInner() bool {
	return r.caller != nil || r.ctx.forwards > 0 && !r.ctx.hasEnded()
}

// Outer returns the request that a client has made: r itself, or the request whose action has made r with [Action.Call],
// directly or through further actions.
func (r *Request) Outer() *Request {
	for r.caller != nil {
		r = r.caller
	}
	return r
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

// Body returns the body of an HTTP request byte for byte, for example to check the signature of a webhook. The caller must
// not change the bytes. Body returns nil over other transports, without a body, and if the action does not set
// Action.RawBody.
func (r *Request) Body() []byte {
	if b, ok := r.Extra.(interface{ RequestBody() []byte }); ok {
		return b.RequestBody()
	}
	return nil
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

// page sets r.Limit and r.Offset to the params "limit" and "offset". For a param that the client has not sent, page uses
// the default of the action, or else the default of the API. If a param is not a whole number of 0 or more, or if the
// client sends a limit above Config.MaxLimit, page returns a *pageError with all these faults. Params above the MaxBody of
// the action are a *pageError, too: page measures what the client has sent, before anything else is added.
func (r *Request) page() error {
	tooLarge := r.act != nil && r.act.info.MaxBody > 0 && r.isLarger(r.act.info.MaxBody)
	limit, offset := pageDefault{r.API.limitJSON, r.API.cfg.DefaultLimit}, pageDefault{r.API.offsetJSON, r.API.cfg.DefaultOffset}
	if r.act != nil && r.act.page != nil {
		limit, offset = r.act.page.limit.or(limit), r.act.page.offset.or(offset)
	}
	sent, limitOK := r.pageNumber("limit", &r.Limit, limit, r.API.limitJSON)
	_, offsetOK := r.pageNumber("offset", &r.Offset, offset, r.API.offsetJSON) // also after a fault: the echo shows both
	most := r.API.cfg.MaxLimit
	tooMany := limitOK && sent && most > 0 && r.Limit > most
	switch {
	case tooLarge:
		return &pageError{&Error{Code: CodeInvalidInput, Message: fmt.Sprintf("the params may have %d bytes at most", r.act.info.MaxBody)}, true}
	case limitOK && offsetOK && !tooMany:
		return nil
	}
	var faults []Detail
	switch {
	case !limitOK:
		faults = append(faults, Detail{"limit", "type", "limit must be a whole number of 0 or more"})
	case tooMany:
		faults = append(faults, Detail{"limit", "maximum", fmt.Sprintf("limit must be at most %d", most)})
	}
	if !offsetOK {
		faults = append(faults, Detail{"offset", "type", "offset must be a whole number of 0 or more"})
	}
	return &pageError{&Error{Code: CodeInvalidInput, Message: faults[0].Message, Details: faults}, false}
}

// pageError is the error of the params "limit" and "offset", or of the size of all params. It waits until the rules of
// the action have let the caller in. Faults of the other params join one about limit or offset when the action decodes its input.
type pageError struct {
	own      *Error
	tooLarge bool
}

func (e *pageError) Error() string { return e.own.Error() }

// Unwrap returns the error that the client receives if the request has no other faults.
func (e *pageError) Unwrap() error { return e.own }

// pageDefault is the value of the param "limit" or "offset" if the client sends none.
type pageDefault struct {
	json []byte
	n    int
}

// pageRules are the tags of an action's own input "limit" or "offset".
type pageRules struct {
	def  *pageDefault // nil: no default
	most *pageDefault // the maximum; nil: none
}

// or returns the default of the action if there is one. Otherwise it returns the default of the API, or the maximum of
// the action if the default of the API is above the maximum.
func (p pageRules) or(api pageDefault) pageDefault {
	switch {
	case p.def != nil:
		return *p.def
	case p.most != nil && api.n > p.most.n:
		return *p.most
	}
	return api
}

// actionPage holds the rules of the inputs "limit" and "offset" that an action declares itself.
type actionPage struct{ limit, offset pageRules }

// pageOf returns the rules of the inputs "limit" and "offset" of an action, or nil if the action has neither.
func pageOf(fields []schema.Field) *actionPage {
	var page actionPage
	for i := range fields {
		switch fields[i].Name {
		case "limit":
			page.limit = pageRules{pageNumberOf(fields[i].Default), pageNumberOf(fields[i].Maximum)}
		case "offset":
			page.offset = pageRules{pageNumberOf(fields[i].Default), pageNumberOf(fields[i].Maximum)}
		}
	}
	if page == (actionPage{}) {
		return nil
	}
	return &page
}

func pageNumberOf(text string) *pageDefault {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return nil
	}
	return &pageDefault{strconv.AppendInt(nil, int64(n), 10), n}
}

// pageNumber sets dst to the param with this key, and the param to a number in JSON. It returns sent false if the client
// has sent no value, so that def applies, and ok false if the value is not a whole number of 0 or more. A param with the very bytes of ofAPI is the default of the API, which a
// transport has added with setPage.
func (r *Request) pageNumber(key string, dst *int, def pageDefault, ofAPI []byte) (sent, ok bool) {
	i := r.Params.find(key)
	if i < 0 {
		r.Params.put(key, schema.JSONValue(def.json))
		*dst = def.n
		return false, true
	}
	v := &r.Params.list[i].Value
	if raw := v.JSON(); canonical(raw) {
		if &raw[0] == &ofAPI[0] {
			*v, *dst = schema.JSONValue(def.json), def.n
			return false, true
		}
		*dst, _ = strconv.Atoi(jsonx.ViewString(raw))
		return true, true
	}
	text := valueText(v)
	n, ok := schema.WholeNumber(text)
	switch {
	case text == "" && v.File() == nil:
		*v, *dst = schema.JSONValue(def.json), def.n
		return false, true
	case !ok || n < 0:
		return true, false
	}
	*dst = n
	raw := jsonx.ViewBytes(text) // read-only
	if !canonical(raw) {
		raw = strconv.AppendInt(nil, int64(n), 10)
	}
	*v = schema.JSONValue(raw)
	return true, true
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
