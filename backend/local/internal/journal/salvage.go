package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
)

// Loss is what a damaged journal has lost.
type Loss struct {
	Batches int      // how many are known to be missing
	Places  []string // where something was that cannot be read
}

// Salvage opens a journal that is damaged, calls visit for each record in all batches that are whole, and says what is
// lost between them. Records that visit cannot use are lost, too. The journal goes on in a new segment. The owner must
// append there all that is to be kept, and call SetAside then.
func Salvage(fs FS, size int64, lock sync.Locker, owner Owner, visit func(pos Pos, record []byte) error) (*Log, Loss, error) {
	guard, err := fs.Lock()
	if err != nil {
		return nil, Loss{}, fmt.Errorf("tasks cannot be kept in %s: %w", fs.Path(), wrapOSError(err))
	}
	l := &Log{fs: fs, folderLock: guard, mu: lock, owner: owner, minSize: size}
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
	s := &segment{number: 1, size: l.nextSize(owner(l))}
	if n := len(l.segs); n > 0 {
		s.number = l.segs[n-1].number + 1
	}
	if err := l.create(s); err != nil {
		return err
	}
	l.segs = append(l.segs, s)
	l.current, l.newest, l.oldest = s, s.number, s.number
	return nil
}

// owner is how much room the owner needs at the beginning of a segment.
func owner(l *Log) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner.PreambleSize()
}

// addLost notes that a part of a file cannot be read.
func (r *salvager) addLost(file string, from, to int64) {
	r.loss.Places = append(r.loss.Places, fmt.Sprintf("%s, bytes %d to %d", file, from, to))
}

func (r *salvager) salvageSegment(s *segment) error {
	var damage *DamageError
	if err := r.readFile(s); errors.As(err, &damage) {
		r.loss.Places = append(r.loss.Places, fmt.Sprintf("%s: %s", damage.File, damage.Reason))
		s.recoverSalt(r.data)
	} else if err != nil {
		return err
	}
	lost := int64(0) // from where on nothing could be read; 0: nothing is amiss
	for rest := r.data[min(segmentHeaderBytes, len(r.data)):]; ; rest = r.data[s.used:] {
		if isZero(rest) {
			break
		}
		h, records, ok := s.readBatch(rest)
		if !ok || h.seq <= r.seq {
			if lost == 0 {
				lost = s.used
			}
			s.used += align
			if s.used+batchHeaderBytes > int64(len(r.data)) {
				break
			}
			continue
		}
		if lost != 0 {
			r.addLost(nameOf(s.number), lost, s.used)
			lost = 0
		}
		if r.seq != 0 {
			r.loss.Batches += int(h.seq - r.seq - 1)
		}
		r.salvageBatch(s, records)
		r.seq, r.log.seq = h.seq, h.seq
		s.used += int64(batchHeaderBytes + padded(h.length))
	}
	if lost != 0 {
		r.addLost(nameOf(s.number), lost, int64(len(r.data)))
	}
	return nil
}

func (r *salvager) salvageBatch(s *segment, records []byte) {
	at := s.used + batchHeaderBytes
	err := s.eachRecord(at, records, func(pos Pos, record []byte) error {
		if err := r.visit(pos, record); err != nil {
			from := int64(pos & (1<<32 - 1))
			r.addLost(nameOf(s.number), from, from+int64(len(record)))
		}
		return nil
	})
	if err != nil {
		r.addLost(nameOf(s.number), at, at+int64(len(records)))
	}
}

// recoverSalt finds out the salt of a segment whose header is damaged: the first batch gives it away.
func (s *segment) recoverSalt(data []byte) {
	if len(data) < segmentHeaderBytes+batchHeaderBytes {
		return
	}
	b := data[segmentHeaderBytes:]
	le := binary.LittleEndian
	s.salt = uint64(le.Uint32(b)) | uint64(le.Uint32(b[28:])^crc32.Checksum(b[:28], castagnoli))<<32
}

// SetAside gives other names to all segments that Salvage found, and returns these. The lock must not be held.
func (l *Log) SetAside() (names []string, err error) {
	l.mu.Lock()
	oldest := l.oldest
	l.mu.Unlock()
	for l.segs[0].number < oldest {
		l.segsMu.Lock()
		s := l.segs[0]
		l.segs = slices.Delete(l.segs, 0, 1)
		l.segsMu.Unlock()
		name := "damaged-" + nameOf(s.number)
		if err := errors.Join(s.file.Close(), l.fs.Rename(nameOf(s.number), name)); err != nil {
			return names, fmt.Errorf("%s cannot be renamed: %w", nameOf(s.number), wrapOSError(err))
		}
		names = append(names, name)
	}
	return names, l.fs.Sync()
}
