package tcp

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// errLong is the failure of a line that is longer than it may be.
var errLong = errors.New("the line is too long")

// blockSize is what is read at a time, as long as lines are shorter.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the lines of a connection. While nothing has come of the next line it has no buffer: it takes one when
// the system says that there is something to read.
type input struct {
	reader pooledreader.Reader
	most   int // bytes of a line, its end included

	block *[blockSize]byte // what buf is, unless a line outgrew it
	buf   []byte           // what was read and not yet returned is buf[from:to]
	from  int
	to    int
	seen  int // how much of it is known to have no line end
}

func newInput(conn net.Conn, most int) *input {
	in := &input{most: most}
	in.reader.Init(conn)
	return in
}

// line returns the next line that has been read whole, without its end; false if there is none. It is good until the
// next call of fill, or for ever if abandon comes first.
func (in *input) line() ([]byte, bool) {
	i := bytes.IndexByte(in.buf[in.from+in.seen:in.to], '\n')
	if i < 0 {
		in.seen = in.to - in.from
		return nil, false
	}
	line := in.buf[in.from : in.from+in.seen+i]
	in.from += in.seen + i + 1
	in.seen = 0
	return line, true
}

// begun reports whether a part of a line has been read.
func (in *input) begun() bool { return in.to > in.from }

// fill reads more. It returns errLong if the line that was begun may not go on.
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
		in.buf = in.block[:min(blockSize, in.most)]
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

// release gives the buffer back.
func (in *input) release() {
	if in.block != nil {
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to, in.seen = nil, nil, 0, 0, 0
}

// detach leaves the buffer to requests that are still at work on lines in it, and goes on with a copy of the rest.
func (in *input) detach() {
	rest := make([]byte, max(min(blockSize, in.most), in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
}

// makeRoom moves what was begun to the front, and gets a larger buffer if that fills it.
func (in *input) makeRoom() error {
	if in.from > 0 {
		copy(in.buf, in.buf[in.from:in.to])
		in.from, in.to = 0, in.to-in.from
	}
	if in.to < len(in.buf) {
		return nil
	}
	if in.to >= in.most {
		return errLong
	}
	larger := make([]byte, min(2*len(in.buf), in.most))
	copy(larger, in.buf)
	begun, seen := in.to, in.seen
	in.release()
	in.buf, in.to, in.seen = larger, begun, seen
	return nil
}
