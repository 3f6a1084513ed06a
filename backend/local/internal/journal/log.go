package journal

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// Pos is where a record is: the number of its segment in the high half, the offset in the low one.
type Pos = uint64

// Owner is who keeps records. Its methods are called with its lock held.
type Owner interface {
	PreambleSize() int // how much Head appends at most, Overhead included
	AppendPreamble()   // a segment begins: append what must be in each
	Sealed()           // the pending batch is complete, and what is appended now goes to the next
	Committed()        // the batch that was sealed is kept
	Failed()           // it is not, nor is what was appended since
}

// Log is an open journal.
type Log struct {
	fs         FS
	folderLock io.Closer
	mu         sync.Locker
	owner      Owner

	minSize int64 // of a segment

	// The owner's lock guards all from here on.
	segs           []*segment // by number, the oldest first
	segsMu         sync.RWMutex
	current        *segment // the last one of segs: where the next batch goes
	unterminated   *segment // the one before, if it has not got its last batch
	pending        *Batch
	inFlight       *Batch // sealed, and on its way to the disk
	hasLeader      bool   // somebody commits, or was asked to
	seq            uint64
	oldest         uint64
	dirty          []span // what failed batches may have left
	buffers        [][]byte
	spare          *segment
	spareErr       error         // why there is no spare
	preparingSpare chan struct{} // closed once the spare is there, or cannot be; nil: nobody is at work on it
	newest         uint64        // number of the newest segment
	closed         bool
}

// span is a part of a segment.
type span struct {
	seg      *segment
	from, to int64
}

// Batch is records that are kept together.
type Batch struct {
	seg  *segment
	off  int64
	buf  []byte // begins with room for the header
	lead chan struct{}
	done chan struct{}
	err  error
}

// maxBatch is how long a batch gets before others wait for the next one.
const maxBatch = 4 << 20

// RecordOverhead is what to add to the length of each record for Reserve.
const RecordOverhead = binary.MaxVarintLen32 + crc32.Size

// Reserve makes sure that there is room for records of n bytes, so that appending them cannot fail. It may give the lock
// back meanwhile. The caller must not do so between Reserve and the last Append. adding says that the records make the
// journal longer for good: those are refused while the disk is full, so that there is room left for others.
func (l *Log) Reserve(n int, adding bool) error {
	for {
		if l.closed {
			return backend.ErrClosed
		}
		if adding && l.spareErr != nil {
			if err := l.awaitSpare(n); err != nil {
				return err
			}
			continue
		}
		if b := l.pending; b != nil {
			if size := len(b.buf) + n + align; b.off+int64(size)+endMarkerBytes <= b.seg.size && (size <= maxBatch || len(b.buf) == batchHeaderBytes) {
				return nil
			}
			l.mu.Unlock()
			_ = l.Wait(b)
			l.mu.Lock()
			continue
		}
		need := n
		if l.current.used == segmentHeaderBytes {
			need += l.owner.PreambleSize()
		}
		if l.current.hasRoom(need) {
			return nil
		}
		if err := l.rotate(n); err != nil {
			return err
		}
	}
}

// hasRoom reports whether a batch with records of n bytes fits in s.
func (s *segment) hasRoom(n int) bool {
	return s.used+int64(batchHeaderBytes+n+align+endMarkerBytes) <= s.size
}

// begin begins a batch.
func (l *Log) begin() {
	b := &Batch{seg: l.current, off: l.current.used, lead: make(chan struct{}, 1), done: make(chan struct{})}
	if last := len(l.buffers) - 1; last >= 0 {
		b.buf = l.buffers[last]
		l.buffers = l.buffers[:last]
	}
	b.buf = append(b.buf[:0], zeroBlock[:batchHeaderBytes]...)
	l.pending = b
	if !l.hasLeader {
		l.hasLeader = true
		b.lead <- struct{}{}
	}
	if b.off == segmentHeaderBytes {
		l.owner.AppendPreamble()
	}
}

