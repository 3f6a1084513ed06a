package netlisten_test

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// limited accepts connections with the given limits and returns a function that dials: it returns the connection, or
// nil and the text that a refused client reads.
func limited(t *testing.T, cfg netlisten.LimitConfig) (dial func() (net.Conn, string), log *strings.Builder) {
	t.Helper()
	log = new(strings.Builder)
	cfg.Section, cfg.Log = "tcpServer", slog.New(slog.NewTextHandler(log, nil))
	ln := netlisten.NewLimits(cfg).Listener(open(t))
	var accepted sync.WaitGroup
	accepted.Go(func() {
		netlisten.Accept(ln, slog.New(slog.DiscardHandler), "test", func(nc net.Conn) {
			if _, ok := nc.(syscall.Conn); !ok {
				t.Error("an accepted connection is no socket any more")
			}
			_, _ = nc.Write([]byte("+"))
			accepted.Go(func() {
				_, _ = io.Copy(io.Discard, nc)
				_ = nc.Close()
				_ = nc.Close() // counts once
			})
		})
	})
	t.Cleanup(func() {
		_ = ln.Close()
		accepted.Wait()
	})
	return func() (net.Conn, string) {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
		var first [1]byte
		if n, _ := nc.Read(first[:]); n == 1 && first[0] == '+' {
			return nc, ""
		}
		rest, _ := io.ReadAll(nc)
		return nil, string(first[:]) + string(rest)
	}, log
}

// A client beyond a limit reads the refusal and is closed. When a connection closes, the next one is accepted. The log
// has one warning that names the setting.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	for setting, cfg := range map[string]netlisten.LimitConfig{
		"maxConnections":           {Max: 3, PerAddress: 100},
		"maxConnectionsPerAddress": {Max: 100, PerAddress: 3},
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			cfg.Refusal = []byte("too many\n")
			dial, log := limited(t, cfg)
			var first net.Conn
			for i := range 3 {
				nc, text := dial()
				if nc == nil {
					t.Fatalf("connection %d is refused: %q", i, text)
				}
				first = nc
			}
			for range 5 {
				if nc, text := dial(); nc != nil || text != "too many\n" {
					t.Fatalf("a connection beyond the limit reads %q", text)
				}
			}
			if n := strings.Count(log.String(), "tcpServer."+setting+" is reached"); n != 1 {
				t.Errorf("the log has %d warnings:\n%s", n, log)
			}
			_ = first.Close()
			for end := time.Now().Add(10 * time.Second); ; {
				if nc, _ := dial(); nc != nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal("a closed connection still counts")
				}
			}
		})
	}
}

// The limit by address does not apply to a proxy, whose clients all have its address. The limit of all connections does.
func TestProxiesHaveNoLimitByAddress(t *testing.T) {
	t.Parallel()
	dial, _ := limited(t, netlisten.LimitConfig{Max: 5, PerAddress: 2, Trusted: netip.Addr.IsLoopback})
	for i := range 5 {
		if nc, text := dial(); nc == nil {
			t.Fatalf("connection %d of the proxy is refused: %q", i, text)
		}
	}
	if nc, _ := dial(); nc != nil {
		t.Error("a proxy may have more than maxConnections")
	}
}
