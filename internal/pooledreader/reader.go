// Package idleread reads from a connection without keeping a buffer for it while there is nothing to read: thousands
// of idle connections then cost a goroutine each, and share a few buffers.
package pooledreader

import (
	"io"
	"net"
	"syscall"
)

// Buffer is where what was read goes. Take returns the part that may be written to, getting memory if there is none;
// Idle says that nothing has come yet, so that memory without content can be given back until the next Take; it reports
// whether there is no content.
type Buffer interface {
	Space() []byte
	ReleaseIfEmpty() (empty bool)
}

// littleSize is what is read at first, into an empty buffer, where only a plain Read is to be had. It is enough for most
// of what asks for something, and little enough to be kept.
const littleSize = 64

// Reader reads from one connection, one Read at a time. Set it up with Init.
type Reader struct {
	conn   net.Conn
	raw    syscall.RawConn // nil: only a plain Read is to be had (TLS)
	ready  func(fd uintptr) bool
	little *[littleSize]byte // nil if raw is not; of it, from from to to is still to be returned
	from   uint8
	to     uint8

	buffer Buffer
	n      int
	err    error
}

// Init prepares the reader. conn need not be a socket; one that is not, such as TLS, keeps littleSize bytes while it is
// idle, and takes two reads for more than that.
func (r *Reader) Init(conn net.Conn) {
	r.conn = conn
	if sc, ok := conn.(syscall.Conn); ok && canTry {
		r.raw, _ = sc.SyscallConn()
	}
	if r.raw != nil {
		r.ready = r.try
	} else {
		r.little = new([littleSize]byte)
	}
}

// Read waits until there is something and reads it into b, or returns why nothing will come: [io.EOF] at the end, what
// the connection says about deadlines and its own Close. It never returns 0 without an error.
func (r *Reader) Read(b Buffer) (int, error) {
	if r.raw == nil {
		r.n, r.err = r.readPlain(b)
	} else {
		r.buffer, r.n, r.err = b, 0, nil
		if err := r.raw.Read(r.ready); err != nil {
			r.n, r.err = 0, err
		}
		r.buffer = nil
	}
	switch {
	case r.n > 0:
		return r.n, nil // an error beside it comes again
	case r.err == nil:
		return 0, io.EOF
	}
	return 0, r.err
}

// readPlain reads what asks for a buffer into the little one, and the rest, which is mostly there already, into b.
func (r *Reader) readPlain(b Buffer) (n int, err error) {
	if r.from == r.to {
		if !b.ReleaseIfEmpty() {
			return r.conn.Read(b.Space())
		}
		if n, err = r.conn.Read(r.little[:]); n == 0 {
			return 0, err
		}
		r.from, r.to = 0, uint8(n)
	}
	n = copy(b.Space(), r.little[r.from:r.to]) // b may have less room than that
	r.from += uint8(n)
	return n, nil // an error beside it comes again
}
