// Package busyload is a load on an HTTP server that never sleeps: it polls its connections. A load that sleeps is woken up by
// the writes of the server, which then pays more for each answer the slower it is. So the difference between two servers would
// show twice.
package busyload

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// connections is the number of connections of a load.
const connections = 64

// New returns a load: for a duration, one request at a time on each of 64 connections. Each answer must have the status 200 and
// a Content-Length.
func New(addr string, request []byte) func(time.Duration) (int, error) {
	return func(d time.Duration) (int, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		b, err := newBusy(addr, request)
		if err != nil {
			return 0, err
		}
		defer b.close()
		return b.run(time.Now().Add(d))
	}
}

var statusOK = []byte("HTTP/1.1 200 ")

// busy is a load over connections that it polls.
type busy struct {
	request []byte
	epoll   int
	buf     [16 << 10]byte
	fds     []int
	parts   map[int][]byte // of answers that have come in several reads, by connection
}

func newBusy(addr string, request []byte) (*busy, error) {
	to, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return nil, err
	}
	b := &busy{request: request, parts: map[int][]byte{}}
	if b.epoll, err = unix.EpollCreate1(0); err != nil {
		return nil, err
	}
	for range connections {
		if err := b.connect(&unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *busy) connect(to *unix.SockaddrInet4) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	b.fds = append(b.fds, fd)
	if err := unix.Connect(fd, to); err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

func (b *busy) close() {
	for _, fd := range append(b.fds, b.epoll) {
		_ = unix.Close(fd)
	}
}

// run sends requests until the time stop, one at a time on each connection.
func (b *busy) run(stop time.Time) (n int, err error) {
	for _, fd := range b.fds {
		if err := b.send(fd); err != nil {
			return 0, err
		}
	}
	events := make([]unix.EpollEvent, connections)
	for time.Now().Before(stop) {
		ready, err := unix.EpollWait(b.epoll, events, 0)
		if err != nil && err != unix.EINTR {
			return n, err
		}
		for _, e := range events[:max(ready, 0)] {
			done, err := b.receive(int(e.Fd))
			if err != nil {
				return n, err
			}
			if !done {
				continue
			}
			n++
			if err := b.send(int(e.Fd)); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (b *busy) send(fd int) error {
	if n, err := unix.Write(fd, b.request); err != nil || n < len(b.request) {
		return fmt.Errorf("a request was written up to byte %d of %d: %w", n, len(b.request), err)
	}
	return nil
}

// receive reads from a connection. It reports whether the answer is complete.
func (b *busy) receive(fd int) (done bool, err error) {
	n, err := unix.Read(fd, b.buf[:])
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, errors.New("the server has closed a connection")
	}
	answer := b.buf[:n]
	if part := b.parts[fd]; part != nil {
		answer = append(part, answer...)
		delete(b.parts, fd)
	}
	if done, err = isComplete(answer); !done && err == nil {
		b.parts[fd] = bytes.Clone(answer)
	}
	return done, err
}

// isComplete looks at the status and the length of an answer, at minimal cost.
func isComplete(answer []byte) (bool, error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok {
		return false, nil
	}
	_, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !bytes.HasPrefix(head, statusOK) || !ok {
		return false, fmt.Errorf("the answer is %q", answer)
	}
	digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(digits))
	return len(body) >= length, err
}
