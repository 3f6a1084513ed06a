package logging

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	flushAfter = 200 * time.Millisecond // the longest that a line waits in the buffer
	flushSize  = 64 << 10               // bytes
)

// fileSink gathers lines and writes them to the log file in batches. While nothing is logged there is no goroutine and no timer: the
// first line into an empty buffer starts the timer, whose function writes the batch.
//
// Two locks let others go on logging while a batch is being written: mu guards the buffer, writing the file. Who needs both takes
// writing first.
type fileSink struct {
	mu     sync.Mutex
	buf    []byte
	armed  bool // the timer runs, or its function has begun
	closed bool
	timer  *time.Timer
	timers sync.WaitGroup

	writing sync.Mutex
	spare   []byte // takes the place of buf while that is written
	log     *timberjack.Logger
	path    string
	size    int64 // of the file; below zero until it is known
	max     int64
	failing bool
	report  func(error) // tells people once that lines are being lost
}

// newFileSink checks the folder; the file itself is made with the first line. The path is made absolute, so that the file stays
// where it is when the program changes its folder.
func newFileSink(c Config, report func(error)) (*fileSink, error) {
	if filepath.Base(c.File) != c.File || c.File == "." || c.File == ".." {
		return nil, fmt.Errorf("the log file %q must be a name without a folder; the folder is a setting of its own", c.File)
	}
	if c.MaxSize <= 0 {
		return nil, fmt.Errorf("the largest size of the log file must be above zero, not %d bytes", c.MaxSize)
	}
	folder, err := filepath.Abs(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("the log folder %s cannot be found: %w", c.Folder, err)
	}
	path := filepath.Join(folder, c.File)
	if err := prepareFolder(folder, path); err != nil {
		return nil, err
	}
	return &fileSink{
		path: path, size: -1, max: c.MaxSize, report: report,
		// The library counts megabytes, we count bytes and tell it when to rotate; its own limit is never reached.
		log: &timberjack.Logger{Filename: path, MaxSize: math.MaxInt32, MaxBackups: max(c.MaxBackups, 0), FileMode: 0o640, Compression: "none"},
	}, nil
}

// write puts a line into the buffer. Failures of the file are reported on their own, because a line fails long after it was logged.
func (s *fileSink) write(line []byte, urgent bool) error {
	for !s.put(line) {
		if s.isClosed() {
			return errClosed
		}
		s.flush()
	}
	if urgent {
		s.flush()
	}
	return nil
}

// put reports false when the buffer has to be written first, or is closed.
func (s *fileSink) put(line []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.buf) > 0 && len(s.buf)+len(line) > flushSize {
		return false
	}
	s.buf = append(s.buf, line...)
	if s.armed {
		return true
	}
	s.armed = true
	s.timers.Add(1)
	if s.timer == nil {
		s.timer = time.AfterFunc(flushAfter, s.tick)
	} else {
		s.timer.Reset(flushAfter)
	}
	return true
}

func (s *fileSink) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// tick is the function of the timer.
func (s *fileSink) tick() {
	defer s.timers.Done()
	s.mu.Lock()
	s.armed = false
	s.mu.Unlock()
	s.flush()
}

// flush writes what is in the buffer.
func (s *fileSink) flush() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	batch := s.buf
	s.buf = s.spare[:0]
	s.mu.Unlock()
	s.spare = batch[:0]
	if cap(batch) > 4*flushSize { // one huge line must not be paid for ever after
		s.spare = nil
	}
	if len(batch) == 0 {
		return
	}
	err := s.writeBatch(batch)
	if err != nil && !s.failing {
		s.report(fmt.Errorf("the log file %s cannot be written as it should, and its lines may be lost until it can: %w", s.path, err))
	}
	s.failing = err != nil
}

// writeBatch writes lines, and begins a new file wherever the next line would not fit into the old one.
func (s *fileSink) writeBatch(b []byte) error {
	if s.size < 0 {
		s.size = 0
		if info, err := os.Stat(s.path); err == nil {
			s.size = info.Size()
		}
	}
	var failed error
	for len(b) > 0 {
		n := s.fits(b)
		if n == 0 {
			if failed = s.log.RotateWithReason("size"); failed == nil {
				s.size = 0
				continue
			}
			n = len(b) // a file that is too large is better than lines that are lost
		}
		written, err := s.log.Write(b[:n])
		s.size += int64(written)
		if err != nil {
			return errors.Join(failed, err)
		}
		b = b[n:]
	}
	return failed
}

// fits is how many bytes of whole lines the file still takes. A line that is larger than any file may be has one to itself.
func (s *fileSink) fits(b []byte) int {
	room := s.max - s.size
	if int64(len(b)) <= room {
		return len(b)
	}
	if s.size == 0 {
		first := bytes.IndexByte(b, '\n') + 1
		return max(first, bytes.LastIndexByte(b[:min(room, int64(len(b)))], '\n')+1)
	}
	if room <= 0 {
		return 0
	}
	return bytes.LastIndexByte(b[:room], '\n') + 1
}

// Close writes what is left and closes the file. The error is that of closing; what could not be written has been reported.
func (s *fileSink) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.armed && s.timer.Stop() {
		s.timers.Done()
	}
	s.mu.Unlock()
	s.timers.Wait()
	s.flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.log.Close(); err != nil {
		return fmt.Errorf("the log file %s cannot be closed: %w", s.path, err)
	}
	return nil
}
