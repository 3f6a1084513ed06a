// Package fan measures the fan-out of a server: the delivery of one message to many connections. It opens the connections,
// waits for their messages with one epoll, and sends one message after the other to their room.
//
// Begin with [New] and [Fan].
package fan

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// Dial opens n connections from 32 addresses of the loopback network, because one address does not have enough ports, and a
// server limits the connections of an address. It
// calls greet for each connection before it opens the next one, so that the accept queue of the server does not overflow
// and no handshake times out.
func Dial(addr string, n int, greet func(net.Conn) error) ([]*net.TCPConn, error) {
	remote, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	conns := make([]*net.TCPConn, 0, n)
	for i := range n {
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%32))}
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

// CloseAll closes the connections.
func CloseAll(conns []*net.TCPConn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// Listeners waits for data on many connections with one epoll, because the load must not cost more than the server.
type Listeners struct {
	epoll int
	fds   []int
	buf   [64 << 10]byte
}

// Listen returns the Listeners of the connections.
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

var errEnded = errors.New("the server has closed a connection")

// Read reads until data has arrived on want connections, and calls each for each of them. If want is 0, it reads until no
// data arrives for 300 ms.
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
			return fmt.Errorf("%d of %d connections received nothing", want-got, want)
		}
		for _, e := range events[:n] {
			switch n, err := unix.Read(int(e.Fd), l.buf[:]); {
			case err != nil && err != unix.EAGAIN:
				return err
			case err == nil && n == 0:
				return errEnded
			}
			each()
			got++
		}
	}
	return nil
}

// Answer writes answer to a connection each time data arrives on it, for the duration d. If answer is nil, it only reads.
func (l *Listeners) Answer(d time.Duration, answer []byte) error {
	events := make([]unix.EpollEvent, 1024)
	for stop := time.Now().Add(d); time.Now().Before(stop); {
		n, err := unix.EpollWait(l.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if n, err := unix.Read(int(e.Fd), l.buf[:]); n <= 0 {
				return errors.Join(errEnded, err)
			}
			if answer == nil {
				continue
			}
			if _, err := unix.Write(int(e.Fd), answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// IdleKiB opens n connections, and returns how much more memory the server has for each of them when they have been idle for
// the duration settle. It answers what arrives meanwhile, see [Listeners.Answer].
func IdleKiB(s *proc.Server, n int, greet func(net.Conn) error, settle time.Duration, answer []byte) (kib float64, err error) {
	before, err := s.RSS()
	if err != nil {
		return 0, err
	}
	conns, err := Dial(s.Addr, n, greet)
	defer CloseAll(conns)
	if err != nil {
		return 0, err
	}
	l, err := Listen(conns)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(l.Read(0, func() {}), l.Answer(settle, answer)); err != nil {
		return 0, err
	}
	after, err := s.RSS()
	return float64(after-before) / float64(n) / 1024, err
}

// Fan is one room with many listeners and one speaker.
type Fan struct {
	server    *proc.Server
	say       func() error // sends one message; returns when the server has answered
	listeners *Listeners
	conns     []*net.TCPConn
	delays    []float64 // milliseconds from the send to each delivery
	last      []float64 // milliseconds from the send to the last delivery
}

// New returns a Fan of connections that are members of the room. say sends one message to the room and waits for the answer.
func New(s *proc.Server, conns []*net.TCPConn, say func() error) (*Fan, error) {
	l, err := Listen(conns)
	if err != nil {
		return nil, err
	}
	return &Fan{server: s, say: say, listeners: l, conns: conns}, l.Read(0, func() {})
}

// Target returns the room as a target of a measurement.
func (f *Fan) Target() stats.Target { return stats.Target{Server: f.server, Load: f.load} }

// load sends one message after the other, each when the last listener has received the one before. It returns the number of
// deliveries.
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

// Table returns the results of the rooms as a Markdown table.
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
