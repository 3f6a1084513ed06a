package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	flushAfter = 200 * time.Millisecond // the longest time that a line stays in the buffer
	flushSize  = 64 << 10               // bytes
)

// fileSink is the writer of the log file. It collects lines in a buffer and writes them to the file in batches. The
// first line in an empty buffer starts a timer, whose function flushes the buffer. While the buffer is empty, fileSink
// needs no goroutine and no running timer.
//
// While the fileSink is closed, it buffers nothing: for each line, it opens the file, writes the line and closes the
// file. Therefore no line is lost before the first Open and after the last Close. A new fileSink is closed.
//
// fileSink has two locks, so that goroutines can add lines during a flush: mu guards the buffer, writing guards the
// file. Code that needs both locks takes writing first.
type fileSink struct {
	mu     sync.Mutex
	buf    []byte
	armed  bool // the timer is running, or its function has started but not yet reset armed
	opened bool // between Open and Close
	timer  *time.Timer
	timers sync.WaitGroup

	writing sync.Mutex
	spare   []byte         // an empty buffer that becomes buf at the next flush
	log     rotated        // nil while the file is closed
	create  func() rotated // creates log
	path    string
	info    os.FileInfo // the open file; nil if it may not exist yet
	size    int64       // the size of the file in bytes
	max     int64
	failing bool
	report  func(error) // called at the first failed write after a successful one
}

// rotated has the methods of [timberjack.Logger] that fileSink uses.
type rotated interface {
	io.WriteCloser
	RotateWithReason(reason string) error
}

// newFileSink returns a fileSink for the log file of c. It returns an error if a setting is invalid or the folder is
// not writable. The first log line creates the file. The path of the file is absolute, so that the file does not move
// if the program changes its working directory.
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
	// timberjack counts the file size in megabytes, but fileSink counts bytes and calls RotateWithReason. Therefore the limit
	// of timberjack is so high that the file never reaches it.
	create := func() rotated {
		log := &timberjack.Logger{Filename: path, MaxSize: math.MaxInt32, MaxBackups: max(c.MaxBackups, 0), FileMode: 0o640, Compression: "none"}
		if c.Compress {
			return newCompressing(log, report)
		}
		return log
	}
	return &fileSink{path: path, max: c.MaxSize, create: create, report: report}, nil
}

// open opens the log file and determines its size.
func (s *fileSink) open() {
	s.log = s.create()
	s.info, s.size = nil, 0
	s.look()
}

// look determines the size of the log file. It reports whether the file at the path is still the open file. It is not if
// another program, such as logrotate, has moved, deleted or truncated the file: a truncated file must be opened again,
// because the next write would otherwise leave a hole.
func (s *fileSink) look() (same bool) {
	info, err := os.Stat(s.path)
	if err != nil {
		same = s.info == nil
		s.info, s.size = nil, 0
		return same
	}
	same = s.info == nil || os.SameFile(info, s.info) && info.Size() >= s.size
	s.info, s.size = info, info.Size()
	return same
}

// Write adds a line to the buffer. While the fileSink is open, Write also starts the timer unless the timer is running.
// Write never returns an error. If the file cannot be written later, flush calls report with the error.
func (s *fileSink) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, line...)
	if s.armed || !s.opened {
		return len(line), nil
	}
	s.armed = true
	s.timers.Add(1)
	if s.timer == nil {
		s.timer = time.AfterFunc(flushAfter, s.tick)
	} else {
		s.timer.Reset(flushAfter)
	}
	return len(line), nil
}

// full reports whether the caller must call flush now: the buffer has reached flushSize, or no timer will flush it.
func (s *fileSink) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf) >= flushSize || !s.opened
}

// tick is the function of the timer. It flushes the buffer.
func (s *fileSink) tick() {
	defer s.timers.Done()
	s.mu.Lock()
	s.armed = false
	s.mu.Unlock()
	s.flush()
}

// flush writes the lines of the buffer to the log file. If a write fails and the previous write succeeded, flush calls
// report with the error.
func (s *fileSink) flush() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	batch := s.buf
	s.buf = s.spare[:0]
	opened := s.opened
	s.mu.Unlock()
	s.spare = batch[:0]
	if cap(batch) > 4*flushSize { // the memory for a huge line is not kept
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
	if !opened {
		_ = s.closeFile() // the line is written
	}
}

// writeBatch writes b, a batch of lines, to the log file. Before a line that does not fit into the file, it rotates the
// file. If the rotation fails, it writes the remaining lines to the full file and returns the error.
func (s *fileSink) writeBatch(b []byte) error {
	var failed error
	if s.log != nil && !s.look() {
		failed = s.closeFile()
	}
	if s.log == nil {
		s.open()
	}
	for len(b) > 0 {
		n := s.fits(b)
		if n == 0 {
			if failed = s.log.RotateWithReason("size"); failed == nil {
				s.info, s.size = nil, 0
				continue
			}
			n = len(b) // a file that is too large is better than lost lines
		}
		written, err := s.log.Write(b[:n])
		s.size += int64(written)
		if err != nil {
			return errors.Join(failed, err, s.cutTorn(b[:written]))
		}
		b = b[n:]
	}
	if s.info == nil {
		s.look() // the write has created the file
	}
	return failed
}

// cutTorn removes the beginning of a line from the end of the file, after a write that has written only the bytes b, for
// example because the disk is full. Otherwise the next line would continue that line.
func (s *fileSink) cutTorn(b []byte) error {
	torn := len(b) - bytes.LastIndexByte(b, '\n') - 1
	if torn == 0 {
		return nil
	}
	err := s.closeFile()
	info, statErr := os.Stat(s.path)
	switch {
	case statErr != nil:
		return errors.Join(err, statErr)
	case info.Size() != s.size:
		return err // another file has its place by now
	}
	return errors.Join(err, os.Truncate(s.path, s.size-int64(torn)))
}

// fits returns the number of bytes at the beginning of b that can be written without exceeding the maximum size of the
// file. It counts whole lines only. An empty file accepts a first line of any length.
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

// Open opens the fileSink: from now on, lines wait in the buffer until the timer flushes the buffer.
func (s *fileSink) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
}

// Reopen flushes the buffer and closes the log file. The next line opens or creates the file at its path.
func (s *fileSink) Reopen() error {
	s.flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.closeFile()
}

// Close flushes the buffer and closes the log file. Close returns an error if closing fails. It does not return write
// errors, because flush passes them to report.
func (s *fileSink) Close() error {
	s.mu.Lock()
	s.opened = false // no Write starts the timer any more
	if s.armed && s.timer.Stop() {
		s.armed = false
		s.timers.Done()
	}
	s.mu.Unlock()
	s.timers.Wait()
	s.flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.closeFile()
}

// closeFile closes the file if it is open. The caller must hold the lock s.writing.
func (s *fileSink) closeFile() error {
	if s.log == nil {
		return nil
	}
	err := s.log.Close()
	s.log = nil
	if err != nil {
		return fmt.Errorf("the log file %s cannot be closed: %w", s.path, err)
	}
	return nil
}
