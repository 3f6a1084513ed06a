package logging

import (
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/poison"
)

// buffer holds one line of the human format while a handler builds the line.
type buffer struct {
	b      []byte
	prefix []byte // the names of the groups of the next key, each followed by a dot
	stack  []byte // the lines that follow the line of the record
}

// maxPooled is the maximum capacity, in bytes, of a buffer that is reused for a later line. A larger buffer is left to
// the garbage collector.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func getBuffer() *buffer {
	buf := buffers.Get().(*buffer)
	buf.b, buf.prefix, buf.stack = buf.b[:0], buf.prefix[:0], buf.stack[:0]
	return buf
}

func (buf *buffer) free() {
	poison.Bytes(buf.b)
	poison.Bytes(buf.prefix)
	poison.Bytes(buf.stack)
	if cap(buf.b) <= maxPooled && cap(buf.prefix) <= maxPooled && cap(buf.stack) <= maxPooled {
		buffers.Put(buf)
	}
}

// appendTime appends t in the format [time.DateTime]. It takes 31 ns; time.Time.AppendFormat takes 82 ns.
func appendTime(b []byte, t time.Time) []byte {
	if year := t.Year(); year < 0 || year > 9999 {
		return t.AppendFormat(b, time.DateTime)
	}
	return appendClock(append(appendDate(b, t), ' '), t)
}

// appendDate appends the date of t in the format [time.DateOnly], for years from 0 to 9999.
func appendDate(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	return appendTwo(append(b, '-'), day)
}

// appendClock appends the time of t in the format [time.TimeOnly].
func appendClock(b []byte, t time.Time) []byte {
	hour, minute, second := t.Clock()
	b = appendTwo(b, hour)
	b = appendTwo(append(b, ':'), minute)
	return appendTwo(append(b, ':'), second)
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
