package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
)

// Open opens the journal in fs, and calls visit for each record in it, in the order in which they were appended; the
// record may be kept only until visit returns. It fails with a [DamageError], also if visit fails, and with backend.ErrInUse.
// lock is the owner's, and must not be held. size is how long the first segment is.
func Open(fs FS, size int64, lock sync.Locker, owner Owner, visit func(pos Pos, record []byte) error) (*Log, error) {
	guard, err := fs.Lock()
	if err != nil {
		return nil, fmt.Errorf("tasks cannot be kept in %s: %w", fs.Path(), wrapOSError(err))
	}
	l := &Log{fs: fs, folderLock: guard, mu: lock, owner: owner, minSize: size, oldest: 1}
	if err := l.load(visit); err != nil {
		return nil, errors.Join(fmt.Errorf("the tasks kept in %s cannot be read: %w", fs.Path(), wrapOSError(err)), l.closeFiles())
	}
	lock.Lock()
	defer lock.Unlock()
	l.prepareSpare(0)
	return l, nil
}

// load reads all segments, and makes the first one.
func (l *Log) load(visit func(pos Pos, record []byte) error) error {
	if err := l.openSegments(); err != nil {
		return err
	}
	if len(l.segs) == 0 {
		s := &segment{number: 1, size: l.minSize}
		if err := l.create(s); err != nil {
			return err
		}
		l.segs, l.current, l.newest = []*segment{s}, s, 1
		return nil
	}
	r := reader{log: l, last: l.segs[0], visit: func(pos Pos, record []byte) error {
		err := visit(pos, record)
		if err != nil {
			err = l.segment(pos>>32).damage(int64(pos&(1<<32-1)), err.Error())
		}
		return err
	}}
	for _, s := range l.segs {
		if err := r.readSegment(s); err != nil {
			return err
		}
	}
	return l.finishLoad(&r)
}

// openSegments opens the files of all segments. It does so even if one is missing, and returns that then.
func (l *Log) openSegments() error {
	names, err := l.fs.List()
	if err != nil {
		return err
	}
	var numbers []uint64
	for _, name := range names {
		if number := numberOf(name); number != 0 {
			numbers = append(numbers, number)
		} else if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, tempSuffix) {
			if err := l.fs.Remove(name); err != nil {
				return err
			}
		}
	}
	slices.Sort(numbers)
	var missing error
	for i, number := range numbers {
		if i > 0 && number != numbers[i-1]+1 && missing == nil {
			missing = &DamageError{nameOf(numbers[i-1] + 1), 0, "the file is missing"}
		}
		s := &segment{number: number, used: segmentHeaderBytes}
		if s.file, err = l.fs.Open(nameOf(number)); err != nil {
			return err
		}
		l.segs = append(l.segs, s)
	}
	return missing
}

