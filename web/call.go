package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/gcra"
	"github.com/actionhero-go/actionhero/internal/http1"
)

// call is the state of one HTTP request for an action or a file. The field Extra of the actionhero.Request points to
// the call, so that functions like SetStatus find it.
type call struct {
	scope                        // until the action returns
	hijackedByAction atomic.Bool // the action called Writer
	returned         bool        // the dispatch has returned
	exited           bool        // the action has ended its goroutine
	lent             atomic.Bool // the action has got r
	server           *Server
	req              actionhero.Request
	w                http.ResponseWriter
	r                *http.Request
	status           int                         // set by the action or by clientError; 0: statusOf derives the status from the outcome
	location         string                      // URL of a redirect
	callback         string                      // name of the JSONP callback; empty: the response is no JSONP
	refused          bool                        // the request was not dispatched
	secretPath       bool                        // the log must not show the path
	varies           bool                        // the answer depends on the version that a header asks for
	asXML            bool                        // the envelope is sent as XML
	events           atomic.Pointer[EventStream] // nil: the action sends no events
	bodyRead         int64                       // bytes of the body
	held             *holdings                   // memory and files of the body; nil: none
	credentials      actionhero.Credentials      // of the request, if authenticators are asked
	fault            error                       // a wrong use of this package by the action; the client reads an internal error
}

// RequestHeader returns the value of the header with the given name in the HTTP request. The method
// actionhero.Request.Header calls RequestHeader through an interface.
func (c *call) RequestHeader(name string) (value string) {
	_ = c.use(func() error { value = c.r.Header.Get(name); return nil })
	return value
}

// RequestHeaderValues returns all values of the header with the given name. An empty header has one value. The root package
// calls RequestHeaderValues through an interface.
func (c *call) RequestHeaderValues(name string) (values []string) {
	_ = c.use(func() error { values = c.r.Header.Values(name); return nil })
	return values
}

// RequestTLS returns the state of the TLS connection of the request, or nil without TLS. The method
// actionhero.Credentials.TLS calls RequestTLS through an interface.
func (c *call) RequestTLS() (state *tls.ConnectionState) {
	_ = c.use(func() error { state = c.r.TLS; return nil })
	return state
}

// RequestTarget returns the scheme, "http" or "https", and the host for which the client has asked, behind trusted proxies.
// Package auth calls RequestTarget through an interface to find out whether a cookie is safe on its way.
func (c *call) RequestTarget() (scheme, host string) {
	_ = c.use(func() error {
		if scheme, host = c.target(); host == "" {
			host = c.r.Host
		}
		return nil
	})
	return scheme, host
}

// target returns the scheme of the request, and its host if a trusted proxy has said which one it is.
func (c *call) target() (scheme, host string) {
	scheme, host = c.server.Forwarded(c.r)
	switch {
	case scheme != "":
	case c.r.TLS != nil:
		scheme = "https"
	default:
		scheme = "http"
	}
	return scheme, host
}

// CredentialsRoom returns memory for the credentials of the request. The size class of a call has room for it. The root
// package calls CredentialsRoom through an interface.
func (c *call) CredentialsRoom() *actionhero.Credentials { return &c.credentials }

// RequestCookies returns the header Cookie, and whether the client has asked by HTTPS: by TLS to this server, or to a
// trusted proxy. Package auth calls RequestCookies through an interface for each request, so it takes the lock only once.
func (c *call) RequestCookies() (line string, https bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.over {
		return "", false
	}
	values := c.r.Header["Cookie"]
	if len(values) == 0 {
		return "", false
	}
	scheme, _ := c.target()
	return values[0], scheme == "https" || c.r.TLS != nil
}

// AddResponseHeader adds a header to the response. The method transport.Details.AddResponseHeader documents it.
func (c *call) AddResponseHeader(name, value string) {
	c.change(func() { c.w.Header().Add(name, value) })
}

// TellLimit adds the headers of a limit to the response. Package gcra calls TellLimit through an interface.
func (c *call) TellLimit(limit *gcra.Headers, left int, next time.Duration) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.over {
		return
	}
	fast, ok := c.w.(interface {
		AddLimit(limit http1.Limit, left int, next time.Duration) bool
	})
	if !ok || !fast.AddLimit(limit, left, next) {
		limit.Add(c.w.Header(), left, next)
	}
}

// finish ends the use of the request and its response by the app. If the action has not returned, because it ended its
// goroutine with [runtime.Goexit], finish sends an internal error.
func (s *Server) finish(c *call, req *actionhero.Request) {
	c.endUse()
	defer c.release()
	if c.returned {
		return
	}
	if p := recover(); p != nil {
		panic(p)
	}
	s.api.Log().Error("an action ended its goroutine with runtime.Goexit", "to", req.RemoteIP, "action", req.Action)
	if c.begun.Load() {
		panic(http.ErrAbortHandler) // the client must not take a part for the complete response
	}
	c.exited = true
	s.sendEnvelope(c, req, nil, errGoexit)
}

