package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/actionhero-go/actionhero/backend"
)

// prepareSpare starts a goroutine that creates a spare segment with room for n bytes. It does nothing if a spare
// segment with enough room exists or is being created. The caller must hold the owner's lock.
func (l *Log) prepareSpare(n int) {
	n += l.owner.PreambleSize()
	if l.preparingSpare != nil || l.closed || l.spare != nil && l.spare.hasRoom(n) {
		return
	}
	old := l.spare
	if l.spare = nil; old != nil {
		l.newest-- // old is too small: the new spare, or the next spare if the creation fails, gets the number of old
	}
	s, minSize := &segment{number: l.newest + 1, size: l.nextSize(n)}, l.minSizeFor(n)
	done := make(chan struct{})
	l.preparingSpare = done
	go func() {
		if old != nil {
			_, _ = old.file.Close(), l.fs.Remove(nameOf(old.number)) // old has no batches, and the new spare may need its disk space
		}
		err := l.create(s)
		if errors.Is(err, backend.ErrDiskFull) && minSize < s.size {
			s = &segment{number: s.number, size: minSize}
			err = l.create(s)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.spareErr = err; err == nil {
			l.spare, l.newest = s, s.number
		}
		l.preparingSpare = nil
		close(done)
	}()
}

// awaitSpare waits until a spare segment with room for n bytes is created, and returns an error if that failed. The
// caller must hold the owner's lock. awaitSpare releases the lock while it waits.
func (l *Log) awaitSpare(n int) error {
	l.prepareSpare(n)
	if preparing := l.preparingSpare; preparing != nil {
		l.mu.Unlock()
		<-preparing
		l.mu.Lock()
	}
	return l.spareErr
}

// nextSize returns the length in bytes of the next segment, which must have room for n bytes. The length is a quarter of
// the bytes that the journal uses, rounded up to a power of two. It is at least minSize and at most maxGrowth*minSize, so
// a short journal has short segments. If n bytes need a longer segment, nextSize returns that longer length.
func (l *Log) nextSize(n int) int64 {
	size := min(max(int64(1)<<bits.Len64(uint64(l.UsedBytes()/4)), l.minSize), maxGrowth*l.minSize)
	return max(size, l.minSizeFor(n))
}

// minSizeFor returns the length in bytes of a segment that has room for n bytes of records and for some more batches.
func (l *Log) minSizeFor(n int) int64 {
	return int64(padded(segmentHeaderBytes+batchHeaderBytes+n+align+endMarkerBytes)) + l.minSize/2
}

// UsedBytes returns the number of bytes in all segments up to the end of the last batch of each segment. Records that
// are no longer needed count, too. The spare segment does not count. The caller must hold the owner's lock.
func (l *Log) UsedBytes() int64 {
	total := int64(0)
	for _, s := range l.segs {
		total += s.used
	}
	return total
}

// create creates the file of the segment s under a temporary name, formats and syncs the file, and then renames it.
func (l *Log) create(s *segment) error {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.salt = binary.LittleEndian.Uint64(salt[:]) | 1
	s.used = segmentHeaderBytes
	name := nameOf(s.number)
	f, err := l.fs.Create(name + tempSuffix)
	if err != nil {
		return fmt.Errorf("a file for more tasks cannot be created in %s: %w", l.fs.Path(), wrapOSError(err))
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
		err = fmt.Errorf("a file of %d bytes for more tasks cannot be created in %s: %w", s.size, l.fs.Path(), wrapOSError(err))
		_, _ = f.Close(), l.fs.Remove(name+tempSuffix) // if Remove fails, the next Open removes the file
		return err
	}
	return nil
}

// format fills the file of the segment with zeros, writes the header of the segment and syncs the file.
func (s *segment) format() error {
	if err := (span{s, segmentHeaderBytes, s.size}).zero(); err != nil {
		return err
	}
	header := make([]byte, segmentHeaderBytes)
	s.putHeader(header)
	return s.writeSynced(header, 0)
}
