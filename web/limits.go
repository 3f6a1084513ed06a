package web

import (
	"net/http"
	"time"
)

// withLimits returns a handler that applies the limits of a connection and then calls next. It is outside of all other
// handlers, CORS and mounted ones included, because none of them may hold up a connection.
func (s *Server) withLimits(next http.Handler) http.Handler {
	common := &s.cfg.Common
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeIfAmbiguous(w, r)
		if r.ProtoMajor == 2 {
			writer := &progressWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: common.WriteTimeout}
			defer writer.finish()
			w = writer
		} else if r.Body != http.NoBody {
			// net/http reads the rest of a body that the handler does not read, and sets no deadline for that.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(common.ReadTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// closeIfAmbiguous closes the connection after the response if sender and proxies may disagree about the end of the body.
// It does so for all chunked requests, because net/http does not report whether they also had a Content-Length.
func closeIfAmbiguous(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0 && r.ContentLength != 0) {
		w.Header().Set("Connection", "close")
	}
}

// serveMounted passes a request to its mounted handler. The time for the body begins with its first read: the
// handler may do other work before that.
func (s *Server) serveMounted(w http.ResponseWriter, r *http.Request) {
	if r.Body != http.NoBody {
		body := newProgressBody(w, r.Body, s.cfg.Common.ReadTimeout)
		r = r.WithContext(r.Context()) // a copy: net/http needs its own body when the handler returns
		r.Body = body
	}
	s.mux.ServeHTTP(w, r)
}

// progressWriter writes a response over HTTP/2 and gives each chunk its own write deadline. Over HTTP/2 a client can read
// from the connection and still block one response, by not extending the stream's flow-control window (RFC 9113 section
// 6.9). A deadline of the connection does not help against that. If the deadline passes, net/http resets the stream.
type progressWriter struct {
	http.ResponseWriter
	control      *http.ResponseController
	timeout      time.Duration
	userDeadline bool // the handler has set its own deadline
}

func (w *progressWriter) Write(p []byte) (n int, err error) {
	for {
		end := min(len(p), n+chunk)
		m := 0
		err = w.writeChunk(func() error {
			m, err = w.ResponseWriter.Write(p[n:end])
			return err
		})
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Flush implements [http.Flusher].
func (w *progressWriter) Flush() { _ = w.FlushError() }

// FlushError is for an [http.ResponseController].
func (w *progressWriter) FlushError() error { return w.writeChunk(w.control.Flush) }

// writeChunk runs a write with the deadline of one chunk.
func (w *progressWriter) writeChunk(write func() error) error {
	if w.userDeadline {
		return write()
	}
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	err := write()
	_ = w.control.SetWriteDeadline(time.Time{}) // there is no time limit between two writes
	return err
}

// SetWriteDeadline is for an [http.ResponseController]. The deadline of the handler replaces those of the chunks until it
// is cleared.
func (w *progressWriter) SetWriteDeadline(t time.Time) error {
	w.userDeadline = !t.IsZero()
	return w.control.SetWriteDeadline(t)
}

// Unwrap gives an [http.ResponseController] access to the other methods of net/http's writer.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish sets the deadline for the bytes that net/http sends after the handler has returned.
func (w *progressWriter) finish() {
	if !w.userDeadline {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	}
}
