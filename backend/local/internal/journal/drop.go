package journal

import (
	"errors"
	"slices"
)

// Oldest returns the number of the oldest segment. If that segment is the only segment or is being written to, the
// segment cannot be dropped, and ok is false. The caller must hold the owner's lock.
func (l *Log) Oldest() (number uint64, ok bool) {
	return l.segs[0].number, len(l.segs) > 1 && (l.inFlight == nil || l.inFlight.seg != l.segs[0])
}

// Scan calls visit for each record in the segment with this number, which must be a segment that can be dropped. It
// fails with [ErrMoved] if the segment does not exist any more, and with a [DamageError] if the segment is damaged. The
// caller must not hold the owner's lock.
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
			return copied.damage(copied.used, "a batch has changed since it was written")
		}
		if err := copied.eachRecord(copied.used+batchHeaderBytes, records, visit); err != nil {
			return err
		}
		copied.used += h.size()
	}
	return nil
}

// Drop deletes the oldest segment. The owner must no longer need a record in that segment. The caller must not hold the
// owner's lock. Only one goroutine at a time may call Scan or Drop.
func (l *Log) Drop() error {
	l.mu.Lock()
	oldest := l.oldest
	l.oldest = l.segs[0].number + 1
	// A batch must first store that the segment is no longer needed: Open would report the missing file as damage.
	if err := l.Reserve(0, false); err != nil {
		l.oldest = oldest
		l.mu.Unlock()
		return err
	}
	b := l.pending
	if b == nil {
		b = l.begin()
	}
	l.mu.Unlock()
	if err := l.Wait(b); err != nil {
		return err
	}
	return l.deleteOldest()
}

func (l *Log) deleteOldest() error {
	s := l.detachOldest()
	return wrapOSError(errors.Join(s.file.Close(), l.fs.Remove(nameOf(s.number)), l.fs.Sync()))
}

// detachOldest removes the oldest segment from the list segs, and returns the segment. The file of the segment stays
// open.
func (l *Log) detachOldest() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segsMu.Lock()
	defer l.segsMu.Unlock()
	s := l.segs[0]
	l.segs = slices.Delete(l.segs, 0, 1)
	return s
}
