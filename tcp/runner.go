package tcp

import (
	"errors"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// A connection has one goroutine that owns it: it reads lines, and runs their requests itself, one after the other, so
// that a quick request costs no more than the work, and the answers to a burst go out in one write. But a request that
// takes its time must hold up neither the others nor the reading. The watchman sees to that: an owner that is still at
// the same request after a moment loses the connection to a new goroutine, which sends what is ready, goes on with the
// requests that wait, and reads. The old one only answers its request and ends.

// job is one request that waits to be run.
type job struct {
	req   *actionhero.Request
	count uint64
}

// own goes on with the connection until it ends or is lost to another owner.
func (ss *session) own() {
	turn := ss.turn
	defer ss.recover()
	ss.send()
	for ended := false; ; {
		for !ended && int(ss.working.Load()) < ss.server.cfg.MaxInFlight {
			line, ok := ss.in.line()
			if !ok {
				break
			}
			ended = !ss.line(line)
		}
		switch {
		case len(ss.waiting) > 0:
			if !ss.runWaiting(turn) {
				return
			}
		case ended:
			ss.finish()
			return
		case int(ss.working.Load()) >= ss.server.cfg.MaxInFlight:
			<-ss.wake
		default:
			switch ss.read() {
			case readEnd:
				ended = true
			case readRest:
				ss.server.running.Go(ss.own)
				return
			}
		}
	}
}

// runWaiting runs the requests that wait, and sends their answers together; those of a client that was given up it
// drops. It returns false when the connection was lost to another owner.
func (ss *session) runWaiting(turn uint64) bool {
	for i := range ss.waiting {
		next := ss.waiting[i]
		ss.waiting[i] = job{}
		ss.next = i + 1
		ss.out.Ready() // not as a request that takes its time: each would have a goroutine
		if ss.givenUp.Load() {
			ss.working.Add(-1)
			continue
		}
		ss.server.watchman.enter(ss)
		done := ss.answer(next)
		if !ss.server.watchman.leave(ss, turn) {
			ss.out.Send()
			if done {
				ss.late()
			}
			return false
		}
		if done {
			ss.working.Add(-1)
		}
		ss.unsent = true
	}
	ss.waiting, ss.next = ss.waiting[:0], 0
	ss.send()
	return true
}

// late counts out a request whose owner lost the connection, and tells the owner of now, if it waits for that.
func (ss *session) late() {
	ss.answered.Store(time.Now().UnixNano()) // before it is counted out, or the client would seem idle
	ss.working.Add(-1)
	select {
	case ss.wake <- struct{}{}:
	default: // whoever waits has been told already
	}
}

// send sends the answers that have gathered.
func (ss *session) send() {
	if ss.unsent {
		ss.unsent = false
		ss.out.Send()
	}
}

// queue has a request run when the lines at hand have been read.
func (ss *session) queue(req *actionhero.Request, count uint64) {
	ss.working.Add(1)
	ss.waiting = append(ss.waiting, job{req, count})
}

// answer runs a request and leaves its answer to be sent. It returns false if another goroutine will do so later.
func (ss *session) answer(next job) bool {
	if !ss.server.api.AnswersContent(next.req.Action) {
		ss.run(next)
		return true
	}
	if !ss.files.begin(next) {
		return false
	}
	ss.run(next)
	for next, ok := ss.files.next(); ok; next, ok = ss.files.next() {
		if !ss.givenUp.Load() {
			ss.run(next)
		}
		ss.late()
	}
	return true
}

// files sees to it that a client has one open file at a time, and one goroutine that sends it, however many it asks for.
type files struct {
	mu      sync.Mutex
	sending bool
	waiting []job
}

// begin returns true if the caller is to send this file, and then the next ones; otherwise the one that is at it will.
func (f *files) begin(j job) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sending {
		f.waiting = append(f.waiting, j)
		return false
	}
	f.sending = true
	return true
}

func (f *files) next() (job, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		f.sending, f.waiting = false, nil
		return job{}, false
	}
	j := f.waiting[0]
	f.waiting = f.waiting[1:]
	return j, true
}

func (ss *session) run(next job) {
	var tail [tailSize]byte
	defer func() {
		if p := recover(); p != nil {
			ss.fault(p)
			ss.out.AddLater(wire.Error(nil, errors.New("a fault of the server")), appendTail(tail[:0], next.count))
		}
	}()
	out, err := ss.server.api.Dispatch(ss.server.ctx, next.req)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		ss.stream(content)
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if err != nil {
		*buf = wire.Error((*buf)[:0], err)
	} else {
		*buf = wire.Result((*buf)[:0], next.req, out)
	}
	ss.out.AddLater(*buf, appendTail(tail[:0], next.count))
}

// maxKept is the largest buffer that is kept for the next answer.
const maxKept = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= maxKept {
		buffers.Put(b)
	}
}
