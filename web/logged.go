package web

import (
	"net"
	"net/http"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

var (
	_ transport.Details        = (*call)(nil)
	_ transport.AnswerRepeater = (*call)(nil)
)

// RequestID implements transport.Details.
func (c *call) RequestID() (id string) {
	_ = c.use(func() error { // after the end of the call there is no header any more
		id = c.server.RequestID(c.r)
		return nil
	})
	return id
}

// RequestID returns the id that a client has given to the request: the trace id of the header traceparent. If there is none,
// and the peer of the connection is a trusted proxy, RequestID returns the header X-Request-Id of the proxy. Otherwise it
// returns "". s may be nil: then it trusts no proxy.
func (s *Server) RequestID(r *http.Request) string {
	proxied := ""
	if text := r.Header.Get("X-Request-Id"); text != "" && s != nil {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && s.trusted(host) {
			proxied = text
		}
	}
	return transport.RequestID(r.Header.Get("Traceparent"), proxied)
}

// RequestPath implements transport.Details.
func (c *call) RequestPath() (path string) {
	if c.secretPath {
		return "[FILTERED]"
	}
	_ = c.use(func() error { path = c.r.URL.EscapedPath(); return nil })
	return path
}

// ResponseStatus implements transport.Details. It returns 0 if the action chose the status, because it called [Writer]
// and began to write or succeeded.
func (c *call) ResponseStatus(err *actionhero.Error) int {
	switch {
	case c.hijackedByAction.Load() && (err == nil || c.begun.Load()), c.server == nil:
		return 0
	case err == nil && c.fault != nil:
		return http.StatusInternalServerError
	case err == nil && c.server.fixed.plain && c.status == 0 && c.server.api.ReturnsNothing(&c.req):
		return http.StatusNoContent
	}
	return c.server.statusOf(c, err, c.callback != "")
}

// RequestBody returns the body of a request whose action sets RawBody. The method actionhero.Request.Body calls
// RequestBody through an interface.
func (c *call) RequestBody() (body []byte) {
	_ = c.use(func() error {
		if c.held != nil {
			body = c.held.raw
		}
		return nil
	})
	return body
}
