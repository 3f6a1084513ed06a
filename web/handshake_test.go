package web

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// A fault in a TLS handshake ends the connection, not the process.
func TestAFaultInAHandshakeEndsOneConnection(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	server, client := net.Pipe()
	h := &handshakes{
		config: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("as planned") }},
		log:    slog.New(slog.NewTextHandler(&log, nil)), reaper: newReaper(time.Minute, time.Minute),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.serve(&progressConn{Conn: server, timeout: time.Minute})
	}()
	if err := tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("the handshake succeeds")
	}
	<-done
	if len(h.conns) != 0 || !strings.Contains(log.String(), "as planned") {
		t.Errorf("%d handshakes run; the log: %s", len(h.conns), log.String())
	}
}
