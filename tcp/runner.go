package tcp

import (
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// A burst of requests on one connection is run by as few goroutines as possible, but none of them may hold up another
// request, or an answer that is ready. So a runner takes requests from the connection's queue one after the other and
// lets their answers gather; and whenever it leaves something behind while it runs a request, another runner stands by:
// if the request is quick, the runner has done everything before the other's turn comes; if it is not, the other sends
// the answers and goes on with the queue.

// job is one request that waits for a runner.
type job struct {
	req   *actionhero.Request
	count uint64
}

// jobs is the queue of one connection.
type jobs struct {
	mu        sync.Mutex
	waiting   []job
	working   int           // requests that wait or run
	standBy   bool          // a runner has been called and has not begun
	unsent    bool          // answers wait for a runner to send them
	wake      chan struct{} // made when the reader must wait for a request to finish
	done      sync.WaitGroup
	streaming sync.Mutex // held by the action that sends a file
}

// queue puts a request into the queue. With too many at work it waits for one to finish, and the connection is not
// read meanwhile. The requests begin with the next call of begin.
func (ss *session) queue(req *actionhero.Request, count uint64) {
	j := &ss.jobs
	j.done.Add(1)
	j.mu.Lock()
	j.working++
	j.waiting = append(j.waiting, job{req, count})
	if j.working <= ss.server.cfg.MaxInFlight {
		j.mu.Unlock()
		return
	}
	wake := make(chan struct{})
	j.wake = wake
	j.mu.Unlock()
	ss.begin()
	<-wake
}

// begin has the queued requests run.
func (ss *session) begin() {
	j := &ss.jobs
	j.mu.Lock()
	call := len(j.waiting) > 0 && !j.standBy
	j.standBy = j.standBy || call
	j.mu.Unlock()
	if call {
		ss.server.call(ss)
	}
}

// run is a runner: it works until the queue is empty.
func (ss *session) run() {
	j := &ss.jobs
	j.mu.Lock()
	j.standBy = false
	unsent := j.unsent
	j.unsent = false
	j.mu.Unlock()
	if unsent {
		ss.out.Send()
	}
	for {
		next, ok := ss.next()
		if !ok {
			return
		}
		ss.answer(next)
	}
}

// next takes a request from the queue, and calls another runner if something is left behind. Without a request it
// sends what is unsent.
func (ss *session) next() (job, bool) {
	j := &ss.jobs
	j.mu.Lock()
	if len(j.waiting) == 0 {
		j.waiting = nil
		unsent := j.unsent
		j.unsent = false
		j.mu.Unlock()
		if unsent {
			ss.out.Send()
		}
		return job{}, false
	}
	next := j.waiting[0]
	j.waiting[0] = job{}
	j.waiting = j.waiting[1:]
	call := (len(j.waiting) > 0 || j.unsent) && !j.standBy
	j.standBy = j.standBy || call
	j.mu.Unlock()
	if call {
		ss.server.call(ss)
	}
	return next, true
}

// finished counts a request out and lets the reader go on.
func (ss *session) finished(unsent bool) {
	j := &ss.jobs
	j.mu.Lock()
	j.working--
	j.unsent = j.unsent || unsent
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
	j.mu.Unlock()
	j.done.Done()
}

// answer runs a request and queues its answer.
func (ss *session) answer(next job) {
	unsent := false
	defer func() { ss.finished(unsent) }()
	defer ss.recover()
	if ss.server.api.AnswersContent(next.req.Action) {
		ss.jobs.streaming.Lock() // one open file for each connection, however many it asks for at a time
		defer ss.jobs.streaming.Unlock()
	}
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
	var tail [tailSize]byte
	ss.out.AddLater(*buf, appendTail(tail[:0], next.count))
	unsent = true
}

// maxIdle is how many goroutines wait for something to run, at most. A waiting one has a stack that has grown already,
// which costs more than what a small action does.
const maxIdle = 256

// call has a runner for the session: one that waits, or a new one.
func (s *Server) call(ss *session) {
	select {
	case s.runners <- ss:
	default:
		s.pool.Go(func() { s.runner(ss) })
	}
}

func (s *Server) runner(ss *session) {
	for ss != nil {
		ss.run()
		if s.idle.Add(1) > maxIdle {
			s.idle.Add(-1)
			return
		}
		ss = <-s.runners
		s.idle.Add(-1)
	}
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
