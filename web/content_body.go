package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// contentBody is the body of a Content that comes from the app. A panic of its code becomes an error, and the first error
// stays. Each method of the body may block for ever, so it runs in a goroutine of its own, which the
// request leaves to itself when the client leaves or the write timeout has passed.
type contentBody struct {
	server  *Server
	client  netip.Prefix
	content *actionhero.Content
	direct  bool            // the body cannot block: it is in memory, or a file of the disk
	gone    <-chan struct{} // closed when the client leaves
	timer   *time.Timer     // nil before the first call
	results chan contentResult
	buf     []byte // only for the body: a call that returns too late must not write into memory of the engine
	left    bool   // a call has not returned in time
	err     error
}

// contentResult is what a method of the body has returned.
type contentResult struct {
	n   int64
	err error
}

var (
	// errLeft is the error of a body that the request does not wait for any more, because the client has left.
	errLeft = errors.New("the client has left")
	// errLate is the error of a body that returned nothing within the write timeout.
	errLate = fmt.Errorf("the Body of the Content returned nothing for commonWeb.writeTimeout: %w",
		actionhero.Errorf(actionhero.CodeDeadlineExceeded, "The request took too long"))
)

// maxAbandoned is how many bodies may have a call that has not returned although their request has ended.
const maxAbandoned = 64

func (s *Server) newContentBody(c *call, content *actionhero.Content) *contentBody {
	b := &contentBody{server: s, content: content, direct: transport.IsStatic(content)}
	switch content.Body.(type) {
	case *os.File, *bytes.Reader, *strings.Reader, *bytes.Buffer:
		b.direct = true
	}
	if !b.direct {
		b.client, b.gone, b.results = s.budgetKey(c.req.RemoteIP), c.r.Context().Done(), make(chan contentResult, 1)
	}
	return b
}

// Read implements [io.Reader].
func (b *contentBody) Read(p []byte) (int, error) {
	if b.direct {
		n, err := b.guarded(func() (int64, error) {
			n, err := b.content.Body.Read(p)
			return int64(n), err
		})
		return int(n), err
	}
	size := min(len(p), 32<<10)
	if len(b.buf) < size {
		b.buf = make([]byte, size)
	}
	buf := b.buf[:size]
	n, err := b.run(false, func() (int64, error) {
		n, err := b.content.Body.Read(buf)
		return int64(len(buf[:n])), err
	})
	return copy(p, buf[:n]), err
}

// Seek implements [io.Seeker].
func (b *contentBody) Seek(offset int64, whence int) (int64, error) {
	seeker, ok := b.content.Body.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return b.run(false, func() (int64, error) { return seeker.Seek(offset, whence) })
}

// close closes the Content, unless run has done it. It also waits if the client has left, so that the error is logged.
func (b *contentBody) close() error {
	if b.left {
		return nil
	}
	_, err := b.run(true, func() (int64, error) { return 0, b.content.Close() })
	return err
}

// guarded calls a method of the body.
func (b *contentBody) guarded(method func() (int64, error)) (n int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		b.note(err)
	}()
	return method()
}

func (b *contentBody) note(err error) {
	if err != nil && err != io.EOF && b.err == nil {
		b.err = err
	}
}

// leaveGrace is the time that a call of the body has after the client has left. A client that only ends its sending side
// looks the same, and still reads an answer that goes on.
const leaveGrace = time.Second

// run calls a method of the body and waits until it returns, the client has left or the write timeout has passed. After it
// has stopped waiting, it calls no further method, but closes the Content, which makes most bodies return. closing reports
// whether method closes the Content.
func (b *contentBody) run(closing bool, method func() (int64, error)) (n int64, err error) {
	if b.direct {
		return b.guarded(method)
	}
	if b.left {
		return 0, b.err
	}
	go func() {
		r := contentResult{err: errGoexit}
		defer func() {
			if p := recover(); p != nil {
				r = contentResult{err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			b.results <- r
		}()
		n, err := method()
		r = contentResult{n, err}
	}()
	b.setTimer(b.server.cfg.Common.WriteTimeout)
	defer b.timer.Stop()
	gone := b.gone
	if closing {
		gone = nil
	}
	err = errLate
	for {
		select {
		case r := <-b.results:
			b.note(r.err)
			return r.n, r.err
		case <-gone:
			gone, err = nil, errLeft
			b.setTimer(leaveGrace)
		case <-b.timer.C:
			b.note(err)
			if !closing {
				b.server.abandoned.force(b.client, 1)
			} else if !b.server.abandoned.take(b.client, 1) {
				continue // the connections of the client bound the requests that wait here
			}
			b.abandon(closing)
			return 0, err
		}
	}
}

func (b *contentBody) setTimer(d time.Duration) {
	if b.timer == nil {
		b.timer = time.NewTimer(d)
		return
	}
	b.timer.Reset(d)
}

// abandon leaves a call of the body, which counts among the abandoned ones, to itself. Unless the call closes the Content,
// abandon does. The two goroutines belong to the app: a stop does not wait for them, because they may never end.
func (b *contentBody) abandon(closing bool) {
	b.left = true
	go func() {
		defer b.server.abandoned.give(b.client, 1)
		if !closing {
			b.server.closeAbandoned(b.content)
		}
		<-b.results
	}()
}

func (s *Server) closeAbandoned(content *actionhero.Content) {
	defer func() {
		if p := recover(); p != nil {
			s.api.Log().Error("a Content that a request has left cannot be closed", "error", fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	_ = content.Close() // its error says that it was closed early
}
