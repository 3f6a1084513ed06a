package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// methods lists the HTTP methods that actions and files accept.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

var allowMethods = strings.Join(methods, ", ")

// target is the action or the file that a URL names.
type target struct {
	action string
	file   string
	isFile bool
	routed bool        // the path names the action: a param "action" of the body cannot override the name
	values [][2]string // params in the path of a route: they override the params of query and body
}

// ServeHTTP serves a request in the same way as a request that came over a port of the server. The limits, CORS and the
// mounted handlers apply.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// serveRequest passes the request to the mounted handler whose pattern matches. If no pattern matches, serveRequest
// passes the request to serveActionOrFile.
func (s *Server) serveRequest(w http.ResponseWriter, r *http.Request) {
	if len(s.mountedPrefixes) > 0 {
		if _, pattern := s.mux.Handler(r); pattern != "" {
			s.requests.Add(1)
			s.serveMounted(w, r)
			return
		}
	}
	s.serveActionOrFile(w, r)
}

func (s *Server) serveActionOrFile(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.fixed.set(w.Header())
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", allowMethods)
		http.Error(w, "the method "+r.Method+" is not supported here", http.StatusMethodNotAllowed)
		return
	}
	c := &call{server: s, w: w, r: r}
	req := &c.req
	s.api.InitRequest(req, "web")
	req.Method, req.RemoteIP, req.Extra = r.Method, s.RemoteIP(r), c
	err := readQuery(transport.ParamsOf(&req.Params), r.URL.RawQuery)
	t, routeErr := s.resolve(r, req)
	if t.isFile && err == nil {
		s.serveFile(c, req, t.file)
		return
	}
	if err == nil {
		err = routeErr
	}
	s.serveAction(c, req, t, err)
}

// resolve returns the action or the file that a request names. A param "action" in the query overrides the path. If
// actions have routes with this path, but only for other HTTP methods, resolve returns an error of type *wrongMethod.
func (s *Server) resolve(r *http.Request, req *actionhero.Request) (target, error) {
	if named := req.Params.Get("action"); named != "" {
		return target{action: named}, nil
	}
	if s.routes.Len() > 0 {
		var values [][2]string
		name, other, ok := s.routes.Match(r.Method, r.URL.EscapedPath(), func(name, text string) {
			values = append(values, [2]string{name, text})
		})
		if ok {
			return target{action: name, routed: true, values: values}, nil
		}
		if len(other) > 0 {
			return target{routed: true}, &wrongMethod{other}
		}
	}
	return s.resolvePath(r.URL.Path), nil
}

func (s *Server) resolvePath(path string) target {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case s.cfg.Common.URLPathForActions:
		name := strings.TrimSuffix(rest, "/")
		return target{action: name, routed: name != ""}
	case s.cfg.Common.URLPathForFiles:
		return target{file: rest, isFile: true}
	case "file":
		return target{action: "file", file: rest, routed: true}
	}
	path = strings.TrimPrefix(path, "/")
	if s.cfg.Common.RootEndpointType == "public" {
		return target{file: path, isFile: true}
	}
	name := strings.TrimSuffix(path, "/")
	return target{action: name, routed: name != ""}
}

// wrongMethod is the error for a request whose path belongs to routes with other HTTP methods only. allowed lists these
// methods.
type wrongMethod struct{ allowed []string }

func (e *wrongMethod) Error() string {
	return "this path answers to " + strings.Join(e.allowed, ", ") + " only"
}

// serveAction reads the params of the body and the path, dispatches the request and sends the response. err is an error
// in the query or the URL, or nil. If there is an error, serveAction sets the field Err of the request to the error and
// still dispatches the request, so that middleware, rate limit and log also see refused requests.
func (s *Server) serveAction(c *call, req *actionhero.Request, t target, err error) {
	defer s.finish(c, req)
	req.Action = t.action
	if t.file != "" {
		req.Params.Set("fileName", t.file)
	}
	if err == nil && c.r.Body != http.NoBody {
		transport.ParamsOf(&req.Params).NextSource()
		err = s.readBody(c, req)
		if named := req.Params.Get("action"); named != "" && !t.routed && t.action == "" {
			req.Action = named
		}
	}
	for _, v := range t.values {
		req.Params.Set(v[0], v[1])
	}
	if req.Action != "" {
		req.Params.Set("action", req.Action)
	}
	req.Err = c.clientError(err)
	out, err := s.api.Dispatch(c.r.Context(), req)
	c.returned = true
	c.end()
	s.respond(c, req, out, err)
}

// respond sends the response to a dispatched request: a file, a redirect, or an envelope with the output or the error.
// If the action called [Writer], respond sends nothing.
func (s *Server) respond(c *call, req *actionhero.Request, out any, err error) {
	content, isContent := out.(*actionhero.Content)
	isContent = isContent && content != nil
	switch {
	case c.hijackedByAction:
		abortIfIncomplete(err)
	case err != nil && req.Action == "file" && isNotFound(err):
		s.sendNotFound(c, err)
	case isContent:
		s.sendContent(c, content)
	case err == nil && c.location != "":
		http.Redirect(c.w, c.r, c.location, c.status)
	default:
		s.sendEnvelope(c, req, out, err)
	}
}

// abortIfIncomplete aborts the response of an action that called [Writer], if err is an internal error, a cancellation
// or a timeout. Otherwise the client would take the written part for a complete response.
func abortIfIncomplete(err error) {
	if err == nil {
		return
	}
	switch actionhero.AsError(err).Code {
	case actionhero.CodeInternal, actionhero.CodeCanceled, actionhero.CodeDeadlineExceeded:
		panic(http.ErrAbortHandler)
	}
}

// RemoteIP returns the IP address of the client. If the peer of the connection is not a trusted proxy, the peer is the
// client. Otherwise RemoteIP reads the header X-Forwarded-For from right to left. The first address in this order that
// is not a trusted proxy is the address of the client. If an entry is not an address, or all addresses are trusted
// proxies, RemoteIP returns the last valid address that it has read.
func (s *Server) RemoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if len(s.proxies) == 0 || !s.trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if _, err := netip.ParseAddr(hop); err != nil {
			return host
		}
		if host = hop; !s.trusted(hop) {
			return hop
		}
	}
	return host
}

func (s *Server) trusted(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
