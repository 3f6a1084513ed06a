package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"github.com/DeRuina/timberjack"
)

// fileSink is the writer of the log file. Its batcher collects the lines. While the fileSink is closed, it opens the file
// for each line, and closes it after the line. Therefore no line is lost before the first Open and after the last Close. A
// new fileSink is closed. The lock writing of the batcher guards the file.
type fileSink struct {
	batcher
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
	s := &fileSink{path: path, max: c.MaxSize, create: create, report: report}
	s.most, s.write, s.notice = maxWaiting, s.writeLines, noticeOf(func(w io.Writer) slog.Handler { return newJSONHandler(slog.LevelInfo, w) }, "the log file")
	return s, nil
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

// writeLines writes a batch to the log file. If a write fails and the previous write succeeded, writeLines calls report
// with the error.
func (s *fileSink) writeLines(batch []byte) {
	err := s.writeBatch(batch)
	if err != nil && !s.failing {
		s.report(fmt.Errorf("the log file %s cannot be written as it should, and its lines may be lost until it can: %w", s.path, err))
	}
	s.failing = err != nil
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	if !opened {
		_ = s.closeFile() // the lines are written
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

// Reopen writes the lines that wait and closes the log file. The next line opens or creates the file at its path.
func (s *fileSink) Reopen() error {
	s.flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.closeFile()
}

// Close writes the lines that wait and closes the log file. Close returns an error if closing fails, or if the disk blocks.
// It does not return write errors, because writeLines passes them to report.
func (s *fileSink) Close() error {
	if !s.close() {
		return fmt.Errorf("the log file %s could not be written within %v: its last lines may be lost", s.path, closeWait)
	}
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
