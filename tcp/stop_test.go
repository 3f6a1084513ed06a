package tcp_test

import (
	"io"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// Stop waits for the requests in flight, reads no more, and sends a goodbye to each client, also over TLS.
func TestStop(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := startTLS(t, tcp.Config{}, g.Action())
	busy := []*testkit.TCPClient{s.TCP(t), s.TCPOverTLS(t)}
	for _, p := range busy {
		p.Send("gate\r\nunfin")
		<-g.Begun
	}
	idle := s.TCP(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	idle.Want(goodbye + `0}`)
	idle.WantClosed()
	_ = idle.Close()
	for _, p := range busy {
		if _, err := io.WriteString(p, "ished\r\ngate\r\n"); err != nil {
			t.Error(err)
		}
	}
	if s.TCPAddr() != nil || s.TCPTLSAddr() != nil {
		t.Errorf("the server still listens on %v and %v", s.TCPAddr(), s.TCPTLSAddr())
	}
	g.Open()
	for _, p := range busy {
		p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
		p.Want(goodbye + `1}`)
		p.WantClosed()
		_ = p.Close()
	}
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests started during the stop", n)
	}
	if err := s.API.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := s.TCPOverTLS(t)
	p.Send("paramAdd a=1\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
}

// Stop drops the requests that have been read but have not started.
func TestStopDropsQueuedRequests(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{MaxInFlight: 1}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\ngate\r\ngate\r\n")
	<-g.Begun
	idle := s.TCP(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	idle.Want(goodbye + `0}`)
	_ = idle.Close()
	if s.TCPAddr() != nil { // TCPAddr needs the lock that Stop holds until it has stopped all sessions
		t.Errorf("the server still listens on %v", s.TCPAddr())
	}
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.Want(goodbye + `1}`)
	p.WantClosed()
	_ = p.Close()
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests started during the stop", n)
	}
}
