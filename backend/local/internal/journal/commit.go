package journal

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// Wait waits until b is on the disk, or cannot be. The lock must not be held: it may fall to the caller to bring it there.
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

// commit brings b to the disk.
func (l *Log) commit(b *Batch) {
	l.mu.Lock()
	// Those who have been told that the last batch is kept may be about to come again.
	for had := -1; had != len(b.buf) && len(b.buf) < maxBatch; {
		had = len(b.buf)
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
	failed := []*Batch{b}
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
		if p := l.pending; p != nil { // it was built on what has just failed
			p.err = b.err
			l.pending = nil
			failed = append(failed, p)
		}
		l.owner.Failed()
	}
	if l.hasLeader = l.pending != nil; l.hasLeader {
		l.pending.lead <- struct{}{}
	}
	for _, b := range failed {
		close(b.done)
	}
}

// commitWrite is what is written to commit a batch.
type commitWrite struct {
	*Batch
	seq          uint64
	dirty        []span
	endMarker    []byte // the batch that ends the segment before, if it has none; see [Log.unterminated]
	unterminated *segment
}

// seal makes the pending batch one that is on its way to the disk.
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

// unseal takes back what seal did: the next batch takes this one's place, once what may have been written is cleared.
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
		// Before the first batch of the next segment, so that it cannot be there without this one.
		if _, err := w.unterminated.file.WriteAt(w.endMarker, w.unterminated.used-endMarkerBytes); err != nil {
			return err
		}
		if err := w.unterminated.file.Sync(); err != nil {
			return err
		}
	}
	if _, err := w.seg.file.WriteAt(w.buf, w.off); err != nil {
		return err
	}
	return w.seg.file.Sync()
}

// zero makes s what it was before anything was written to it.
func (s span) zero() error {
	for at := s.from; at < s.to; at += int64(len(zeroBlock)) {
		if _, err := s.seg.file.WriteAt(zeroBlock[:min(s.to-at, int64(len(zeroBlock)))], at); err != nil {
			return err
		}
	}
	return nil
}

// recycle keeps the buffer of b, which is on the disk, for another batch.
func (l *Log) recycle(b *Batch) {
	if cap(b.buf) <= maxBatch && len(l.buffers) < 2 {
		l.buffers = append(l.buffers, b.buf)
	}
	b.buf = nil
}
