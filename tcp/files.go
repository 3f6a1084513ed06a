package tcp

import (
	"context"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// fileQueue holds the calls of one connection for files. A client has one open file, and one goroutine that sends it,
// however many files it requests.
type fileQueue struct {
	mu      sync.Mutex
	sending bool
	waiting []*call
}

// acquire returns true if the caller is to send the file of c and then the files of next. Otherwise it queues c for the
// goroutine that is sending.
func (q *fileQueue) acquire(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sending {
		q.waiting = append(q.waiting, c)
		return false
	}
	q.sending = true
	return true
}

// next returns the next queued call. If there is none, the caller is no longer the one that sends.
func (q *fileQueue) next() (c *call, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.sending, q.waiting = false, nil
		return nil, false
	}
	c = q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	return c, true
}

// stream sends the bytes of a file without an envelope, and then a line end.
func (ss *session) stream(content *actionhero.Content) {
	defer content.Close()
	if err := ss.out.Stream(content.Body, []byte("\r\n")); err != nil && context.Cause(ss.server.ctx) == nil {
		ss.Close("a file could not be sent whole: " + err.Error())
	}
}
