// Package sendqueue implements the queue of outgoing bytes of one persistent connection. Begin reading at [Queue.Add].
//
// Messages that are added while the network is busy go out together in one write. The goroutine that adds a message to
// an idle queue also writes the message. An idle connection therefore needs no writer goroutine and no write buffer. If
// the network does not accept all bytes at once, a new goroutine writes the other bytes.
//
// A client that does not read is detected in three ways: the queue exceeds its limits ([ErrFull]), a write makes no
// progress within Config.WriteTimeout ([ErrSlow]), or all queues together exceed the [Budget] and this queue is the
// longest of the address that holds most ([ErrBudget]). A client whose writes make progress may exceed the number of messages, but not the bytes.
//
// Invariants: at most one goroutine is the writer, the bytes of one message stay together, and Add never blocks. A long
// message that many queues share is in memory once.
package sendqueue

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// The errors with which a Queue calls the function fail of [Queue.Init].
var (
	ErrFull   = errors.New("the client does not read what it is sent: its queue of outgoing messages is full")
	ErrSlow   = errors.New("the client does not read what it is sent: a write made no progress in time")
	ErrBudget = errors.New("the client does not read what it is sent: the queues of all clients are full, and those of its address hold most")
)

// Config holds the settings that the queues of all connections of a server share.
type Config struct {
	MaxMessages  int           // the number of messages that may be queued or being written if a write makes no progress
	MaxBytes     int           // the number of bytes that may be queued; a longer message is taken if no other is queued
	WriteTimeout time.Duration // the longest time without progress of a write
	Budget       *Budget       // limits the bytes of all queues; nil: no limit
}

// writerState is the state of a queue's writer, the goroutine that writes the queued messages.
type writerState int8

const (
	unclaimed writerState = iota
	claimed               // a goroutine will call Flush or FlushWait
	writing               // a goroutine has called Flush or FlushWait
)

// Queue is the send queue of one connection. Set up a Queue with Init. The methods of a Queue may be called
// concurrently.
type Queue struct {
	// These fields come first because each message needs them: they share one or two lines of the processor's cache.
	mu       sync.Mutex
	pending  *buffer // the queued bytes; nil if nothing is queued
	config   *Config
	messages int32 // queued or being written
	inBatch  int32 // messages of the batch current; used by the writer only
	writer   writerState
	closed   bool            // new messages are dropped
	stopped  bool            // nothing more is written
	failed   bool            // fail was called, or the next flush calls it
	stalled  bool            // the network has not accepted all bytes: the bytes count toward the budget
	over     bool            // the budget is exceeded: the next flush relieves it
	failure  error           // the next flush reports it
	current  *buffer         // the batch that the writer writes, or nil; only the writer changes it
	raw      syscall.RawConn // nil: the connection cannot write without blocking (TLS)
	done     chan struct{}   // closed when the writer stops; created by Wait

	conn   net.Conn
	client netip.Prefix
	fail   func(error) // called at most once, by Flush or by a goroutine, never by Add
	place  *Place      // in the list of the budget, while the queue is stalled; nil: it never was; guarded by mu

	blocked atomic.Int64 // when the current blocking write began, as time since epoch; 0: no write is blocked
}

// Init prepares the queue for the connection conn of the address client; see [Holder.Client]. If the client does not
// read, the queue calls fail at most once, with [ErrFull], [ErrSlow] or [ErrBudget]. The function fail must close conn.
func (q *Queue) Init(config *Config, conn net.Conn, client netip.Prefix, fail func(error)) {
	q.config, q.conn, q.client, q.fail = config, conn, client, fail
	if sc, ok := conn.(syscall.Conn); ok && nonblock.Supported {
		q.raw, _ = sc.SyscallConn()
	}
}

// Conn returns the connection to which the queue writes.
func (q *Queue) Conn() net.Conn { return q.conn }

// Add queues one message, the concatenation of parts. Add does not block. If writer is true, the caller is the writer
// of the queue and must call Flush or FlushWait.
func (q *Queue) Add(parts ...[]byte) (writer bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(nil, parts)
	return q.claim()
}

// AddShared is Add for a message that many queues share: the concatenation of shared and tail. A long message is not
// copied, so the bytes of shared must not change afterwards.
func (q *Queue) AddShared(shared, tail []byte) (writer bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	parts := [2][]byte{shared, tail}
	if len(shared) < minShared {
		q.add(nil, parts[:])
	} else {
		q.add(shared, parts[1:])
	}
	return q.claim()
}

