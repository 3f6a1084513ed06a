package pooledreader_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/actionhero-go/actionhero/internal/pooledreader"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// buffer has room for a number of bytes at a time. It has memory while space is not nil.
type buffer struct {
	room  int
	got   bytes.Buffer
	space []byte
}

func (b *buffer) Space() []byte {
	if b.space == nil {
		b.space = make([]byte, b.room)
	}
	return b.space
}

func (b *buffer) ReleaseIfEmpty() bool {
	b.space = nil
	return true
}

// consume moves n bytes to got.
func (b *buffer) consume(n int) { b.got.Write(b.space[:n]) }

func sockets(t *testing.T) (server, client net.Conn) {
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
	return server, client
}

// noSocket is a connection that has only a blocking Read, like TLS.
type noSocket struct {
	net.Conn
	io.Reader
}

func (p noSocket) Read(b []byte) (int, error) { return p.Reader.Read(b) }

// Everything that is sent is read, over both kinds of connection and with any room.
func TestRead(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 1000)
	for _, socket := range []bool{true, false} {
		for _, room := range []int{1, 63, 64, 65, 1000, 20_000} {
			t.Run(fmt.Sprintf("socket %v, room %d", socket, room), func(t *testing.T) {
				t.Parallel()
				server, client := sockets(t)
				defer server.Close()
				defer client.Close()
				go func() {
					_, _ = io.WriteString(client, text)
					_ = client.Close()
				}()
				if !socket {
					server = noSocket{server, iotest.DataErrReader(server)}
				}
				var r pooledreader.Reader
				r.Init(server)
				b := &buffer{room: room}
				for {
					n, err := r.Read(b)
					if err == io.EOF {
						break
					}
					if n == 0 || err != nil {
						t.Fatalf("%d bytes, %v", n, err)
					}
					b.consume(n)
				}
				if b.got.String() != text {
					t.Errorf("%d bytes were sent, %d were read", len(text), b.got.Len())
				}
			})
		}
	}
}

// While there is nothing to read the buffer has no memory, over both kinds of connection.
func TestNoBufferWhileIdle(t *testing.T) {
	t.Parallel()
	for _, socket := range []bool{true, false} {
		server, client := sockets(t)
		released := make(chan bool, 1)
		b := &buffer{room: 100}
		conn := server
		if !socket {
			conn = noSocket{server, readFunc(func(p []byte) (int, error) {
				released <- b.space == nil
				return server.Read(p)
			})}
		}
		var r pooledreader.Reader
		r.Init(conn)
		b.space = make([]byte, 100) // of an earlier message
		done := make(chan int)
		go func() {
			n, _ := r.Read(b)
			done <- n
		}()
		if !socket && !<-released {
			t.Error("the buffer has memory while the connection is idle")
		}
		if _, err := io.WriteString(client, "hello"); err != nil {
			t.Fatal(err)
		}
		if n := <-done; n != 5 || string(b.space[:n]) != "hello" {
			t.Errorf("socket %v: got %q", socket, b.space[:n])
		}
		_, _ = server.Close(), client.Close()
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
