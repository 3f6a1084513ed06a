package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/certs"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files is a pair of files that a certificate can be put into.
type files struct{ cert, key string }

func newFiles(t testing.TB) files {
	dir := t.TempDir()
	return files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// put writes a new certificate into the files and returns a client that trusts no other.
func (f files) put(t testing.TB) *tls.Config {
	t.Helper()
	cert, key, client := testkit.Certificate(t)
	f.copy(t, cert, f.cert)
	f.copy(t, key, f.key)
	return client
}

// written makes the time of each file that is written differ, however coarse the clock of the file system is.
var written atomic.Int64

func (f files) copy(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		at := time.Unix(1_700_000_000+written.Add(1), 0)
		err = errors.Join(os.WriteFile(to+".new", text, 0o600), os.Chtimes(to+".new", at, at), os.Rename(to+".new", to))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serves reports whether a client gets a certificate that it trusts.
func serves(server, client *tls.Config) bool {
	a, b := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Server(a, server).Handshake()
		_ = a.Close()
	}()
	// A refusal in the middle of a handshake would leave both sides writing, which a pipe does not take.
	lenient := client.Clone()
	lenient.InsecureSkipVerify = true
	conn := tls.Client(b, lenient)
	err := conn.Handshake()
	_ = b.Close()
	<-done
	if err != nil {
		return false
	}
	_, err = conn.ConnectionState().PeerCertificates[0].Verify(x509.VerifyOptions{Roots: client.RootCAs})
	return err == nil
}

func TestReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, log := newFiles(t), new(testkit.Recorder)
		first := f.put(t)
		loader, err := certs.New("httpsServer", f.cert, f.key, slog.New(log))
		if err != nil {
			t.Fatal(err)
		}
		server := loader.Config("http/1.1")
		if !serves(server, first) {
			t.Fatal("the certificate is not served")
		}
		second := f.put(t)
		if !serves(server, first) {
			t.Error("the files are looked at more than once in a second")
		}
		time.Sleep(time.Second)
		if !serves(server, second) || serves(server, first) {
			t.Error("a second later the new certificate is not served, or the old one still")
		}
		if !log.Has("the certificate was read again") {
			t.Error("the log does not say that the certificate was read again")
		}
	})
}

// While a pair is being replaced, or when what replaced it is no good, the old one stays in service.
func TestReloadOfWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, log := newFiles(t), new(testkit.Recorder)
		first := f.put(t)
		loader, err := certs.New("httpsServer", f.cert, f.key, slog.New(log))
		if err != nil {
			t.Fatal(err)
		}
		server := loader.Config()
		cert, key, second := testkit.Certificate(t)
		f.copy(t, cert, f.cert) // its key is still to come
		time.Sleep(time.Second)
		if !serves(server, first) {
			t.Error("the old certificate is not served while the new one has no key yet")
		}
		if !log.Has("the old one stays in service") {
			t.Error("the log does not say that the certificate cannot be used")
		}
		f.copy(t, key, f.key)
		time.Sleep(time.Second)
		if !serves(server, second) {
			t.Error("the new certificate is not served once its key is there")
		}
		if err := errors.Join(os.Remove(f.cert), os.Remove(f.key)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !serves(server, second) {
			t.Error("the certificate is not served when its files are gone")
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	f.put(t)
	_, err := certs.New("httpsServer", f.cert, f.key+".none", slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "httpsServer.certFile and httpsServer.keyFile cannot be used: ") || !strings.Contains(err.Error(), f.key+".none") {
		t.Errorf("a key file that is not there: %v", err)
	}
	if _, err = certs.New("tcpServer", f.cert, f.cert, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "tcpServer.certFile") {
		t.Errorf("a key file without a key: %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	client := f.put(t)
	loader, err := certs.New("httpsServer", f.cert, f.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client.MinVersion, client.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if serves(loader.Config(), client) {
		t.Error("TLS 1.1 is served")
	}
	client.MaxVersion = tls.VersionTLS12
	if !serves(loader.Config(), client) {
		t.Error("TLS 1.2 is not served")
	}
}
