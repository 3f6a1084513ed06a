//go:build !hostile

package tcp_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/tcp"
)

// renew puts a new certificate into two files and returns a client that trusts no other.
func renew(t testing.TB, cfg tcp.Config) *tls.Config {
	t.Helper()
	cert, key, client := hostile.Certificate(t)
	for from, to := range map[string]string{cert: cfg.CertFile, key: cfg.KeyFile} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

func secure(t testing.TB) (cfg tcp.Config, client *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	cfg = tcp.Config{TLSPort: -1, CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	return cfg, renew(t, cfg)
}

// TLS says the same as plain TCP, and both are there at once, in the same rooms.
func TestTLS(t *testing.T) {
	t.Parallel()
	cfg, client := secure(t)
	g := newGate()
	f := serve(t, cfg, g.action())
	p, plain := f.dialTLS(t, client), f.dial(t)
	if v := p.Conn.(*tls.Conn).ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("the version is %s", tls.VersionName(v))
	}
	p.send("gate\r\nparamAdd a=1\nsay hi\r\n")
	p.want(`{"status":"OK","context":"response","messageCount":2}`)
	p.want(`{"context":"response","status":"OK","messageCount":3}`)
	if got := plain.line(); !strings.HasPrefix(got, `{"message":"hi","from":"`) {
		t.Errorf("the plain client gets %s", got)
	}
	<-g.begun
	close(g.open)
	p.want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.send("quit\r\n")
	p.want(`{"status":"Bye!","context":"response","messageCount":4}`)
	p.end() // which is an error unless TLS ends in order, too
}

func TestTLSAlone(t *testing.T) {
	t.Parallel()
	cfg, client := secure(t)
	cfg.Enable = new(false)
	f := serve(t, cfg)
	if f.Addr() != nil {
		t.Errorf("it listens on %v besides", f.Addr())
	}
	p := f.dialTLS(t, client)
	p.send("paramAdd a=1\r\n")
	p.want(`{"status":"OK","context":"response","messageCount":1}`)
}

// A renewed certificate is served to who comes after it, and who was there before stays.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	cfg, before := secure(t)
	f := serve(t, cfg)
	p := f.dialTLS(t, before)
	after := renew(t, cfg)
	for begun := time.Now(); ; { // the files are looked at once in a second
		nc, err := tls.Dial("tcp", f.TLSAddr().String(), after)
		if err == nil {
			welcome(t, nc).send("quit\r\n")
			break
		}
		if time.Since(begun) > patience {
			t.Fatal(err)
		}
	}
	if nc, err := tls.Dial("tcp", f.TLSAddr().String(), before); err == nil {
		_ = nc.Close()
		t.Error("the old certificate is served, too")
	}
	p.send("paramAdd a=1\r\n")
	p.want(`{"status":"OK","context":"response","messageCount":1}`)
}

// Who does not begin with TLS where it is spoken is closed, at once or in time.
func TestNoTLS(t *testing.T) {
	t.Parallel()
	cfg, _ := secure(t)
	cfg.LineTimeout = 200 * time.Millisecond
	f := serve(t, cfg)
	for name, text := range map[string]string{"plain": "randomNumber\r\n", "silent": "", "begun": "\x16\x03\x01\x02\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := net.Dial("tcp", f.TLSAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(nc, text); err != nil {
				t.Fatal(err)
			}
			if said, err := io.ReadAll(nc); errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(said), "welcome") {
				t.Errorf("the server says %q, %v", said, err)
			}
		})
	}
}
