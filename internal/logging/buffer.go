package logging

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// sink takes finished lines; it keeps nothing of them. An urgent line must not wait in a buffer.
type sink interface {
	write(line []byte, urgent bool) error
}

// writerSink writes each line at once, one after the other.
type writerSink struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *writerSink) write(line []byte, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(line)
	return err
}

var errClosed = errors.New("the log file is closed")

// buffer is where one line is put together.
type buffer struct {
	b      []byte
	prefix []byte // human: the groups around the next key, each with its dot
}

// maxPooled is the most, in bytes, that a buffer keeps for the next line.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func getBuffer() *buffer {
	buf := buffers.Get().(*buffer)
	buf.b, buf.prefix = buf.b[:0], buf.prefix[:0]
	return buf
}

func (buf *buffer) free() {
	if cap(buf.b) <= maxPooled && cap(buf.prefix) <= maxPooled {
		buffers.Put(buf)
	}
}

// appendTime writes a date and a time of day as digits; sep stands between them.
func appendTime(b []byte, t time.Time, sep byte) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "2006-01-02 15:04:05")
	}
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, sep), hour)
	b = appendTwo(append(b, ':'), minute)
	return appendTwo(append(b, ':'), second)
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// levelName avoids the text that slog builds for each call of String on other than its own levels.
func levelName(l slog.Level) string {
	switch l {
	case slog.LevelDebug:
		return "DEBUG"
	case slog.LevelInfo:
		return "INFO"
	case slog.LevelWarn:
		return "WARN"
	case slog.LevelError:
		return "ERROR"
	}
	return l.String()
}
