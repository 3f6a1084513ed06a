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

// Pos is the position of a record in the journal. Its high 32 bits are the number of the segment, its low 32 bits are
// the offset in the segment.
type Pos = uint64

func makePos(number uint64, offset int64) Pos { return number<<32 | uint64(offset) }

func segmentOf(pos Pos) uint64 { return pos >> 32 }

func offsetOf(pos Pos) int64 { return int64(pos & (1<<32 - 1)) }

// Owner is the user of a [Log], normally a queue. The log calls the methods of the owner while the owner's lock is
// held.
type Owner interface {
	PreambleSize() int // returns the maximum number of bytes that AppendPreamble appends, RecordOverhead included
	AppendPreamble()   // appends the records with which every segment begins
	Sealed()           // is called when the pending batch is complete; later records go to the next batch
	Committed()        // is called when the sealed batch is durable
	Failed()           // is called if the sealed batch and the records that were appended since are not stored
}

// Log is an open journal. [Open] or [Salvage] returns it.
type Log struct {
	fs         FS
	folderLock io.Closer
	mu         sync.Locker // the owner's lock
	owner      Owner

	minSize int64 // the length of the first segment, in bytes; later segments have this length or more, unless the disk is full

	// mu guards all fields below.
	segs           []*segment // sorted by number; to change segs, hold mu and segsMu
	segsMu         sync.RWMutex
	current        *segment // the last segment of segs, to which the next batch is written
	unterminated   *segment // the segment before current, if the end marker of that segment is not stored yet
	pending        *Batch
	inFlight       *Batch // the sealed batch that is being written
	hasLeader      bool   // a caller commits a batch, or has got the signal to commit a batch
	seq            uint64 // the number of the last committed batch
	oldest         uint64 // the number of the oldest segment that is needed
	dirty          []span // the parts of segments that failed batches may have written
	buffers        [][]byte
	spare          *segment
	spareErr       error         // the error of the last attempt to create a spare
	preparingSpare chan struct{} // closed when the running attempt to create a spare ends; nil: no attempt runs
	newest         uint64        // the number of the newest segment
	closed         bool
}

// span is a part of a segment, from the offset from up to the offset to.
type span struct {
	seg      *segment
	from, to int64
}

// Batch is a set of records that are committed together, with one write and one sync.
type Batch struct {
	seg  *segment
	off  int64
	buf  []byte        // begins with room for the header of the batch
	lead chan struct{} // has a value if the receiver must commit the batch
	done chan struct{} // closed when the batch is durable or has failed
	err  error
}

// maxBatch limits the length of a batch, in bytes. If a batch has records already and new records would exceed the
// limit, the caller with the new records waits for the next batch.
const maxBatch = 4 << 20

// RecordOverhead is the maximum number of bytes that the journal stores in addition to each record. The caller of
// [Log.Reserve] must add RecordOverhead to the length of each record.
const RecordOverhead = binary.MaxVarintLen32 + crc32.Size

// Reserve ensures room for records of n bytes, so that Append cannot fail. If there is no room, Reserve waits for the
// next batch or segment. It returns an error if the log is closed or if no new segment can be created. The caller must
// hold the owner's lock, and must not release the lock between Reserve and its last Append. Reserve may release the
// lock while it waits. The caller sets growing to true if the records make the journal longer permanently. While the
// disk is full, Reserve refuses these records, so that the remaining room is left for other records.
func (l *Log) Reserve(n int, growing bool) error {
	for {
		if l.closed {
			return backend.ErrClosed
		}
		if growing && l.spareErr != nil {
			if err := l.awaitSpare(n); err != nil {
				return err
			}
			continue
		}
		if b := l.pending; b != nil {
			if b.hasRoom(n) {
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

// hasRoom reports whether records of n bytes fit in the batch b. An empty batch accepts records of any size if its
// segment has room.
func (b *Batch) hasRoom(n int) bool {
	size := len(b.buf) + n + align
	return b.off+int64(size)+endMarkerBytes <= b.seg.size && (size <= maxBatch || len(b.buf) == batchHeaderBytes)
}

// hasRoom reports whether a batch with records of n bytes fits in the segment s after its last batch.
func (s *segment) hasRoom(n int) bool {
	return s.used+int64(batchHeaderBytes+n+align+endMarkerBytes) <= s.size
}

// begin starts a new pending batch in the current segment, and returns the batch. In a new segment, it first calls
// Owner.AppendPreamble, which appends the records with which every segment begins.
func (l *Log) begin() *Batch {
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
	return b
}

// rotate makes the spare segment the current segment. If there is no spare segment with room for n bytes, rotate only
// waits until one is created, so the caller must check the room again.
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

// Append adds one record to the pending batch and returns the position of the record. The record is the concatenation
// of parts. The caller must hold the owner's lock and must have called Reserve.
func (l *Log) Append(parts ...[]byte) Pos {
	b := l.pending
	if b == nil {
		b = l.begin()
	}
	n := 0
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
	return makePos(b.seg.number, b.off+int64(at))
}

// LastPending returns the newest batch that is not durable yet, or nil if all records are durable. The caller must hold
// the owner's lock.
func (l *Log) LastPending() *Batch {
	if l.pending != nil {
		return l.pending
	}
	return l.inFlight
}

// PendingAt returns the batch of the record at the position pos, or nil if that batch is durable. The caller must hold
// the owner's lock.
func (l *Log) PendingAt(pos Pos) *Batch {
	for _, b := range []*Batch{l.inFlight, l.pending} {
		if b != nil && b.seg.number == segmentOf(pos) && offsetOf(pos) >= b.off {
			return b
		}
	}
	return nil
}

// ErrMoved means that the journal has dropped the segment of a record. The owner has appended the record again at
// another position.
var ErrMoved = errors.New("the record has moved")

// Read returns the record of n bytes at the position pos. The batch of the record must be durable. Read needs no lock.
// It fails with [ErrMoved] if the segment was dropped, and with a [DamageError] if the checksum of the record is wrong.
func (l *Log) Read(pos Pos, n int) ([]byte, error) {
	l.segsMu.RLock()
	defer l.segsMu.RUnlock()
	if len(l.segs) == 0 {
		return nil, backend.ErrClosed
	}
	s := l.segment(segmentOf(pos))
	if s == nil {
		return nil, ErrMoved
	}
	b := make([]byte, crc32.Size+n)
	if _, err := s.file.ReadAt(b, offsetOf(pos)); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", nameOf(s.number), err)
	}
	if crc32.Checksum(b[crc32.Size:], castagnoli) != binary.LittleEndian.Uint32(b) {
		return nil, s.damage(offsetOf(pos), "a record has changed since it was written")
	}
	return b[crc32.Size:], nil
}

// segment returns the open segment with this number, or nil. The caller holds segsMu or mu.
func (l *Log) segment(number uint64) *segment {
	i, ok := slices.BinarySearchFunc(l.segs, number, func(s *segment, n uint64) int { return cmp.Compare(s.number, n) })
	if !ok {
		return nil
	}
	return l.segs[i]
}

// Close waits until pending batches are durable or have failed. It then closes all files and unlocks the folder. The
// caller must not use the log afterwards.
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
