package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
)

// Loss describes the lost part of a damaged journal. [Salvage] returns it.
type Loss struct {
	Batches int      // the number of batches that are known to be lost, as a whole or in part
	Unknown bool     // further batches may be lost, and their number cannot be known
	Front   bool     // the first readable batch is not the first one that is needed
	Places  []string // the files and the places in files that cannot be read
}

// Salvage opens a damaged journal in the folder fs. It calls visit for each intact record, also in a batch that is
// damaged elsewhere, and returns the losses between these records. Wherever records are lost after a record that was
// visited, it calls hole before the next visit, with the number of lost records, or with 0 if the number is unknown. If visit fails for a record, that record counts as lost, too. The
// returned log writes to a new segment. For each record that is still needed, the owner must call [Log.Append] again.
// Then the owner must call [Log.SetAside].
func Salvage(fs FS, size int64, mu sync.Locker, owner Owner, visit func(pos Pos, record []byte) error, hole func(records int)) (*Log, Loss, error) {
	l, err := newLog(fs, size, mu, owner)
	if err != nil {
		return nil, Loss{}, err
	}
	r := salvager{reader: reader{log: l, visit: visit}, hole: hole}
	if err := r.salvage(); err != nil {
		return nil, Loss{}, errors.Join(fmt.Errorf("the tasks kept in %s cannot be repaired: %w", fs.Path(), wrapOSError(err)), l.closeFiles())
	}
	return l, r.loss, nil
}

type salvager struct {
	reader
	hole     func(records int)
	loss     Loss
	first    uint64 // the number of the segment with the first readable batch; 0: none yet
	unread   bool   // there is an unreadable place after the last readable batch
	firstSeq uint64 // the number of the first readable batch
	firstAt  int64  // the offset of the first readable batch in its segment
}

func (r *salvager) salvage() error {
	l := r.log
	var damage *DamageError
	if err := l.openSegments(); err != nil && !errors.As(err, &damage) { // missing files are reported below
		return err
	}
	for i, s := range l.segs {
		if i > 0 {
			r.addMissing(l.segs[i-1].number+1, s.number)
		}
		if err := r.salvageSegment(s); err != nil {
			return err
		}
	}
	r.checkEnds()
	s := r.newSegment()
	if err := l.create(s); err != nil {
		return err
	}
	l.segs = append(l.segs, s)
	l.current, l.newest, l.oldest = s, s.number, s.number
	return nil
}

// addPlace adds a place that cannot be read to the loss.
func (r *salvager) addPlace(format string, args ...any) {
	r.loss.Places = append(r.loss.Places, fmt.Sprintf(format, args...))
	r.unread = true
}

// addMissing adds the files with the numbers from first to before next to the loss.
func (r *salvager) addMissing(first, next uint64) {
	for number := first; number < next; number++ {
		r.addPlace("%s, which is missing", nameOf(number))
	}
}

// checkEnds determines whether batches are lost before the first readable batch or after the last one.
func (r *salvager) checkEnds() {
	l := r.log
	if len(l.segs) == 0 {
		return // the folder has no files, so nothing is known
	}
	if r.terminated && r.last == l.segs[len(l.segs)-1] {
		r.addPlace("%s, which is missing", nameOf(r.last.number+1))
	}
	r.addEmptied()
	if r.unread {
		r.loss.Unknown = true
		r.hole(0)
	}
	r.loss.Front = r.first > l.oldest || r.first == l.oldest && r.firstAt > segmentHeaderBytes
	switch {
	case r.first == 0 || !r.loss.Front:
	case l.oldest == 1:
		r.loss.Batches += int(r.firstSeq - 1)
	default:
		r.loss.Unknown = true
	}
	if first := l.segs[0].number; r.first > 0 && first > l.oldest {
		r.addMissing(l.oldest, first)
	} else if len(r.loss.Places) == 0 && r.loss.Front {
		r.addPlace("%s, which has no batches", nameOf(l.oldest))
	}
}

// addEmptied adds the files after the last readable batch to the loss that once had batches. The last file may be the
// spare one, which is created when the file before it comes into use.
func (r *salvager) addEmptied() {
	for _, s := range r.log.segs[:len(r.log.segs)-1] {
		if r.last != nil && s.number > r.last.number {
			r.addPlace("%s, which has no batches", nameOf(s.number))
		}
	}
}

// newSegment returns a segment with the number after the last existing segment. The file of the new segment is not
// created yet.
func (r *salvager) newSegment() *segment {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &segment{number: 1, size: l.nextSize(l.owner.PreambleSize())}
	if n := len(l.segs); n > 0 {
		s.number = l.segs[n-1].number + 1
	}
	return s
}

// addLost adds the bytes of the segment s between the offsets from and to to the loss.
func (r *salvager) addLost(s *segment, from, to int64) {
	r.addPlace("%s, bytes %d to %d", nameOf(s.number), from, to)
}

