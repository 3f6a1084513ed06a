package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// conns is the number of connections of a load.
const conns = 16

// endless is a connection in memory. While its gate is open, each read returns one request; writes are counted and discarded.
type endless struct {
	request []byte
	unread  []byte
	port    int
	gate    func() bool // waits until a request may be sent; false: the connection ends
	written atomic.Int64
	wrote   func(bytes int) // called after each write; nil: nothing
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.unread) == 0 {
		if !e.gate() {
			return 0, io.EOF
		}
		e.unread = e.request
	}
	n := copy(p, e.unread)
	e.unread = e.unread[n:]
	return n, nil
}

func (e *endless) Write(p []byte) (int, error) {
	e.written.Add(int64(len(p)))
	if e.wrote != nil {
		e.wrote(len(p))
	}
	return len(p), nil
}

func (e *endless) Close() error        { return nil }
func (e *endless) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (e *endless) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: e.port}
}
func (e *endless) SetDeadline(time.Time) error      { return nil }
func (e *endless) SetReadDeadline(time.Time) error  { return nil }
func (e *endless) SetWriteDeadline(time.Time) error { return nil }

// socket is an endless connection that has file descriptors, as the sockets of clients have: requests come out of a pipe, and
// the null device takes what is written. Persistent connections without descriptors take a slower way.
type socket struct {
	*endless
	out      *os.File
	in, null uintptr
	files    []*os.File // the files of in and null, which the socket keeps open
}

func newSocket(e *endless) (*socket, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &socket{e, out, in.Fd(), null.Fd(), []*os.File{in, null}}, nil
}

func (s *socket) SyscallConn() (syscall.RawConn, error) { return rawSocket{s}, nil }

type rawSocket struct{ *socket }

func (r rawSocket) Control(f func(fd uintptr)) error { f(r.in); return nil }

// Read calls f with a descriptor that has one request, when the gate is open.
func (r rawSocket) Read(f func(fd uintptr) bool) error {
	if !r.gate() {
		return io.EOF
	}
	if _, err := r.out.Write(r.request); err != nil {
		return err
	}
	f(r.in)
	return nil
}

// Write calls f with the descriptor of the null device. Each call writes one message, because one is under way at a time.
func (r rawSocket) Write(f func(fd uintptr) bool) error {
	f(r.null)
	r.written.Add(1)
	if r.wrote != nil {
		r.wrote(1)
	}
	return nil
}

// gate lets connections send requests during a slice, and blocks them between slices.
type gate struct {
	open   atomic.Pointer[chan struct{}] // closed while requests may be sent
	counts [conns]counter
}

// counter is the number of requests of a connection, in a cache line of its own: the load shares no memory between processors.
type counter struct {
	n atomic.Int64
	_ [120]byte
}

func newGate() *gate {
	g := &gate{}
	shut := make(chan struct{})
	g.open.Store(&shut)
	return g
}

// of returns the gate function of connection i.
func (g *gate) of(i int) func() bool {
	return func() bool {
		<-*g.open.Load()
		g.counts[i].n.Add(1)
		return true
	}
}

func (g *gate) total() (n int) {
	for i := range g.counts {
		n += int(g.counts[i].n.Load())
	}
	return n
}

// load opens the gate for a duration and returns the number of requests that were sent.
func (g *gate) load(d time.Duration) (int, error) {
	before := g.total()
	close(*g.open.Load())
	time.Sleep(d)
	shut := make(chan struct{})
	g.open.Store(&shut)
	return g.total() - before, nil
}

// hijackable is the response of a handshake over a connection in memory.
type hijackable struct {
	http.ResponseWriter
	conn *socket
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil // the handshake is no message of the load
}
