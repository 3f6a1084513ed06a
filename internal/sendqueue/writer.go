package sendqueue

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// Flush writes as many queued bytes as the network accepts without blocking. A new goroutine writes the other bytes.
func (q *Queue) Flush() { q.flush(func(rest []byte, count int) { go q.drain(rest, count) }) }

// FlushWait writes all queued messages. It blocks while the client is slow to read.
func (q *Queue) FlushWait() { q.flush(q.drain) }

func (q *Queue) flush(finish func(rest []byte, count int)) {
	if q.start() {
		q.writeBatches(finish)
	}
}

// start calls q.fail if a failure must be reported. It returns true if the caller must write the queued messages. After
// a claim, the first goroutine that calls start writes, even if another goroutine made the claim.
func (q *Queue) start() bool {
	q.mu.Lock()
	failure := q.failure
	q.failure = nil
	starts := q.writer == claimed
	if starts {
		q.writer = writing
	}
	q.mu.Unlock()
	if failure != nil {
		q.fail(failure)
	}
	return starts
}

// writeBatches writes batches of queued messages and returns when the queue is empty. No write blocks. If the network
// does not accept a whole batch, writeBatches calls finish and returns. The argument rest is the unwritten part of the
// batch, and count is the number of messages in the batch.
func (q *Queue) writeBatches(finish func(rest []byte, count int)) {
	for batch, count := q.nextBatch(0); batch != nil; batch, count = q.nextBatch(count) {
		n, err := 0, error(nil)
		if q.raw != nil {
			n, err = q.tryWrite(*batch)
		}
		if err != nil {
			q.abort()
			putBuffer(batch)
			return
		}
		if n < len(*batch) {
			finish((*batch)[n:], count)
			return
		}
		putBuffer(batch)
	}
}

// nextBatch removes all messages from the queue. It returns these messages as one batch for the writer, and their
// number. The parameter written is the number of messages that the writer has written since the last call. If the queue
// is empty or closed, nextBatch returns nil, and the caller is no longer the writer.
func (q *Queue) nextBatch(written int) (batch *[]byte, count int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.messages -= written; q.pending == nil || q.stopped {
		q.unclaim()
		return nil, 0
	}
	batch, q.pending = q.pending, nil
	return batch, q.messages
}

// unclaim records that no goroutine writes the queue any more, and wakes the goroutines that are blocked in Wait. The
// caller must hold q.mu.
func (q *Queue) unclaim() {
	q.writer = unclaimed
	if q.done != nil {
		close(q.done)
		q.done = nil
	}
}

// tryWrite writes as many bytes of p as the network accepts without blocking, and returns the number of written bytes.
// Only the goroutine that is the writer of the queue may call tryWrite.
func (q *Queue) tryWrite(p []byte) (int, error) {
	q.batch = p
	err := q.raw.Write(q.tryBatch)
	if err == nil {
		err = q.err
	}
	q.batch, q.err = nil, nil
	return q.n, err
}

// tryOnce makes one attempt to write the batch to the socket fd. It always returns true, so that raw.Write does not
// wait.
func (q *Queue) tryOnce(fd uintptr) bool {
	q.n, _, q.err = nonblock.Write(fd, q.batch)
	return true
}

// chunk is the size, in bytes, of a blocking write. Each write has the deadline Config.WriteTimeout, so a client must
// read at least chunk bytes within this time.
const chunk = 16 << 10

// drain writes rest, the unwritten part of a batch of count messages. It then writes all messages that have been queued
// meanwhile, until the queue is empty. It blocks while the client is slow to read.
func (q *Queue) drain(rest []byte, count int) {
	for {
		if err := q.write(rest); err != nil {
			q.abort()
			return
		}
		batch, n := q.nextBatch(count)
		if batch == nil {
			return
		}
		rest, count = *batch, n
	}
}

func (q *Queue) write(p []byte) error {
	for len(p) > 0 {
		_ = q.conn.SetWriteDeadline(time.Now().Add(q.config.WriteTimeout))
		n, err := q.conn.Write(p[:min(len(p), chunk)])
		if p = p[n:]; err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				q.fail(ErrSlow)
			}
			return err
		}
	}
	return q.conn.SetWriteDeadline(time.Time{}) // or the next non-blocking write would fail: its deadline has passed
}

// Stream writes all queued messages, then the bytes of r, then tail. No other bytes are written between these bytes.
// Stream blocks until all bytes are written, and returns the first error of r or of a write.
func (q *Queue) Stream(r io.Reader, tail []byte) error {
	if err := q.claimEmpty(); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if werr := q.write(buf[:n]); werr != nil {
			q.abort()
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			q.abort()
			return err
		}
	}
	if err := q.write(tail); err != nil {
		q.abort()
		return err
	}
	q.writeBatches(q.drain)
	return nil
}
