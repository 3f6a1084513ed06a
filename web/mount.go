package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// mounts holds the mounted handlers. Server.Mount replaces the mounts of a running server, so requests read them without
// a lock. The mux has a lock of its own.
type mounts struct {
	mux        *http.ServeMux
	prefixes   []string // the literal prefixes of the patterns in mux; see mountedPrefix
	hasMethods bool     // a pattern has a method
	all        []mount
	fast       map[string]*fastMount // by path; see fastMounts
}

type mount struct {
	pattern string
	handler http.Handler
}

// Mount returns a part of an app. The part registers handler for all requests over HTTP and HTTPS that match pattern, a
// pattern of [http.ServeMux]. The limits of the section "commonWeb", the check of hosts and CORS apply to these requests.
// A request with another method than GET, HEAD and OPTIONS is refused if a page of an origin has sent it that
// commonWeb.allowedOrigins does not list; see [CrossOrigin]. A body has the limit commonWeb.maxBodyBytes; see [MaxBody].
// Every caller reaches the handler, also in an app with a [actionhero.DefaultAccess]; see [Protect].
//
// A handler at a path of static files does not protect the files behind it: the action "file" serves them over every
// transport. Keep files that need a permission outside Config.FlatFileDirectory of package actionhero.
//
// If handler has a method Mounted(*Server), also within [CrossOrigin] and [MaxBody], the server calls it before the first
// request, for example for [Server.RemoteIP].
//
// If handler has a method FastPath(), also within [CrossOrigin] and [MaxBody], and pattern is a path without a method and
// a host that does not end with a slash, the server also calls it without net/http, which needs less than half the
// processor time. Then handler uses the writer, the request and its body only until it returns, and the request has
// no Pattern.
//
// If pattern is malformed, conflicts with another pattern or hides an action, [New] or [Server.Start] returns an error.
func Mount(pattern string, handler http.Handler) actionhero.Part {
	return transport.Part(mount{pattern, handler})
}

// CrossOrigin returns a handler to mount that receives the requests of pages of every origin, including preflights. The
// handler h must check the origin itself, or accept only requests that a page of another site cannot make, for example
// requests with a signature. Payment and login services that let the browser post a form need this.
func CrossOrigin(h http.Handler) http.Handler { return crossOrigin{h} }

type crossOrigin struct{ http.Handler }

// MaxBody returns a handler to mount that receives bodies of up to most bytes, in place of commonWeb.maxBodyBytes. If most
// is negative, h must limit the bodies itself. A request that announces a larger body gets 413. If a body without a
// length is larger, its Read returns an [http.MaxBytesError].
func MaxBody(most int64, h http.Handler) http.Handler { return maxBody{h, most} }

type maxBody struct {
	http.Handler
	most int64
}

// inside returns the handler that the app has wrapped with [CrossOrigin], [MaxBody] and [Protect].
func inside(h http.Handler) http.Handler {
	switch wrapper := h.(type) {
	case crossOrigin:
		return inside(wrapper.Handler)
	case maxBody:
		return inside(wrapper.Handler)
	case protected:
		return inside(wrapper.Handler)
	}
	return h
}

// mountRules returns what the wrappers of a mounted handler say: whether it receives the requests of all pages, and the
// number of bytes of a body. The outermost MaxBody counts. most is negative if there is no limit.
func (s *Server) mountRules(h http.Handler) (allPages bool, most int64) {
	most = s.cfg.Common.MaxBodyBytes
	for limited := false; ; {
		switch wrapper := h.(type) {
		case crossOrigin:
			allPages, h = true, wrapper.Handler
		case maxBody:
			if !limited {
				limited, most = true, wrapper.most
			}
			h = wrapper.Handler
		case protected:
			h = wrapper.Handler
		default:
			return allPages, most
		}
	}
}

// mountParts calls Server.Mount for each part that [Mount] has returned and that was registered with the API since the
// last call of mountParts.
func (s *Server) mountParts() error {
	for _, part := range s.api.Parts()[s.partsSeen:] {
		if m, ok := part.(mount); ok {
			if err := s.mount(m.pattern, m.handler); err != nil {
				return err
			}
		}
		s.partsSeen++
	}
	return nil
}

