package web

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stalling is a connection whose client reads some bytes and then nothing, until the deadline has passed once.
type stalling struct {
	net.Conn
	received bytes.Buffer
	room     int
	deadline time.Time
	closed   bool
}

func (c *stalling) Write(p []byte) (int, error) {
	if len(p) <= c.room {
		c.room -= len(p)
		return c.received.Write(p)
	}
	n, _ := c.received.Write(p[:c.room])
	c.room = 1 << 30
	return n, os.ErrDeadlineExceeded
}

// ReadFrom copies, as a *net.TCPConn does with a reader that is no file.
func (c *stalling) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{c}, r) }

func (c *stalling) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }

func (c *stalling) Close() error { c.closed = true; return nil }

// A client that stalls for less than the timeout gets every byte from each kind of source.
func TestStalledClientGetsEveryByte(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 20_000)
	for name, send := range map[string]func(c *progressConn) (int64, error){
		"Write":    func(c *progressConn) (int64, error) { n, err := c.Write([]byte(text)); return int64(n), err },
		"ReadFrom": func(c *progressConn) (int64, error) { return c.ReadFrom(strings.NewReader(text)) },
		"ReadFrom limited": func(c *progressConn) (int64, error) {
			return c.ReadFrom(io.LimitReader(strings.NewReader(text), 1<<20))
		},
	} {
		client := &stalling{room: 70_001}
		n, err := send(&progressConn{Conn: client, timeout: time.Minute})
		if err != nil || n != int64(len(text)) || client.received.String() != text {
			t.Errorf("%s: %d bytes, %v; the client got %d, want %d", name, n, err, client.received.Len(), len(text))
		}
	}
}

// net/http clears the write deadline after each request and after a TLS handshake, even if it has set none.
func TestWriteDeadlineSurvivesTheFirstRequest(t *testing.T) {
	t.Parallel()
	client := &stalling{room: 1 << 30}
	c := &progressConn{Conn: client, timeout: time.Minute}
	for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour), {}} {
		if err := c.SetWriteDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("an answer")); err != nil {
			t.Fatal(err)
		}
		if client.deadline.IsZero() || !deadline.IsZero() && !client.deadline.Equal(deadline) {
			t.Errorf("after SetWriteDeadline(%v) Write uses the deadline %v", deadline, client.deadline)
		}
	}
}

// slow is a connection whose client reads a number of bytes until each deadline.
type slow struct {
	net.Conn
	reads  []int // the last number counts for all further deadlines
	writes int
	sent   int
	closed bool
}

func (c *slow) take(n int) (int, error) {
	most := c.reads[min(c.writes, len(c.reads)-1)]
	c.writes++
	if n > most {
		n = most
	}
	c.sent += n
	if n == most {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

func (c *slow) Write(p []byte) (int, error) { return c.take(len(p)) }

// ReadFrom copies as a system without sendfile does: it reads more than it sends.
func (c *slow) ReadFrom(r io.Reader) (int64, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	n, err := c.take(len(text))
	return int64(n), err
}

func (c *slow) SetWriteDeadline(time.Time) error { return nil }

func (c *slow) Close() error { c.closed = true; return nil }

// A client that stalls for longer is closed at once, without the close alert of TLS, which would wait for the client. The
// same holds for a client that reads less than a chunk within two deadlines, whatever the size of a write is.
func TestAClientThatReadsTooSlowlyIsClosed(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		reads  []int
		closed bool
		sent   int
	}{
		{"reads nothing", []int{0}, true, 0},
		{"reads half a chunk until each deadline", []int{chunk / 2}, false, size},
		{"reads a little less", []int{chunk/2 - 1}, true, chunk - 2},
		{"reads a chunk until each deadline", []int{chunk}, false, size},
		{"pauses after each chunk", []int{chunk, 0, chunk, 0, chunk, 0, chunk, 0, size}, false, size},
		{"reads much, and then nothing", []int{5 * chunk, 0}, true, 5 * chunk},
		{"reads everything at once", []int{2 * size}, false, size},
	} {
		for name, send := range map[string]func(c *progressConn) (int64, error){
			"Write": func(c *progressConn) (int64, error) { n, err := c.Write(make([]byte, size)); return int64(n), err },
			"ReadFrom": func(c *progressConn) (int64, error) {
				file, err := os.Open(path)
				if err != nil {
					return 0, err
				}
				defer file.Close()
				limited := &io.LimitedReader{R: file, N: size}
				n, err := c.ReadFrom(limited)
				if limited.N != size-n {
					t.Errorf("%s: %d bytes were copied, but %d of %d are left", test.name, n, limited.N, size)
				}
				return n, err
			},
		} {
			client := &slow{reads: test.reads}
			n, err := send(&progressConn{Conn: client, timeout: time.Minute})
			if client.closed != test.closed || (err != nil) != test.closed || int(n) != test.sent || client.sent != test.sent {
				t.Errorf("%s: the client %s: closed %v, %d bytes, %d sent, %v; want closed %v, %d bytes", name, test.name, client.closed, n, client.sent, err, test.closed, test.sent)
			}
		}
	}
}
