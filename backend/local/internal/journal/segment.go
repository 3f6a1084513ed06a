package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/backend"
)

const (
	lockName           = "tasks.lock"
	prefix             = "tasks-"
	suffix             = ".log"
	tempSuffix         = ".tmp"
	sector             = 512 // what a disk writes whole or not at all
	segmentHeaderBytes = sector
	version            = 1
	batchHeaderBytes   = 32 // of a batch
	align              = 8
	endMarkerBytes     = batchHeaderBytes + align // of the batch that ends a segment
)

// DefaultSize is how long the first segment is if nobody says so, in bytes. The longest is growth times that.
const (
	DefaultSegmentSize = 1 << 20
	maxGrowth          = 32
)

var magic = [8]byte{'A', 'H', 't', 'a', 's', 'k', 's', version}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one file of the journal. It is filled with zeros before it is used, so that writing to it changes neither
// its size nor where it lies on the disk, and so that what was never written can be told from what was.
type segment struct {
	number uint64
	size   int64
	salt   uint64 // random; without it, parameters could look like a batch
	file   File
	used   int64 // up to where there are batches
}

func nameOf(number uint64) string { return fmt.Sprintf("%s%08d%s", prefix, number, suffix) }

// numberOf returns the number of the segment with this name, or 0.
func numberOf(name string) uint64 {
	digits, ok := strings.CutPrefix(name, prefix)
	if digits, ok2 := strings.CutSuffix(digits, suffix); ok && ok2 {
		if number, err := strconv.ParseUint(digits, 10, 32); err == nil && name == nameOf(number) {
			return number
		}
	}
	return 0
}

// putHeader writes the header of a segment: what it is, its number, size and salt, and a checksum.
func (s *segment) putHeader(b []byte) {
	copy(b, magic[:])
	binary.LittleEndian.PutUint64(b[8:], s.number)
	binary.LittleEndian.PutUint64(b[16:], uint64(s.size))
	binary.LittleEndian.PutUint64(b[24:], s.salt)
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
}

// readHeader sets what the header of a segment says, or returns what is wrong with it.
func (s *segment) readHeader(b []byte) error {
	switch {
	case len(b) < segmentHeaderBytes:
		return s.damage(0, "the file is cut short")
	case crc32.Checksum(b[:32], castagnoli) != binary.LittleEndian.Uint32(b[32:]):
		return s.damage(0, "its first bytes are not what was written")
	case !bytes.Equal(b[:8], magic[:]):
		return fmt.Errorf("%s was written by another version of this program: use that one", nameOf(s.number))
	case binary.LittleEndian.Uint64(b[8:]) != s.number:
		return s.damage(8, "the file is another one under this name")
	}
	s.size = int64(binary.LittleEndian.Uint64(b[16:]))
	s.salt = binary.LittleEndian.Uint64(b[24:])
	if isZero(b[36:segmentHeaderBytes]) {
		return nil
	}
	return s.damage(36, "there are bytes where none were written")
}

// DamageError is the error for a file that is not what was written. It wraps backend.ErrDamaged.
type DamageError struct {
	File   string
	Offset int64
	Reason string
}

func (d *DamageError) Error() string {
	return fmt.Sprintf("%s is not whole: %s, at byte %d: %v", d.File, d.Reason, d.Offset, backend.ErrDamaged)
}

func (d *DamageError) Unwrap() error { return backend.ErrDamaged }

func (s *segment) damage(offset int64, reason string) *DamageError {
	return &DamageError{nameOf(s.number), offset, reason}
}

// batchHeader is the header of a batch.
type batchHeader struct {
	end    bool   // the next batch is in the next segment; this one has no records
	length int    // of the records
	seq    uint64 // counts all batches of the journal
	oldest uint64 // the first segment that is needed
	sum    uint32 // of the records
}

const endFlag = 1 << 31

func (s *segment) sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) ^ uint32(s.salt>>32) }

// putBatchHeader writes the header of a batch in front of its records, which fill up the batch.
func (s *segment) putBatchHeader(batch []byte, h batchHeader) {
	le := binary.LittleEndian
	le.PutUint32(batch, uint32(s.salt))
	length := uint32(h.length)
	if h.end {
		length |= endFlag
	}
	le.PutUint32(batch[4:], length)
	le.PutUint64(batch[8:], h.seq)
	le.PutUint64(batch[16:], h.oldest)
	le.PutUint32(batch[24:], s.sum(batch[batchHeaderBytes:]))
	le.PutUint32(batch[28:], s.sum(batch[:28]))
}

// readBatchHeader reads the header of a batch that begins at b, and reports whether there is one.
func (s *segment) readBatchHeader(b []byte) (batchHeader, bool) {
	le := binary.LittleEndian
	if len(b) < batchHeaderBytes || le.Uint32(b) != uint32(s.salt) || le.Uint32(b[28:]) != s.sum(b[:28]) {
		return batchHeader{}, false
	}
	length := le.Uint32(b[4:])
	return batchHeader{end: length&endFlag != 0, length: int(length &^ endFlag), seq: le.Uint64(b[8:]), oldest: le.Uint64(b[16:]), sum: le.Uint32(b[24:])}, true
}

// padded is how long n bytes of records are made: by at least one byte, which is not zero, so that no sector of a batch
// that was written looks as if it was not.
func padded(n int) int { return n&^(align-1) + align }

const padding = 0xff

// seal fills up a batch that has room for its header and its records, and writes the header.
func (s *segment) seal(batch []byte, h batchHeader) []byte {
	h.length = len(batch) - batchHeaderBytes
	for range padded(h.length) - h.length {
		batch = append(batch, padding)
	}
	s.putBatchHeader(batch, h)
	return batch
}

var zeroBlock [1 << 20]byte

func isZero(b []byte) bool {
	for len(b) > len(zeroBlock) {
		if !bytes.Equal(b[:len(zeroBlock)], zeroBlock[:]) {
			return false
		}
		b = b[len(zeroBlock):]
	}
	return bytes.Equal(b, zeroBlock[:len(b)])
}
