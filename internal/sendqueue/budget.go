package sendqueue

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// Budget limits the bytes that wait in all queues of a server for clients that do not read at once. A shared message
// counts once, however many queues hold it. If the limit is exceeded, queues fail with [ErrBudget]: those of the address
// whose queues hold most bytes, the longest queue first. However many connections one address has, it cannot use up what
// the clients of other addresses need.
//
// Bytes that the network accepts at once do not count: a queue counts from the time at which a write is blocked.
type Budget struct {
	limit     int64
	used      atomic.Int64
	relieving sync.Mutex // held by Relieve while it cuts queues

	mu     sync.Mutex
	shared map[*byte]int // the number of buffers that hold a shared message, by the address of its first byte
	listed Place         // the head of the ring of the holders that hold bytes
}

// Holder is a queue whose bytes count toward a [Budget]. A [Queue] is one, and a transport may have others.
type Holder interface {
	// Client returns the address of the client, or the zero Prefix if other clients may have the same address.
	Client() netip.Prefix
	// Held returns the number of bytes that count. Of a shared message, [Budget.Part] counts.
	Held() int
	// Cut drops the bytes that count, gives them back to the budget and closes the client. If no bytes count any more, Cut
	// does nothing.
	Cut()
}

// Place is the place of a holder in the list of a budget. The zero Place is in no list.
type Place struct {
	prev, next *Place
	holder     Holder // nil: the place is in no list
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget {
	b := &Budget{limit: limit, shared: map[*byte]int{}}
	b.listed.prev, b.listed.next = &b.listed, &b.listed
	return b
}

// Used returns the number of bytes that wait in the queues.
func (b *Budget) Used() int64 { return b.used.Load() }

// Take counts n more bytes; a negative n gives bytes back. It returns false if the limit is now exceeded: the caller
// must then call [Budget.Relieve]. The holder of the bytes must be listed.
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

// Part returns the bytes of the shared message p that count for each of its holders.
func (b *Budget) Part(p []byte) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(p) / max(b.shared[&p[0]], 1)
}

// List adds the holder h, whose place is p, to the list of the holders that hold bytes. If p is in the list already, List
// does nothing. Calls of List and Unlist for one place must not run at the same time.
func (b *Budget) List(p *Place, h Holder) {
	if p.holder != nil {
		return
	}
	b.mu.Lock()
	p.holder, p.prev, p.next = h, &b.listed, b.listed.next
	p.prev.next, p.next.prev = p, p
	b.mu.Unlock()
}

// Unlist removes p from the list. If p is in no list, Unlist does nothing.
func (b *Budget) Unlist(p *Place) {
	if p.holder == nil {
		return
	}
	b.mu.Lock()
	p.prev.next, p.next.prev = p.next, p.prev
	*p = Place{}
	b.mu.Unlock()
}

// holders returns the holders of the list.
func (b *Budget) holders() (list []Holder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := b.listed.next; p != &b.listed; p = p.next {
		list = append(list, p.holder)
	}
	return list
}

// count counts the bytes of a buffer of the stalled queue q that do not count yet. over is true if the budget is
// exceeded. The caller must hold q.mu.
func (q *Queue) count(buf *buffer) (over bool) {
	budget := q.config.Budget
	if budget == nil {
		return false
	}
	if q.place == nil {
		q.place = new(Place)
	}
	budget.List(q.place, q)
	over = !budget.Take(len(buf.own) - buf.counted)
	buf.counted = len(buf.own)
	for i := len(buf.refs) - 1; i >= 0 && !buf.refs[i].counted; i-- {
		buf.refs[i].counted = true
		over = !budget.TakeShared(buf.refs[i].bytes) || over
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
			q.over = true
		}
	}
	over := q.over
	q.over = false
	q.mu.Unlock()
	if over {
		q.config.Budget.Relieve()
	}
}

// unstall ends the counting of a queue that holds no bytes any more. The caller must hold q.mu.
func (q *Queue) unstall() {
	q.stalled = false
	if q.place != nil {
		q.config.Budget.Unlist(q.place)
	}
}

// Client implements Holder.
func (q *Queue) Client() netip.Prefix { return q.client }

// ClientKey returns the result of Client as a variable that does not change.
func (q *Queue) ClientKey() *netip.Prefix { return &q.client }

// Held implements Holder.
func (q *Queue) Held() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held()
}

// held returns the number of bytes that count, or 0 if the queue has failed or is stopped, because it then gives the
// bytes back without a cut. The caller must hold q.mu.
func (q *Queue) held() (n int) {
	if q.failed || q.stopped {
		return 0
	}
	for _, buf := range [...]*buffer{q.current, q.pending} {
		if buf == nil {
			continue
		}
		n += buf.counted
		for i := range buf.refs {
			if buf.refs[i].counted {
				n += q.config.Budget.Part(buf.refs[i].bytes)
			}
		}
	}
	return n
}

// Cut implements Holder. The queue fails with [ErrBudget].
func (q *Queue) Cut() {
	if q.Held() > 0 {
		q.failNow(ErrBudget)
	}
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
