// Package idleread reads from a connection without keeping a buffer for it while there is nothing to read: thousands
// of idle connections then cost a goroutine each, and share a few buffers.
package idleread

import (
	"io"
	"net"
	"syscall"
)

// Buffer is where what was read goes. Take returns the part that may be written to, getting memory if there is none;
// Idle says that nothing came after all, so that memory without content can be given back until the next Take.
type Buffer interface {
	Take() []byte
	Idle()
}

// Reader reads from one connection, one Read at a time. Set it up with Init.
type Reader struct {
	conn  net.Conn
	raw   syscall.RawConn // nil: only a plain Read is to be had (TLS)
	ready func(fd uintptr) bool

	buffer Buffer
	n      int
	err    error
}

// Init prepares the reader. conn need not be a socket, but only one leaves the buffer away while it is idle.
func (r *Reader) Init(conn net.Conn) {
	r.conn = conn
	if sc, ok := conn.(syscall.Conn); ok && canTry {
		r.raw, _ = sc.SyscallConn()
		r.ready = r.try
	}
}

// Read waits until there is something and reads it into b, or returns why nothing will come: [io.EOF] at the end, what
// the connection says about deadlines and its own Close. It never returns 0 without an error.
func (r *Reader) Read(b Buffer) (int, error) {
	if r.raw == nil {
		r.n, r.err = r.conn.Read(b.Take())
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
