// Package pooledreader reads from a connection into a pooled buffer, which the reader takes only when there are bytes
// to read. Thousands of idle connections therefore need one goroutine each and share a few buffers. Begin reading at
// [Reader.Read].
package pooledreader

import (
	"io"
	"net"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// Buffer receives the bytes that a [Reader] reads.
type Buffer interface {
	// Space returns the free part of the buffer, to which the Reader writes. If the buffer has no memory, Space takes
	// memory from the pool.
	Space() []byte
	// ReleaseIfEmpty reports whether the buffer has no content. If the buffer has none, ReleaseIfEmpty returns the
	// buffer's memory to the pool, and the next call of Space takes memory again.
	ReleaseIfEmpty() (empty bool)
}

// smallSize is the size, in bytes, of the first read into an empty buffer if the connection has only a blocking Read.
// This size is enough for most requests and small enough to be allocated for each idle connection.
const smallSize = 64

// Reader reads from one connection. Set up a Reader with Init. Only one Read may run at a time.
type Reader struct {
	raw      syscall.RawConn // nil: the connection has only a blocking Read (TLS)
	try      func(fd uintptr) bool
	blocking *blocking // nil if raw is not nil

	buffer Buffer
	err    error
	n      int
}

// blocking is the state of a Reader whose connection has only a blocking Read.
type blocking struct {
	conn     net.Conn
	small    [smallSize]byte // small[from:to] has been read but not returned
	from, to uint8
}

// Init prepares the reader for conn. If conn is not a socket, for example a TLS connection, the reader keeps smallSize
// bytes while conn is idle, and needs two reads for a longer message.
func (r *Reader) Init(conn net.Conn) {
	if sc, ok := conn.(syscall.Conn); ok && nonblock.Supported {
		r.raw, _ = sc.SyscallConn()
	}
	if r.raw != nil {
		r.try = r.tryOnce
	} else {
		r.blocking = &blocking{conn: conn}
	}
}

// Read blocks until bytes come, and reads these bytes into b. It returns the number of bytes. At the end of the input,
// the error is [io.EOF]. Other errors come from the connection, for example after a deadline or Close. Read never
// returns 0 without an error.
func (r *Reader) Read(b Buffer) (int, error) {
	var n int
	var err error
	if r.raw == nil {
		n, err = r.blocking.read(b)
	} else {
		r.buffer, r.n, r.err = b, 0, nil
		if err = r.raw.Read(r.try); err == nil {
			n, err = r.n, r.err
		}
		r.buffer = nil
	}
	switch {
	case n > 0:
		return n, nil // the next Read returns the error again
	case err == nil:
		return 0, io.EOF
	}
	return 0, err
}

// tryOnce makes one attempt to read into the buffer. It returns false if no bytes have come; raw.Read then waits for
// bytes and calls tryOnce again.
func (r *Reader) tryOnce(fd uintptr) (done bool) {
	var again bool
	if r.n, again, r.err = nonblock.Read(fd, r.buffer.Space()); again {
		r.buffer.ReleaseIfEmpty()
	}
	return !again
}

// read reads into the buffer b. If b is empty, read waits with the small buffer, so that b needs no memory while the
// connection is idle. If a message is longer than the small buffer, the next call reads the rest of the message, which has
// usually come already.
func (r *blocking) read(b Buffer) (n int, err error) {
	if r.from == r.to {
		if !b.ReleaseIfEmpty() {
			return r.conn.Read(b.Space())
		}
		if n, err = r.conn.Read(r.small[:]); n == 0 {
			return 0, err
		}
		r.from, r.to = 0, uint8(n)
	}
	n = copy(b.Space(), r.small[r.from:r.to]) // b may have less space than small[from:to]
	r.from += uint8(n)
	return n, nil // the next Read returns the error again
}