// Mount registers h for all requests that match pattern, like the function [Mount]. If pattern is malformed, conflicts
// with another pattern or, in a started server, hides an action, Server.Mount returns an error.
func (s *Server) Mount(pattern string, h http.Handler) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		alone := mounts{mux: http.NewServeMux()}
		if err := alone.handle(pattern, h); err != nil {
			return err
		}
		if err := s.checkHidden(&alone); err != nil {
			return err
		}
	}
	return s.mount(pattern, h)
}

func (s *Server) mount(pattern string, h http.Handler) error {
	if err := s.checkRules(h); err != nil {
		return fmt.Errorf("the handler cannot be mounted at %q: %w", pattern, err)
	}
	next := mounts{mux: http.NewServeMux()}
	if now := s.mounts.Load(); now != nil {
		next = *now
	}
	if err := next.handle(pattern, h); err != nil {
		return err
	}
	next.all = append(next.all[:len(next.all):len(next.all)], mount{pattern, h})
	next.fast = s.fastMounts(next.all)
	if h, ok := inside(h).(interface{ Mounted(s *Server) }); ok {
		h.Mounted(s)
	}
	s.mounts.Store(&next)
	return nil
}

// handle registers h with the mux of m. It returns an error instead of the panic of [http.ServeMux.Handle].
func (m *mounts) handle(pattern string, h http.Handler) (err error) {
	inner := inside(h)
	if f, ok := inner.(http.HandlerFunc); inner == nil || ok && f == nil {
		return fmt.Errorf("the handler cannot be mounted at %q: it is nil; pass an http.Handler", pattern)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf(`the handler cannot be mounted at %q: %v; write a pattern of its own, like "/admin/" or "GET /files/{name}"`, pattern, p)
		}
	}()
	m.mux.Handle(pattern, h)
	method, _, hasMethod := strings.Cut(pattern, " ")
	m.hasMethods = m.hasMethods || hasMethod && method != ""
	m.prefixes = append(m.prefixes[:len(m.prefixes):len(m.prefixes)], mountedPrefix(pattern))
	return nil
}

// checkHidden returns an error if a handler in m would get the requests for an action or for a route of an action.
func (s *Server) checkHidden(m *mounts) error {
	if m == nil {
		return nil
	}
	var errs []error
	for _, name := range s.api.ActionNames() {
		info := s.api.Action(name)
		for _, text := range info.Routes {
			method, path, _ := strings.Cut(text, " ")
			if pattern := m.match(method, samplePath(path)); pattern != "" {
				errs = append(errs, fmt.Errorf("the handler at %q hides the route %q of action %q: change one", pattern, text, info.Name))
			}
		}
		path := "/" + s.cfg.Common.URLPathForActions + "/" + info.Name
		for _, method := range methods {
			if pattern := m.match(method, path); pattern != "" {
				errs = append(errs, fmt.Errorf("the handler at %q hides the action %q at %s: mount it at a path that no action has", pattern, info.Name, path))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// samplePath returns a path that matches path, the one of a route, with values that no literal segment of another pattern has.
func samplePath(path string) string {
	if !strings.Contains(path, "{") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "~"
		}
	}
	return strings.Join(segments, "/")
}

// match returns the pattern that gets requests for any host with this method and path, or "".
func (m *mounts) match(method, path string) string {
	if !m.mayMatch(path) {
		return ""
	}
	_, pattern := m.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: path}})
	return pattern
}

// mayMatch reports whether a pattern of m can match path. A nil m matches nothing.
func (m *mounts) mayMatch(path string) bool {
	if m == nil {
		return false
	}
	for _, prefix := range m.prefixes {
		if strings.HasPrefix(path, prefix) || len(path) == len(prefix)-1 && strings.HasPrefix(prefix, path) {
			return true
		}
	}
	return false
}

