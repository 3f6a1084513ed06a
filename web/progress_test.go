package web

import (
	"bytes"
	"io"
	"net"
	"os"
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

// A client that stalls for longer is closed at once, without the close alert of TLS, which would wait for the client.
func TestStalledClientIsClosed(t *testing.T) {
	t.Parallel()
	client := &stalling{}
	c := &progressConn{Conn: client, timeout: time.Minute}
	_, err := c.writeChunk(func() (int64, error) { return 0, os.ErrDeadlineExceeded })
	if err == nil || !client.closed {
		t.Errorf("two deadlines have passed: %v, closed %v", err, client.closed)
	}
}
