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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeIfAmbiguous(w, r)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		s.fixed.setHSTS(w, r)
		if r.ProtoMajor == 2 {
			s.serveHTTP2(w, r, next)
			return
		}
		if r.Body != http.NoBody {
			// If the handler does not read the whole body, net/http reads the rest of the body without a deadline of
			// its own.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(common.ReadTimeout))
		}
		next.ServeHTTP(w, r)
	})
}

// If the server and a proxy may disagree about the end of the request body, closeIfAmbiguous sets the response header
// "Connection: close". It does this for all chunked requests, because net/http does not report whether a chunked
// request also had a Content-Length.
func closeIfAmbiguous(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0 && r.ContentLength != 0) {
		w.Header().Set("Connection", "close")
	}
}

// progressWriter is the http.ResponseWriter of a response over HTTP/2. It sets a write deadline for each chunk of the
// response. If the deadline passes, net/http resets the stream. A write deadline of the whole connection is not enough.
// The reason: an HTTP/2 client can read from the connection and still block one response, if the client does not extend
// the flow-control window of the stream (RFC 9113 section 6.9).
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

// Flush implements [http.Flusher]. It sends the buffered part of the response to the client.
func (w *progressWriter) Flush() { _ = w.FlushError() }

// FlushError sends the buffered part of the response to the client. [http.ResponseController.Flush] calls FlushError.
func (w *progressWriter) FlushError() error { return w.writeChunk(w.control.Flush) }

// writeChunk sets the write deadline of one chunk, calls write and clears the deadline. If the handler has set its own
// deadline with SetWriteDeadline, writeChunk only calls write.
func (w *progressWriter) writeChunk(write func() error) error {
	if w.userDeadline {
		return write()
	}
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	err := write()
	_ = w.control.SetWriteDeadline(time.Time{}) // there is no time limit between two writes
	return err
}

// SetWriteDeadline sets the write deadline t, which replaces the deadlines of the chunks. If t is zero,
// SetWriteDeadline clears this deadline, and the deadlines of the chunks apply again.
// [http.ResponseController.SetWriteDeadline] calls this method.
func (w *progressWriter) SetWriteDeadline(t time.Time) error {
	w.userDeadline = !t.IsZero()
	return w.control.SetWriteDeadline(t)
}

// Unwrap returns the writer of net/http. An [http.ResponseController] calls Unwrap to reach the other methods of that
// writer.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish sets the write deadline for the bytes that net/http sends after the handler has returned. If the handler has
// set its own deadline with SetWriteDeadline, finish does not change the deadline.
func (w *progressWriter) finish() {
	if !w.userDeadline {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	}
}
