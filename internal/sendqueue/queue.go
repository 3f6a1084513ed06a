// Package outbox is the queue of outgoing bytes of one persistent connection.
//
// What is added while the network is busy waits and goes out together in one write. Whoever finds the queue at rest
// becomes its writer for the moment, so an idle connection has neither a goroutine nor a buffer for writing. A
// write that the network does not take at once is left to a goroutine of its own, and a client that does not read is
// noticed by the bound on what waits, or by the time that a write takes.
package sendqueue

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// The reasons for which a connection is given up, as [Config.Fail] gets them.
var (
	ErrFull = errors.New("the client does not read what it is sent: its queue of outgoing messages is full")
	ErrSlow = errors.New("the client does not read what it is sent: a write made no progress in time")
)

// Config is shared by all connections of a server.
type Config struct {
	MaxMessages  int           // how many messages may wait
	MaxBytes     int           // how many bytes may wait; the message that crosses it is still taken
	WriteTimeout time.Duration // how long a write may make no progress
}

// turn is whether somebody writes.
type turn int8

const (
	nobody  turn = iota
	due          // somebody will call Flush
	writing      // somebody has
)

// Queue is the queue of one connection. Set it up with Init.
type Queue struct {
	config *Config
	conn   net.Conn
	raw    syscall.RawConn // nil: writing without blocking is not to be had (TLS)
	fail   func(error)     // called at most once, by Flush or by a goroutine, never by Add

	mu       sync.Mutex
	queue    *[]byte // nil when nothing waits; of the pool
	messages int     // waiting or being written
	turn     turn
	closed   bool          // nothing more is taken
	over     bool          // nothing more is written
	failure  error         // to be reported by the next Flush
	idle     chan struct{} // closed when the writer rests; made by who waits

	// Of the writer alone:
	batch []byte
	n     int
	err   error
	once  func(fd uintptr) bool
}

// Init prepares the outbox. fail is told, once, that the client does not read; it must close the connection.
func (o *Queue) Init(config *Config, conn net.Conn, fail func(error)) {
	o.config, o.conn, o.fail = config, conn, fail
	if sc, ok := conn.(syscall.Conn); ok && canTry {
		o.raw, _ = sc.SyscallConn()
		o.once = o.try
	}
}

// Add queues one message, made of the given parts. It returns true if the caller has become the writer and must
// call Flush or FlushWait.
func (o *Queue) Add(parts ...[]byte) (writer bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(parts)
	return o.claimNow()
}

