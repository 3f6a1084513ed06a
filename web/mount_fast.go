package web

import (
	"net/http"
	"strings"
)

// fastMount is a mounted handler that the fast path calls, with its rules.
type fastMount struct {
	handler  http.Handler
	allPages bool
	most     int64
}

// fastMounts returns the handlers with a method FastPath whose pattern is a path that no other pattern can match first.
// In an app with patterns of hosts there are none, because the mux has to choose.
func (s *Server) fastMounts(all []mount) map[string]*fastMount {
	fast := map[string]*fastMount{}
	for _, m := range all {
		_, ok := inside(m.handler).(interface{ FastPath() })
		if ok && m.pattern[0] == '/' && !strings.ContainsAny(m.pattern, "{%") && !strings.HasSuffix(m.pattern, "/") && !isProtected(m.handler) {
			allPages, most := s.mountRules(m.handler)
			fast[m.pattern] = &fastMount{inside(m.handler), allPages, most}
		}
	}
	for _, m := range all {
		_, rest, hasMethod := strings.Cut(m.pattern, " ")
		if rest = strings.TrimLeft(rest, " \t"); !hasMethod {
			rest = m.pattern
		}
		switch {
		case !strings.HasPrefix(rest, "/"):
			return nil
		case hasMethod:
			delete(fast, rest)
		}
	}
	return fast
}

// isProtected reports whether the app has wrapped h with [Protect], which needs the context of [Server.mountedRequest].
func isProtected(h http.Handler) bool {
	switch wrapper := h.(type) {
	case crossOrigin:
		return isProtected(wrapper.Handler)
	case maxBody:
		return isProtected(wrapper.Handler)
	case protected:
		return true
	}
	return false
}

// serveFast passes a request of the fast path to a mounted handler. Unlike serveMounted, it needs no time limits and no
// scope: the body is in memory, and the fast path itself refuses each use after the handler has returned.
func (s *Server) serveFast(w http.ResponseWriter, r *http.Request, m *fastMount) {
	s.fixed.setHSTS(w, r)
	if s.refusesMounted(w, r, m.allPages, m.most) {
		return
	}
	if m.most >= 0 && r.ContentLength < 0 && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, m.most)
	}
	m.handler.ServeHTTP(w, r)
}