// mountedPrefix returns the literal prefix of all paths that pattern, a pattern of [http.ServeMux], can match. For
// example, the prefix of "GET /files/{name}" is "/files/".
func mountedPrefix(pattern string) string {
	if _, rest, ok := strings.Cut(pattern, " "); ok {
		pattern = strings.TrimLeft(rest, " \t")
	}
	slash := max(strings.IndexByte(pattern, '/'), 0) // a host may precede the first slash
	prefix, _, _ := strings.Cut(pattern[slash:], "{")
	return prefix
}

// serveMounted passes a request to the mounted handler whose pattern matches, and reports whether there is one. The read
// timeout of the body begins when the handler reads the body for the first time, because the handler may do other work
// before it reads. A handler that has returned can use
// neither the writer nor, through the body, the read deadline of the connection.
func (s *Server) serveMounted(w http.ResponseWriter, r *http.Request) bool {
	m := s.mounts.Load()
	if m == nil || isOdd(r.URL) {
		return false
	}
	h, pattern := m.mux.Handler(r)
	if pattern == "" {
		return false
	}
	allPages, most := s.mountRules(h)
	if s.refusesMounted(w, r, allPages, most) {
		return true
	}
	writer := scopedWriter{&scope{isOld: !r.ProtoAtLeast(1, 1)}, w}
	defer writer.end()
	r = s.mountedRequest(r) // a copy: net/http needs its own body when the handler returns
	if r.Body != http.NoBody {
		bytes := r.Body
		if most >= 0 {
			bytes = http.MaxBytesReader(w, bytes, most)
		}
		body := newProgressBody(writer, bytes, s.cfg.Common.ReadTimeout)
		body.scope = writer.scope
		r.Body = body
	}
	m.mux.ServeHTTP(writer, r)
	return true
}

// refusesMounted reports whether it has answered a request for a mounted handler, because a rule of the server refuses it
// or because it is a preflight. Otherwise it has set headers.
func (s *Server) refusesMounted(w http.ResponseWriter, r *http.Request, allPages bool, most int64) bool {
	w.Header()["X-Content-Type-Options"] = noSniff
	if !allPages && s.guardMounted(w, r) {
		return true
	}
	if most >= 0 && r.ContentLength > most {
		s.refuseMounted(w, r, &http.MaxBytesError{Limit: most})
		return true
	}
	return false
}

// guardMounted answers a preflight, and refuses a request with effects that a page of another site has sent. It returns
// true if it has sent the response. Otherwise it has set the CORS headers.
func (s *Server) guardMounted(w http.ResponseWriter, r *http.Request) (done bool) {
	if s.cors != nil {
		s.cors.HandlerFunc(w, r)
		if isPreflight(r) {
			return true
		}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	if !s.isForeign(r) {
		return false
	}
	s.refuseMounted(w, r, actionhero.Errorf(actionhero.CodePermissionDenied, "a page of another site may not send %s to this path: %s", r.Method, s.remedy(r)))
	return true
}

// refuseMounted answers a request for a mounted handler with err, in the form of an answer of an action.
func (s *Server) refuseMounted(w http.ResponseWriter, r *http.Request, err error) {
	c := &call{server: s, w: w, r: r}
	s.fixed.set(w)
	s.begin(c)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		w.Header().Set("Connection", "close")
	}
	s.refuse(c, err)
}

// mountedMethods returns the methods of the patterns that match the path of the request but not its method, or nil.
func (s *Server) mountedMethods(r *http.Request) []string {
	m := s.mounts.Load()
	if m == nil || !m.hasMethods || !m.mayMatch(r.URL.Path) {
		return nil
	}
	h, pattern := m.mux.Handler(r)
	if pattern != "" {
		return nil
	}
	answer := probe{header: http.Header{}}
	h.ServeHTTP(&answer, r) // the handler of a ServeMux for a path that it does not know, or knows with other methods
	if answer.status != http.StatusMethodNotAllowed {
		return nil
	}
	return strings.Split(answer.header.Get("Allow"), ", ")
}

// probe is an http.ResponseWriter that keeps the status and the headers.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
