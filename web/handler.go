package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// methods lists the HTTP methods that actions accept. OPTIONS is answered without running an action.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// target is the action or the file that a URL names.
type target struct {
	action  string
	file    string
	isFile  bool
	named   bool        // the path names the action: a param "action" of the body cannot override the name
	byRoute bool        // a route of the action matches path and method
	values  [][2]string // params in the path of a route: they override the params of query and body
	secret  bool        // the path has the value of a secret input, so the log must not show it
}

// ServeHTTP serves a request in the same way as a request that came over a port of the server. The limits, the check of
// hosts and origins, CORS and the mounted handlers apply.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// serveRequest passes the request to the mounted handler whose pattern matches. If no pattern matches, serveRequest
// passes the request to serveActionOrFile. The fast path calls serveUnmounted instead.
func (s *Server) serveRequest(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == s.healthPath {
		s.serveHealth(w, r)
		return
	}
	s.requests.Add(1)
	switch {
	case !s.knowsHost(r):
		s.refuseHost(w, r)
	case s.serveMounted(w, r):
	default:
		s.serveActionOrFile(w, r)
	}
}

func (s *Server) serveUnmounted(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == s.healthPath {
		s.fixed.setHSTS(w, r)
		s.serveHealth(w, r)
		return
	}
	s.requests.Add(1)
	if !s.knowsHost(r) {
		s.fixed.setHSTS(w, r)
		s.refuseHost(w, r)
		return
	}
	if m := s.mounts.Load(); m != nil {
		if fast := m.fast[r.URL.Path]; fast != nil {
			s.serveFast(w, r, fast)
			return
		}
	}
	s.serveActionOrFile(w, r)
}

func (s *Server) serveActionOrFile(w http.ResponseWriter, r *http.Request) {
	s.fixed.set(w)
	s.fixed.setHSTS(w, r)
	if s.cors != nil && !isPreflight(r) {
		s.cors.HandlerFunc(w, r) // adds headers
	}
	c := &call{server: s, w: w, r: r}
	req := &c.req
	s.begin(c)
	err := readQuery(s.api, transport.ParamsOf(&req.Params), r.URL.RawQuery)
	t, pathErr := s.resolve(r, req)
	c.secretPath = t.secret
	if err == nil {
		err = pathErr
	}
	switch {
	case r.Method == http.MethodOptions:
		s.serveOptions(c, t, err)
	case !slices.Contains(methods, r.Method):
		s.refuse(c, &wrongMethod{allowed: s.methodsOf(t, err).allowed, text: "the method " + r.Method + " is not supported here"})
	case t.isFile && errors.Is(err, errOddPath):
		s.sendNotFound(c, err)
	case t.isFile && err == nil:
		s.serveStatic(c, req, t.file)
	case err == nil && t.action == "" && s.hasStartPage(r):
		redirect(c, "./"+s.cfg.Common.URLPathForFiles+"/", http.StatusFound)
	default:
		s.serveAction(c, req, t, err)
		c.reuse()
	}
}

// hasStartPage reports whether r is a browser's request for the root, and the folder of files has an index page.
func (s *Server) hasStartPage(r *http.Request) bool {
	if r.URL.Path != "/" || r.Method != http.MethodGet && r.Method != http.MethodHead || !acceptsHTML(r) {
		return false
	}
	content, err := s.api.Files.Open("")
	if err != nil {
		return false
	}
	_ = content.Close()
	return true
}

// begin prepares the request of a call.
func (s *Server) begin(c *call) {
	s.api.InitRequest(&c.req, "web")
	c.isOld = !c.r.ProtoAtLeast(1, 1)
	c.req.Method, c.req.RemoteIP, c.req.Extra = c.r.Method, s.RemoteIP(c.r), c
}

