// Package appbody reads the bytes with which code of the app answers a request. That code may panic, end its goroutine or
// block for ever. Begin reading at [Body].
package appbody

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
)

// MaxAbandoned is how many bodies of one API may have a call that has not returned although their request has ended.
const MaxAbandoned = 64

// ErrLeft is the error of a body whose client has left, so that nothing waits for the body any more.
var ErrLeft = errors.New("the client has left")

var errGoexit = errors.New("the Body of the Content ended its goroutine with runtime.Goexit")

// Options are what a body needs to know about its request.
type Options struct {
	Abandoned *bytebudget.Budget // counts the bodies that have not returned although their request has ended
	Client    netip.Prefix       // for Abandoned
	Context   context.Context    // ends when the client leaves
	Limit     time.Duration      // the longest time of a call
	Late      error              // the error of a longer call
	Log       func(error)        // receives a panic of a Close for which nothing waits
}

// Body is a body of the app. A panic of its code becomes an error, and the first error stays. Each of its methods may block
// for ever, so it runs in a goroutine of its own. The Body leaves the goroutine to itself when the client leaves or
// Options.Limit has passed; then it closes the body, which makes most bodies return. One goroutine at a time may use a Body.
type Body struct {
	options Options
	body    io.Reader
	direct  bool
	gone    <-chan struct{}
	timer   *time.Timer // nil before the first call
	results chan result
	buf     []byte // only for the body: a call that returns too late must not write into other memory
	left    bool   // a call has not returned in time
	err     error
}

// result is what a method of the body has returned.
type result struct {
	n   int64
	err error
}

// New returns a Body. inMemory reports that body cannot block, which New also knows of the readers of the standard library
// and of regular files.
func New(body io.Reader, inMemory bool, options Options) *Body {
	b := &Body{options: options, body: body, direct: inMemory || isDirect(body)}
	if !b.direct {
		b.gone, b.results = options.Context.Done(), make(chan result, 1)
	}
	return b
}

func isDirect(body io.Reader) bool {
	switch body := body.(type) {
	case nil, *bytes.Reader, *strings.Reader, *bytes.Buffer:
		return true
	case *os.File:
		return IsRegular(body)
	}
	return false
}

// IsRegular reports whether file is a file of a disk. The output of a command and a named pipe are no such files: they
// block, and have no size.
func IsRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// Direct reports whether no method of the body can block.
func (b *Body) Direct() bool { return b.direct }

// Admitted reports whether the client may leave a further body behind. Otherwise its request must be refused.
func (b *Body) Admitted() bool { return b.direct || b.options.Abandoned.Fits(b.options.Client, 1) }

// Err returns the first error of the body, except io.EOF.
func (b *Body) Err() error { return b.err }

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	if b.direct {
		n, err := b.guarded(func() (int64, error) {
			n, err := b.body.Read(p)
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
		n, err := b.body.Read(buf)
		return int64(len(buf[:n])), err
	})
	return copy(p, buf[:n]), err
}

// Seek implements [io.Seeker].
func (b *Body) Seek(offset int64, whence int) (int64, error) {
	seeker, ok := b.body.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return b.run(false, func() (int64, error) { return seeker.Seek(offset, whence) })
}

// Close closes the body, unless that has happened because the Body was left. It also waits if the client has left, so that
// its error is known.
func (b *Body) Close() error {
	if _, ok := b.body.(io.Closer); !ok || b.left {
		return nil
	}
	_, err := b.run(true, func() (int64, error) { return 0, b.closeBody() })
	return err
}

func (b *Body) closeBody() error {
	if closer, ok := b.body.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// guarded calls a method of the body.
func (b *Body) guarded(method func() (int64, error)) (n int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, panicked(p)
		}
		b.note(err)
	}()
	return method()
}

func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }

func (b *Body) note(err error) {
	if err != nil && err != io.EOF && b.err == nil {
		b.err = err
	}
}

// leaveGrace is the time that a call of the body has after the client has left. A client that only ends its sending side
// looks the same, and still reads an answer that goes on.
const leaveGrace = time.Second

// run calls a method of the body and waits until it returns, the client has left or the time limit has passed. closing
// reports whether method closes the body.
func (b *Body) run(closing bool, method func() (int64, error)) (n int64, err error) {
	if b.direct {
		return b.guarded(method)
	}
	if b.left {
		return 0, b.err
	}
	go b.call(method)
	b.setTimer(b.options.Limit)
	defer b.timer.Stop()
	gone := b.gone
	if closing {
		gone = nil
	}
	err = b.options.Late
	for {
		select {
		case r := <-b.results:
			b.note(r.err)
			return r.n, r.err
		case <-gone:
			gone, err = nil, ErrLeft
			b.setTimer(leaveGrace)
		case <-b.timer.C:
			b.note(err)
			if !closing {
				b.options.Abandoned.Force(b.options.Client, 1)
			} else if !b.options.Abandoned.Take(b.options.Client, 1) {
				continue // the connections of the client bound the requests that wait here
			}
			b.abandon(closing)
			return 0, err
		}
	}
}

func (b *Body) call(method func() (int64, error)) {
	r := result{err: errGoexit}
	defer func() {
		if p := recover(); p != nil {
			r = result{err: panicked(p)}
		}
		b.results <- r
	}()
	n, err := method()
	r = result{n, err}
}

func (b *Body) setTimer(d time.Duration) {
	if b.timer == nil {
		b.timer = time.NewTimer(d)
		return
	}
	b.timer.Reset(d)
}

// abandon leaves a call of the body, which counts among the abandoned ones, to itself. Unless the call closes the body,
// abandon does. The two goroutines belong to the app: a stop does not wait for them, because they may never end.
func (b *Body) abandon(closing bool) {
	b.left = true
	go func() {
		defer b.options.Abandoned.Give(b.options.Client, 1)
		if !closing {
			b.closeLeft()
		}
		<-b.results
	}()
}

func (b *Body) closeLeft() {
	defer func() {
		if p := recover(); p != nil {
			b.options.Log(fmt.Errorf("a Content that a request has left cannot be closed: %w", panicked(p)))
		}
	}()
	_ = b.closeBody() // its error says that it was closed early
}
