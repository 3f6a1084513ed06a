package sendqueue

import (
	"sync"
	"sync/atomic"
)

// Budget limits the bytes that wait in all queues of a server for clients that do not read at once. A shared message
// counts once, however many queues hold it. If the limit is exceeded, the longest queue fails with [ErrBudget], so that
// clients that do not read cannot use up the memory of the server, and cannot make the server close other clients.
//
// Bytes that the network accepts at once do not count: a queue counts from the time at which a write is blocked.
type Budget struct {
	limit int64
	used  atomic.Int64

	mu     sync.Mutex
	shared map[*byte]int       // the number of buffers that hold a shared message, by the address of its first byte
	long   map[*Queue]struct{} // the queues that hold longQueue bytes or more
}

// longQueue is the number of bytes from which the budget lists a queue as a candidate for the longest one.
const longQueue = 16 << 10

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, shared: map[*byte]int{}, long: map[*Queue]struct{}{}}
}

// Used returns the number of bytes that wait in the queues.
func (b *Budget) Used() int64 { return b.used.Load() }

// Take counts n more bytes; a negative n gives bytes back. It returns false if the limit is now exceeded. A transport
// calls Take for messages that wait elsewhere than in a [Queue].
func (b *Budget) Take(n int) (ok bool) { return b.used.Add(int64(n)) <= b.limit || n <= 0 }

// TakeShared counts the shared message p once, for the first of its holders.
func (b *Budget) TakeShared(p []byte) (ok bool) {
	b.mu.Lock()
	key := &p[0]
	holders := b.shared[key]
	b.shared[key] = holders + 1
	b.mu.Unlock()
	return holders > 0 || b.Take(len(p))
}

// GiveShared ends one holding of the shared message p.
func (b *Budget) GiveShared(p []byte) {
	b.mu.Lock()
	key := &p[0]
	holders := b.shared[key] - 1
	if b.shared[key] = holders; holders == 0 {
		delete(b.shared, key)
	}
	b.mu.Unlock()
	if holders == 0 {
		b.Take(-len(p))
	}
}

// count counts the bytes of a buffer of the stalled queue q that do not count yet. over is true if the budget is
// exceeded. The caller must hold q.mu.
func (q *Queue) count(buf *buffer) (over bool) {
	budget := q.config.Budget
	if budget == nil {
		return false
	}
	over = !budget.Take(len(buf.own) - buf.counted)
	buf.counted = len(buf.own)
	for i := len(buf.refs) - 1; i >= 0 && !buf.refs[i].counted; i-- {
		buf.refs[i].counted = true
		over = !budget.TakeShared(buf.refs[i].bytes) || over
	}
	if !q.listed && buf.size() >= longQueue {
		q.listed = true
		budget.mu.Lock()
		budget.long[q] = struct{}{}
		budget.mu.Unlock()
	}
	return over
}

// uncount gives the bytes of a buffer back to the budget. The caller must hold q.mu.
func (q *Queue) uncount(buf *buffer) {
	budget := q.config.Budget
	if budget == nil {
		return
	}
	if buf.counted > 0 {
		budget.Take(-buf.counted)
		buf.counted = 0
	}
	for i := range buf.refs {
		if buf.refs[i].counted {
			buf.refs[i].counted = false
			budget.GiveShared(buf.refs[i].bytes)
		}
	}
}

// stall makes the bytes of the queue count toward the budget, because a write does not accept all bytes at once.
func (q *Queue) stall() {
	q.mu.Lock()
	q.stalled = true
	for _, buf := range [...]*buffer{q.current, q.pending} {
		if buf != nil && q.count(buf) {
			q.evict = true
		}
	}
	evict := q.evict
	q.evict = false
	q.mu.Unlock()
	if evict {
		q.config.Budget.evict()
	}
}

// unstall ends the counting of a queue that holds no bytes any more. The caller must hold q.mu.
func (q *Queue) unstall() {
	q.stalled = false
	if q.listed {
		q.listed = false
		budget := q.config.Budget
		budget.mu.Lock()
		delete(budget.long, q)
		budget.mu.Unlock()
	}
}

// evict makes the longest queue fail, if the budget is exceeded. The caller must hold no lock of a queue.
func (b *Budget) evict() { b.Evict(0) }

// Evict makes the longest queue fail, if the budget is exceeded and that queue holds more than own bytes. It returns
// false if the budget is exceeded and no queue holds so much: a caller that holds own bytes elsewhere than in a [Queue]
// must then give them up. The caller must hold no lock that a queue's function fail needs.
func (b *Budget) Evict(own int) (ok bool) {
	if b.used.Load() <= b.limit {
		return true
	}
	b.mu.Lock()
	queues := make([]*Queue, 0, len(b.long))
	for q := range b.long {
		queues = append(queues, q)
	}
	b.mu.Unlock()
	var longest *Queue
	most := own
	for _, q := range queues {
		q.mu.Lock()
		if n := q.pendingBytes() + q.currentBytes(); !q.failed && !q.closed && n > most {
			longest, most = q, n
		}
		q.mu.Unlock()
	}
	if longest == nil {
		return false
	}
	longest.failNow(ErrBudget)
	return true
}

// failNow closes the queue to new messages, drops the queued ones and calls fail, unless the queue has failed already.
func (q *Queue) failNow(err error) {
	q.mu.Lock()
	first := !q.failed
	q.failed, q.closed = true, true
	q.abandon()
	q.mu.Unlock()
	if first {
		q.fail(err)
	}
}