// serveStatic sends a file. Files count as requests of the client, like actions.
func (s *Server) serveStatic(c *call, req *actionhero.Request, name string) {
	remaining, failure := s.api.Admit(req.RemoteIP)
	if req.Remaining = remaining; failure != nil {
		s.refuse(c, failure)
		return
	}
	s.serveFile(c, req, name)
}

// resolve returns the action or the file that a request names. A param "action" in the query counts at the path of
// actions and at the root. If the path belongs to routes or mounted handlers of other HTTP methods only, the error is of
// type *wrongMethod. If the path is odd and no route, the error is errOddPath.
func (s *Server) resolve(r *http.Request, req *actionhero.Request) (target, error) {
	if s.routes.Len() > 0 {
		if t, err := s.resolveRoute(r); err != nil || t.byRoute {
			return t, err
		}
	}
	t := s.resolvePath(r.URL.Path)
	if isOdd(r.URL) {
		return target{isFile: t.isFile}, errOddPath
	}
	if methods := s.mountedMethods(r); methods != nil {
		return target{}, &wrongMethod{allowed: methods}
	}
	if named := req.Params.Get("action"); named != "" && s.takesActionParam(r.URL.Path) {
		return target{action: named}, nil
	}
	return t, nil
}

// resolveRoute returns the action whose route matches the request, or the zero target. Below the paths of actions and
// files, only routes match that begin with this segment literally.
func (s *Server) resolveRoute(r *http.Request) (t target, err error) {
	first := firstSegment(r.URL.Path)
	isLiteral, path := first == s.cfg.Common.URLPathForActions || first == s.cfg.Common.URLPathForFiles, r.URL.EscapedPath()
	name, other, ok := s.routes.Match(r.Method, path, isLiteral, func(name, text string) {
		t.values = append(t.values, [2]string{name, text})
	})
	switch {
	case ok:
		t.action, t.named, t.byRoute = name, true, true
	case len(other) > 0:
		return target{secret: s.hasSecret(other, path, isLiteral)}, &wrongMethod{allowed: other}
	}
	return t, nil
}

// hasSecret reports whether a route for one of the methods takes the value of a secret input from the path.
func (s *Server) hasSecret(methods []string, path string, isLiteral bool) (secret bool) {
	for _, method := range methods {
		var names []string
		action, _, _ := s.routes.Match(method, path, isLiteral, func(name, _ string) { names = append(names, name) })
		if info := s.api.Action(action); info != nil {
			secret = secret || slices.ContainsFunc(info.Inputs, func(in actionhero.Input) bool { return in.Secret && slices.Contains(names, in.Name) })
		}
	}
	return secret
}

func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// takesActionParam reports whether the param "action" in the query of a URL with this path names the action.
func (s *Server) takesActionParam(path string) bool {
	return path == "/" || path == "" || firstSegment(path) == s.cfg.Common.URLPathForActions
}

func (s *Server) resolvePath(path string) target {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case s.cfg.Common.URLPathForActions:
		name := strings.TrimSuffix(rest, "/")
		return target{action: name, named: name != ""}
	case s.cfg.Common.URLPathForFiles:
		return target{file: rest, isFile: true}
	case "file":
		if rest == "" && strings.HasSuffix(path, "/") {
			rest = "/" // the folder itself, unless a param names a file
		}
		return target{action: "file", file: rest, named: true}
	}
	path = strings.TrimPrefix(path, "/")
	if s.cfg.Common.RootEndpointType == "public" {
		return target{file: path, isFile: true}
	}
	name := strings.TrimSuffix(path, "/")
	return target{action: name, named: name != ""}
}

