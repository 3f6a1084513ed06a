package netlisten

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// OpenFunc opens a listening socket that several processes share. name identifies the socket, for example
// "httpServer.port": all processes that open the same name at the same address have the same socket.
type OpenFunc func(ctx context.Context, name, network, address string) (net.Listener, error)

// Shared are the listeners of a process that shares its ports with other processes. It exists once in a process,
// because a process has one supervisor.
//
// A process accepts nothing before [Shared.Serve] and nothing after [Shared.Leave]. Meanwhile the other processes accept
// the connections that wait at the same socket, so that none is refused while one process takes the place of another.
type Shared struct {
	open    OpenFunc
	serving chan struct{} // closed by Serve
	once    sync.Once

	succeeds  atomic.Bool
	mu        sync.Mutex
	left      bool
	listeners map[*sharedListener]struct{}
}

var shared atomic.Pointer[Shared]

// Share makes [TCP] and [Listen] of this process open their sockets with open.
func Share(open OpenFunc) *Shared {
	s := newShared(open)
	shared.Store(s)
	return s
}

func newShared(open OpenFunc) *Shared {
	return &Shared{open: open, serving: make(chan struct{}), listeners: map[*sharedListener]struct{}{}}
}

// Left reports whether another process has taken the place of this one: the address is served, but not from here.
func Left() bool {
	s := shared.Load()
	return s != nil && s.hasLeft()
}

// Succeed records that this process takes the place of another one.
func (s *Shared) Succeed() { s.succeeds.Store(true) }

// Succeeds reports whether this process takes the place of another one: a person has read its warnings already.
func Succeeds() bool {
	s := shared.Load()
	return s != nil && s.succeeds.Load()
}

func (s *Shared) hasLeft() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// Serve lets the listeners of this process accept connections.
func (s *Shared) Serve() { s.once.Do(func() { close(s.serving) }) }

// settleTime bounds the time for which Leave waits for a listener whose server does not accept.
const settleTime = time.Second

// Leave ends the accepting of all listeners of this process. Their Accept methods block until the listeners are closed,
// so that the servers of the listeners go on with the connections that they have. When Leave returns, the servers have
// taken each accepted connection: a server calls Accept again when it has taken the last one.
func (s *Shared) Leave() {
	s.mu.Lock()
	s.left = true
	list := slices.Collect(maps.Keys(s.listeners))
	s.mu.Unlock()
	limit := time.NewTimer(settleTime)
	defer limit.Stop()
	for _, ln := range list {
		_ = ln.Listener.Close()
	}
	for _, ln := range list {
		select {
		case <-ln.settled:
		case <-ln.closed:
		case <-limit.C:
			return
		}
	}
}

// Listen opens the shared socket name, if this process shares its sockets. Otherwise ok is false.
func Listen(ctx context.Context, name, network, address string) (ln net.Listener, ok bool, err error) {
	s := shared.Load()
	if s == nil {
		return nil, false, nil
	}
	ln, err = s.listen(ctx, name, network, address)
	return ln, true, err
}

func (s *Shared) listen(ctx context.Context, name, network, address string) (net.Listener, error) {
	ln, err := s.open(ctx, name, network, address)
	if err != nil {
		return nil, err
	}
	l := &sharedListener{Listener: ln, shared: s, settled: make(chan struct{}), closed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = struct{}{}
	if s.left {
		_ = ln.Close()
	}
	return l, nil
}

// sharedListener is a listener of a socket that other processes have too.
type sharedListener struct {
	net.Listener
	shared  *Shared
	settle  sync.Once
	settled chan struct{} // closed when Accept has found that this process has left
	once    sync.Once
	closed  chan struct{}
}

// Accept implements net.Listener.
func (l *sharedListener) Accept() (net.Conn, error) {
	select {
	case <-l.shared.serving:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	nc, err := l.Listener.Accept()
	if errors.Is(err, net.ErrClosed) {
		l.settle.Do(func() { close(l.settled) })
		<-l.closed
	}
	return nc, err
}

// Close implements net.Listener. The socket stays open in the other processes.
func (l *sharedListener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.closed)
		l.shared.mu.Lock()
		defer l.shared.mu.Unlock()
		delete(l.shared.listeners, l)
		if err = nil; !l.shared.left {
			err = l.Listener.Close()
		}
	})
	return err
}
