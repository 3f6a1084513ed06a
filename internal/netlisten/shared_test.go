package netlisten

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// sharedPort returns the Shared of a process and its listener of a real port. It is not the one of this process.
func sharedPort(t *testing.T) (*Shared, net.Listener) {
	t.Helper()
	s := newShared(func(ctx context.Context, _, network, address string) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, network, address)
	})
	ln, err := s.listen(t.Context(), "web.port", "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return s, ln
}

// Before Serve, connections wait in the kernel. After it, they are accepted.
func TestSharedListenersAcceptAfterServe(t *testing.T) {
	t.Parallel()
	s, ln := sharedPort(t)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted := make(chan net.Conn)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- nc
	}()
	select {
	case <-accepted:
		t.Fatal("a connection is accepted before Serve")
	case <-time.After(20 * time.Millisecond):
	}
	s.Serve()
	nc := <-accepted
	_ = nc.Close()
}

// Leave returns when the server has taken its last connection. Accept then blocks until the listener is closed.
func TestLeaveWaitsForTheLastAcceptedConnection(t *testing.T) {
	t.Parallel()
	s, ln := sharedPort(t)
	s.Serve()
	taking, take := make(chan struct{}), make(chan struct{})
	var taken bool // written before the next Accept, which Leave waits for
	var server sync.WaitGroup
	server.Go(func() {
		nc, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		close(taking)
		<-take
		taken = true
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after the end: %v", err)
		}
	})
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	<-taking
	time.AfterFunc(10*time.Millisecond, func() { close(take) })
	s.Leave()
	if !taken {
		t.Error("Leave returns while the server takes a connection")
	}
	if !s.hasLeft() {
		t.Error("it has not left")
	}
	_ = ln.Close()
	server.Wait()
	if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close: %v", err)
	}
}

// A listener that nothing accepts from does not delay Leave for long, and a closed one ends Accept before Serve.
func TestLeaveDoesNotWaitForAnIdleListener(t *testing.T) {
	t.Parallel()
	s, ln := sharedPort(t)
	s.Leave() // returns after settleTime
	late, err := s.listen(t.Context(), "other.port", "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []net.Listener{ln, late} {
		if nc, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
			_ = nc.Close()
			t.Error("a listener of a process that has left accepts")
		}
		_ = l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
	}
}
