package tcp

import (
	"context"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// fileQueue is the queue of a connection for calls whose actions return files. If a client requests many files, only
// one goroutine sends files to this client, and only one file is open at the same time.
type fileQueue struct {
	mu      sync.Mutex
	sending bool
	waiting []*call
}

// If no goroutine is sending files to the client, acquire returns true. The caller must then send the file of c, and
// then the files of the calls that the method next returns. If another goroutine is sending files, acquire queues c for
// that goroutine and returns false.
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

// next removes the first call from the queue and returns the call. If the queue is empty, ok is false, and the caller
// must stop sending files.
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
	if _, err := ss.out.Stream(content.Body, []byte("\r\n")); err != nil && context.Cause(ss.server.ctx) == nil {
		ss.Close("a file could not be sent whole: " + err.Error())
	}
}
