// Package fan measures what a server sends to many connections: it dials them, waits for what they get with one epoll,
// and says one message after the other to a room of them.
package fan

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// Dial opens n connections from several addresses of the loopback network, because one has not ports enough. Each has
// been greeted before the next one comes, so that none waits for too long, or in a queue that overflows.
func Dial(addr string, n int, greet func(net.Conn) error) ([]*net.TCPConn, error) {
	remote, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	conns := make([]*net.TCPConn, 0, n)
	for i := range n {
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}
		conn, err := net.DialTCP("tcp", local, remote)
		if err != nil {
			return conns, fmt.Errorf("connection %d: %w", i, err)
		}
		conns = append(conns, conn)
		if err := greet(conn); err != nil {
			return conns, fmt.Errorf("greeting connection %d: %w", i, err)
		}
	}
	return conns, nil
}

// CloseAll closes them.
func CloseAll(conns []*net.TCPConn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// Listeners waits for what many connections get, with one epoll: the load must not cost more than the server.
type Listeners struct {
	epoll int
	fds   []int
	buf   [64 << 10]byte
}

// Listen makes listeners of connections.
func Listen(conns []*net.TCPConn) (*Listeners, error) {
	epoll, err := unix.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	l := &Listeners{epoll: epoll}
	for _, c := range conns {
		raw, err := c.SyscallConn()
		if err != nil {
			return nil, err
		}
		var add error
		err = raw.Control(func(fd uintptr) {
			l.fds = append(l.fds, int(fd))
			add = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		})
		if err != nil || add != nil {
			return nil, fmt.Errorf("%v, %v", err, add)
		}
	}
	return l, nil
}

// Read reads until want connections have had something, and tells each. With want 0 it reads what comes within a moment.
func (l *Listeners) Read(want int, each func()) error {
	events := make([]unix.EpollEvent, 1024)
	timeout := 10_000
	if want == 0 {
		timeout = 300
	}
	for got := 0; want == 0 || got < want; {
		n, err := unix.EpollWait(l.epoll, events, timeout)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 && want == 0 {
			return nil
		}
		if n == 0 {
			return fmt.Errorf("%d of %d connections got nothing", want-got, want)
		}
		for _, e := range events[:n] {
			if _, err := unix.Read(int(e.Fd), l.buf[:]); err != nil && err != unix.EAGAIN {
				return err
			}
			each()
			got++
		}
	}
	return nil
}

// Answer writes the same to each connection that gets something, whenever it does, for a time.
func (l *Listeners) Answer(d time.Duration, answer []byte) error {
	events := make([]unix.EpollEvent, 1024)
	for stop := time.Now().Add(d); time.Now().Before(stop); {
		n, err := unix.EpollWait(l.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if n, err := unix.Read(int(e.Fd), l.buf[:]); n <= 0 {
				return fmt.Errorf("a connection that was to stay has ended: %v", err)
			}
			if _, err := unix.Write(int(e.Fd), answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fan is one room with many listeners and one that speaks.
type Fan struct {
	server    *proc.Server
	say       func() error // and returns when the server has answered
	listeners *Listeners
	conns     []*net.TCPConn
	delays    []float64 // milliseconds from the saying to each delivery
	last      []float64 // to the last one
}

// New makes a room of connections that are in it. say says something in it and waits for the answer.
func New(s *proc.Server, conns []*net.TCPConn, say func() error) (*Fan, error) {
	l, err := Listen(conns)
	if err != nil {
		return nil, err
	}
	return &Fan{server: s, say: say, listeners: l, conns: conns}, l.Read(0, func() {})
}

// Target is the room as something to measure.
func (f *Fan) Target() stats.Target { return stats.Target{Server: f.server, Load: f.load} }

// load says one message after the other, each when the last listener has the one before, and counts deliveries.
func (f *Fan) load(d time.Duration) (int, error) {
	n := 0
	for stop := time.Now().Add(d); time.Now().Before(stop); {
		begun := time.Now()
		answered := make(chan error, 1)
		go func() { answered <- f.say() }()
		if err := f.listeners.Read(len(f.conns), func() { f.delays = append(f.delays, time.Since(begun).Seconds()*1000) }); err != nil {
			return n, err
		}
		f.last = append(f.last, time.Since(begun).Seconds()*1000)
		n += len(f.conns)
		if err := <-answered; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Table is what several rooms reached, as a Markdown table.
func Table(fans []*Fan, results []stats.Result) string {
	var b strings.Builder
	b.WriteString("| server | deliveries per CPU second, ratio to the first (IQR) | deliveries per CPU second | p50 / p99 of a delivery, ms | p50 / p99 to the last, ms | resident MB |\n|---|---|---|---|---|---|\n")
	for i, r := range results {
		slices.Sort(fans[i].delays)
		fmt.Fprintf(&b, "| %s | %.2f (%.2f–%.2f) | %.1fk | %.0f / %.0f | %.0f / %.0f | %.1f |\n", r.Name,
			stats.Quantile(r.Ratio, 0.5), stats.Quantile(r.Ratio, 0.25), stats.Quantile(r.Ratio, 0.75), stats.Quantile(r.PerCPU, 0.5)/1000,
			stats.Quantile(fans[i].delays, 0.5), stats.Quantile(fans[i].delays, 0.99),
			stats.Quantile(fans[i].last, 0.5), stats.Quantile(fans[i].last, 0.99), float64(r.RSS)/(1<<20))
	}
	return b.String()
}
