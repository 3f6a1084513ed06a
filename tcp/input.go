package tcp

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// errLineTooLong is the error that input.fill returns for a line of more than maxLine bytes.
var errLineTooLong = errors.New("the line is too long")

// errBusy is the error that input.fill returns for a line that would exceed the budget of incomplete messages.
var errBusy = errors.New("the server holds as many incomplete messages as it may")

// blockSize is the size of a pooled read buffer, in bytes. For a longer line, the input allocates a larger buffer.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the lines of one connection. While an input waits for the first byte of a line, it has no read buffer. It
// takes a buffer from the pool when the operating system reports that bytes can be read.
type input struct {
	reader  pooledreader.Reader
	maxLine int // in bytes, the line end included

	block   *[blockSize]byte // the pooled memory of buf; nil if buf is not pooled
	buf     []byte           // the unused input is buf[from:to]
	from    int
	to      int
	scanned int  // the first scanned bytes of the unused input contain no line end
	skips   bool // the input up to the next line end is dropped
	crEnds  bool // CR ends a line, as LF does

	share bytebudget.Share // buf, if it is not pooled
}

func newInput(conn net.Conn, maxLine int) *input {
	in := &input{maxLine: maxLine}
	in.reader.Init(conn)
	return in
}

// lineEnd returns the index of the first line end in p, or -1 if there is none.
func (in *input) lineEnd(p []byte) int {
	if in.crEnds {
		return bytes.IndexAny(p, "\r\n")
	}
	return bytes.IndexByte(p, '\n')
}

// line returns the next completely read line, without the '\n' or '\r' at its end. If no line has been read completely, ok is
// false. The line is valid until the next call of fill. If detach is called before fill, the line stays valid
// afterwards.
func (in *input) line() (line []byte, ok bool) {
	if in.skips && !in.skipped() {
		return nil, false
	}
	i := in.lineEnd(in.buf[in.from+in.scanned : in.to])
	if i < 0 {
		in.scanned = in.to - in.from
		return nil, false
	}
	line = in.buf[in.from : in.from+in.scanned+i]
	in.from += in.scanned + i + 1
	in.scanned = 0
	return line, true
}

// skip drops the incomplete line in the buffer and the rest of the line, which has not come yet.
func (in *input) skip() {
	in.release()
	in.skips = true
}

// skipped drops the bytes of a skipped line. It returns true if the end of the line has come.
func (in *input) skipped() bool {
	i := in.lineEnd(in.buf[in.from:in.to])
	if i < 0 {
		in.release()
		return false
	}
	in.from += i + 1
	in.skips = false
	return true
}

// endLine ends the incomplete line in the buffer, because nothing follows. It returns false if no line has begun.
func (in *input) endLine() bool {
	if !in.begun() || in.makeRoom() != nil {
		return false
	}
	in.buf[in.to] = '\n'
	in.to++
	return true
}

// interrupted removes Telnet's commands from the incomplete line. It returns true if the user of a terminal wants the
// connection to end.
func (in *input) interrupted() bool {
	if !in.begun() {
		return false
	}
	line := in.buf[in.from:in.to]
	if interrupted(line, false) {
		return true
	}
	if bytes.IndexByte(line, telnetIAC) >= 0 {
		in.to = in.from + len(withoutTelnet(line, false))
		in.scanned = 0
	}
	return false
}

// begun reports whether the beginning of an incomplete line has been read.
func (in *input) begun() bool { return in.to > in.from }

// fill blocks until more bytes come and appends these bytes to the buffer. It returns errLineTooLong if the incomplete
// line in the buffer already has maxLine bytes, or the error of a failed read.
func (in *input) fill() error {
	if !in.begun() {
		in.release()
	} else if err := in.makeRoom(); err != nil {
		return err
	}
	n, err := in.reader.Read(in)
	in.to += n
	return err
}

// Space implements pooledreader.Buffer. It returns the free part of the read buffer. If the input has no buffer, Space
// takes one from the pool.
func (in *input) Space() []byte {
	if in.buf == nil {
		in.block = blocks.Get().(*[blockSize]byte)
		in.buf = in.block[:min(blockSize, in.maxLine)]
	}
	return in.buf[in.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer. If the buffer holds no unused input, ReleaseIfEmpty returns the buffer
// to the pool and reports true.
func (in *input) ReleaseIfEmpty() (empty bool) {
	if empty = !in.begun(); empty {
		in.release()
	}
	return empty
}

// release removes the buffer from the input. If the buffer is pooled, release returns it to the pool.
func (in *input) release() {
	if in.block != nil {
		poison.Bytes(in.block[:])
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to, in.scanned = nil, nil, 0, 0, 0
	in.share.Release()
}

// detach replaces the buffer by a new one with a copy of the unused input. The old buffer is not used again, so
// requests can keep using the lines in the old buffer.
func (in *input) detach() {
	rest := make([]byte, max(min(blockSize, in.maxLine), in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
	in.share.Hold(len(rest)) // never more than before
}

// makeRoom moves the incomplete line to the front of the buffer. If the line fills the whole buffer, makeRoom allocates
// a buffer of twice the size, at most maxLine bytes. It returns errLineTooLong if the line already has maxLine bytes, and errBusy if the budget has
// too few bytes left.
func (in *input) makeRoom() error {
	if in.from > 0 {
		copy(in.buf, in.buf[in.from:in.to])
		in.from, in.to = 0, in.to-in.from
	}
	if in.to < len(in.buf) {
		return nil
	}
	if in.to >= in.maxLine {
		return errLineTooLong
	}
	size := min(2*len(in.buf), in.maxLine)
	if !in.share.Hold(size) {
		return errBusy
	}
	larger := make([]byte, size)
	n, scanned := copy(larger, in.buf), in.scanned
	if in.block != nil {
		poison.Bytes(in.block[:])
		blocks.Put(in.block)
	}
	in.block, in.buf, in.to, in.scanned = nil, larger, n, scanned
	return nil
}
