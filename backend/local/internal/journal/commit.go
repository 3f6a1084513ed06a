package journal

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/actionhero-go/actionhero/internal/poison"
)

// Wait blocks until the batch b is durable, and returns an error if the batch cannot be stored. If b is nil, Wait
// returns at once. The caller must not hold the owner's lock, because the calling goroutine may have to commit the
// batch.
func (l *Log) Wait(b *Batch) error {
	if b == nil {
		return nil
	}
	select {
	case <-b.done:
	case <-b.lead:
		l.commit(b)
	}
	return b.err
}

// commit writes and syncs the pending batch b. It then calls Owner.Committed or Owner.Failed, and lets the next batch
// begin. If the write fails, b and the batch after b get the error.
func (l *Log) commit(b *Batch) {
	l.mu.Lock()
	// Callers of the batch that was just committed may be about to append again: yield while this batch grows.
	for length := -1; length != len(b.buf) && len(b.buf) < maxBatch; {
		length = len(b.buf)
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
	w := l.seal(b)
	l.owner.Sealed()
	l.mu.Unlock()
	err := w.run()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight = nil
	finished := []*Batch{b}
	if err == nil {
		l.seq, l.dirty = w.seq, nil
		if w.endMarker != nil {
			l.unterminated = nil
		}
		l.owner.Committed()
		l.recycle(b)
	} else {
		b.err = fmt.Errorf("%s cannot be written to: %w", nameOf(b.seg.number), wrapOSError(err))
		l.unseal(w)
		if p := l.pending; p != nil { // the records of p depend on the records of b
			p.err = b.err
			l.pending = nil
			finished = append(finished, p)
		}
		l.owner.Failed()
	}
	if l.hasLeader = l.pending != nil; l.hasLeader {
		l.pending.lead <- struct{}{}
	}
	for _, b := range finished {
		close(b.done)
	}
}

// commitWrite is the data to write for the commit of a batch: the parts to fill with zeros first, the end marker of the
// previous segment if needed, and the batch.
type commitWrite struct {
	*Batch
	seq          uint64
	dirty        []span
	endMarker    []byte // the end marker of the segment in the field unterminated, or nil
	unterminated *segment
}

// seal completes the pending batch b, so that no more records are added, and makes b the batch in flight. It returns
// the data to write.
func (l *Log) seal(b *Batch) commitWrite {
	w := commitWrite{Batch: b, seq: l.seq + 1, dirty: l.dirty}
	if l.unterminated != nil && l.unterminated != b.seg {
		w.unterminated = l.unterminated
		w.endMarker = w.unterminated.seal(make([]byte, batchHeaderBytes, endMarkerBytes), batchHeader{end: true, seq: w.seq, oldest: l.oldest})
		w.unterminated.used += endMarkerBytes
		w.seq++
	}
	b.buf = b.seg.seal(b.buf, batchHeader{seq: w.seq, oldest: l.oldest})
	b.seg.used = b.off + int64(len(b.buf))
	l.pending, l.inFlight = nil, b
	return w
}

// unseal reverts seal after a failed write. The next batch gets the offset and the number of the failed batch. The
// parts of the segments that the failed write may have changed are zeroed before the next write.
func (l *Log) unseal(w commitWrite) {
	w.seg.used = w.off
	spans := []span{{w.seg, w.off, w.off + int64(len(w.buf))}}
	if w.endMarker != nil {
		w.unterminated.used -= endMarkerBytes
		spans = append(spans, span{w.unterminated, w.unterminated.used, w.unterminated.used + endMarkerBytes})
	}
	for _, s := range l.dirty {
		if (s.seg != w.seg || s.to > spans[0].to) && !slices.Contains(spans, s) {
			spans = append(spans, s)
		}
	}
	l.dirty = spans
}

func (w *commitWrite) run() error {
	for _, s := range w.dirty {
		if err := errors.Join(s.zero(), s.seg.file.Sync()); err != nil {
			return err
		}
	}
	if w.endMarker != nil {
		// The end marker is synced first: the first batch of the next segment must never be durable without it.
		if err := w.unterminated.writeSynced(w.endMarker, w.unterminated.used-endMarkerBytes); err != nil {
			return err
		}
	}
	return w.seg.writeSynced(w.buf, w.off)
}

func (s *segment) writeSynced(b []byte, off int64) error {
	if _, err := s.file.WriteAt(b, off); err != nil {
		return err
	}
	return s.file.Sync()
}

// zero fills the part s of a segment with zeros, which restores the content before the first write to that part. It
// does not sync the file.
func (s span) zero() error {
	for at := s.from; at < s.to; at += int64(len(zeroBlock)) {
		if _, err := s.seg.file.WriteAt(zeroBlock[:min(s.to-at, int64(len(zeroBlock)))], at); err != nil {
			return err
		}
	}
	return nil
}

// recycle keeps the buffer of the durable batch b for a later batch. It keeps at most two buffers.
func (l *Log) recycle(b *Batch) {
	poison.Bytes(b.buf)
	if cap(b.buf) <= maxBatch && len(l.buffers) < 2 {
		l.buffers = append(l.buffers, b.buf)
	}
	b.buf = nil
}
