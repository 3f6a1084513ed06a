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
	sector             = 512 // the bytes that a disk writes as a whole or not at all
	segmentHeaderBytes = sector
	version            = 1
	batchHeaderBytes   = 32
	align              = 8 // the offset of each batch is a multiple of align bytes
	endMarkerBytes     = batchHeaderBytes + align
)

const (
	// DefaultSegmentSize is the default length of the first segment, in bytes.
	DefaultSegmentSize = 1 << 20
	maxGrowth          = 32 // the longest segment is maxGrowth times as long as the first segment
)

var magic = [8]byte{'A', 'H', 't', 'a', 's', 'k', 's', version}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one file of the journal. The file is filled with zeros before it is used. A later write to the file
// therefore changes neither the size of the file nor its place on the disk, and bytes that were never written can be
// recognized.
type segment struct {
	number uint64
	size   int64
	salt   uint64 // a random number in each batch header, so that bytes of a client in a record cannot look like a batch
	file   File
	used   int64 // the offset after the last batch of the segment
}

func nameOf(number uint64) string { return fmt.Sprintf("%s%08d%s", prefix, number, suffix) }

// numberOf returns the number of the segment whose file has this name. If the name is not the file name of a segment,
// numberOf returns 0.
func numberOf(name string) uint64 {
	digits, ok := strings.CutPrefix(name, prefix)
	if digits, ok2 := strings.CutSuffix(digits, suffix); ok && ok2 {
		if number, err := strconv.ParseUint(digits, 10, 32); err == nil && name == nameOf(number) {
			return number
		}
	}
	return 0
}

// putHeader encodes the header of the segment into b: the magic bytes, the number, size and salt of the segment, and a
// checksum.
func (s *segment) putHeader(b []byte) {
	copy(b, magic[:])
	binary.LittleEndian.PutUint64(b[8:], s.number)
	binary.LittleEndian.PutUint64(b[16:], uint64(s.size))
	binary.LittleEndian.PutUint64(b[24:], s.salt)
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
}

// readHeader sets the size and the salt of the segment from the encoded header b. It returns an error if the header is
// invalid, or if its number is not the number of the segment.
func (s *segment) readHeader(b []byte) error {
	switch {
	case len(b) < segmentHeaderBytes:
		return s.damage(0, "the file is truncated")
	case crc32.Checksum(b[:32], castagnoli) != binary.LittleEndian.Uint32(b[32:]):
		return s.damage(0, "its header has changed since it was written")
	case !bytes.Equal(b[:8], magic[:]):
		return fmt.Errorf("%s was written by another version of this program: use that one", nameOf(s.number))
	case binary.LittleEndian.Uint64(b[8:]) != s.number:
		return s.damage(8, "the file has the number of another one")
	}
	s.size = int64(binary.LittleEndian.Uint64(b[16:]))
	s.salt = binary.LittleEndian.Uint64(b[24:])
	if isZero(b[36:segmentHeaderBytes]) {
		return nil
	}
	return s.damage(36, "it has bytes that were never written")
}

// DamageError reports that a file of the journal has changed since it was written. It wraps backend.ErrDamaged.
type DamageError struct {
	File   string
	Offset int64
	Reason string
}

func (d *DamageError) Error() string {
	return fmt.Sprintf("%s is not intact: %s, at byte %d: %v", d.File, d.Reason, d.Offset, backend.ErrDamaged)
}

func (d *DamageError) Unwrap() error { return backend.ErrDamaged }

func (s *segment) damage(offset int64, reason string) *DamageError {
	return &DamageError{nameOf(s.number), offset, reason}
}

func missingFile(number uint64) *DamageError {
	return &DamageError{nameOf(number), 0, "the file is missing"}
}

// batchHeader is the decoded header of a batch in a segment.
type batchHeader struct {
	end    bool   // the batch is an end marker: it has no records, and the next batch is in the next segment
	length int    // the length of the records in bytes, without padding
	seq    uint64 // the number of the batch in the whole journal
	oldest uint64 // the number of the oldest segment that is needed
	sum    uint32 // the checksum of the records and the padding
}

// size returns the length of the whole batch in bytes: the header, the records and the padding.
func (h *batchHeader) size() int64 { return int64(batchHeaderBytes + padded(h.length)) }

const endFlag = 1 << 31

func (s *segment) sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) ^ uint32(s.salt>>32) }

// putBatchHeader encodes the header h at the beginning of batch. The records and the padding must already be in batch,
// because the header has their checksum.
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

// readBatchHeader decodes the batch header at the beginning of b. It returns false if there is no valid header of this
// segment.
func (s *segment) readBatchHeader(b []byte) (batchHeader, bool) {
	le := binary.LittleEndian
	if len(b) < batchHeaderBytes || le.Uint32(b) != uint32(s.salt) || le.Uint32(b[28:]) != s.sum(b[:28]) {
		return batchHeader{}, false
	}
	length := le.Uint32(b[4:])
	return batchHeader{end: length&endFlag != 0, length: int(length &^ endFlag), seq: le.Uint64(b[8:]), oldest: le.Uint64(b[16:]), sum: le.Uint32(b[24:])}, true
}

// padded returns the total length of n bytes of records and of the padding after the records. The padding has at least
// one byte and its bytes are not zero, so that no sector of a written batch looks unwritten.
func padded(n int) int { return n&^(align-1) + align }

const padding = 0xff

// seal completes a batch. The argument batch consists of batchHeaderBytes bytes for the header, then the records. The
// method seal appends the padding, encodes the header h with the length of the records, and returns the batch.
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
