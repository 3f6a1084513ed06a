package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/actionhero-go/actionhero/backend"
)

// prepare has a spare segment made, with room for n bytes, unless there is one or somebody is at it. The lock must be
// held.
func (l *Log) prepare(n int) {
	n += l.owner.HeadSize()
	if l.preparing != nil || l.closed || l.spare != nil && l.spare.hasRoom(n) {
		return
	}
	old := l.spare
	if l.spare = nil; old != nil {
		l.at-- // it is too small: the new one takes its place, or the next one if this fails
	}
	s, least := &segment{number: l.at + 1, size: l.nextSize(n)}, l.leastSize(n)
	done := make(chan struct{})
	l.preparing = done
	go func() {
		if old != nil {
			_, _ = old.file.Close(), l.fs.Remove(nameOf(old.number)) // nothing was written to it
		}
		err := l.make(s)
		if errors.Is(err, backend.ErrDiskFull) && least < s.size {
			s = &segment{number: s.number, size: least}
			err = l.make(s)
		}
		l.lock.Lock()
		defer l.lock.Unlock()
		if l.unspared = err; err == nil {
			l.spare = s
			l.at = s.number
		}
		l.preparing = nil
		close(done)
	}()
}

// nextSize is how long the next segment should be, which must have room for n bytes: small journals have small segments.
func (l *Log) nextSize(n int) int64 {
	size := min(max(int64(1)<<bits.Len64(uint64(l.Total()/4)), l.minSize), growth*l.minSize)
	return max(size, l.leastSize(n))
}

// leastSize is how long a segment must be that has room for n bytes, and for some more batches.
func (l *Log) leastSize(n int) int64 {
	return int64(padded(first+headBytes+n+align+lastBytes)) + l.minSize/2
}

// Total is how many bytes the segments have that are, or were, in use. The lock must be held.
func (l *Log) Total() int64 {
	total := int64(0)
	for _, s := range l.segs {
		total += s.used
	}
	return total
}

// make makes the file of a segment: all zeros, synced, and under its name only then.
func (l *Log) make(s *segment) error {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.salt = binary.LittleEndian.Uint64(salt[:]) | 1
	s.used = first
	name := nameOf(s.number)
	f, err := l.fs.Create(name + unready)
	if err != nil {
		return fmt.Errorf("a file for more tasks cannot be made in %s: %w", l.fs.Path(), explain(err))
	}
	s.file = f
	err = s.fill()
	if err == nil {
		err = l.fs.Rename(name+unready, name)
	}
	if err == nil {
		err = l.fs.Sync()
	}
	if err != nil {
		err = fmt.Errorf("a file of %d bytes for more tasks cannot be made in %s: %w", s.size, l.fs.Path(), explain(err))
		_, _ = f.Close(), l.fs.Remove(name+unready) // what stays of it is removed when the journal is opened again
		return err
	}
	return nil
}

func (s *segment) fill() error {
	if err := (span{s, first, s.size}).clear(); err != nil {
		return err
	}
	header := make([]byte, first)
	s.putHeader(header)
	if _, err := s.file.WriteAt(header, 0); err != nil {
		return err
	}
	return s.file.Sync()
}
