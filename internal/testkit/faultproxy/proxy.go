package faultproxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is what the proxy does to one command.
type Fault int

const (
	Pass        Fault = iota // the command and its answer pass
	LoseRequest              // the connection is closed before the server reads the command
	LoseAnswer               // the server executes the command, and the connection is closed instead of the answer
	Silence                  // the server executes the command, and no more data reaches the client, which stays connected
)

// Proxy accepts connections and connects each to its server. All methods may be called concurrently.
type Proxy struct {
	ln   net.Listener
	done chan struct{} // closed at the end of the test
	wg   sync.WaitGroup

	mu     sync.Mutex
	target string
	links  map[*link]struct{}
	cut    bool
	flow   chan struct{} // closed while data flows
	delay  time.Duration
	fault  func(command []string) Fault
}

// New returns a proxy that listens at a port of its own and ends with the test. Before [Proxy.Serve] it closes each
// connection.
func New(t testing.TB) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{ln: ln, done: make(chan struct{}), links: make(map[*link]struct{}), flow: make(chan struct{})}
	close(p.flow)
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		close(p.done)
		_ = ln.Close()
		p.CloseAll()
		p.wg.Wait()
	})
	return p
}

// Start returns a proxy in front of the server at the address target.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	p := New(t)
	p.Serve(target)
	return p
}

// Addr returns the host and port at which the proxy listens.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Serve connects later connections to the server at the address target.
func (p *Proxy) Serve(target string) { p.locked(func() { p.target = target }) }

// Cut closes all connections, and each later one at once, until Heal.
func (p *Proxy) Cut() {
	p.locked(func() { p.cut = true })
	p.CloseAll()
}

// CloseAll closes all connections. Clients may connect again.
func (p *Proxy) CloseAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// Freeze stops all data in both directions until Heal. Connections stay open, new ones are accepted, and neither side
// notices if the other one closes: they are half open.
func (p *Proxy) Freeze() {
	p.locked(func() {
		select {
		case <-p.flow:
			p.flow = make(chan struct{})
		default: // frozen already
		}
	})
}

// Delay delays each frame in both directions by d, from now on.
func (p *Proxy) Delay(d time.Duration) { p.locked(func() { p.delay = d }) }

// Heal ends Cut, Freeze and Delay. Frozen data is delivered then.
func (p *Proxy) Heal() {
	p.locked(func() {
		p.cut, p.delay = false, 0
		select {
		case <-p.flow:
		default:
			close(p.flow)
		}
	})
}

// Fault calls choose for each command of each connection, with the words of the command, and causes the fault that it
// returns. A nil choose ends that. After a connection has subscribed, the proxy cannot match its answers, so LoseAnswer
// then closes it at once and Silence begins at once.
func (p *Proxy) Fault(choose func(command []string) Fault) { p.locked(func() { p.fault = choose }) }

// Nth returns a function for [Proxy.Fault] that causes the fault for the n-th command, from 1, for which match returns
// true. All other commands pass.
func Nth(n int, fault Fault, match func(command []string) bool) func(command []string) Fault {
	var mu sync.Mutex
	return func(command []string) Fault {
		mu.Lock()
		defer mu.Unlock()
		if !match(command) {
			return Pass
		}
		if n--; n == 0 {
			return fault
		}
		return Pass
	}
}

// Links returns the number of open connections.
func (p *Proxy) Links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

func (p *Proxy) locked(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.connect(conn) })
	}
}

// connect serves one connection of a client until it ends.
func (p *Proxy) connect(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	target, cut := p.target, p.cut || p.target == ""
	p.mu.Unlock()
	if cut {
		return
	}
	server, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return
	}
	l := &link{proxy: p, client: client, server: server, closed: make(chan struct{})}
	defer l.close()
	p.mu.Lock()
	if cut = p.cut; !cut {
		p.links[l] = struct{}{}
	}
	p.mu.Unlock()
	select {
	case <-p.done:
		return
	default:
	}
	if cut {
		return
	}
	l.run()
	p.locked(func() { delete(p.links, l) })
}

// hold blocks while the data of the proxy is frozen, and then for its delay. It returns false if the link has ended.
func (p *Proxy) hold(l *link) bool {
	p.mu.Lock()
	flow, delay := p.flow, p.delay
	p.mu.Unlock()
	select {
	case <-flow:
	case <-l.closed:
		return false
	}
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.closed:
		return false
	}
}

func (p *Proxy) choose(command []string) Fault {
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	if fault == nil {
		return Pass
	}
	return fault(command)
}
