package logging

import (
	"log/slog"
	"sync"
	"time"
)

const (
	flushAfter = 50 * time.Millisecond  // the shortest time between two batches, and the longest time that a line waits for the next one
	flushSize  = 64 << 10               // bytes that wait for no timer
	maxKept    = 8 * flushSize          // bytes of an empty buffer
	maxWaiting = 8 << 20                // bytes that wait for a slow output; further lines are lost
	urgentWait = 100 * time.Millisecond // the longest time that the code that logs a warning or an error waits for its output
	closeWait  = time.Second            // the longest time that the end of the log waits for an output
)

// batcher collects lines and writes them in batches, in the goroutine of a timer. So an output that is slow or blocks
// holds up no code that logs: its lines wait in memory up to maxWaiting, and then they are lost and counted. The first line
// after a pause is written at once. While no line waits, a batcher needs no goroutine and no running timer.
//
// While the batcher is closed, it writes each line before Write returns: before the start of a server and after its stop.
//
// A batcher has two locks, so that goroutines can add lines during a write: mu guards the lines, writing the output. Code
// that needs both locks takes writing first.
type batcher struct {
	write  func(batch []byte)                   // writes to the output; called by one goroutine at a time
	notice func(batch []byte, lines int) []byte // appends a line that says how many lines are lost
	most   int                                  // bytes that may wait

	mu      sync.Mutex
	buf     []byte
	lost    int       // lines since the last batch
	opened  bool      // between Open and close
	armed   bool      // the timer runs, or its function has not returned
	soon    bool      // the timer must not wait
	busy    bool      // a batch is being written
	stuck   bool      // the output blocked at the close: it gets no more lines
	last    time.Time // of the last batch
	timer   *time.Timer
	timers  sync.WaitGroup
	next    chan struct{} // closed when the lines in buf are written; nil: no code waits for them
	current chan struct{} // closed when the batch is written; nil: no code waits for it

	writing sync.Mutex
	spare   []byte // an empty buffer that becomes buf at the next batch; guarded by writing
}

// Write adds a line. It never returns an error.
func (b *batcher) Write(line []byte) (int, error) {
	b.mu.Lock()
	switch {
	case b.stuck || len(b.buf) > 0 && len(b.buf)+len(line) > b.most:
		b.lost++
	case !b.opened:
		b.buf = append(b.buf, line...)
		b.mu.Unlock()
		b.flush()
		return len(line), nil
	default:
		b.buf = append(b.buf, line...)
		if !b.armed {
			b.arm()
		} else if len(b.buf) >= flushSize {
			b.hurry()
		}
	}
	b.mu.Unlock()
	return len(line), nil
}

// arm starts the timer. The caller holds mu.
func (b *batcher) arm() {
	b.armed = true
	b.timers.Add(1)
	wait := max(flushAfter-time.Since(b.last), 0)
	if len(b.buf) >= flushSize {
		wait = 0
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(wait, b.tick)
	} else {
		b.timer.Reset(wait)
	}
}

// hurry makes the next batch begin at once. If the timer does not run, its function is writing a batch, and looks at soon
// at its end. The caller holds mu.
func (b *batcher) hurry() {
	if !b.soon {
		b.soon = true
		if b.timer.Stop() {
			b.timer.Reset(0)
		}
	}
}

// tick is the function of the timer. It writes a batch, and starts the timer again if more lines have come meanwhile.
func (b *batcher) tick() {
	b.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.buf) == 0 || !b.opened:
		b.armed = false
		b.timers.Done()
	case b.soon:
		b.timer.Reset(0)
	default:
		b.timer.Reset(flushAfter)
	}
}

// flush writes the lines that wait.
func (b *batcher) flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	batch, lost := b.buf, b.lost
	b.buf, b.lost, b.soon = b.spare[:0], 0, false
	b.busy, b.current, b.next = true, b.next, nil
	b.mu.Unlock()
	if lost > 0 {
		batch = b.notice(batch, lost)
	}
	if len(batch) > 0 {
		b.write(batch)
	}
	b.spare = batch[:0]
	if cap(batch) > maxKept { // the memory for a huge line is not kept
		b.spare = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil {
		close(b.current)
	}
	b.busy, b.current, b.last = false, nil, time.Now()
}

// settle comes after a line of this level. A warning or an error is written at once, and settle waits for that, because the
// program may end right after it. But it waits for urgentWait at most, because an output may block.
func (b *batcher) settle(level slog.Level) {
	if level < slog.LevelWarn {
		return
	}
	written := b.awaited()
	if written == nil {
		return
	}
	late := time.NewTimer(urgentWait)
	defer late.Stop()
	select {
	case <-written:
	case <-late.C:
	}
}

// awaited returns a channel that is closed when all lines are written, or nil if they are.
func (b *batcher) awaited() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	written := &b.next
	switch {
	case b.stuck:
		return nil
	case len(b.buf) > 0 && b.armed:
		b.hurry()
	case b.busy:
		written = &b.current
	default:
		return nil
	}
	if *written == nil {
		*written = make(chan struct{})
	}
	return *written
}

// Open makes lines wait for a batch from now on.
func (b *batcher) Open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened, b.stuck = true, false
}

// close writes the lines that wait, and makes each later line written at once. If the output blocks for longer than
// closeWait, close returns false, and the output gets no line any more.
func (b *batcher) close() bool {
	b.mu.Lock()
	b.opened = false // no Write starts the timer any more
	if b.armed && b.timer.Stop() {
		b.armed = false
		b.timers.Done()
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.timers.Wait()
		b.flush()
	}()
	late := time.NewTimer(closeWait)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuck = true
	return false
}
