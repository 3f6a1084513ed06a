package web

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// pacer limits the time for each chunk of the responses over HTTP/2. A write deadline of a stream costs a message to the loop
// of its connection. Therefore each stream begins with the deadline that the net/http server sets without a message, and the
// pacer extends it four times in each timeout, for the streams that are still served and have made progress. A short response
// needs no further deadline.
type pacer struct {
	timeout time.Duration
	workers *workers     // a sweep trims them
	now     atomic.Int64 // number of quarters of the timeout that have begun, from 1

	mu    sync.Mutex
	first *progressWriter // list of the writers whose handlers run
	armed bool            // a sweep is due
}

// quarters is the number of sweeps in one timeout.
const quarters = 4

// add begins to extend the deadlines of w, until a call of remove.
func (p *pacer) add(w *progressWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.next = p.first; w.next != nil {
		w.next.last = w
	}
	p.first = w
	p.armLocked()
	w.until = p.now.Load() + quarters - 1
}

// arm makes a sweep due, if none is.
func (p *pacer) arm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armLocked()
}

func (p *pacer) armLocked() {
	if !p.armed {
		p.armed = true
		p.now.Add(1)
		time.AfterFunc(p.timeout/quarters, p.sweep)
	}
}

func (p *pacer) remove(w *progressWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.last != nil:
		w.last.next = w.next
	case p.first == w:
		p.first = w.next
	}
	if w.next != nil {
		w.next.last = w.last
	}
	w.next, w.last = nil, nil
}

// sweep extends the deadlines. It runs again after a quarter of the timeout, unless no handler runs.
func (p *pacer) sweep() {
	var all []*progressWriter
	p.mu.Lock()
	now := p.now.Add(1)
	for w := p.first; w != nil; w = w.next {
		all = append(all, w)
	}
	if p.armed = len(all) > 0; p.armed {
		time.AfterFunc(p.timeout/quarters, p.sweep)
	}
	armed := p.armed
	p.mu.Unlock()
	p.workers.trim(!armed)
	for _, w := range all {
		w.extend(now)
	}
}

// progressWriter is the http.ResponseWriter of a response over HTTP/2. If the client does not read a chunk within the write
// timeout, net/http resets the stream. A write deadline of the whole connection is not enough. The reason: an HTTP/2 client
// can read from the connection and still block one response, if the client does not extend the flow-control window of the
// stream (RFC 9113 section 6.9).
type progressWriter struct {
	http.ResponseWriter
	control    *http.ResponseController
	pacer      *pacer
	isOurs     bool            // the server is of this package: streams begin with a deadline
	next, last *progressWriter // guarded by the mutex of the pacer
	begun      atomic.Int64    // the quarter in which the current write began; 0: there is none

	mu           sync.Mutex
	until        int64 // the quarter in which the deadline passes
	userDeadline bool  // the handler has set its own deadline
	ended        bool  // the handler has returned
}

// extend moves the deadline, unless the write that runs has made no progress since the deadline was set, or the deadline is
// not the one of the pacer. now is the current quarter.
func (w *progressWriter) extend(now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := now
	if begun := w.begun.Load(); begun != 0 {
		from = begun
	}
	if until := from + quarters; until > w.until && !w.userDeadline && !w.ended {
		w.until = until
		_ = w.control.SetWriteDeadline(time.Now().Add(time.Duration(until-now) * w.pacer.timeout / quarters))
	}
}

func (w *progressWriter) Write(p []byte) (n int, err error) {
	for {
		end := min(len(p), n+chunk)
		w.begun.Store(w.pacer.now.Load())
		m, err := w.ResponseWriter.Write(p[n:end])
		w.begun.Store(0)
		if n += m; err != nil || n == len(p) {
			return n, err
		}
	}
}

// Flush implements [http.Flusher]. It sends the buffered part of the response to the client.
func (w *progressWriter) Flush() { _ = w.FlushError() }

// FlushError sends the buffered part of the response to the client. [http.ResponseController.Flush] calls FlushError.
func (w *progressWriter) FlushError() error {
	w.begun.Store(w.pacer.now.Load())
	defer w.begun.Store(0)
	return w.control.Flush()
}

// SetWriteDeadline sets the write deadline t, which replaces the deadlines of the chunks. If t is zero, the deadlines of the
// chunks apply again. [http.ResponseController.SetWriteDeadline] calls this method.
func (w *progressWriter) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return net.ErrClosed
	}
	if w.userDeadline = !t.IsZero(); !w.userDeadline {
		w.until = w.pacer.now.Load() + quarters
		t = time.Now().Add(w.pacer.timeout)
	}
	return w.control.SetWriteDeadline(t)
}

// Unwrap returns the writer of net/http. An [http.ResponseController] calls Unwrap to reach the other methods of that
// writer.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish ends the extension of the deadline, which then limits the time for the bytes that net/http sends after the handler
// has returned. If the handler has set its own deadline with SetWriteDeadline, this deadline limits the time.
func (w *progressWriter) finish() {
	w.pacer.remove(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended = true; !w.isOurs && !w.userDeadline {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.pacer.timeout))
	}
}
