package web

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// corkedConn records whether the socket is corked when a file begins.
type corkedConn struct {
	*net.TCPConn
	t  *testing.T
	on []bool
}

func (c *corkedConn) ReadFrom(r io.Reader) (int64, error) {
	c.on = append(c.on, c.isCorked())
	return c.TCPConn.ReadFrom(r)
}

func (c *corkedConn) isCorked() (on bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		value, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK)
		if on = value != 0; err != nil {
			c.t.Error(err)
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return on
}

// A large file is sent in whole segments, a small one without further system calls, and no byte stays behind.
func TestLargeFilesAreSentInWholeSegments(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(basics.Wait))
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	nc := &corkedConn{TCPConn: accepted.(*net.TCPConn), t: t}
	c := &progressConn{Conn: nc, timeout: time.Minute}
	for i, size := range []int{corked - 1, corked, 3 * corked} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		received := make(chan error, 1)
		go func() {
			_, err := io.CopyN(io.Discard, client, int64(size))
			received <- err
		}()
		n, err := c.ReadFrom(&io.LimitedReader{R: file, N: int64(size)})
		if err := <-received; err != nil || n != int64(size) {
			t.Errorf("%d of %d bytes were sent: %v", n, size, err)
		}
		if want := i > 0; err != nil || !slices.Equal(nc.on, append(slices.Clone(nc.on[:i]), want)) || nc.isCorked() {
			t.Errorf("%d bytes: %v; the socket was corked: %v, and is: %v", size, err, nc.on, nc.isCorked())
		}
	}
}
