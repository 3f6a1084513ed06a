// Package sendqueue implements the queue of outgoing bytes of one persistent connection. Begin reading at [Queue.Add].
//
// Messages that are added while the network is busy go out together in one write. The goroutine that adds a message to
// an idle queue also writes the message. An idle connection therefore needs no writer goroutine and no write buffer. If
// the network does not accept all bytes at once, a new goroutine writes the other bytes.
//
// A client that does not read is detected in two ways: the queue exceeds its limits ([ErrFull]), or a write makes no
// progress within Config.WriteTimeout ([ErrSlow]).
//
// Invariants: at most one goroutine is the writer, the bytes of one message stay together, and Add never blocks.
package sendqueue

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// The errors with which a Queue calls the function fail of [Queue.Init].
var (
	ErrFull = errors.New("the client does not read what it is sent: its queue of outgoing messages is full")
	ErrSlow = errors.New("the client does not read what it is sent: a write made no progress in time")
)

// Config holds the settings that the queues of all connections of a server share.
type Config struct {
	MaxMessages  int           // the number of messages that may be queued or being written
	MaxBytes     int           // the number of bytes that may be queued; the message that exceeds this limit is still accepted
	WriteTimeout time.Duration // the longest time without progress of a write
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
	config *Config
	conn   net.Conn
	raw    syscall.RawConn // nil: the connection cannot write without blocking (TLS)
	fail   func(error)     // called at most once, by Flush or by a goroutine, never by Add

	mu       sync.Mutex
	pending  *[]byte // the queued bytes, from the buffer pool; nil if nothing is queued
	messages int     // queued or being written
	writer   writerState
	closed   bool          // new messages are dropped
	stopped  bool          // nothing more is written
	failure  error         // the next flush reports it
	done     chan struct{} // closed when the writer stops; created by Wait

	// Only the goroutine that is the writer uses these fields:
	batch    []byte
	n        int
	err      error
	tryBatch func(fd uintptr) bool
}

// Init prepares the queue for the connection conn. If the client does not read, the queue calls fail at most once, with
// [ErrFull] or [ErrSlow]. The function fail must close conn.
func (q *Queue) Init(config *Config, conn net.Conn, fail func(error)) {
	q.config, q.conn, q.fail = config, conn, fail
	if sc, ok := conn.(syscall.Conn); ok && nonblock.Supported {
		q.raw, _ = sc.SyscallConn()
		q.tryBatch = q.tryOnce
	}
}

// Add queues one message, the concatenation of parts. Add does not block. If writer is true, the caller is the writer
// of the queue and must call Flush or FlushWait.
func (q *Queue) Add(parts ...[]byte) (writer bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(parts)
	return q.claim()
}

// AddLater queues one message that the client has requested, the concatenation of parts. The caller must call Send
// soon. AddLater blocks while the queue is at least half full, see [Queue.Ready].
func (q *Queue) AddLater(parts ...[]byte) {
	for {
		q.mu.Lock()
		if q.ready() {
			q.add(parts)
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
	return q.closed || 2*q.messages < q.config.MaxMessages && 2*q.pendingBytes() < q.config.MaxBytes
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

func (q *Queue) add(parts [][]byte) {
	if q.closed {
		return
	}
	if q.messages >= q.config.MaxMessages || q.pendingBytes() >= q.config.MaxBytes {
		q.closed, q.failure, q.pending = true, ErrFull, nil
		return
	}
	if q.pending == nil {
		q.pending = getBuffer()
	}
	for _, p := range parts {
		*q.pending = append(*q.pending, p...)
	}
	q.messages++
}

// pendingBytes returns the number of queued bytes. The caller must hold q.mu.
func (q *Queue) pendingBytes() int {
	if q.pending == nil {
		return 0
	}
	return len(*q.pending)
}

// claim makes the caller the writer and returns true, but only if messages are queued and the queue has no writer. It
// also returns true if the caller must report a failure. The caller must hold q.mu.
func (q *Queue) claim() bool {
	if q.failure != nil {
		return true
	}
	if q.writer != unclaimed || q.closed || q.pending == nil {
		return false
	}
	q.writer = claimed
	return true
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
	*q.pending = append(*q.pending, last...)
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
	q.closed, q.stopped, q.pending = true, true, nil
}

// abort closes the queue after its writer has failed to write.
func (q *Queue) abort() {
	q.Close()
	q.mu.Lock()
	q.unclaim()
	q.mu.Unlock()
}

// maxPooled is the largest capacity, in bytes, of a buffer that putBuffer returns to the pool. Larger buffers are
// garbage collected.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte {
	b := buffers.Get().(*[]byte)
	*b = (*b)[:0]
	return b
}

func putBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}
