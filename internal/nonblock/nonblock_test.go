//go:build unix

package nonblock_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// sockets returns the two ends of a TCP connection, and the raw connection of the first.
func sockets(t *testing.T) (server, client net.Conn, raw syscall.RawConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	if raw, err = server.(syscall.Conn).SyscallConn(); err != nil {
		t.Fatal(err)
	}
	return server, client, raw
}

func TestRead(t *testing.T) {
	t.Parallel()
	_, client, raw := sockets(t)
	buf := make([]byte, 10)
	err := raw.Control(func(fd uintptr) {
		if n, again, err := nonblock.Read(fd, buf); n != 0 || !again || err != nil {
			t.Errorf("before anything has come: %d, %v, %v", n, again, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	read := func() (n int, err error) {
		rawErr := raw.Read(func(fd uintptr) bool {
			var again bool
			n, again, err = nonblock.Read(fd, buf)
			return !again
		})
		if rawErr != nil {
			t.Fatal(rawErr)
		}
		return n, err
	}
	if n, err := read(); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	_ = client.Close()
	if n, err := read(); n != 0 || err != nil {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

// Ended tells a client that has closed its side from one that has reset the connection, and consumes nothing.
func TestEnded(t *testing.T) {
	t.Parallel()
	server, client, _ := sockets(t)
	want := func(eof, failed bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; {
			got, err := nonblock.Ended(server)
			if got == eof && (err != nil) == failed {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("Ended returns %v, %v; want %v, and an error: %v", got, err, eof, failed)
			}
		}
	}
	want(false, false)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	want(false, false)
	if n, err := server.Read(make([]byte, 9)); n != 1 || err != nil {
		t.Errorf("the server reads %d bytes, %v", n, err)
	}
	_ = client.(*net.TCPConn).CloseWrite()
	want(true, false)
	_ = client.(*net.TCPConn).SetLinger(0)
	_ = client.Close()
	want(false, true)
	_ = server.Close()
	want(false, true)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	_, _, raw := sockets(t)
	written := 0
	err := raw.Control(func(fd uintptr) {
		p := make([]byte, 1<<20)
		for n, again := 0, false; !again; written += n {
			var err error
			if n, again, err = nonblock.Write(fd, p); err != nil || again == (n > 0) {
				t.Errorf("Write: %d, %v, %v", n, again, err)
				return
			}
		}
	})
	if err != nil || written == 0 {
		t.Errorf("%d bytes were written to a client that does not read: %v", written, err)
	}
	if n, again, err := nonblock.Write(^uintptr(0), []byte("x")); n != 0 || again || err != syscall.EBADF {
		t.Errorf("no descriptor: %d, %v, %v", n, again, err)
	}
}