// finishLoad ends the reading of segments: it finds out where the next batch goes, and clears what a torn one left there.
func (l *Log) finishLoad(r *reader) error {
	if l.segs[0].number > l.oldest {
		return &DamageError{nameOf(l.oldest), 0, "the file is missing"}
	}
	if r.terminated && r.last == l.segs[len(l.segs)-1] {
		return &DamageError{nameOf(r.last.number + 1), 0, "the file is missing"}
	}
	for _, t := range r.torn {
		if err := errors.Join(t.zero(), t.seg.file.Sync()); err != nil {
			return err
		}
	}
	last := slices.Index(l.segs, r.last)
	l.current = l.segs[last]
	// Of those that have no batches, the first is the spare one. There may be another if the first batch of that was lost.
	for n := len(l.segs) - 1; n > last; n-- {
		s := l.segs[n]
		l.segs = l.segs[:n]
		if n == last+1 {
			l.spare = s
		} else if err := errors.Join(s.file.Close(), l.fs.Remove(nameOf(s.number))); err != nil {
			return err
		}
	}
	l.newest = l.current.number
	if l.spare != nil {
		l.newest = l.spare.number
	}
	if r.terminated {
		l.current = l.spare
		l.segs, l.spare = append(l.segs, l.spare), nil
	}
	for len(l.segs) > 1 && l.segs[0].number < l.oldest {
		if err := l.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

// reader reads segments one after the other.
type reader struct {
	log        *Log
	visit      func(pos Pos, record []byte) error
	seq        uint64   // of the last batch; 0: there was none
	last       *segment // with a batch, or the first
	terminated bool     // with its last batch
	torn       []span
	data       []byte // of the present segment
}

func (r *reader) readSegment(s *segment) error {
	if err := r.readFile(s); err != nil {
		return err
	}
	for s.used < s.size {
		h, records, ok := s.readBatch(r.data[s.used:])
		if !ok {
			break
		}
		if r.seq != 0 && h.seq != r.seq+1 || len(r.torn) > 0 {
			return r.last.damage(r.last.used, fmt.Sprintf("batch %d should be there, and the next one there is, in %s, is batch %d", r.seq+1, nameOf(s.number), h.seq))
		}
		if err := s.eachRecord(s.used+batchHeaderBytes, records, r.visit); err != nil {
			return err
		}
		r.seq, r.last, r.terminated, r.log.seq, r.log.oldest = h.seq, s, h.end, h.seq, h.oldest
		s.used += int64(batchHeaderBytes + padded(h.length))
	}
	torn, err := s.checkTail(r.data[s.used:], r.seq)
	if err != nil {
		return err
	}
	if torn {
		if len(r.torn) > 0 {
			return s.damage(s.used, "a batch follows on one that is not whole")
		}
		r.torn = append(r.torn, span{s, s.used, s.size})
	}
	return nil
}

// readFile reads the file of s into memory, and its header.
func (r *reader) readFile(s *segment) error {
	size, err := s.file.Size()
	if err != nil {
		return err
	}
	r.data = slices.Grow(r.data[:0], int(size))[:size]
	if n, err := s.file.ReadAt(r.data, 0); n < len(r.data) {
		return fmt.Errorf("%s cannot be read: %w", nameOf(s.number), err)
	}
	if err := s.readHeader(r.data[:min(size, segmentHeaderBytes)]); err != nil {
		return err
	}
	if s.size != size {
		return s.damage(size, fmt.Sprintf("the file has %d bytes instead of %d", size, s.size))
	}
	return nil
}

// readBatch reads the batch that b begins with, and reports whether there is one that is whole.
func (s *segment) readBatch(b []byte) (h batchHeader, records []byte, ok bool) {
	h, ok = s.readBatchHeader(b)
	if !ok || h.length > len(b)-batchHeaderBytes-align {
		return h, nil, false
	}
	body := b[batchHeaderBytes : batchHeaderBytes+padded(h.length)]
	return h, body[:h.length], s.sum(body) == h.sum
}

// eachRecord calls visit for the records of a batch, which begin at offset at.
func (s *segment) eachRecord(at int64, records []byte, visit func(pos Pos, record []byte) error) error {
	for rest := records; len(rest) > 0; {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size-crc32.Size) {
			return s.damage(at, "a batch is not made of records")
		}
		pos := s.number<<32 | uint64(at+int64(len(records)-len(rest)+size))
		rest = rest[size+crc32.Size:]
		if err := visit(pos, rest[:n:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// checkTail looks at what follows the last batch that is whole: nothing, or a batch that is torn, or else damage.
func (s *segment) checkTail(rest []byte, seq uint64) (torn bool, err error) {
	if isZero(rest) {
		return false, nil
	}
	if s.hasLaterBatch(rest, seq) {
		return false, s.damage(s.used, "a batch is not what was written, and others follow it")
	}
	h, ok := s.readBatchHeader(rest)
	size := batchHeaderBytes + padded(h.length)
	switch {
	case !ok: // all is known that can be if one of the sectors with the header is missing
		size = min(batchHeaderBytes, len(rest))
	case size > len(rest) || !isZero(rest[size:]):
		return false, s.damage(s.used, "there are bytes where none were written")
	}
	for at := 0; at < size; {
		next := min(size, at+sector-int(s.used+int64(at))%sector)
		if isZero(rest[at:next]) {
			return true, nil
		}
		at = next
	}
	return false, s.damage(s.used, "a batch is not what was written")
}

// hasLaterBatch reports whether a batch follows that is newer than the one that should come first.
func (s *segment) hasLaterBatch(rest []byte, seq uint64) bool {
	for at := align; at+batchHeaderBytes <= len(rest); at += align {
		if binary.LittleEndian.Uint32(rest[at:]) != uint32(s.salt) {
			continue
		}
		if h, ok := s.readBatchHeader(rest[at:]); ok && h.seq > seq+1 {
			return true
		}
	}
	return false
}
