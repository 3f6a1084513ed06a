package tcp_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// TLS has the same protocol as plain TCP. A server may have both ports, and their clients share rooms.
func TestTLS(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := startTLS(t, tcp.Config{}, g.Action())
	p, plain := s.TCPOverTLS(t), s.TCP(t)
	if v := p.Conn.(*tls.Conn).ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("the version is %s", tls.VersionName(v))
	}
	p.Send("gate\r\nparamAdd a=1\nsay hi\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":2}`)
	p.Want(`{"context":"response","status":"OK","messageCount":3}`)
	if got := plain.Next(); !strings.HasPrefix(got, `{"message":"hi","from":"`) {
		t.Errorf("the plain client gets %s", got)
	}
	<-g.Begun
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.Send("quit\r\n")
	p.Want(`{"status":"Bye!","context":"response","messageCount":4}`)
	p.WantClosed() // it also fails if TLS does not end with close_notify
}

func TestTLSOnly(t *testing.T) {
	t.Parallel()
	s := startTLS(t, tcp.Config{Enable: new(false)})
	if s.TCPAddr() != nil {
		t.Errorf("the server also listens on %v", s.TCPAddr())
	}
	p := s.TCPOverTLS(t)
	p.Send("paramAdd a=1\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
}

// New connections get a renewed certificate, and older connections stay open.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	s := startTLS(t, tcp.Config{})
	p := s.TCPOverTLS(t)
	after := testkit.RenewCertificate(t, s.Config.TCPServer.CertFile, s.Config.TCPServer.KeyFile)
	dial := func() (net.Conn, error) { return tls.Dial("tcp", s.TCPTLSAddr().String(), after) }
	testkit.Eventually(t, "the new certificate is served; its files are read once a second", func() bool {
		nc, err := dial()
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	})
	testkit.NewTCP(t, dial).Send("quit\r\n")
	if nc, err := s.DialTCPOverTLS(); err == nil {
		_ = nc.Close()
		t.Error("the old certificate is served, too")
	}
	p.Send("paramAdd a=1\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
}

// A client of the TLS port that does no TLS handshake is closed, at once or after LineTimeout.
func TestNoHandshake(t *testing.T) {
	t.Parallel()
	s := startTLS(t, tcp.Config{LineTimeout: time.Second})
	for name, text := range map[string]string{"plain text": "randomNumber\r\n", "nothing": "", "half a hello": "\x16\x03\x01\x02\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := net.Dial("tcp", s.TCPTLSAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
			if _, err := io.WriteString(nc, text); err != nil {
				t.Fatal(err)
			}
			if said, err := io.ReadAll(nc); errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(said), "welcome") {
				t.Errorf("the server says %q, %v", said, err)
			}
		})
	}
}
