package web

import (
	"net/http"
	"time"
)

// guarded stands before everything that answers, be it an action, a file, CORS or a handler that was mounted: what it
// does is about the connection, which no handler may be able to hold up.
func (s *Server) guarded(next http.Handler) http.Handler {
	common := &s.cfg.Common
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeUnlessClear(w, r)
		if r.ProtoMajor == 2 {
			answer := &pacedAnswer{ResponseWriter: w, control: http.NewResponseController(w), timeout: common.WriteTimeout}
			defer answer.finish()
			w = answer
		} else if r.Body != http.NoBody {
			// Whatever of a body the handler leaves, net/http reads, for as long as it takes.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(common.ReadTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// closeUnlessClear closes the connection after the answer where sender and proxies may disagree about where the body
// ends: net/http does not tell whether a chunked request also had a Content-Length.
func closeUnlessClear(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0 && r.ContentLength != 0) {
		w.Header().Set("Connection", "close")
	}
}

// serveMounted hands a request to a handler of the user's own, which may take its time before it reads the body.
func (s *Server) serveMounted(w http.ResponseWriter, r *http.Request) {
	if r.Body != http.NoBody {
		body := newPacedBody(w, r.Body, s.cfg.Common.ReadTimeout)
		r = r.WithContext(r.Context()) // net/http looks at its own body when the handler is done
		r.Body = body
	}
	s.mux.ServeHTTP(w, r)
}

// pacedAnswer is an answer over HTTP/2 that must make progress: there a client can read all that comes and still hold up
// one answer, by not allowing it to be sent (RFC 9113 section 6.9), where no deadline of the connection helps. Each
// piece has a time of its own; when it passes, net/http resets the stream.
type pacedAnswer struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	theirs  bool // the handler has set a deadline itself
}

func (a *pacedAnswer) Write(p []byte) (n int, err error) {
	for {
		end := min(len(p), n+piece)
		m := 0
		err = a.paced(func() error {
			m, err = a.ResponseWriter.Write(p[n:end])
			return err
		})
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Flush sends what is buffered.
func (a *pacedAnswer) Flush() { _ = a.FlushError() }

// FlushError is the Flush of an [http.ResponseController].
func (a *pacedAnswer) FlushError() error { return a.paced(a.control.Flush) }

func (a *pacedAnswer) paced(write func() error) error {
	if a.theirs {
		return write()
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(a.timeout))
	err := write()
	_ = a.control.SetWriteDeadline(time.Time{}) // the handler may be silent for as long as it likes
	return err
}

// SetWriteDeadline lets a handler set a time limit of its own.
func (a *pacedAnswer) SetWriteDeadline(t time.Time) error {
	a.theirs = !t.IsZero()
	return a.control.SetWriteDeadline(t)
}

// Unwrap leads an [http.ResponseController] to the rest of what net/http offers.
func (a *pacedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish gives the rest, which is sent after the handler has returned, its time.
func (a *pacedAnswer) finish() {
	if !a.theirs {
		_ = a.control.SetWriteDeadline(time.Now().Add(a.timeout))
	}
}
