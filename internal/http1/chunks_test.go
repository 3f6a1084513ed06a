package http1

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A body of thousands of small chunks that comes byte by byte costs no more than its bytes: a complete chunk is not read
// again. The test overwrites the complete chunks to see that.
func TestACompleteChunkIsNotScannedAgain(t *testing.T) {
	t.Parallel()
	const count = 4000
	text := []byte(strings.Repeat("1\r\nx\r\n", count) + "0\r\n\r\n")
	var s chunks
	for i := range text {
		if ended := s.scan(text[:i+1]); ended != (i == len(text)-1) || s.isOdd {
			t.Fatalf("after %d of %d bytes the scan says %v, %+v", i+1, len(text), ended, s)
		}
		if i%6 == 5 && i < 6*count {
			copy(text[i-5:], "zzzzzz")
		}
	}
	if s.end != len(text) {
		t.Errorf("the body ends after %d of %d bytes", s.end, len(text))
	}
}

// deadlines is a connection that keeps its read deadline.
type deadlines struct {
	net.Conn
	mu  sync.Mutex
	now time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = t
	return d.Conn.SetReadDeadline(t)
}

// net/http gets a connection without a read deadline, however the wait for a body has ended.
func TestFallbackGetsNoReadDeadline(t *testing.T) {
	t.Parallel()
	const head = "POST / HTTP/1.1\r\nHost: x\r\n"
	for name, text := range map[string]string{
		"the client leaves":     head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{",
		"the body comes slowly": head + "Content-Length: 3\r\n\r\nab",
		"a chunk is odd":        head + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n",
		"the body is too large": head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := net.Pipe()
			defer there.Close()
			nc, got := &deadlines{Conn: addressedConn{here}}, make(chan time.Time, 1)
			s := New(Config{
				MaxHead: 64 << 10, Log: slog.New(slog.DiscardHandler), Eligible: func(_, _ string) bool { return true }, OnPhase: func(net.Conn, Phase) {},
				Fallback: func(net.Conn, []byte) {
					got <- nc.now
					_ = nc.Close()
				},
			})
			done := make(chan struct{})
			go func() {
				defer close(done)
				s.Serve(nc)
			}()
			_, _ = io.WriteString(there, text) // fails if the server has read enough
			if name == "the client leaves" {
				_ = there.Close()
			}
			if deadline := <-got; !deadline.IsZero() {
				t.Errorf("the deadline is %v", deadline)
			}
			<-done
		})
	}
}

// addressedConn is a connection with the address of a client.
type addressedConn struct{ net.Conn }

func (addressedConn) RemoteAddr() net.Addr { return addressed{}.RemoteAddr() }
