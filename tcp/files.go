package tcp

import (
	"context"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// fileQueue holds the waiting calls of one connection that return files. At any time, at most one goroutine sends files
// to the client and one file is open, however many files the client requests.
type fileQueue struct {
	mu      sync.Mutex
	sending bool
	waiting []*call
}

// acquire returns true if no goroutine is sending files to the client. The caller must then send the file of c, and
// after it the files of the calls that next returns. Otherwise acquire queues c for the sending goroutine and returns
// false.
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

// next removes the first queued call and returns it. If no call is queued, ok is false, and the caller must send no
// more files.
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

// stream sends the bytes of content without a JSON envelope, then a line end, and closes content. If sending fails,
// stream closes the connection, unless the context of the server is canceled.
func (ss *session) stream(content *actionhero.Content) {
	defer content.Close()
	if err := ss.out.Stream(content.Body, []byte("\r\n")); err != nil && context.Cause(ss.server.ctx) == nil {
		ss.Close("a file could not be sent whole: " + err.Error())
	}
}
