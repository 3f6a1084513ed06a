package tcp

import (
	"errors"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// job is one request, on its way through the loop of its connection.
type job struct {
	actionhero.Request
	session *session
	count   uint64 // of its line
}

// Run implements connloop.Request.
func (j *job) Run() (done bool) { return j.session.answer(j) }

// answer runs a request and leaves its answer to be sent. It returns false if another goroutine will do so later.
func (ss *session) answer(next *job) bool {
	if !ss.server.api.ReturnsContent(next.Action) {
		ss.run(next)
		return true
	}
	if !ss.files.begin(next) {
		return false
	}
	ss.run(next)
	for next, ok := ss.files.next(); ok; next, ok = ss.files.next() {
		if !ss.loop.Canceled() {
			ss.run(next)
		}
		ss.loop.RequestDone()
	}
	return true
}

// files sees to it that a client has one open file at a time, and one goroutine that sends it, however many it asks for.
type files struct {
	mu      sync.Mutex
	sending bool
	waiting []*job
}

// begin returns true if the caller is to send this file, and then the next ones; otherwise the one that is at it will.
func (f *files) begin(j *job) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sending {
		f.waiting = append(f.waiting, j)
		return false
	}
	f.sending = true
	return true
}

func (f *files) next() (*job, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		f.sending, f.waiting = false, nil
		return nil, false
	}
	j := f.waiting[0]
	f.waiting[0] = nil
	f.waiting = f.waiting[1:]
	return j, true
}

func (ss *session) run(next *job) {
	var tail [tailSize]byte
	defer func() {
		if p := recover(); p != nil {
			ss.fault(p)
			ss.out.AddLater(wire.Error(nil, errors.New("a fault of the server")), appendTail(tail[:0], next.count))
		}
	}()
	out, err := ss.server.api.Dispatch(ss.server.ctx, &next.Request)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		ss.stream(content)
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if err != nil {
		*buf = wire.Error((*buf)[:0], err)
	} else {
		*buf = wire.Result((*buf)[:0], &next.Request, out)
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