// endUse ends the use of the request and its response by the action, which has returned.
func (c *call) endUse() {
	c.endEvents()
	c.end()
	c.endEvents() // a goroutine of the action may have begun them meanwhile
}

// endEvents ends the events of the action.
func (c *call) endEvents() {
	if s := c.events.Load(); s != nil {
		s.end()
	}
}

var errGoexit = errors.New("the action ended its goroutine")

// clientError converts err, an error in reading the request, to the error that the client receives. If the code of the
// returned error does not imply the HTTP status, clientError also sets the status of the response. If err is nil,
// clientError returns nil.
func (c *call) clientError(err error) error {
	if err == nil {
		return nil
	}
	var wrong *wrongMethod
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &wrong):
		c.status = http.StatusMethodNotAllowed
		c.w.Header().Set("Allow", wrong.allow())
		return actionhero.Errorf(actionhero.CodeInvalidInput, "%s", wrong)
	case errors.As(err, &large):
		c.status = http.StatusRequestEntityTooLarge
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the body may have %d bytes at most", large.Limit)
	case isTimeout(err):
		c.status = http.StatusRequestTimeout
		c.w.Header().Set("Connection", "close")
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the body did not come in time")
	case errors.Is(err, errContentType):
		c.status = http.StatusUnsupportedMediaType
	}
	return err
}

func callFrom(ctx context.Context) *call {
	req := actionhero.RequestFrom(ctx)
	if req == nil {
		return nil
	}
	c, _ := req.Extra.(*call)
	return c
}

// Request returns the HTTP request of the action that runs with ctx. If the request came over another transport than
// HTTP, Request returns nil. The body of the request ends when the action returns. A first call after that returns an empty
// request.
func Request(ctx context.Context) *http.Request {
	c := callFrom(ctx)
	if c == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.over {
		c.lent.Store(true)
	}
	if c.lent.Load() {
		return c.r
	}
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: http.NoBody}
}

// reuse permits the fast path to reuse the request and its writer, unless the action has got the request. It must be the
// last use of the call.
func (c *call) reuse() {
	if fast, ok := c.w.(interface{ Reuse() }); ok && !c.lent.Load() {
		fast.Reuse()
	}
}

// SetStatus sets the HTTP status of the response if the action succeeds. status must be from 200 to 599; after any other
// status the client reads an internal error, and the log names the status. Over other transports than HTTP, SetStatus
// does nothing.
func SetStatus(ctx context.Context, status int) {
	if c := callFrom(ctx); c != nil {
		c.change(func() {
			if c.status = status; status < 200 || status > 599 {
				c.status = 0
				c.fault = fmt.Errorf("web.SetStatus was called with %d: the status must be from 200 to 599", status)
			}
		})
	}
}

// change calls do, which changes the response. After the action has returned, change does nothing.
func (c *call) change(do func()) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.over {
		do()
	}
}

// Header returns the headers of the response. The action may change these headers until it returns. Over other
// transports than HTTP, the changes have no effect.
func Header(ctx context.Context) http.Header {
	if c := callFrom(ctx); c != nil {
		return scopedWriter{&c.scope, c.w}.Header()
	}
	return http.Header{}
}

// SetCookie adds a cookie to the response. Over other transports than HTTP, SetCookie does nothing.
func SetCookie(ctx context.Context, cookie *http.Cookie) {
	if c := callFrom(ctx); c != nil {
		c.change(func() { http.SetCookie(c.w, cookie) })
	}
}

// Redirect sends a redirect to url if the action succeeds. status must be from 300 to 399, but not 304; after any other
// status the client reads an internal error, and the log names the status. Over other transports than HTTP, Redirect does
// nothing, and the client receives the output of the action.
func Redirect(ctx context.Context, url string, status int) {
	if c := callFrom(ctx); c != nil {
		c.change(func() {
			if c.location, c.status = url, status; status < 300 || status > 399 || status == http.StatusNotModified {
				c.status = 0
				c.fault = fmt.Errorf("web.Redirect was called with the status %d: it must be from 300 to 399, but not 304", status)
			}
		})
	}
}

// Writer returns the writer of the response, or nil over other transports than HTTP. After a call of Writer, the server
// does not send the output of the action. If the action returns an error before it has begun to write, the server sends
// the error. After that, the server only logs the error. If the action then panics, exceeds its time limit or returns an
// error without a code, the server aborts the response, so that the client detects the incomplete response. The writer
// works until the action returns; later calls of its methods return errors and do nothing.
func Writer(ctx context.Context) http.ResponseWriter {
	c := callFrom(ctx)
	if c == nil {
		return nil
	}
	c.change(func() { c.hijackedByAction.Store(true) })
	return scopedWriter{&c.scope, c.w}
}
