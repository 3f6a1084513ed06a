package web

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// errEnded is the error of a writer that the app uses after its action or mounted handler has returned.
var errEnded = errors.New("the request has ended: its writer belongs to the server again")

// scope is the time in which the app may use a response: until the action or the mounted handler returns. The engines
// reuse the memory and the connection of a response for later requests.
type scope struct {
	mu    sync.RWMutex // held for reading during each use
	over  bool
	isOld bool // the request is of HTTP/1.0

	begun atomic.Bool // the app has begun to write the response
}

// end waits for the uses that have begun and refuses all later ones.
func (s *scope) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// use calls do. After end, use returns errEnded instead.
func (s *scope) use(do func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.over {
		return errEnded
	}
	return do()
}

// scopedWriter is the http.ResponseWriter that the app receives. It has the optional methods of the writers of both
// engines, so that an [http.ResponseController] never reaches the writer behind it.
type scopedWriter struct {
	*scope
	w http.ResponseWriter
}

func (s scopedWriter) control() *http.ResponseController { return http.NewResponseController(s.w) }

// Header returns the headers of the response. After the end of the scope, the returned headers are not those of any
// response.
func (s scopedWriter) Header() (header http.Header) {
	err := s.use(func() error {
		header = s.w.Header()
		return nil
	})
	if err != nil {
		return http.Header{}
	}
	return header
}

// WriteHeader implements [http.ResponseWriter]. HTTP/1.0 has no informational responses (RFC 9110 section 15.2): its client
// would take one for the final response.
func (s scopedWriter) WriteHeader(status int) {
	_ = s.use(func() error {
		if s.isOld && status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
			return nil
		}
		s.w.WriteHeader(status) // panics if there is no such status
		if status >= 200 || status == http.StatusSwitchingProtocols {
			s.begun.Store(true)
		}
		return nil
	})
}

// Write implements [http.ResponseWriter].
func (s scopedWriter) Write(p []byte) (n int, err error) {
	err = s.use(func() (err error) {
		s.begun.Store(true)
		n, err = s.w.Write(p)
		return err
	})
	return n, err
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can copy a file to the client.
func (s scopedWriter) ReadFrom(src io.Reader) (n int64, err error) {
	err = s.use(func() (err error) {
		s.begun.Store(true)
		n, err = io.Copy(s.w, src)
		return err
	})
	return n, err
}

// Flush implements [http.Flusher].
func (s scopedWriter) Flush() { _ = s.FlushError() }

// FlushError sends the buffered part of the response. [http.ResponseController.Flush] calls FlushError.
func (s scopedWriter) FlushError() error {
	return s.use(func() error {
		s.begun.Store(true)
		return s.control().Flush()
	})
}

// Hijack implements [http.Hijacker].
func (s scopedWriter) Hijack() (nc net.Conn, rw *bufio.ReadWriter, err error) {
	err = s.use(func() (err error) {
		if nc, rw, err = s.control().Hijack(); err == nil {
			s.begun.Store(true)
		}
		return err
	})
	return nc, rw, err
}

// SetReadDeadline sets the read deadline of the request. [http.ResponseController.SetReadDeadline] calls this method.
func (s scopedWriter) SetReadDeadline(t time.Time) error {
	return s.use(func() error { return s.control().SetReadDeadline(t) })
}

// SetWriteDeadline sets the write deadline of the response. [http.ResponseController.SetWriteDeadline] calls this
// method.
func (s scopedWriter) SetWriteDeadline(t time.Time) error {
	return s.use(func() error { return s.control().SetWriteDeadline(t) })
}

// EnableFullDuplex lets the app read the request while it writes the response. [http.ResponseController.EnableFullDuplex]
// calls this method.
func (s scopedWriter) EnableFullDuplex() error {
	return s.use(func() error { return s.control().EnableFullDuplex() })
}