func (r *salvager) salvageSegment(s *segment) error {
	var damage *DamageError
	if err := r.readFile(s); errors.As(err, &damage) {
		r.addPlace("%s: %s", damage.File, damage.Reason)
		if s.salt == 0 { // the header is damaged, too
			s.recoverSalt(r.data)
		}
	} else if err != nil {
		return err
	}
	lostFrom := int64(0) // the offset of the bytes that cannot be read; 0: none
	end := int64(len(r.data))
	for rest := r.data[min(segmentHeaderBytes, end):]; !isZero(rest); rest = r.data[s.used:] {
		h, ok := s.readBatchHeader(rest)
		if !ok || h.seq <= r.seq {
			if lostFrom == 0 {
				lostFrom = s.used
			}
			if s.used += align; s.used+batchHeaderBytes > end {
				break
			}
			continue
		}
		if lostFrom != 0 {
			r.addLost(s, lostFrom, s.used)
			lostFrom = 0
		}
		r.salvageBatch(s, h, rest)
		if s.used >= end {
			break
		}
	}
	if lostFrom != 0 {
		r.addLost(s, lostFrom, end)
	}
	if end-s.used < endMarkerBytes && !(r.last == s && r.terminated) {
		r.unread = true // each file has room for an end marker, so this file is truncated
	}
	return nil
}

// salvageBatch reads the batch with the header h at the beginning of rest. The sum of the header is correct, but the
// records may be damaged, and the file may end before the end of the batch.
func (r *salvager) salvageBatch(s *segment, h batchHeader, rest []byte) {
	switch {
	case r.first == 0:
		r.first, r.firstSeq, r.firstAt = s.number, h.seq, s.used
	case h.seq > r.seq+1:
		r.loss.Batches += int(h.seq - r.seq - 1)
		if !r.unread { // zeros look like the unused end of a file
			r.addPlace("%s, from byte %d", nameOf(r.last.number), r.last.used)
		}
		r.hole(0)
	}
	r.unread = false
	r.seq, r.last, r.terminated, r.log.seq, r.log.oldest = h.seq, s, h.end, h.seq, h.oldest
	at := s.used + batchHeaderBytes
	cut := h.size() > int64(len(rest))
	s.used = min(s.used+h.size(), s.used+int64(len(rest)))
	body := rest[batchHeaderBytes:min(h.size(), int64(len(rest)))]
	records := body[:min(h.length, len(body))]
	lost := r.salvageRecords(s, at, records) || cut
	damaged := lost || s.sum(body) != h.sum
	switch {
	case lost:
		r.loss.Batches++
	case damaged:
		r.addPlace("%s, bytes %d to %d, which have no task", nameOf(s.number), at, at+int64(len(body)))
	}
	if cut {
		r.addPlace("%s, from byte %d", nameOf(s.number), at+int64(len(records)))
		r.hole(0)
	}
	r.unread = damaged // batches behind this one may be lost with its end
}

// salvageRecords visits each intact record of a batch. The argument at is the offset of the first record in the segment.
// salvageRecords returns true if a record is lost.
func (r *salvager) salvageRecords(s *segment, at int64, records []byte) (lost bool) {
	from, count := at, 0 // the offset of the first record that is not intact, and the number of these records
	endLost := func(to int64) {
		if from < to {
			r.addLost(s, from, to)
			r.hole(count)
			lost = true
		}
	}
	for off := 0; off < len(records); {
		n, size := binary.Uvarint(records[off:])
		start := off + size + crc32.Size
		if size <= 0 || start > len(records) || n > uint64(len(records)-start) {
			count = 0 // the length of the record is damaged, so the following records cannot be counted
			break
		}
		record := records[start : start+int(n) : start+int(n)]
		pos := at + int64(off+size)
		if n > 0 && crc32.Checksum(record, castagnoli) == binary.LittleEndian.Uint32(records[off+size:]) {
			endLost(at + int64(off))
			from, count = at+int64(start+int(n)), 0
			if err := r.visit(makePos(s.number, pos), record); err != nil {
				from, count = at+int64(off), 1
			}
		} else {
			count++
		}
		off = start + int(n)
	}
	endLost(at + int64(len(records)))
	return lost
}

// recoverSalt sets the salt of a segment whose header is damaged. It computes the salt from the header of the first
// batch. Every 32 bytes give a salt with which they are a valid header, so the salt counts only if the whole first batch
// is intact. The argument data is the content of the file.
func (s *segment) recoverSalt(data []byte) {
	s.salt = 0 // no segment has this salt
	if len(data) < segmentHeaderBytes+batchHeaderBytes {
		return
	}
	b := data[segmentHeaderBytes:]
	le := binary.LittleEndian
	s.salt = uint64(le.Uint32(b)) | uint64(le.Uint32(b[28:])^crc32.Checksum(b[:28], castagnoli))<<32
	if _, _, ok := s.readBatch(b); !ok {
		s.salt = 0
	}
}

// SetAside renames the files of all segments that Salvage found, and returns the new names of the files. The caller
// must not hold the owner's lock.
func (l *Log) SetAside() (names []string, err error) {
	l.mu.Lock()
	oldest := l.oldest
	l.mu.Unlock()
	for l.segs[0].number < oldest {
		s := l.detachOldest()
		name := "damaged-" + nameOf(s.number)
		if err := errors.Join(s.file.Close(), l.fs.Rename(nameOf(s.number), name)); err != nil {
			return names, fmt.Errorf("%s cannot be renamed: %w", nameOf(s.number), wrapOSError(err))
		}
		names = append(names, name)
	}
	return names, l.fs.Sync()
}
