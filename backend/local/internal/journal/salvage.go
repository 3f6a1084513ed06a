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
	Batches int      // the number of batches that are known to be lost
	Places  []string // the places in files that cannot be read
}

// Salvage opens a damaged journal in the folder fs. It calls visit for each record in all intact batches, and returns
// the losses between these batches. If visit fails for a record, that record counts as lost, too. The returned log
// writes to a new segment. For each record that is still needed, the owner must call [Log.Append] again. Then the owner
// must call [Log.SetAside].
func Salvage(fs FS, size int64, mu sync.Locker, owner Owner, visit func(pos Pos, record []byte) error) (*Log, Loss, error) {
	l, err := newLog(fs, size, mu, owner)
	if err != nil {
		return nil, Loss{}, err
	}
	r := salvager{reader: reader{log: l, visit: visit}}
	if err := r.salvage(); err != nil {
		return nil, Loss{}, errors.Join(fmt.Errorf("the tasks kept in %s cannot be repaired: %w", fs.Path(), wrapOSError(err)), l.closeFiles())
	}
	return l, r.loss, nil
}

type salvager struct {
	reader
	loss Loss
}

func (r *salvager) salvage() error {
	l := r.log
	var damage *DamageError
	if err := l.openSegments(); errors.As(err, &damage) {
		r.loss.Places = append(r.loss.Places, damage.File+", which is missing")
	} else if err != nil {
		return err
	}
	for _, s := range l.segs {
		if err := r.salvageSegment(s); err != nil {
			return err
		}
	}
	s := r.newSegment()
	if err := l.create(s); err != nil {
		return err
	}
	l.segs = append(l.segs, s)
	l.current, l.newest, l.oldest = s, s.number, s.number
	return nil
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

// addLost adds a place to the loss: the bytes of the segment s between the offsets from and to.
func (r *salvager) addLost(s *segment, from, to int64) {
	r.loss.Places = append(r.loss.Places, fmt.Sprintf("%s, bytes %d to %d", nameOf(s.number), from, to))
}

func (r *salvager) salvageSegment(s *segment) error {
	var damage *DamageError
	if err := r.readFile(s); errors.As(err, &damage) {
		r.loss.Places = append(r.loss.Places, fmt.Sprintf("%s: %s", damage.File, damage.Reason))
		s.recoverSalt(r.data)
	} else if err != nil {
		return err
	}
	lostFrom := int64(0) // the offset of the bytes that cannot be read; 0: none
	end := int64(len(r.data))
	for rest := r.data[min(segmentHeaderBytes, end):]; !isZero(rest); rest = r.data[s.used:] {
		h, records, ok := s.readBatch(rest)
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
		r.salvageBatch(s, h, records)
	}
	if lostFrom != 0 {
		r.addLost(s, lostFrom, end)
	}
	return nil
}

func (r *salvager) salvageBatch(s *segment, h batchHeader, records []byte) {
	if r.seq != 0 {
		r.loss.Batches += int(h.seq - r.seq - 1)
	}
	at := s.used + batchHeaderBytes
	err := s.eachRecord(at, records, func(pos Pos, record []byte) error {
		if err := r.visit(pos, record); err != nil {
			from := offsetOf(pos)
			r.addLost(s, from, from+int64(len(record)))
		}
		return nil
	})
	if err != nil {
		r.addLost(s, at, at+int64(len(records)))
	}
	r.seq, r.log.seq = h.seq, h.seq
	s.used += h.size()
}

// recoverSalt sets the salt of a segment whose header is damaged. It computes the salt from the header of the first
// batch. The argument data is the content of the file.
func (s *segment) recoverSalt(data []byte) {
	if len(data) < segmentHeaderBytes+batchHeaderBytes {
		return
	}
	b := data[segmentHeaderBytes:]
	le := binary.LittleEndian
	s.salt = uint64(le.Uint32(b)) | uint64(le.Uint32(b[28:])^crc32.Checksum(b[:28], castagnoli))<<32
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
