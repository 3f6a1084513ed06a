package web

import (
	"context"
	"net/http"

	"github.com/actionhero-go/actionhero"
)

// Protect returns a handler to mount that passes only the requests of callers on whom rule lets. The authenticators of the app find
// the caller, as for an action, and [actionhero.IdentityFrom] of the request's context returns it. An anonymous caller
// gets 401 and any other refused one 403, in the form of an answer of an action. The answers are not cached, unless h
// sets the header Cache-Control.
//
// The zero Access is the rule of [actionhero.DefaultAccess]. A handler that is mounted without Protect is open to
// every caller. Protect also works within a mounted handler, such as a mux of the app. With
// [actionhero.Public], every caller gets on, and h reads who it is. A rule with [actionhero.Allow], which needs the
// input of an action, is refused when the handler is mounted, or else answered with 500.
func Protect(rule actionhero.Access, h http.Handler) http.Handler { return protected{h, rule} }

type protected struct {
	http.Handler
	rule actionhero.Access
}

// mountedBy is the key under which the context of a request for a mounted handler has its *Server.
type mountedBy struct{}

func (p protected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, ok := r.Context().Value(mountedBy{}).(*Server)
	if !ok {
		http.Error(w, "web.Protect is used outside of a handler of web.Mount", http.StatusInternalServerError)
		return
	}
	c := &call{server: s, w: w, r: r}
	s.begin(c)
	if err := s.api.Authorize(r.Context(), &c.req, p.rule); err != nil {
		s.refuseCaller(c, err)
		return
	}
	c.end()
	s.fixed.setPrivate(w)
	p.Handler.ServeHTTP(w, r.WithContext(actionhero.WithIdentity(r.Context(), c.req.Identity())))
}

// refuseCaller answers a caller on whom a rule does not let. The refusal passes the middleware, which counts and logs it,
// and adds the header WWW-Authenticate.
func (s *Server) refuseCaller(c *call, err error) {
	defer s.finish(c, &c.req)
	c.req.Err = err
	s.fixed.setPrivate(c.w)
	out, err := s.api.Dispatch(c.r.Context(), &c.req)
	c.returned = true
	c.end()
	s.respond(c, &c.req, out, err)
}

// checkRules returns an error if a rule of the wrappers of h cannot be checked.
func (s *Server) checkRules(h http.Handler) error {
	for {
		switch wrapper := h.(type) {
		case protected:
			if err := s.api.CheckRule(wrapper.rule); err != nil {
				return err
			}
			h = wrapper.Handler
		case crossOrigin:
			h = wrapper.Handler
		case maxBody:
			h = wrapper.Handler
		default:
			return nil
		}
	}
}

// mountedRequest returns the request for a mounted handler, in which [Protect] finds s.
func (s *Server) mountedRequest(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), mountedBy{}, s))
}