// serveAction reads the params of the body and the path, dispatches the request and sends the response. err is an error
// in the URL, or nil. If there is an error, serveAction sets the field Err of the request to the error and still
// dispatches the request, so that middleware, rate limit and log also see refused requests.
func (s *Server) serveAction(c *call, req *actionhero.Request, t target, err error) {
	defer s.finish(c, req)
	req.Action = t.action
	if t.file != "" && (t.file != "/" || !req.Params.Has("fileName")) {
		req.Params.Set("fileName", t.file)
	}
	info := s.api.Action(req.Action)
	newest := info
	if err == nil && newest != nil && newest.Version > 0 {
		info, err = s.version(c, &t, newest)
	}
	if err == nil {
		err = s.mayRun(c.r, info, t.byRoute)
	}
	if err == nil && c.r.Body != http.NoBody {
		transport.ParamsOf(&req.Params).NextSource()
		err = s.readBody(c, req, info)
		if named := req.Params.Get("action"); err == nil && named != "" && !t.named && t.action == "" {
			req.Action = named
			newest, info = s.api.Action(named), nil
			t.action = named
		}
		if err == nil && newest != nil && (newest.Version > 0 || info == nil) {
			info, err = s.afterBody(c, &t, newest, info)
		}
		req.Started = time.Now()
	}
	if s.fixed.plain && err == nil && info == nil && (t.named || req.Action == "") && firstSegment(c.r.URL.Path) != s.cfg.Common.URLPathForActions {
		err = errNoRoute(c.r)
	}
	for _, v := range t.values {
		req.Params.Set(v[0], v[1])
	}
	if req.Action != "" {
		req.Params.Set("action", req.Action)
	}
	if callbackErr := s.readCallback(c, req, info); err == nil {
		err = callbackErr
	}
	if c.r.Header["Traceparent"] != nil || c.r.Header["X-Request-Id"] != nil {
		if c.RequestID() != "" {
			c.w.Header().Set("X-Request-Id", req.ID())
		}
	}
	if info != nil && info.Deprecated != nil {
		s.tellDeprecation(c, info.Deprecated)
	}
	req.Err = c.clientError(err)
	s.fixed.setPrivate(c.w)
	out, err := s.api.Dispatch(c.r.Context(), req)
	c.returned = true
	c.endUse()
	s.respond(c, req, out, err)
}

// respond sends the response to a dispatched request: a file, a redirect, or an envelope with the output or the error.
// If the action called [Writer], respond sends nothing.
func (s *Server) respond(c *call, req *actionhero.Request, out any, err error) {
	content, isContent := out.(*actionhero.Content)
	isContent = isContent && content != nil
	if err == nil && c.fault != nil {
		s.api.Log().Error("an action used package web wrongly", "action", req.Action, "request_id", req.ID(), "cause", c.fault.Error())
		if err = c.fault; isContent {
			_ = content.Close()
		}
	}
	switch {
	case c.hijackedByAction.Load() && (err == nil || c.begun.Load()):
		if isContent {
			_ = content.Close() // the action wrote the response itself
		}
		c.abortIfIncomplete(err)
	case err != nil && req.Action == "file" && isNotFound(err):
		s.sendNotFound(c, err)
	case err == nil && isContent:
		if header := c.w.Header(); transport.IsStatic(content) && isPrivate(header) && header["Set-Cookie"] == nil {
			header.Del("Cache-Control") // sendContent sets the header for files; a cookie is for one client alone
		}
		s.sendContent(c, content)
	case err == nil && c.location != "":
		http.Redirect(c.w, c.r, c.location, c.status)
	default:
		s.sendEnvelope(c, req, out, err)
	}
}

// abortIfIncomplete aborts the response of an action that called [Writer], if err is an internal error, a cancellation
// or a timeout. Otherwise the client would take the written part for a complete response. Events have no end that a client
// could take for the end of all, so only a failure aborts them.
func (c *call) abortIfIncomplete(err error) {
	if err == nil {
		return
	}
	switch actionhero.AsError(err).Code {
	case actionhero.CodeInternal:
		panic(http.ErrAbortHandler)
	case actionhero.CodeCanceled, actionhero.CodeDeadlineExceeded:
		if c.events.Load() == nil {
			panic(http.ErrAbortHandler)
		}
	}
}