// AddLater queues one message that the client has requested, the concatenation of parts. The caller must call Send
// soon. AddLater blocks while the queue is at least half full, see [Queue.Ready].
func (q *Queue) AddLater(parts ...[]byte) {
	for {
		q.mu.Lock()
		if q.ready() {
			q.add(nil, parts)
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.Send()
		q.Wait()
	}
}

// Ready blocks while the queue is at least half full. A client may request any amount of data as long as the client
// keeps reading. The other half of the queue is reserved for messages that the client has not requested. Call Ready
// before computing a reply. Otherwise the finished reply would occupy memory while the reply waits for space in the
// queue.
func (q *Queue) Ready() {
	for {
		q.mu.Lock()
		ready := q.ready()
		q.mu.Unlock()
		if ready {
			return
		}
		q.Send()
		q.Wait()
	}
}

// ready reports whether the queue is less than half full, or closed. The caller must hold q.mu.
func (q *Queue) ready() bool {
	return q.closed || 2*int(q.messages) < q.config.MaxMessages && 2*q.pendingBytes() < q.config.MaxBytes
}

// Send writes the queued messages and blocks while the client is slow to read. If another goroutine is the writer, Send
// returns at once, because that goroutine writes the messages.
func (q *Queue) Send() {
	q.mu.Lock()
	writer := q.claim()
	q.mu.Unlock()
	if writer {
		q.FlushWait()
	}
}

// add queues the message shared followed by parts. It copies parts but not shared. The caller must hold q.mu.
func (q *Queue) add(shared []byte, parts [][]byte) {
	if q.closed {
		return
	}
	n := len(shared)
	for _, p := range parts {
		n += len(p)
	}
	if q.full(n) {
		q.overrun(ErrFull)
		return
	}
	if q.pending == nil {
		q.pending = getBuffer()
	}
	if shared != nil {
		q.pending.addShared(shared)
	}
	for _, p := range parts {
		q.pending.own = append(q.pending.own, p...)
	}
	q.messages++
	if q.stalled && q.count(q.pending) {
		q.over = true
	}
}

// full reports whether the queue cannot take a message of n bytes. One message may be longer than the limit if no other
// message is queued. The caller must hold q.mu.
func (q *Queue) full(n int) bool {
	queued := q.pendingBytes()
	return queued > 0 && queued+n > q.config.MaxBytes || int(q.messages) >= q.config.MaxMessages && q.motionless()
}

// patience is the time after which a blocked write counts as a sign that the client does not read.
const patience = 100 * time.Millisecond

// epoch is the time from which Queue.blocked counts.
var epoch = time.Now()

// motionless reports whether the current write has made no progress for the duration patience. A queue whose writer has
// not begun to write is not motionless: the client cannot read what was not written.
func (q *Queue) motionless() bool {
	since := q.blocked.Load()
	return since != 0 && time.Since(epoch)-time.Duration(since) >= patience
}

// overrun closes the queue to new messages and drops the queued ones. The next flush reports err. The caller must hold
// q.mu.
func (q *Queue) overrun(err error) {
	q.closed = true
	q.abandon()
	if !q.failed {
		q.failed, q.failure = true, err
	}
}

// drop drops the queued messages, but not the messages that are being written. The caller must hold q.mu.
func (q *Queue) drop() {
	if q.pending != nil {
		q.uncount(q.pending)
		putBuffer(q.pending)
		q.pending = nil
	}
}

// abandon drops the queued messages of a queue that fails. The bytes that are being written count no longer, although
// the writer may still write them for a while: otherwise the budget would close other queues for them. The
// caller must hold q.mu.
func (q *Queue) abandon() {
	q.drop()
	if q.current != nil {
		q.uncount(q.current)
	}
}

// pendingBytes returns the number of queued bytes. The caller must hold q.mu.
func (q *Queue) pendingBytes() int {
	if q.pending == nil {
		return 0
	}
	return q.pending.size()
}

// claim makes the caller the writer and returns true, but only if messages are queued and the queue has no writer. It
// also returns true if the caller must report a failure or relieve the budget. The caller must hold q.mu.
func (q *Queue) claim() bool {
	if q.writer == unclaimed && !q.closed && q.pending != nil {
		q.writer = claimed
		return true
	}
	return q.failure != nil || q.over
}

// claimEmpty blocks until all queued messages have been written and the queue has no writer, and then makes the caller
// the writer. It returns net.ErrClosed if the queue is closed.
func (q *Queue) claimEmpty() error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return net.ErrClosed
		}
		if q.writer == unclaimed && q.pending == nil {
			q.writer = writing
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		q.Send()
		q.Wait()
	}
}

// End queues the parameter last as the final message of the connection. The queue drops messages that are added later.
// If writer is true, the caller is the writer of the queue and must call Flush or FlushWait. If the queue has failed
// with ErrFull, the queued messages have been dropped, and last follows the messages that are being written.
func (q *Queue) End(last []byte) (writer bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return false
	}
	if q.pending == nil {
		q.pending = getBuffer()
	}
	q.closed = true
	q.pending.own = append(q.pending.own, last...)
	if q.writer != unclaimed {
		return false
	}
	q.writer = claimed
	return true
}

// Wait blocks until the writer has written all queued messages, or the queue is closed. If the queue has no writer,
// Wait returns at once.
func (q *Queue) Wait() {
	q.mu.Lock()
	if q.writer == unclaimed {
		q.mu.Unlock()
		return
	}
	if q.done == nil {
		q.done = make(chan struct{})
	}
	done := q.done
	q.mu.Unlock()
	<-done
}

// Close drops all queued messages and makes the queue drop all later messages. It does not close the connection.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.stopped = true, true
	q.drop()
}

// abort closes the queue after its writer has failed to write.
func (q *Queue) abort() {
	q.Close()
	q.mu.Lock()
	q.written()
	q.unclaim()
	q.mu.Unlock()
}
