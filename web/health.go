package web

import (
	"io"
	"net/http"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// noHealth is the health path of a server without one. No path of a request is equal to it.
const noHealth = "-"

// freeHealthPath returns CommonConfig.HealthPath, or noHealth if a handler, an action, a route or a file of the app is at
// that path.
func (s *Server) freeHealthPath() string {
	path := s.cfg.Common.HealthPath
	if path == "" {
		return noHealth
	}
	if m := s.mounts.Load(); m != nil && m.match(http.MethodGet, path) != "" {
		return noHealth
	}
	for _, method := range methods {
		if name, _, ok := s.routes.Match(method, path, false, func(_, _ string) {}); ok && name != "" {
			return noHealth
		}
	}
	t := s.resolvePath(path)
	if !t.isFile {
		if s.api.Action(t.action) != nil {
			return noHealth
		}
		return path
	}
	content, err := s.api.Files.Open(strings.TrimPrefix(t.file, "/"))
	if err != nil {
		return path
	}
	_ = content.Close()
	return noHealth
}

// serveHealth answers whether the server is ready, or, with the query "live", that the process serves at all. A node that
// is cut off from its cluster is live and not ready: a restart would not help it, and would end the work that it still
// does. The limits of requests, the check of the host and the log do not apply:
// a load balancer asks often, from its own address and by any name.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Content-Type-Options"] = noSniff
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	status, text := http.StatusOK, "ready\n"
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		status, text = http.StatusMethodNotAllowed, "use GET or HEAD\n"
	case r.URL.RawQuery == "live":
		text = "live\n"
	case netlisten.Left(): // another process serves the address
	case !s.api.Ready():
		status, text = http.StatusServiceUnavailable, "not ready\n"
	case s.api.Config().Backend.Health() != nil:
		status, text = http.StatusServiceUnavailable, "not ready: the backend cannot be reached\n"
	default:
		if err := actionhero.AsError(s.api.Health(r.Context())); err != nil {
			status, text = http.StatusServiceUnavailable, "not ready: "+err.Message+"\n"
		}
	}
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
