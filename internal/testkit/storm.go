package testkit

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// Kind is one way in which a client keeps a server busy.
type Kind struct {
	Name string

	// Dial connects, up to the point where Open is sent.
	Dial func() (net.Conn, error)
	// Open is sent at once.
	Open string
	// Drip is sent after Open, a byte each second, over and over. If it is empty, nothing more is sent.
	Drip string
	// HalfClose shuts the client's side after Open.
	HalfClose bool
	// Unread clients never read. They cannot see that the server closes them; its open files show that.
	Unread bool
}

// Many returns how many clients of each kind there are: 400, or 50 in short mode and under the race detector.
func Many() int {
	if testing.Short() {
		return 50
	}
	return 400 / slower
}

// Grace is how much later than its limit a client may be gone, because a busy machine notices it late.
const Grace = time.Second

// Storm connects many clients of each kind to a server of this process at once. It fails the test unless the server
// closes each of them, and all files that it opened for them, within the given time after the last one connected.
func Storm(t *testing.T, within time.Duration, kinds []Kind) {
	t.Helper()
	before := InUse()
	var mu, gate sync.Mutex
	var all []*slowClient
	var running sync.WaitGroup // not t.Parallel, which runs as many at a time as there are processors
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
	// The clients keep their own ends open: more files than those, and a few of well-behaved clients, are the server's.
	const wellBehaved = 16
	var files int
	gone := func() bool {
		files = InUse().Files - before.Files - len(all)
		return files <= wellBehaved
	}
	if !poll(lookEvery, time.Until(last.Add(within+Grace)), gone) {
		t.Errorf("%v after the last client came the server still holds %d files for them", time.Since(last).Round(time.Millisecond), files)
	}
	t.Logf("%d clients, all gone %v after the last came", len(all), time.Since(last).Round(100*time.Millisecond))
}

// crowd is all clients of one kind. One goroutine plays all of them.
type crowd struct {
	kind    Kind
	gate    *sync.Mutex // one client at a time connects: the client's part of that is not the server's fault
	clients []*slowClient
}

type slowClient struct {
	net.Conn
	raw  net.Conn  // below TLS
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
	_ = c.SetWriteDeadline(c.came.Add(time.Second))
	// A server need not take all that an unread client sends.
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

// lookEvery is how often each client is checked: thousands of them must leave the processor to the server.
const lookEvery = 250 * time.Millisecond

// watch sends the drips until every client is gone.
func (s *crowd) watch(t *testing.T, within time.Duration) {
	left := slices.Clone(s.clients)
	var last time.Duration
	poll(lookEvery, within+Grace, func() bool {
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

// step sends the next byte of one client if it is due, and reports whether the server has closed it.
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

// errNothing says that there is nothing to read at the moment.
var errNothing = errors.New("nothing to read")

// ended drops what the server has sent and reports whether it has closed the connection.
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
