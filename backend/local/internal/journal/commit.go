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
	l.lock.Lock()
	// Those who have been told that the last batch is kept may be about to come again.
	for had := -1; had != len(b.buf) && len(b.buf) < maxBatch; {
		had = len(b.buf)
		l.lock.Unlock()
		runtime.Gosched()
		l.lock.Lock()
	}
	w := l.seal(b)
	l.owner.Sealed()
	l.lock.Unlock()
	err := w.write()
	l.lock.Lock()
	defer l.lock.Unlock()
	l.flight = nil
	failed := []*Batch{b}
	if err == nil {
		l.seq, l.broken = w.seq, nil
		if w.end != nil {
			l.ending = nil
		}
		l.owner.Committed()
		l.recycle(b)
	} else {
		b.err = fmt.Errorf("%s cannot be written to: %w", nameOf(b.seg.number), explain(err))
		l.unseal(w)
		if p := l.pending; p != nil { // it was built on what has just failed
			p.err = b.err
			l.pending = nil
			failed = append(failed, p)
		}
		l.owner.Failed()
	}
	if l.leading = l.pending != nil; l.leading {
		l.pending.lead <- struct{}{}
	}
	for _, b := range failed {
		close(b.done)
	}
}

// write is what is written to commit a batch.
type write struct {
	*Batch
	seq    uint64
	broken []span
	end    []byte // the batch that ends the segment before, if it has none; see [Log.ending]
	ending *segment
}

// seal makes the pending batch one that is on its way to the disk.
func (l *Log) seal(b *Batch) write {
	w := write{Batch: b, seq: l.seq + 1, broken: l.broken}
	if l.ending != nil && l.ending != b.seg {
		w.ending = l.ending
		w.end = w.ending.seal(make([]byte, headBytes, lastBytes), head{last: true, seq: w.seq, oldest: l.oldest})
		w.ending.used += lastBytes
		w.seq++
	}
	b.buf = b.seg.seal(b.buf, head{seq: w.seq, oldest: l.oldest})
	b.seg.used = b.off + int64(len(b.buf))
	l.pending, l.flight = nil, b
	return w
}

// unseal takes back what seal did: the next batch takes this one's place, once what may have been written is cleared.
func (l *Log) unseal(w write) {
	w.seg.used = w.off
	spans := []span{{w.seg, w.off, w.off + int64(len(w.buf))}}
	if w.end != nil {
		w.ending.used -= lastBytes
		spans = append(spans, span{w.ending, w.ending.used, w.ending.used + lastBytes})
	}
	for _, s := range l.broken {
		if (s.seg != w.seg || s.to > spans[0].to) && !slices.Contains(spans, s) {
			spans = append(spans, s)
		}
	}
	l.broken = spans
}

func (w *write) write() error {
	for _, s := range w.broken {
		if err := errors.Join(s.clear(), s.seg.file.Sync()); err != nil {
			return err
		}
	}
	if w.end != nil {
		// Before the first batch of the next segment, so that it cannot be there without this one.
		if _, err := w.ending.file.WriteAt(w.end, w.ending.used-lastBytes); err != nil {
			return err
		}
		if err := w.ending.file.Sync(); err != nil {
			return err
		}
	}
	if _, err := w.seg.file.WriteAt(w.buf, w.off); err != nil {
		return err
	}
	return w.seg.file.Sync()
}

// clear makes s what it was before anything was written to it.
func (s span) clear() error {
	for at := s.from; at < s.to; at += int64(len(zeroed)) {
		if _, err := s.seg.file.WriteAt(zeroed[:min(s.to-at, int64(len(zeroed)))], at); err != nil {
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
