package tcp_test

import (
	"io"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// A stop lets the requests in flight finish, reads no more, and sends a goodbye to every client, over TLS too.
func TestStop(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := startTLS(t, tcp.Config{}, g.Action())
	peers := []*testkit.TCPClient{s.TCP(t), s.TCPOverTLS(t)}
	for _, p := range peers {
		p.Send("gate\r\nunfin")
		<-g.Begun
	}
	silent := s.TCP(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	silent.Want(goodbye + `0}`)
	silent.WantClosed()
	_ = silent.Close()
	for _, p := range peers {
		if _, err := io.WriteString(p, "ished\r\ngate\r\n"); err != nil {
			t.Error(err)
		}
	}
	if s.TCPAddr() != nil || s.TCPTLSAddr() != nil {
		t.Errorf("it still listens on %v and %v", s.TCPAddr(), s.TCPTLSAddr())
	}
	g.Open()
	for _, p := range peers {
		p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
		p.Want(goodbye + `1}`)
		p.WantClosed()
		_ = p.Close()
	}
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
	if err := s.API.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := s.TCPOverTLS(t)
	p.Send("paramAdd a=1\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
}

// Requests that were read before the stop but had not begun do not begin.
func TestStopBeginsNothing(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{MaxInFlight: 1}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\ngate\r\ngate\r\n")
	<-g.Begun
	silent := s.TCP(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	silent.Want(goodbye + `0}`)
	_ = silent.Close()
	if s.TCPAddr() != nil { // which also waits until all connections know of the stop
		t.Errorf("it still listens on %v", s.TCPAddr())
	}
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.Want(goodbye + `1}`)
	p.WantClosed()
	_ = p.Close()
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
}
