package tcp

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// errLineTooLong is returned by fill if a line exceeds the limit.
var errLineTooLong = errors.New("the line is too long")

// blockSize is the size of a pooled read buffer. A longer line gets a larger buffer.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the lines of a connection. It has no buffer until something of the next line has come; it takes one from the
// pool when the system reports that there is something to read.
type input struct {
	reader  pooledreader.Reader
	maxLine int // in bytes, the line end included

	block   *[blockSize]byte // the memory of buf, unless a line is longer
	buf     []byte           // the unused input is buf[from:to]
	from    int
	to      int
	scanned int // so many bytes of the unused input have no line end
}

func newInput(conn net.Conn, maxLine int) *input {
	in := &input{maxLine: maxLine}
	in.reader.Init(conn)
	return in
}

// line returns the next line that has been read whole, without its end; ok is false if there is none. The line is valid
// until the next call of fill, or for ever if detach is called before.
func (in *input) line() (line []byte, ok bool) {
	i := bytes.IndexByte(in.buf[in.from+in.scanned:in.to], '\n')
	if i < 0 {
		in.scanned = in.to - in.from
		return nil, false
	}
	line = in.buf[in.from : in.from+in.scanned+i]
	in.from += in.scanned + i + 1
	in.scanned = 0
	return line, true
}

// begun reports whether a part of a line has been read.
func (in *input) begun() bool { return in.to > in.from }

// fill reads more. It returns errLineTooLong if the begun line has no end within maxLine.
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

// Space implements pooledreader.Buffer.
func (in *input) Space() []byte {
	if in.buf == nil {
		in.block = blocks.Get().(*[blockSize]byte)
		in.buf = in.block[:min(blockSize, in.maxLine)]
	}
	return in.buf[in.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer.
func (in *input) ReleaseIfEmpty() (empty bool) {
	if empty = !in.begun(); empty {
		in.release()
	}
	return empty
}

// release returns the buffer to the pool.
func (in *input) release() {
	if in.block != nil {
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to, in.scanned = nil, nil, 0, 0, 0
}

// detach leaves the buffer to the requests that still use lines in it, and continues with a copy of the unused input.
func (in *input) detach() {
	rest := make([]byte, max(min(blockSize, in.maxLine), in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
}

// makeRoom moves the begun line to the front of the buffer. If the line fills it, makeRoom gets a buffer of at most twice
// the size.
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
	larger := make([]byte, min(2*len(in.buf), in.maxLine))
	n, scanned := copy(larger, in.buf), in.scanned
	in.release()
	in.buf, in.to, in.scanned = larger, n, scanned
	return nil
}
