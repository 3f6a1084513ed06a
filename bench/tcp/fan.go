package main

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// dialMany opens n connections from several addresses of the loopback network, because one has not ports enough. With
// welcomed it reads each one's welcome before it goes on, so that the queue of those to be accepted never overflows.
func dialMany(addr string, n int, welcomed bool) ([]*net.TCPConn, error) {
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
		if !welcomed {
			continue
		}
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			return conns, fmt.Errorf("the welcome of connection %d: %w", i, err)
		}
	}
	return conns, nil
}

func closeAll(conns []*net.TCPConn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// listeners waits for what many connections get, with one epoll: the load must not cost more than the server.
type listeners struct {
	epoll int
	fds   []int
	buf   [64 << 10]byte
}

func newListeners(conns []*net.TCPConn) (*listeners, error) {
	epoll, err := unix.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	l := &listeners{epoll: epoll}
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

// read reads until want connections have had something, and tells each. With want 0 it reads what comes within a moment.
func (l *listeners) read(want int, each func()) error {
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

// fan is one room with many listeners and one that speaks.
type fan struct {
	server    *proc.Server
	speaker   net.Conn
	in        *bufio.Reader
	listeners *listeners
	conns     []*net.TCPConn
	delays    []float64 // milliseconds from the saying to each delivery
	last      []float64 // to the last one
}

func newFan(s *proc.Server, n int) (*fan, error) {
	conns, err := dialMany(s.Addr, n, false)
	if err != nil {
		return nil, err
	}
	l, err := newListeners(conns)
	if err != nil {
		return nil, err
	}
	speaker, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	return &fan{server: s, speaker: speaker, in: bufio.NewReader(speaker), listeners: l, conns: conns}, l.read(0, func() {})
}

// said is 110 bytes, so that a message is about 200.
var said = strings.Repeat("hello, ", 15) + "world"

// load says one message after the other, each when the last listener has the one before, and counts deliveries.
func (f *fan) load(d time.Duration) (int, error) {
	n := 0
	for stop := time.Now().Add(d); time.Now().Before(stop); {
		begun := time.Now()
		if _, err := fmt.Fprintf(f.speaker, "say %s\r\n", said); err != nil {
			return n, err
		}
		if err := f.listeners.read(len(f.conns), func() { f.delays = append(f.delays, time.Since(begun).Seconds()*1000) }); err != nil {
			return n, err
		}
		f.last = append(f.last, time.Since(begun).Seconds()*1000)
		n += len(f.conns)
		for { // its own answer
			text, err := f.in.ReadString('\n')
			if err != nil {
				return n, err
			}
			if strings.Contains(text, `"status":"OK"`) {
				break
			}
		}
	}
	return n, nil
}

func fanTable(fans []*fan, results []stats.Result) string {
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
