package testkit

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// Kind describes one kind of slow client in a [Storm]: how the client connects, what the client sends and whether the
// client reads.
type Kind struct {
	Name string

	// Dial opens a connection. If a handshake precedes the bytes in Open, Dial completes the handshake.
	Dial func() (net.Conn, error)
	// Open holds the bytes that the client sends directly after Dial.
	Open string
	// Drip holds the bytes that the client sends after Open, one byte each second, in an endless loop. If Drip is
	// empty, the client sends no more bytes.
	Drip string
	// HalfClose is true if the client closes its sending side after Open.
	HalfClose bool
	// Unread is true if the client never reads. The client then cannot notice that the server closes the connection.
	// The open files of the server show it.
	Unread bool
}

// Many returns the number of clients of each Kind: 400, or 50 in short mode and under the race detector.
func Many() int {
	if testing.Short() {
		return 50
	}
	return 400 / slower
}

// Grace is the delay that tests allow a server for closing a client after a time limit. A busy machine needs the delay
// because it notices the limit late.
const Grace = 5 * time.Second

// Storm connects many clients of each kind, all at the same time, to a server in this process. The server must close
// all clients, and all files that it opened for them, before the duration within plus [Grace] has passed. This duration
// begins when the last client has connected. If the server is slower, the test fails.
func Storm(t *testing.T, within time.Duration, kinds []Kind) {
	t.Helper()
	before := InUse()
	var mu, gate sync.Mutex
	var all []*slowClient
	var running sync.WaitGroup // in place of t.Parallel, which limits concurrent tests to the number of processors
	for _, kind := range kinds {
		running.Go(func() {
			t.Run(kind.Name, func(t *testing.T) {
				s := &crowd{kind: kind, gate: &gate}
				s.connect(t, Many())
				mu.Lock()
				all = append(all, s.clients...)
				mu.Unlock()
				if !kind.Unread {
					s.watch(t, within)
				}
			})
		})
	}
	running.Wait()
	defer func() {
		for _, c := range all {
			_ = c.raw.Close()
		}
	}()
	if len(all) == 0 {
		return
	}
	last := slices.MaxFunc(all, func(a, b *slowClient) int { return a.came.Compare(b.came) }).came
	// The clients keep their ends of the connections open. If there are more open files than these ends, and more than
	// a few files of well-behaved clients, the server still has them open.
	const wellBehaved = 16
	var files int
	gone := func() bool {
		files = InUse().Files - before.Files - len(all)
		return files <= wellBehaved
	}
	if !basics.Poll(lookEvery, time.Until(last.Add(within+Grace)), gone) {
		t.Errorf("%v after the last client came the server still holds %d files for them", time.Since(last).Round(time.Millisecond), files)
	}
	t.Logf("%d clients, all gone %v after the last came", len(all), time.Since(last).Round(100*time.Millisecond))
}

// crowd holds all clients of one Kind. One goroutine acts for all of them.
type crowd struct {
	kind    Kind
	gate    *sync.Mutex // only one client connects at once, so that a test does not blame the server for the work of the clients
	clients []*slowClient
}

type slowClient struct {
	net.Conn
	raw  net.Conn  // the TCP connection, below TLS
	came time.Time // when it connected
	next time.Time // when the next byte is due
	sent int       // bytes of Drip
	gone time.Duration
}

func (s *crowd) connect(t *testing.T, n int) {
	for range n {
		s.gate.Lock()
		nc, err := s.kind.Dial()
		s.gate.Unlock()
		if err != nil {
			t.Errorf("a client cannot connect: %v", err)
			continue
		}
		c := &slowClient{Conn: nc, raw: nc}
		if tc, ok := nc.(*tls.Conn); ok {
			c.raw = tc.NetConn()
		}
		if s.kind.Unread {
			_ = c.raw.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		s.open(t, c)
		s.clients = append(s.clients, c)
	}
}

func (s *crowd) open(t *testing.T, c *slowClient) {
	c.came = time.Now()
	c.next = c.came.Add(time.Second)
	patience := Wait
	if s.kind.Unread {
		patience = time.Second
	}
	_ = c.SetWriteDeadline(c.came.Add(patience))
	// A server need not read all bytes that an unread client sends.
	if _, err := c.Write([]byte(s.kind.Open)); err != nil && !s.kind.Unread {
		t.Errorf("a client cannot send: %v", err)
	}
	_ = c.SetWriteDeadline(time.Time{})
	if s.kind.HalfClose {
		if err := c.raw.(*net.TCPConn).CloseWrite(); err != nil {
			t.Errorf("a client cannot shut its side: %v", err)
		}
	}
}

// lookEvery is the interval between two checks of each client. It is long, because the checks of thousands of clients
// must leave processor time to the server.
const lookEvery = 250 * time.Millisecond

// watch sends the Drip bytes and waits until the server has closed every client. The test fails if a client is still
// connected after within plus Grace.
func (s *crowd) watch(t *testing.T, within time.Duration) {
	left := slices.Clone(s.clients)
	var last time.Duration
	basics.Poll(lookEvery, within+Grace, func() bool {
		left = slices.DeleteFunc(left, func(c *slowClient) bool {
			if !s.step(c) {
				return false
			}
			c.gone = time.Since(c.came)
			last = max(last, c.gone)
			return true
		})
		return len(left) == 0
	})
	if len(left) > 0 {
		t.Errorf("%d of %d are still connected after %v", len(left), len(s.clients), within)
	}
	if last > within+Grace {
		t.Errorf("the last was gone after %v, it must be %v", last, within)
	}
	t.Logf("the last was gone after %v", last.Round(100*time.Millisecond))
}

// step sends the next byte of Drip if that byte is due. It reports whether the server has closed the connection of c.
func (s *crowd) step(c *slowClient) bool {
	if now := time.Now(); s.kind.Drip != "" && !now.Before(c.next) {
		c.next = now.Add(time.Second)
		b := s.kind.Drip[c.sent%len(s.kind.Drip)]
		c.sent++
		_ = c.SetWriteDeadline(now.Add(time.Second))
		if _, err := c.Write([]byte{b}); err != nil {
			return true
		}
	}
	return ended(c.raw)
}

// errNothing is the error of tryRead if no bytes can be read now and the connection is open.
var errNothing = errors.New("nothing to read")

// ended discards all bytes that the server has sent, and reports whether the server has closed the connection.
func ended(c net.Conn) bool {
	var buf [4 << 10]byte
	for {
		n, err := tryRead(c, buf[:])
		switch {
		case errors.Is(err, errNothing):
			return false
		case err != nil || n == 0:
			return true
		}
	}
}
