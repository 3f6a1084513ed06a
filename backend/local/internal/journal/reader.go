package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// reader reads the segments of a journal in the order of their numbers, and calls visit for each record.
type reader struct {
	log        *Log
	visit      func(pos Pos, record []byte) error
	seq        uint64   // the number of the last batch that was read; 0: none yet
	last       *segment // the last segment with a batch, or the first segment
	terminated bool     // the segment last has an end marker
	torn       []span
	data       []byte // the content of the file that is being read
}

func (r *reader) readSegment(s *segment) error {
	if err := r.readFile(s); err != nil {
		return err
	}
	for s.used < s.size {
		h, records, ok := s.readBatch(r.data[s.used:])
		if !ok {
			break
		}
		if r.seq != 0 && h.seq != r.seq+1 || len(r.torn) > 0 {
			return r.last.damage(r.last.used, fmt.Sprintf("batch %d is missing: the next one, in %s, is batch %d", r.seq+1, nameOf(s.number), h.seq))
		}
		if err := s.eachRecord(s.used+batchHeaderBytes, records, r.visit); err != nil {
			return err
		}
		r.seq, r.last, r.terminated, r.log.seq, r.log.oldest = h.seq, s, h.end, h.seq, h.oldest
		s.used += h.size()
	}
	torn, err := s.checkTail(r.data[s.used:], r.seq)
	if err != nil {
		return err
	}
	if torn {
		if len(r.torn) > 0 {
			return s.damage(s.used, "a batch follows an incomplete one")
		}
		r.torn = append(r.torn, span{s, s.used, s.size})
	}
	return nil
}

// readFile reads the whole file of the segment s into r.data, and checks the header of the segment.
func (r *reader) readFile(s *segment) error {
	size, err := s.file.Size()
	if err != nil {
		return err
	}
	r.data = slices.Grow(r.data[:0], int(size))[:size]
	if n, err := s.file.ReadAt(r.data, 0); n < len(r.data) {
		return fmt.Errorf("%s cannot be read: %w", nameOf(s.number), err)
	}
	if err := s.readHeader(r.data[:min(size, segmentHeaderBytes)]); err != nil {
		return err
	}
	if s.size != size {
		return s.damage(size, fmt.Sprintf("the file has %d bytes instead of %d", size, s.size))
	}
	return nil
}

// readBatch returns the header and the records of the batch at the beginning of b. If there is no intact batch, ok is
// false.
func (s *segment) readBatch(b []byte) (h batchHeader, records []byte, ok bool) {
	h, ok = s.readBatchHeader(b)
	if !ok || h.size() > int64(len(b)) {
		return h, nil, false
	}
	body := b[batchHeaderBytes:h.size()]
	return h, body[:h.length], s.sum(body) == h.sum
}

// eachRecord calls visit for each record of a batch, with the position of the record. The argument at is the offset of
// the first record in the segment. If visit fails or if the bytes do not consist of records, eachRecord stops and
// returns an error.
func (s *segment) eachRecord(at int64, records []byte, visit func(pos Pos, record []byte) error) error {
	for rest := records; len(rest) > 0; {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size-crc32.Size) {
			return s.damage(at, "a batch does not consist of records")
		}
		pos := makePos(s.number, at+int64(len(records)-len(rest)+size))
		rest = rest[size+crc32.Size:]
		if err := visit(pos, rest[:n:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// checkTail checks rest, the bytes of the segment after its last intact batch. The number of that batch is seq. If rest
// is only zeros, torn is false. If rest is a torn batch, torn is true. All other bytes are damage, for which checkTail
// returns an error.
func (s *segment) checkTail(rest []byte, seq uint64) (torn bool, err error) {
	if isZero(rest) {
		return false, nil
	}
	if s.hasLaterBatch(rest, seq) {
		return false, s.damage(s.used, "a batch has changed since it was written, and others follow it")
	}
	h, ok := s.readBatchHeader(rest)
	size := int(h.size())
	switch {
	case !ok: // without a valid header, the length of the batch is unknown: only the sectors of the header can be checked
		size = min(batchHeaderBytes, len(rest))
	case size > len(rest) || !isZero(rest[size:]):
		return false, s.damage(s.used, "it has bytes that were never written")
	}
	for at := 0; at < size; {
		next := min(size, at+sector-int(s.used+int64(at))%sector)
		if isZero(rest[at:next]) {
			return true, nil
		}
		at = next
	}
	return false, s.damage(s.used, "a batch has changed since it was written")
}

// hasLaterBatch reports whether rest has the header of a batch with a number above seq+1. The number seq+1 belongs to
// the batch at the beginning of rest.
func (s *segment) hasLaterBatch(rest []byte, seq uint64) bool {
	for at := align; at+batchHeaderBytes <= len(rest); at += align {
		if binary.LittleEndian.Uint32(rest[at:]) != uint32(s.salt) {
			continue
		}
		if h, ok := s.readBatchHeader(rest[at:]); ok && h.seq > seq+1 {
			return true
		}
	}
	return false
}
