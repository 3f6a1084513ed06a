package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/actionhero-go/actionhero/backend"
)

// prepareSpare has a spare segment made, with room for n bytes, unless there is one or somebody is at it. The lock must be
// held.
func (l *Log) prepareSpare(n int) {
	n += l.owner.PreambleSize()
	if l.preparingSpare != nil || l.closed || l.spare != nil && l.spare.hasRoom(n) {
		return
	}
	old := l.spare
	if l.spare = nil; old != nil {
		l.newest-- // it is too small: the new one takes its place, or the next one if this fails
	}
	s, least := &segment{number: l.newest + 1, size: l.nextSize(n)}, l.minSizeFor(n)
	done := make(chan struct{})
	l.preparingSpare = done
	go func() {
		if old != nil {
			_, _ = old.file.Close(), l.fs.Remove(nameOf(old.number)) // nothing was written to it
		}
		err := l.create(s)
		if errors.Is(err, backend.ErrDiskFull) && least < s.size {
			s = &segment{number: s.number, size: least}
			err = l.create(s)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.spareErr = err; err == nil {
			l.spare = s
			l.newest = s.number
		}
		l.preparingSpare = nil
		close(done)
	}()
}

// nextSize is how long the next segment should be, which must have room for n bytes: small journals have small segments.
func (l *Log) nextSize(n int) int64 {
	size := min(max(int64(1)<<bits.Len64(uint64(l.UsedBytes()/4)), l.minSize), maxGrowth*l.minSize)
	return max(size, l.minSizeFor(n))
}

// minSizeFor is how long a segment must be that has room for n bytes, and for some more batches.
func (l *Log) minSizeFor(n int) int64 {
	return int64(padded(segmentHeaderBytes+batchHeaderBytes+n+align+endMarkerBytes)) + l.minSize/2
}

// UsedBytes is how many bytes the segments have that are, or were, in use. The lock must be held.
func (l *Log) UsedBytes() int64 {
	total := int64(0)
	for _, s := range l.segs {
		total += s.used
	}
	return total
}

// create makes the file of a segment: all zeros, synced, and under its name only then.
func (l *Log) create(s *segment) error {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.salt = binary.LittleEndian.Uint64(salt[:]) | 1
	s.used = segmentHeaderBytes
	name := nameOf(s.number)
	f, err := l.fs.Create(name + tempSuffix)
	if err != nil {
		return fmt.Errorf("a file for more tasks cannot be made in %s: %w", l.fs.Path(), wrapOSError(err))
	}
	s.file = f
	err = s.format()
	if err == nil {
		err = l.fs.Rename(name+tempSuffix, name)
	}
	if err == nil {
		err = l.fs.Sync()
	}
	if err != nil {
		err = fmt.Errorf("a file of %d bytes for more tasks cannot be made in %s: %w", s.size, l.fs.Path(), wrapOSError(err))
		_, _ = f.Close(), l.fs.Remove(name+tempSuffix) // what stays of it is removed when the journal is opened again
		return err
	}
	return nil
}

func (s *segment) format() error {
	if err := (span{s, segmentHeaderBytes, s.size}).zero(); err != nil {
		return err
	}
	header := make([]byte, segmentHeaderBytes)
	s.putHeader(header)
	if _, err := s.file.WriteAt(header, 0); err != nil {
		return err
	}
	return s.file.Sync()
}
