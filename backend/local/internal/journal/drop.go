package journal

import (
	"errors"
	"slices"
)

// Oldest returns the number of the oldest segment, and whether it can be dropped: the one that is written to cannot. The
// lock must be held.
func (l *Log) Oldest() (number uint64, ok bool) {
	return l.segs[0].number, len(l.segs) > 1 && (l.inFlight == nil || l.inFlight.seg != l.segs[0])
}

// Scan calls visit for the records in a segment that can be dropped. The lock must not be held.
func (l *Log) Scan(number uint64, visit func(pos Pos, record []byte) error) error {
	l.segsMu.RLock()
	s := l.segment(number)
	l.segsMu.RUnlock()
	if s == nil {
		return ErrMoved
	}
	copied := &segment{number: s.number, file: s.file, used: segmentHeaderBytes}
	r := reader{log: l}
	if err := r.readFile(copied); err != nil {
		return err
	}
	for copied.used < s.used {
		h, records, ok := copied.readBatch(r.data[copied.used:])
		if !ok {
			return copied.damage(copied.used, "a batch is not what was written")
		}
		if err := copied.eachRecord(copied.used+batchHeaderBytes, records, visit); err != nil {
			return err
		}
		copied.used += int64(batchHeaderBytes + padded(h.length))
	}
	return nil
}

// Drop removes the oldest segment, of which nothing is needed any more. The lock must not be held, and nobody else may
// scan or drop.
func (l *Log) Drop() error {
	l.mu.Lock()
	oldest := l.oldest
	l.oldest = l.segs[0].number + 1
	// First it must be kept that the segment is not missed: whoever opens the journal would take that for damage.
	if err := l.Reserve(0, false); err != nil {
		l.oldest = oldest
		l.mu.Unlock()
		return err
	}
	if l.pending == nil {
		l.begin()
	}
	b := l.pending
	l.mu.Unlock()
	if err := l.Wait(b); err != nil {
		return err
	}
	return l.removeOldest()
}

func (l *Log) removeOldest() error {
	l.mu.Lock()
	l.segsMu.Lock()
	s := l.segs[0]
	l.segs = slices.Delete(l.segs, 0, 1)
	l.segsMu.Unlock()
	l.mu.Unlock()
	return wrapOSError(errors.Join(s.file.Close(), l.fs.Remove(nameOf(s.number)), l.fs.Sync()))
}
