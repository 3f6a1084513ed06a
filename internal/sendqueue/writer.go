package sendqueue

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// Flush writes as much of the queue as the network accepts at once. A new goroutine writes the rest.
func (q *Queue) Flush() { q.flush(func(rest []byte, count int) { go q.drain(rest, count) }) }

// FlushWait writes the whole queue. It blocks while the client is slow to read.
func (q *Queue) FlushWait() { q.flush(q.drain) }

func (q *Queue) flush(finish func(rest []byte, count int)) {
	if q.start() {
		q.writeBatches(finish)
	}
}

// start reports a failure, and returns true if the caller is to write. The first goroutine that calls it after a claim
// writes, even if another one made the claim.
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

// writeBatches writes without blocking until nothing is queued. If a batch cannot be written whole, it calls finish with
// the rest.
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

// nextBatch removes everything from the queue for the writer, which has written so many messages. If nothing is queued
// it returns nil, and the caller is no longer the writer.
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

// unclaim ends the work of the writer. The caller must hold the lock.
func (q *Queue) unclaim() {
	q.writer = unclaimed
	if q.done != nil {
		close(q.done)
		q.done = nil
	}
}

// tryWrite writes without blocking. Only the writer calls it.
func (q *Queue) tryWrite(p []byte) (int, error) {
	q.batch = p
	err := q.raw.Write(q.tryBatch)
	if err == nil {
		err = q.err
	}
	q.batch, q.err = nil, nil
	return q.n, err
}

// tryOnce makes one attempt to write the batch. It always returns true, so that raw.Write does not wait.
func (q *Queue) tryOnce(fd uintptr) bool {
	q.n, _, q.err = nonblock.Write(fd, q.batch)
	return true
}

// chunk is the size of a blocking write. Each one has Config.WriteTimeout, so a client must read at least this much
// within that time.
const chunk = 16 << 10

// drain writes the rest of a batch and then everything that was queued meanwhile. It blocks.
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

// Stream writes everything that is queued, then r, then tail, with nothing in between. It blocks until all is written.
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
