package netlisten_test

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

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// certFiles are the paths of a certificate and its key.
type certFiles struct{ cert, key string }

func newCertFiles(t testing.TB) certFiles {
	dir := t.TempDir()
	return certFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// replace writes a new certificate to the files and returns a client configuration that trusts only that one.
func (f certFiles) replace(t testing.TB) *tls.Config {
	t.Helper()
	cert, key, client := testkit.Certificate(t)
	f.copy(t, cert, f.cert)
	f.copy(t, key, f.key)
	return client
}

// writeCount gives each written file another modification time, however coarse the clock of the file system is.
var writeCount atomic.Int64

func (f certFiles) copy(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		at := time.Unix(1_700_000_000+writeCount.Add(1), 0)
		err = errors.Join(os.WriteFile(to+".new", text, 0o600), os.Chtimes(to+".new", at, at), os.Rename(to+".new", to))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serves reports whether the server presents a certificate that the client trusts.
func serves(server, client *tls.Config) bool {
	a, b := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Server(a, server).Handshake()
		_ = a.Close()
	}()
	// The client verifies after the handshake. If it refused the certificate during the handshake, both sides would write
	// at once, and a net.Pipe would block them for ever.
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
		f, log := newCertFiles(t), new(testkit.Recorder)
		first := f.replace(t)
		loader, err := netlisten.LoadCertificate("httpsServer", f.cert, f.key, slog.New(log))
		if err != nil {
			t.Fatal(err)
		}
		server := loader.Config("http/1.1")
		if !serves(server, first) {
			t.Fatal("the certificate is not served")
		}
		second := f.replace(t)
		if !serves(server, first) {
			t.Error("the files are checked more than once a second")
		}
		time.Sleep(time.Second)
		if !serves(server, second) || serves(server, first) {
			t.Error("1 s later the new certificate is not served, or the old one still is")
		}
		if !log.Has("the certificate was reloaded") {
			t.Error("the log has no line about the reload")
		}
	})
}

// If a changed pair cannot be used, or only one of its files is written yet, the old certificate stays in use.
func TestFailedReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, log := newCertFiles(t), new(testkit.Recorder)
		first := f.replace(t)
		loader, err := netlisten.LoadCertificate("httpsServer", f.cert, f.key, slog.New(log))
		if err != nil {
			t.Fatal(err)
		}
		server := loader.Config()
		cert, key, second := testkit.Certificate(t)
		f.copy(t, cert, f.cert) // the key file still has the old key
		time.Sleep(time.Second)
		if !serves(server, first) {
			t.Error("the old certificate is not served while the new key is missing")
		}
		if !log.Has("the old one stays in use") {
			t.Error("the log has no warning about the certificate")
		}
		f.copy(t, key, f.key)
		time.Sleep(time.Second)
		if !serves(server, second) {
			t.Error("the new certificate is not served with its key in place")
		}
		if err := errors.Join(os.Remove(f.cert), os.Remove(f.key)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !serves(server, second) {
			t.Error("the certificate is not served after its files were removed")
		}
	})
}

func TestLoadCertificateErrors(t *testing.T) {
	t.Parallel()
	f := newCertFiles(t)
	f.replace(t)
	_, err := netlisten.LoadCertificate("httpsServer", f.cert, f.key+".none", slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "httpsServer.certFile and httpsServer.keyFile cannot be used: ") || !strings.Contains(err.Error(), f.key+".none") {
		t.Errorf("a missing key file: %v", err)
	}
	if _, err = netlisten.LoadCertificate("tcpServer", f.cert, f.cert, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), "tcpServer.certFile") {
		t.Errorf("a key file without a key: %v", err)
	}
}

func TestTLSVersions(t *testing.T) {
	t.Parallel()
	f := newCertFiles(t)
	client := f.replace(t)
	loader, err := netlisten.LoadCertificate("httpsServer", f.cert, f.key, slog.New(slog.DiscardHandler))
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

// A certificate that has expired still works for clients that do not check it, and one warning names its setting.
func TestExpiredCertificateIsReported(t *testing.T) {
	t.Parallel()
	cert, key, _ := testkit.Certificate(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 365 * 24 * time.Hour)
		log := new(testkit.Recorder)
		if _, err := netlisten.LoadCertificate("httpsServer", cert, key, slog.New(log)); err != nil {
			t.Fatal(err)
		}
		if lines := log.With("setting", "httpsServer.certFile"); len(lines) != 1 || lines[0].Level != slog.LevelWarn {
			t.Errorf("the log has %v", log.Entries())
		}
	})
	_, err := netlisten.LoadCertificate("httpsServer", "", key, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "set httpsServer.certFile and httpsServer.keyFile") {
		t.Errorf("without a certificate the error is %v", err)
	}
}

// A byte order mark at the beginning of a PEM file is ignored.
func TestCertificateWithByteOrderMark(t *testing.T) {
	t.Parallel()
	files := newCertFiles(t)
	client := files.replace(t)
	for _, name := range []string{files.cert, files.key} {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, append([]byte("\uFEFF"), text...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cert, err := netlisten.LoadCertificate("tcpServer", files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if !serves(cert.Config(), client) {
		t.Error("the certificate is not served")
	}
}
