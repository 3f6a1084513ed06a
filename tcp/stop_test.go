//go:build !hostile

package tcp_test

import (
	"io"
	"testing"

	"github.com/actionhero-go/actionhero/tcp"
)

// A stop lets the requests in flight finish, reads no more, and says goodbye to everybody, over TLS as well.
func TestStop(t *testing.T) {
	t.Parallel()
	cfg, client := secure(t)
	g := newGate()
	f := serve(t, cfg, g.action())
	peers := []*peer{f.dial(t), f.dialTLS(t, client)}
	for _, p := range peers {
		p.send("gate\r\nunfin")
		<-g.begun
	}
	silent := f.dial(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.stop(t)
	}()
	silent.want(goodbye + `0}`)
	silent.end()
	_ = silent.Close()
	for _, p := range peers {
		if _, err := io.WriteString(p, "ished\r\ngate\r\n"); err != nil {
			t.Error(err)
		}
	}
	if f.Addr() != nil || f.TLSAddr() != nil {
		t.Errorf("it still listens on %v and %v", f.Addr(), f.TLSAddr())
	}
	close(g.open)
	for _, p := range peers {
		p.want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
		p.want(goodbye + `1}`)
		p.end()
		_ = p.Close()
	}
	<-stopped
	if n := len(g.begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := f.dialTLS(t, client)
	p.send("paramAdd a=1\r\n")
	p.want(`{"status":"OK","context":"response","messageCount":1}`)
}

// What was read before the stop but had not begun is not begun any more.
func TestStopBeginsNothing(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := serve(t, tcp.Config{MaxInFlight: 1}, g.action())
	p := f.dial(t)
	p.send("gate\r\ngate\r\ngate\r\n")
	<-g.begun
	silent := f.dial(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.stop(t)
	}()
	silent.want(goodbye + `0}`)
	_ = silent.Close()
	if f.Addr() != nil { // which also waits until all connections know of the stop
		t.Errorf("it still listens on %v", f.Addr())
	}
	close(g.open)
	p.want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.want(goodbye + `1}`)
	p.end()
	_ = p.Close()
	<-stopped
	if n := len(g.begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
}
