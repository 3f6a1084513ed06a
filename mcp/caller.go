package mcp

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/web"
)

// caller is from whom one HTTP request, or the messages of the standard streams, come.
type caller struct {
	endpoint *endpoint
	ip       string // the address behind trusted proxies; "" over the standard streams
	id       actionhero.Identity
	known    bool              // the authenticators have said who it is
	headers  map[string]string // over the standard streams, what stands in for the headers
	left     context.Context   // ends when the client no longer waits; nil over the standard streams, whose protocol says it

	mu   sync.Mutex // guards the use of w
	over bool       // the HTTP request has ended
	w    http.ResponseWriter
	r    *http.Request // nil over the standard streams
}

// callerKey is the key of TokenInfo.Extra under which the library passes on the caller of a message.
const callerKey = "caller"

// callerOf returns from whom a message comes.
func (e *endpoint) callerOf(req sdk.Request) *caller {
	if extra := req.GetExtra(); extra != nil && extra.TokenInfo != nil {
		if c, ok := extra.TokenInfo.Extra[callerKey].(*caller); ok {
			return c
		}
	}
	if e.streams != nil {
		return e.streams
	}
	return &caller{endpoint: e, known: true} // anonymous
}

// checked returns the caller of one message. Over the standard streams with a token, it asks the authenticators again.
func (c *caller) checked(ctx context.Context) (*caller, *actionhero.Error) {
	if c != c.endpoint.streams || c.known {
		return c, nil
	}
	again := &caller{endpoint: c.endpoint, headers: c.headers}
	return again, again.identify(ctx, again.request())
}

// newCaller returns the caller of an HTTP request.
func (e *endpoint) newCaller(w http.ResponseWriter, r *http.Request) *caller {
	c := &caller{endpoint: e, w: w, r: r, left: r.Context()}
	if s := e.web.Load(); s != nil {
		c.ip = s.RemoteIP(r)
	} else if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.ip = host
	}
	return c
}

// identify asks the authenticators of the app who the caller of req is.
func (c *caller) identify(ctx context.Context, req *actionhero.Request) *actionhero.Error {
	if req.Err = c.endpoint.api.Authorize(ctx, req, actionhero.Public); req.Err != nil {
		_, err := c.endpoint.api.Dispatch(ctx, req) // the middleware and the log see the refusal
		return actionhero.AsError(err)
	}
	c.id, c.known = req.Identity(), true
	return nil
}

// request returns a request of the caller.
func (c *caller) request() *actionhero.Request {
	req := new(actionhero.Request)
	c.prepare(req)
	return req
}

func (c *caller) prepare(req *actionhero.Request) {
	c.endpoint.api.InitRequest(req, actionhero.TransportMCP)
	req.RemoteIP, req.Extra = c.ip, c
	if c.known {
		_ = req.SetIdentity(context.Background(), c.id) // cannot fail without a connection
	}
}

// end ends the use of the response.
func (c *caller) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// prefix returns the address of the caller for limits on clients, or the zero value if many clients may have it.
func (c *caller) prefix() netip.Prefix {
	addr, err := netip.ParseAddr(c.ip)
	if err != nil || addr.Unmap().IsLoopback() {
		return netip.Prefix{}
	}
	bits := 32
	if addr = addr.Unmap(); addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.WithZone("").Prefix(bits)
	return prefix
}

var _ transport.Details = (*caller)(nil)

// RequestHeader implements transport.Details.
func (c *caller) RequestHeader(name string) string {
	if c.r == nil {
		return c.headers[http.CanonicalHeaderKey(name)]
	}
	return c.r.Header.Get(name)
}

// RequestHeaderValues returns all values of a header. An empty header has one value. The root package calls it through an
// interface.
func (c *caller) RequestHeaderValues(name string) []string {
	if c.r != nil {
		return c.r.Header.Values(name)
	}
	if value := c.RequestHeader(name); value != "" {
		return []string{value}
	}
	return nil
}

// RequestID implements transport.Details.
func (c *caller) RequestID() string {
	if c.r == nil {
		return ""
	}
	return c.web().RequestID(c.r)
}

// RequestPath implements transport.Details.
func (c *caller) RequestPath() string {
	if c.r == nil {
		return ""
	}
	return c.r.URL.Path
}

// ResponseStatus implements transport.Details. A failed call is a result, whose status says nothing.
func (c *caller) ResponseStatus(*actionhero.Error) int { return 0 }

// RequestTarget implements transport.Details.
func (c *caller) RequestTarget() (scheme, host string) {
	if c.r == nil {
		return "", ""
	}
	if s := c.web(); s != nil {
		scheme, host = s.Forwarded(c.r)
	}
	switch {
	case scheme != "":
	case c.r.TLS != nil:
		scheme = "https"
	default:
		scheme = "http"
	}
	if host == "" {
		host = c.r.Host
	}
	return scheme, host
}

// RequestCookies implements transport.Details.
func (c *caller) RequestCookies() (line string, https bool) {
	scheme, _ := c.RequestTarget()
	return c.RequestHeader("Cookie"), scheme == "https"
}

// RequestTLS returns the TLS connection of the client, with its certificates. actionhero.Credentials.TLS calls it.
func (c *caller) RequestTLS() *tls.ConnectionState {
	if c.r == nil {
		return nil
	}
	return c.r.TLS
}

// AddResponseHeader implements transport.Details. After the end of the HTTP request it does nothing.
func (c *caller) AddResponseHeader(name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w != nil && !c.over {
		c.w.Header().Add(name, value)
	}
}

func (c *caller) web() *web.Server { return c.endpoint.web.Load() }