// AddLater queues one message that the client has asked for, and leaves it to a Send that will follow soon. It waits
// with the client as Ready does.
func (o *Queue) AddLater(parts ...[]byte) {
	for {
		o.mu.Lock()
		if o.ready() {
			o.add(parts)
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		o.Send()
		o.Wait()
	}
}

// Ready waits with the client while half of what may wait does: whoever asks for much must get it, as long as it reads.
// The other half is for messages that nobody asked for. Whoever is ready before it does the work that an answer needs
// does not have to hold the answer.
func (o *Queue) Ready() {
	for {
		o.mu.Lock()
		ready := o.ready()
		o.mu.Unlock()
		if ready {
			return
		}
		o.Send()
		o.Wait()
	}
}

func (o *Queue) ready() bool {
	return o.closed || 2*o.messages < o.config.MaxMessages && 2*o.waiting() < o.config.MaxBytes
}

// Send writes what is queued, unless somebody is at it; it waits for a client that is slow to take it.
func (o *Queue) Send() {
	o.mu.Lock()
	writer := o.claimNow()
	o.mu.Unlock()
	if writer {
		o.FlushWait()
	}
}

func (o *Queue) add(parts [][]byte) {
	if o.closed {
		return
	}
	if o.messages >= o.config.MaxMessages || o.waiting() >= o.config.MaxBytes {
		o.closed, o.failure, o.queue = true, ErrFull, nil
		return
	}
	if o.queue == nil {
		o.queue = getBuffer()
	}
	for _, p := range parts {
		*o.queue = append(*o.queue, p...)
	}
	o.messages++
}

// waiting returns how many bytes wait; the lock is held.
func (o *Queue) waiting() int {
	if o.queue == nil {
		return 0
	}
	return len(*o.queue)
}

// claimNow makes the caller the writer if there is something to write and nobody at it, or a failure to report.
func (o *Queue) claimNow() bool {
	if o.failure != nil {
		return true
	}
	if o.turn != nobody || o.closed || o.queue == nil {
		return false
	}
	o.turn = due
	return true
}

// Flush writes what is queued as far as the network takes it at once; a goroutine does the rest.
func (o *Queue) Flush() { o.flush(func(rest []byte, count int) { go o.drain(rest, count) }) }

// FlushWait writes what is queued, and waits for a client that is slow to take it.
func (o *Queue) FlushWait() { o.flush(o.drain) }

func (o *Queue) flush(later func(rest []byte, count int)) {
	if o.begin() {
		o.run(later)
	}
}

// begin reports a failure, and makes the caller the writer if one is due, be it itself or another: whoever comes first
// writes for both.
func (o *Queue) begin() bool {
	o.mu.Lock()
	failure := o.failure
	o.failure = nil
	begins := o.turn == due
	if begins {
		o.turn = writing
	}
	o.mu.Unlock()
	if failure != nil {
		o.fail(failure)
	}
	return begins
}

func (o *Queue) run(later func(rest []byte, count int)) {
	for batch, count := o.take(0); batch != nil; batch, count = o.take(count) {
		n, err := 0, error(nil)
		if o.raw != nil {
			n, err = o.tryWrite(*batch)
		}
		if err != nil {
			o.shut()
			putBuffer(batch)
			return
		}
		if n < len(*batch) {
			later((*batch)[n:], count)
			return
		}
		putBuffer(batch)
	}
}

// take gives the writer, which has written so many messages, everything that waits; nil when there is nothing, and then
// it is the writer no more.
func (o *Queue) take(written int) (batch *[]byte, count int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.messages -= written; o.queue == nil || o.over {
		o.rest()
		return nil, 0
	}
	batch, o.queue = o.queue, nil
	return batch, o.messages
}

// rest ends the writer's turn; the lock is held.
func (o *Queue) rest() {
	o.turn = nobody
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
}

// tryWrite writes without blocking. Only the writer calls it.
func (o *Queue) tryWrite(p []byte) (int, error) {
	o.batch = p
	err := o.raw.Write(o.once)
	if err == nil {
		err = o.err
	}
	o.batch, o.err = nil, nil
	return o.n, err
}

// chunk is how much has to go out within Config.WriteTime, so a client may take as little as this each time.
const chunk = 16 << 10

// drain writes the rest of a batch and then whatever was queued meanwhile, blocking.
func (o *Queue) drain(rest []byte, count int) {
	for {
		if err := o.write(rest); err != nil {
			o.shut()
			return
		}
		batch, n := o.take(count)
		if batch == nil {
			return
		}
		rest, count = *batch, n
	}
}

func (o *Queue) write(p []byte) error {
	for len(p) > 0 {
		_ = o.conn.SetWriteDeadline(time.Now().Add(o.config.WriteTimeout))
		n, err := o.conn.Write(p[:min(len(p), chunk)])
		if p = p[n:]; err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				o.fail(ErrSlow)
			}
			return err
		}
	}
	return o.conn.SetWriteDeadline(time.Time{}) // or the next attempt without blocking would find it passed
}

// Stream writes r and then tail, with nothing in between, after what was queued before; it blocks until that is done.
func (o *Queue) Stream(r io.Reader, tail []byte) error {
	if err := o.claim(); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if werr := o.write(buf[:n]); werr != nil {
			o.shut()
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			o.shut()
			return err
		}
	}
	if err := o.write(tail); err != nil {
		o.shut()
		return err
	}
	o.run(o.drain)
	return nil
}

// claim waits until nobody writes and becomes the writer, everything queued before written.
func (o *Queue) claim() error {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return net.ErrClosed
		}
		if o.turn == nobody && o.queue == nil {
			o.turn = writing
			o.mu.Unlock()
			return nil
		}
		o.mu.Unlock()
		o.Send()
		o.Wait()
	}
}

// End makes last the last that is written, after what was queued before; nothing that is added later is taken. It
// returns true if the caller has become the writer and must call Flush or FlushWait. After a failure what waited is
// dropped, and last follows what is being written.
func (o *Queue) End(last []byte) (writer bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	if o.queue == nil {
		o.queue = getBuffer()
	}
	o.closed = true
	*o.queue = append(*o.queue, last...)
	if o.turn != nobody {
		return false
	}
	o.turn = due
	return true
}

// Wait waits until what is queued has been written, or the outbox is closed.
func (o *Queue) Wait() {
	o.mu.Lock()
	if o.turn == nobody {
		o.mu.Unlock()
		return
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	<-idle
}

// Close drops what is queued; nothing more is taken. It does not close the connection.
func (o *Queue) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.over, o.queue = true, true, nil
}

// shut is Close by the writer, whose write has failed.
func (o *Queue) shut() {
	o.Close()
	o.mu.Lock()
	o.rest()
	o.mu.Unlock()
}

// Buffers are kept up to this size; larger ones are left to the garbage collector.
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
