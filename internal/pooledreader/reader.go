// Package pooledreader reads from a connection into a buffer that is taken from a pool only when there is something to
// read. Thousands of idle connections then cost one goroutine each and share a few buffers. Begin reading at
// [Reader.Read].
package pooledreader

import (
	"io"
	"net"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// Buffer receives what is read.
type Buffer interface {
	// Space returns the part to write to. It gets memory from the pool if the buffer has none.
	Space() []byte
	// ReleaseIfEmpty returns the memory to the pool if there is no content, until the next call of Space. It reports
	// whether there is no content.
	ReleaseIfEmpty() (empty bool)
}

// smallSize is the size of the first read into an empty buffer, if the connection has only a blocking Read. It is enough
// for most requests and small enough to be allocated for each idle connection.
const smallSize = 64

// Reader reads from one connection. Set it up with Init. Only one Read may run at a time.
type Reader struct {
	conn  net.Conn
	raw   syscall.RawConn // nil: the connection has only a blocking Read (TLS)
	try   func(fd uintptr) bool
	small *[smallSize]byte // nil if raw is not; small[from:to] is not yet returned
	from  uint8
	to    uint8

	buffer Buffer
	n      int
	err    error
}

// Init prepares the reader. conn need not be a socket: any other connection, for example TLS, keeps smallSize bytes while
// it is idle, and needs two reads for more than that.
func (r *Reader) Init(conn net.Conn) {
	r.conn = conn
	if sc, ok := conn.(syscall.Conn); ok && nonblock.Supported {
		r.raw, _ = sc.SyscallConn()
	}
	if r.raw != nil {
		r.try = r.tryOnce
	} else {
		r.small = new([smallSize]byte)
	}
}

// Read blocks until bytes come and reads them into b. At the end of the input the error is [io.EOF]. Other errors are the
// connection's, for example for a deadline that passed or after its Close. Read never returns 0 without an error.
func (r *Reader) Read(b Buffer) (int, error) {
	if r.raw == nil {
		r.n, r.err = r.readBlocking(b)
	} else {
		r.buffer, r.n, r.err = b, 0, nil
		if err := r.raw.Read(r.try); err != nil {
			r.n, r.err = 0, err
		}
		r.buffer = nil
	}
	switch {
	case r.n > 0:
		return r.n, nil // the next Read returns the error again
	case r.err == nil:
		return 0, io.EOF
	}
	return 0, r.err
}

// tryOnce makes one attempt to read. If it returns false, raw.Read waits for more and calls it again.
func (r *Reader) tryOnce(fd uintptr) (done bool) {
	var again bool
	if r.n, again, r.err = nonblock.Read(fd, r.buffer.Space()); again {
		r.buffer.ReleaseIfEmpty()
	}
	return !again
}

// readBlocking reads into b directly if b has content. If b is empty, it waits with the small buffer, so that b needs no
// memory meanwhile. The next call then reads the rest of a larger message, which has usually come already.
func (r *Reader) readBlocking(b Buffer) (n int, err error) {
	if r.from == r.to {
		if !b.ReleaseIfEmpty() {
			return r.conn.Read(b.Space())
		}
		if n, err = r.conn.Read(r.small[:]); n == 0 {
			return 0, err
		}
		r.from, r.to = 0, uint8(n)
	}
	n = copy(b.Space(), r.small[r.from:r.to]) // b may have less space than that
	r.from += uint8(n)
	return n, nil // the next Read returns the error again
}
