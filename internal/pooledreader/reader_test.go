package pooledreader_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer has room for so many bytes at a time, and notes whether it has memory.
type buffer struct {
	room  int
	got   bytes.Buffer
	taken []byte
}

func (b *buffer) Space() []byte {
	if b.taken == nil {
		b.taken = make([]byte, b.room)
	}
	return b.taken
}

func (b *buffer) ReleaseIfEmpty() bool {
	b.taken = nil
	return true
}

// use empties the buffer.
func (b *buffer) use(n int) { b.got.Write(b.taken[:n]) }

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

// plain is a connection that is no socket, like TLS.
type plain struct {
	net.Conn
	io.Reader
}

func (p plain) Read(b []byte) (int, error) { return p.Reader.Read(b) }

// All that is sent is read, whatever the connection is and however little room there is.
func TestRead(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 1000)
	for _, isPlain := range []bool{false, true} {
		for _, room := range []int{1, 63, 64, 65, 1000, 20_000} {
			t.Run(fmt.Sprintf("plain %v, room %d", isPlain, room), func(t *testing.T) {
				t.Parallel()
				server, client := sockets(t)
				defer server.Close()
				defer client.Close()
				go func() {
					_, _ = io.WriteString(client, text)
					_ = client.Close()
				}()
				if isPlain {
					server = plain{server, iotest.DataErrReader(server)}
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
					b.use(n)
				}
				if b.got.String() != text {
					t.Errorf("of %d bytes %d come", len(text), b.got.Len())
				}
			})
		}
	}
}

// While there is nothing to read there is no buffer, over a socket and over what is none.
func TestNoBufferWhileIdle(t *testing.T) {
	t.Parallel()
	for _, isPlain := range []bool{false, true} {
		server, client := sockets(t)
		waits := make(chan bool, 1)
		b := &buffer{room: 100}
		conn := server
		if isPlain {
			conn = plain{server, readFunc(func(p []byte) (int, error) {
				waits <- b.taken == nil
				return server.Read(p)
			})}
		}
		var r pooledreader.Reader
		r.Init(conn)
		b.taken = make([]byte, 100) // of what came before
		done := make(chan int)
		go func() {
			n, _ := r.Read(b)
			done <- n
		}()
		if isPlain && !<-waits {
			t.Error("a connection that is no socket has a buffer while it waits")
		}
		if _, err := io.WriteString(client, "hello"); err != nil {
			t.Fatal(err)
		}
		if n := <-done; n != 5 || string(b.taken[:n]) != "hello" {
			t.Errorf("plain is %v: %q comes", isPlain, b.taken[:n])
		}
		_, _ = server.Close(), client.Close()
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
