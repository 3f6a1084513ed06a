package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Open opens the journal in the folder fs, and calls visit for each record in the order of the Append calls. If the
// folder has no journal, Open creates one. The function visit must not keep the bytes of the record. The argument mu is
// the owner's lock, which the caller must not hold. The argument size is the length of the first segment in bytes.
//
// Open returns an error that wraps backend.ErrInUse if another process has the folder open. It returns an error that
// wraps a [DamageError] if the journal is damaged or visit fails.
func Open(fs FS, size int64, mu sync.Locker, owner Owner, visit func(pos Pos, record []byte) error) (*Log, error) {
	l, err := newLog(fs, size, mu, owner)
	if err != nil {
		return nil, err
	}
	if err := l.load(visit); err != nil {
		return nil, errors.Join(fmt.Errorf("the tasks kept in %s cannot be read: %w", fs.Path(), wrapOSError(err)), l.closeFiles())
	}
	mu.Lock()
	defer mu.Unlock()
	l.prepareSpare(0)
	return l, nil
}

// newLog locks the folder fs, and returns a log without segments.
func newLog(fs FS, size int64, mu sync.Locker, owner Owner) (*Log, error) {
	folderLock, err := fs.Lock()
	if err != nil {
		return nil, fmt.Errorf("tasks cannot be kept in %s: %w", fs.Path(), wrapOSError(err))
	}
	return &Log{fs: fs, folderLock: folderLock, mu: mu, owner: owner, minSize: size, oldest: 1}, nil
}

// load reads all segments of the folder. If the folder has no segments, load creates the first segment.
func (l *Log) load(visit func(pos Pos, record []byte) error) error {
	if err := l.openSegments(); err != nil {
		return err
	}
	if len(l.segs) == 0 {
		s := &segment{number: 1, size: l.minSize}
		if err := l.create(s); err != nil {
			return err
		}
		l.segs, l.current, l.newest = []*segment{s}, s, 1
		return nil
	}
	r := reader{log: l, last: l.segs[0], visit: func(pos Pos, record []byte) error {
		err := visit(pos, record)
		if err != nil {
			err = l.segment(segmentOf(pos)).damage(offsetOf(pos), err.Error())
		}
		return err
	}}
	for _, s := range l.segs {
		if err := r.readSegment(s); err != nil {
			return err
		}
	}
	return l.finishLoad(&r)
}

// openSegments opens the files of all segments, and removes temporary files. If a segment is missing, openSegments
// opens the other segments and returns a [DamageError].
func (l *Log) openSegments() error {
	names, err := l.fs.List()
	if err != nil {
		return err
	}
	var numbers []uint64
	for _, name := range names {
		if number := numberOf(name); number != 0 {
			numbers = append(numbers, number)
		} else if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, tempSuffix) {
			if err := l.fs.Remove(name); err != nil {
				return err
			}
		}
	}
	slices.Sort(numbers)
	var missing error
	for i, number := range numbers {
		if i > 0 && number != numbers[i-1]+1 && missing == nil {
			missing = missingFile(numbers[i-1] + 1)
		}
		s := &segment{number: number, used: segmentHeaderBytes}
		if s.file, err = l.fs.Open(nameOf(number)); err != nil {
			return err
		}
		l.segs = append(l.segs, s)
	}
	return missing
}

// finishLoad checks that no segment is missing, zeros a torn batch, and determines the segment for the next batch. The
// reader r must have read all segments.
func (l *Log) finishLoad(r *reader) error {
	if l.segs[0].number > l.oldest {
		return missingFile(l.oldest)
	}
	if r.terminated && r.last == l.segs[len(l.segs)-1] {
		return missingFile(r.last.number + 1)
	}
	for _, t := range r.torn {
		if err := errors.Join(t.zero(), t.seg.file.Sync()); err != nil {
			return err
		}
	}
	if err := l.findSpare(slices.Index(l.segs, r.last)); err != nil {
		return err
	}
	if r.terminated {
		l.current = l.spare
		l.segs, l.spare = append(l.segs, l.spare), nil
	}
	for len(l.segs) > 1 && l.segs[0].number < l.oldest {
		if err := l.deleteOldest(); err != nil {
			return err
		}
	}
	return nil
}

// findSpare makes the segment at the index last of segs the current segment. The segments after it have no batches: the
// first of them becomes the spare segment, and findSpare deletes the others. Two or more segments without batches exist
// only if the segment after the current segment has lost its first batch.
func (l *Log) findSpare(last int) error {
	l.current = l.segs[last]
	l.newest = l.current.number
	for n := len(l.segs) - 1; n > last; n-- { // the newest first, so that a crash leaves no gap
		s := l.segs[n]
		l.segs = l.segs[:n]
		if n == last+1 {
			l.spare, l.newest = s, s.number
		} else if err := errors.Join(s.file.Close(), l.fs.Remove(nameOf(s.number))); err != nil {
			return err
		}
	}
	return nil
}
