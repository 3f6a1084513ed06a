package netlisten_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/netlisten"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

func open(t testing.TB) net.Listener {
	t.Helper()
	ln, err := netlisten.TCP(t.Context(), "tcpServer", "port", "127.0.0.1", netlisten.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func TestTCP(t *testing.T) {
	t.Parallel()
	ln := open(t)
	if netlisten.Port(ln) == 0 {
		t.Error("AnyPort gives port 0")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		netlisten.Accept(ln, slog.New(slog.DiscardHandler), "test", func(nc net.Conn) {
			_, _ = nc.Write([]byte("hi"))
			_ = nc.Close()
		})
	}()
	for range 3 {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2)
		if _, err := nc.Read(got); err != nil || string(got) != "hi" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = nc.Close()
	}
	_ = ln.Close()
	<-done
}

// Each error is one sentence that names the setting.
func TestTCPErrors(t *testing.T) {
	t.Parallel()
	taken := netlisten.Port(open(t))
	for _, test := range []struct {
		bindIP string
		port   int
		want   string
	}{
		{"127.0.0.1", taken, fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpServer.port", taken)},
		{"localhost", 1, `httpServer.bindIP is "localhost": write an IP address of this machine, or leave it empty for all of them`},
		{"192.0.2.1", netlisten.AnyPort, "httpServer.bindIP 192.0.2.1 is not an address of this machine"},
	} {
		ln, err := netlisten.TCP(t.Context(), "httpServer", "port", test.bindIP, test.port)
		if err == nil {
			_ = ln.Close()
			t.Errorf("%s port %d: no error", test.bindIP, test.port)
		} else if err.Error() != test.want {
			t.Errorf("%s port %d:\ngot  %s\nwant %s", test.bindIP, test.port, err, test.want)
		}
	}
}

// failingListener fails a number of times and is then closed.
type failingListener struct {
	net.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, syscall.EMFILE
	}
	return nil, net.ErrClosed
}

// Accept retries after errors, with growing pauses, and logs each error.
func TestAcceptRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		began := time.Now()
		netlisten.Accept(&failingListener{failures: 10}, slog.New(slog.NewTextHandler(&log, nil)), "TCP", func(net.Conn) { t.Error("open is called without a connection") })
		// 5, 10, 20, … 640 ms, then 1 s each time
		if took := time.Since(began); took != 1275*time.Millisecond+2*time.Second {
			t.Errorf("the pauses took %v", took)
		}
		if n := strings.Count(log.String(), "a TCP connection could not be accepted"); n != 10 {
			t.Errorf("the log has %d warnings, want 10:\n%s", n, &log)
		}
	})
}

func TestClosedListener(t *testing.T) {
	t.Parallel()
	ln := open(t)
	_ = ln.Close()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
