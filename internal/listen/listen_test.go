package listen_test

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

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB) net.Listener {
	t.Helper()
	ln, err := listen.TCP(t.Context(), "tcpServer", "port", "127.0.0.1", listen.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func TestTCP(t *testing.T) {
	t.Parallel()
	ln := open(t)
	if listen.Port(ln) == 0 {
		t.Error("any port is no port")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		listen.Accept(ln, slog.New(slog.DiscardHandler), "test", func(nc net.Conn) {
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

// Each reason for which a port cannot be had is one sentence that names the setting.
func TestTCPSaysWhy(t *testing.T) {
	t.Parallel()
	taken := listen.Port(open(t))
	for _, test := range []struct {
		bindIP string
		port   int
		want   string
	}{
		{"127.0.0.1", taken, fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpServer.port", taken)},
		{"", 65536, "httpServer.port is 65536: a port is a number from 1 to 65535, or -1 for any that is free"},
		{"", -2, "httpServer.port is -2: a port is a number from 1 to 65535, or -1 for any that is free"},
		{"localhost", 1, `httpServer.bindIP is "localhost": write an IP address of this machine, or leave it empty for all of them`},
		{"192.0.2.1", listen.AnyPort, "httpServer.bindIP 192.0.2.1 is not an address of this machine"},
	} {
		ln, err := listen.TCP(t.Context(), "httpServer", "port", test.bindIP, test.port)
		if err == nil {
			_ = ln.Close()
			t.Errorf("%s port %d can be listened on", test.bindIP, test.port)
		} else if err.Error() != test.want {
			t.Errorf("%s port %d:\ngot  %s\nwant %s", test.bindIP, test.port, err, test.want)
		}
	}
}

// tired is a listener that fails some times and is then closed.
type tired struct {
	net.Listener
	failures int
}

func (l *tired) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, syscall.EMFILE
	}
	return nil, net.ErrClosed
}

// A system that is short of files is asked again, with pauses, and the log says so each time.
func TestAcceptGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		began := time.Now()
		listen.Accept(&tired{failures: 10}, slog.New(slog.NewTextHandler(&log, nil)), "TCP", func(net.Conn) { t.Error("there is no connection") })
		// 5, 10, 20, … 640 ms, and then a second each time.
		if took := time.Since(began); took != 1275*time.Millisecond+2*time.Second {
			t.Errorf("the pauses took %v", took)
		}
		if n := strings.Count(log.String(), "a TCP connection could not be accepted"); n != 10 {
			t.Errorf("the log says it %d times:\n%s", n, &log)
		}
	})
}

func TestListenerThatIsClosed(t *testing.T) {
	t.Parallel()
	ln := open(t)
	_ = ln.Close()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