// rotate goes on to the next segment, or waits for it.
func (l *Log) rotate(n int) error {
	if l.spare == nil || !l.spare.hasRoom(n+l.owner.PreambleSize()) {
		return l.awaitSpare(n)
	}
	l.segsMu.Lock()
	l.segs = append(l.segs, l.spare)
	l.segsMu.Unlock()
	l.unterminated, l.current, l.spare = l.current, l.spare, nil
	l.prepareSpare(0)
	return nil
}

// awaitSpare waits until there is a spare segment with room for n bytes. It gives the lock back meanwhile.
func (l *Log) awaitSpare(n int) error {
	l.prepareSpare(n)
	preparing := l.preparingSpare
	if preparing == nil {
		return l.spareErr
	}
	l.mu.Unlock()
	<-preparing
	l.mu.Lock()
	return l.spareErr
}

// Append adds a record, which is the parts joined together, to the pending batch, and returns where it will be. The
// lock must be held, and there must be room: see Reserve.
func (l *Log) Append(parts ...[]byte) Pos {
	if l.pending == nil {
		l.begin()
	}
	b, n := l.pending, 0
	for _, p := range parts {
		n += len(p)
	}
	b.buf = binary.AppendUvarint(b.buf, uint64(n))
	at := len(b.buf)
	b.buf = append(b.buf, zeroBlock[:crc32.Size]...)
	for _, p := range parts {
		b.buf = append(b.buf, p...)
	}
	binary.LittleEndian.PutUint32(b.buf[at:], crc32.Checksum(b.buf[at+crc32.Size:], castagnoli))
	return b.seg.number<<32 | uint64(b.off+int64(at))
}

// LastPending returns the newest batch that is not on the disk yet, or nil.
func (l *Log) LastPending() *Batch {
	if l.pending != nil {
		return l.pending
	}
	return l.inFlight
}

// PendingAt returns the batch that the record at pos is in, if it is not on the disk yet. The lock must be held.
func (l *Log) PendingAt(pos Pos) *Batch {
	for _, b := range []*Batch{l.inFlight, l.pending} {
		if b != nil && b.seg.number == pos>>32 && int64(pos&(1<<32-1)) >= b.off {
			return b
		}
	}
	return nil
}

// ErrMoved means that the segment of a record was dropped: the record is elsewhere by now.
var ErrMoved = errors.New("the record has moved")

// Read returns the record of n bytes at pos, which must have been written. The lock need not be held.
func (l *Log) Read(pos Pos, n int) ([]byte, error) {
	l.segsMu.RLock()
	defer l.segsMu.RUnlock()
	if len(l.segs) == 0 {
		return nil, backend.ErrClosed
	}
	s := l.segment(pos >> 32)
	if s == nil {
		return nil, ErrMoved
	}
	b := make([]byte, crc32.Size+n)
	at := int64(pos & (1<<32 - 1))
	if _, err := s.file.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", nameOf(s.number), err)
	}
	if crc32.Checksum(b[crc32.Size:], castagnoli) != binary.LittleEndian.Uint32(b) {
		return nil, s.damage(at, "a record is not what was written")
	}
	return b[crc32.Size:], nil
}

func (l *Log) segment(number uint64) *segment {
	i, ok := slices.BinarySearchFunc(l.segs, number, func(s *segment, n uint64) int { return cmp.Compare(s.number, n) })
	if !ok {
		return nil
	}
	return l.segs[i]
}

// Close waits for what is pending, and gives the folder back. Nobody may use the log any more.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	for b := l.LastPending(); b != nil; b = l.LastPending() {
		l.mu.Unlock()
		_ = l.Wait(b)
		l.mu.Lock()
	}
	preparing := l.preparingSpare
	l.mu.Unlock()
	if preparing != nil {
		<-preparing
	}
	return l.closeFiles()
}

func (l *Log) closeFiles() error {
	l.segsMu.Lock()
	defer l.segsMu.Unlock()
	var errs []error
	for _, s := range l.segs {
		errs = append(errs, s.file.Close())
	}
	l.segs = nil
	if l.spare != nil {
		errs = append(errs, l.spare.file.Close())
	}
	return errors.Join(append(errs, l.folderLock.Close())...)
}
