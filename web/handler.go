package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// The methods that actions answer to.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

var allowMethods = strings.Join(methods, ", ")

// target is what a URL means.
type target struct {
	action string
	file   string
	isFile bool
	routed bool        // the action came from a route of its own, or from the path: a body cannot override it
	values [][2]string // of the route's path, which neither query nor body can override
}

// ServeHTTP answers a request as the server does on its own ports, limits and CORS included.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// serveAny answers a request for an action or a file, or passes it to a mounted handler.
func (s *Server) serveAny(w http.ResponseWriter, r *http.Request) {
	if len(s.mounted) > 0 {
		if _, pattern := s.mux.Handler(r); pattern != "" {
			s.requests.Add(1)
			s.serveMounted(w, r)
			return
		}
	}
	s.serveOwn(w, r)
}

// serveOwn answers a request for an action or a file.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.fixed.set(w.Header())
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", allowMethods)
		http.Error(w, "the method "+r.Method+" is not supported here", http.StatusMethodNotAllowed)
		return
	}
	x := &exchange{w: w, r: r}
	req := &x.req
	s.api.InitRequest(req, "web")
	req.Method, req.RemoteIP, req.Extra = r.Method, s.RemoteIP(r), x
	err := readQuery(transport.ParamsOf(&req.Params), r.URL.RawQuery)
	t, routeErr := s.resolve(r, req)
	if t.isFile && err == nil {
		s.serveFile(x, req, t.file)
		return
	}
	if err == nil {
		err = routeErr
	}
	s.serveAction(x, req, t, err)
}

// resolve finds out what the URL means. An action in the query wins over the path.
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

// wrongMethod is the failure of a path that has routes for other methods only.
type wrongMethod struct{ allowed []string }

func (e *wrongMethod) Error() string {
	return "this path answers to " + strings.Join(e.allowed, ", ") + " only"
}

// serveAction reads the rest of the params, dispatches and answers. What is wrong with the request so far goes along,
// so that middleware, limits and the log see such a request too.
func (s *Server) serveAction(x *exchange, req *actionhero.Request, t target, err error) {
	req.Action = t.action
	if t.file != "" {
		req.Params.Set("fileName", t.file)
	}
	if err == nil && x.r.Body != http.NoBody {
		transport.ParamsOf(&req.Params).NextSource()
		err = s.readBody(x, req)
		defer x.removeFiles()
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
	req.Err = x.refusal(err)
	out, err := s.api.Dispatch(x.r.Context(), req)
	s.answer(x, req, out, err)
}

// answer sends what became of a request.
func (s *Server) answer(x *exchange, req *actionhero.Request, out any, err error) {
	content, isContent := out.(*actionhero.Content)
	isContent = isContent && content != nil
	switch {
	case x.taken:
		abortUnlessWhole(err)
	case err != nil && req.Action == "file" && isMissing(err):
		s.sendMissing(x, err)
	case isContent:
		s.sendContent(x, content)
	case err == nil && x.location != "":
		http.Redirect(x.w, x.r, x.location, x.status)
	default:
		s.sendEnvelope(x, req, out, err)
	}
}

// abortUnlessWhole ends the connection if an action that writes its answer itself did not come to the end of it: the
// client must not take a part for the whole.
func abortUnlessWhole(err error) {
	if err == nil {
		return
	}
	switch actionhero.AsError(err).Code {
	case actionhero.CodeInternal, actionhero.CodeCanceled, actionhero.CodeDeadlineExceeded:
		panic(http.ErrAbortHandler)
	}
}

// RemoteIP is the client's address: the peer's, or, behind trusted proxies, the last one in X-Forwarded-For that is
// not such a proxy.
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

// duration is the age of a request in milliseconds.
func duration(req *actionhero.Request, now time.Time) int64 {
	return now.Sub(req.Started).Milliseconds()
}
