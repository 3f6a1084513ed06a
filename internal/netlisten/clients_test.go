package netlisten_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// accepts reports whether the server accepts the client's certificate, and whether the client has resumed its session.
func accepts(server, client *tls.Config) (ok, resumed bool) {
	a, b := net.Pipe()
	result := make(chan error, 1)
	go func() {
		conn := tls.Server(a, server)
		_, err := conn.Write([]byte("x"))
		if state := conn.ConnectionState(); err == nil && len(state.VerifiedChains) == 0 {
			err = errors.New("no certificate")
		}
		result <- err
		_ = a.Close()
	}()
	conn := tls.Client(b, client)
	_, _ = conn.Read(make([]byte, 1)) // the handshake, and after it a ticket
	resumed = conn.ConnectionState().DidResume
	_ = b.Close()
	return <-result == nil, resumed
}

// A changed file of authorities counts for new connections within a second, also for a client with a session of before.
// A file that cannot be used changes nothing.
func TestTheAuthoritiesOfClientsAreReloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, log := newCertFiles(t), new(testkit.Recorder)
		f.replace(t)
		loader, err := netlisten.LoadCertificate("httpsServer", f.cert, f.key, slog.New(log))
		if err != nil {
			t.Fatal(err)
		}
		clients := [2]*tls.Config{}
		var authorities [2]string
		for i := range clients {
			cert, key, _ := testkit.Certificate(t)
			pair, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			authorities[i] = cert // it signs itself
			clients[i] = &tls.Config{
				InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1),
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
			}
		}
		ca := certFiles{cert: filepath.Join(t.TempDir(), "ca.pem")}
		ca.copy(t, authorities[0], ca.cert)
		cfg := loader.Config("http/1.1")
		if err := netlisten.VerifyClients(cfg, "httpsServer", ca.cert, true, slog.New(log)); err != nil {
			t.Fatal(err)
		}
		want := func(when string, first, second bool) {
			t.Helper()
			for i, want := range []bool{first, second} {
				if got, _ := accepts(cfg, clients[i]); got != want {
					t.Errorf("%s, the client of authority %d is accepted: %t", when, i, got)
				}
			}
		}
		want("at first", true, false)
		if _, resumed := accepts(cfg, clients[0]); !resumed {
			t.Error("the client has resumed no session: the test shows nothing about them")
		}
		ca.copy(t, authorities[1], ca.cert)
		time.Sleep(time.Second)
		want("after a change", false, true)
		ca.copy(t, f.key, ca.cert)
		time.Sleep(time.Second)
		want("after a change that cannot be used", false, true)
		if !log.Has("the authorities of client certificates were reloaded") || !log.Has("the old ones stay in use") {
			t.Errorf("the log has %v", log.Entries())
		}
	})
}

func TestWrongAuthoritiesOfClientsAreRefused(t *testing.T) {
	t.Parallel()
	_, key, _ := testkit.Certificate(t)
	for want, c := range map[string]struct {
		file     string
		required bool
	}{
		"tcpServer.clientCert is required, but tcpServer.clientCAFile is not set": {"", true},
		"tcpServer.clientCAFile cannot be used: open ":                            {"none.pem", false},
		"tcpServer.clientCAFile cannot be used: it has no certificate in PEM":     {key, true},
	} {
		err := netlisten.VerifyClients(&tls.Config{}, "tcpServer", c.file, c.required, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	cfg := &tls.Config{}
	if err := netlisten.VerifyClients(cfg, "tcpServer", "", false, nil); err != nil || cfg.ClientAuth != tls.NoClientCert {
		t.Errorf("without a file: %v, %v", cfg.ClientAuth, err)
	}
}
