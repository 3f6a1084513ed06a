package sendqueue

import (
	"errors"
	"io"
	"net"
	"time"
)

// Flush writes as many queued bytes as the network accepts without blocking. A new goroutine writes the other bytes.
func (q *Queue) Flush() {
	if q.start() && q.writeBatches() {
		go q.drain()
	}
}

// FlushWait writes all queued messages. It blocks while the client is slow to read.
func (q *Queue) FlushWait() {
	if q.start() && q.writeBatches() {
		q.drain()
	}
}

// start calls q.fail if a failure must be reported, and relieves the budget if it is exceeded. It returns
// true if the caller must write the queued messages. After a claim, the first goroutine that calls start writes, even if
// another goroutine made the claim.
func (q *Queue) start() bool {
	q.mu.Lock()
	failure, over := q.failure, q.over
	q.failure, q.over = nil, false
	starts := q.writer == claimed
	if starts {
		q.writer = writing
	}
	q.mu.Unlock()
	if failure != nil {
		q.fail(failure)
	}
	if over {
		q.config.Budget.Relieve()
	}
	return starts
}

// writeBatches writes batches of queued messages until the queue is empty. No write blocks. If the network does not
// accept a whole batch, writeBatches returns rest = true, and the caller, which is still the writer, must call drain.
func (q *Queue) writeBatches() (rest bool) {
	for batch := q.nextBatch(); batch != nil; batch = q.nextBatch() {
		for p := batch.next(); len(p) > 0; p = batch.next() {
			if q.raw == nil {
				return true
			}
			n, err := batch.write(q.raw, p)
			if err != nil {
				q.abort()
				return false
			}
			if batch.advance(n); n < len(p) {
				return true
			}
		}
	}
	return false
}

// nextBatch removes all messages from the queue, and returns these messages as one batch for the writer. The writer has
// written the previous batch. If the queue is empty or closed, nextBatch returns nil, and the caller is no longer the
// writer.
func (q *Queue) nextBatch() *buffer {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.written()
	if q.pending == nil || q.stopped {
		q.unclaim()
		return nil
	}
	q.current, q.pending = q.pending, nil
	q.inBatch = q.messages
	return q.current
}

// written releases the batch that the writer has written or abandons. The caller must hold q.mu.
func (q *Queue) written() {
	if q.current == nil {
		return
	}
	q.messages -= q.inBatch
	q.uncount(q.current)
	putBuffer(q.current)
	q.current = nil
}

// unclaim records that no goroutine writes the queue any more, and wakes the goroutines that are blocked in Wait. The
// caller must hold q.mu.
func (q *Queue) unclaim() {
	q.writer = unclaimed
	if q.stalled {
		q.unstall()
	}
	if q.done != nil {
		close(q.done)
		q.done = nil
	}
}

// chunk is the size, in bytes, of a blocking write. Each write has the deadline Config.WriteTimeout, so a client must
// read at least chunk bytes within this time.
const chunk = 16 << 10

// drain writes the rest of the batch, and then all messages that have been queued meanwhile, until the queue is empty.
// It blocks while the client is slow to read.
func (q *Queue) drain() {
	q.stall()
	for batch := q.current; batch != nil; batch = q.nextBatch() {
		for p := batch.next(); len(p) > 0; p = batch.next() {
			if err := q.write(p); err != nil {
				q.abort()
				return
			}
			batch.advance(len(p))
		}
	}
}

func (q *Queue) write(p []byte) error {
	defer q.blocked.Store(0)
	for len(p) > 0 {
		now := time.Now()
		q.blocked.Store(int64(now.Sub(epoch)) | 1) // never 0
		_ = q.conn.SetWriteDeadline(now.Add(q.config.WriteTimeout))
		n, err := q.conn.Write(p[:min(len(p), chunk)])
		if p = p[n:]; err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				q.failNow(ErrSlow)
			}
			return err
		}
	}
	return q.conn.SetWriteDeadline(time.Time{}) // or the next non-blocking write would fail: its deadline has passed
}

// Stream writes all queued messages, then the bytes of r, then tail. No other bytes are written between these bytes.
// Stream blocks until all bytes are written. It returns the number of bytes of r that it has read, and the first error
// of r or of a write. After an error or a panic of r, the queue is closed, because the client could not tell where the
// next message begins.
func (q *Queue) Stream(r io.Reader, tail []byte) (n int64, err error) {
	if err := q.claimEmpty(); err != nil {
		return 0, err
	}
	whole := false
	defer func() {
		if !whole {
			q.abort()
		}
	}()
	buf := make([]byte, 64<<10)
	for err != io.EOF {
		var m int
		m, err = r.Read(buf)
		n += int64(m)
		if werr := q.write(buf[:m]); werr != nil {
			return n, werr
		}
		if err != nil && err != io.EOF {
			return n, err
		}
	}
	if err := q.write(tail); err != nil {
		return n, err
	}
	whole = true
	if q.writeBatches() {
		q.drain()
	}
	return n, nil
}
