package web

import (
	"net/http"
	"time"
)

// withLimits returns a handler that sets the deadlines of a connection and then calls next. The returned handler must
// wrap all other handlers, including CORS and the mounted handlers, because no handler may block a connection without a
// time limit.
func (s *Server) withLimits(next http.Handler) http.Handler {
	common := &s.cfg.Common
	s.workers.serve = func(w http.ResponseWriter, r *http.Request) {
		s.setConnHeaders(w, r)
		s.serveHTTP2(w, r, next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			s.serveStream(w, r)
			return
		}
		closeIfAmbiguous(w, r)
		s.setConnHeaders(w, r)
		if r.Body != http.NoBody {
			// If the handler does not read the whole body, net/http reads the rest of the body without a deadline of
			// its own.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(common.ReadTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// setConnHeaders sets the headers that depend on the connection.
func (s *Server) setConnHeaders(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	s.fixed.setHSTS(w, r)
}

// If the server and a proxy may disagree about the end of the request body, closeIfAmbiguous sets the response header
// "Connection: close". It does this for all chunked requests that net/http serves, because net/http does not report whether a chunked
// request also had a Content-Length.
func closeIfAmbiguous(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0 && r.ContentLength != 0) {
		w.Header().Set("Connection", "close")
	}
}
