package tcp_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// At most MaxInFlight requests of a connection run. Meanwhile the connection is not read, and in the end all are answered.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	for setting, limit := range map[int]int{0: 100, 3: 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			g := testkit.NewGate()
			s := start(t, tcp.Config{MaxInFlight: setting}, g.Action())
			p := s.TCP(t)
			const waiting = 50 // are read with the others, and wait
			p.Send(strings.Repeat("gate\r\n", limit+waiting))
			for range limit {
				<-g.Begun
			}
			// Each of these is long, so that a server that reads no further has the buffers of the system fill up.
			line := []byte("gate" + strings.Repeat(" ", 32<<10) + "\r\n")
			sent, rest := fill(t, p, line, 64<<20)
			if len(g.Begun) > 0 {
				t.Errorf("%d requests are at work besides the %d", len(g.Begun), limit)
			}
			g.Open()
			go func() { _, _ = p.Write(append(rest, "quit\r\n"...)) }()
			seen, all := map[int]bool{}, limit+waiting+sent
			for range all {
				a := answer(t, p)
				if seen[a.Count] || a.Count > all || a.Error != false {
					t.Fatalf("an answer is %+v", a)
				}
				seen[a.Count] = true
			}
			p.Want(fmt.Sprintf(`{"status":"Bye!","context":"response","messageCount":%d}`, all+1))
		})
	}
}

// fill writes lines until the connection takes no more. It returns how many lines it began, and the rest of the last one.
func fill(t *testing.T, p *testkit.TCPClient, line []byte, most int) (lines int, rest []byte) {
	t.Helper()
	for written := 0; written < most; {
		_ = p.SetWriteDeadline(time.Now().Add(250 * time.Millisecond))
		n, err := p.Write(line)
		written += n
		lines++
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = p.SetWriteDeadline(time.Now().Add(testkit.Wait))
			return lines, bytes.Clone(line[n:])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the server read %d bytes more", most)
	return 0, nil
}

// A line that was begun must end in time, and a client that keeps adding to it gains nothing.
func TestLineTimeout(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	s := start(t, tcp.Config{LineTimeout: limit})
	for name, drip := range map[string]string{"left": "", "dripped": "a"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send("paramAdd a=1\r\n")
			p.Want(`{"status":"OK","context":"response","messageCount":1}`)
			p.Send("random")
			for begun := time.Now(); p.Quiet(10 * time.Millisecond); {
				if time.Since(begun) > testkit.Wait {
					t.Fatal("the line may go on for ever")
				}
				if _, err := p.Write([]byte(drip)); err != nil {
					break
				}
			}
			p.Want(`{"context":"response","error":"a line must end within 200ms","messageCount":1}`)
			if len(s.Log.With("reason", "a line must end within 200ms")) == 0 {
				t.Error("the log does not say why the client was closed")
			}
		})
	}
	t.Run("whole lines", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		for i := range 2 {
			p.Send("paramAdd a=1\r\n")
			p.Want(fmt.Sprintf(`{"status":"OK","context":"response","messageCount":%d}`, i+1))
			if !p.Quiet(2 * limit) {
				t.Error("a client that has begun no line is closed")
			}
		}
	})
}

// A client that sends nothing gets a goodbye after IdleTimeout; one that talks or waits for an answer stays.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	g := testkit.NewGate()
	s := start(t, tcp.Config{IdleTimeout: limit}, g.Action())
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		begun := time.Now()
		p.Want(goodbye + `0}`)
		if d := time.Since(begun); d < limit/2 {
			t.Errorf("the goodbye comes after %v already", d)
		}
		p.WantClosed()
	})
	t.Run("silent after a line", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		p.Send("paramAdd a=1\r\n")
		p.Want(`{"status":"OK","context":"response","messageCount":1}`)
		p.Want(goodbye + `1}`)
		p.WantClosed()
	})
	t.Run("talking", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		for i := range 10 {
			p.Send("paramAdd a=1\r\n")
			p.Want(fmt.Sprintf(`{"status":"OK","context":"response","messageCount":%d}`, i+1))
			if !p.Quiet(limit / 10) {
				t.Fatal("a client that talks is closed")
			}
		}
	})
	t.Run("waiting for an answer", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		p.Send("gate\r\n")
		<-g.Begun
		if !p.Quiet(2*limit + limit/2) {
			t.Fatal("a client that waits for an answer is closed")
		}
		g.Open()
		p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
		if !p.Quiet(limit / 3) {
			t.Error("a client is idle from its request on, not from the answer on")
		}
		p.Want(goodbye + `1}`)
		p.WantClosed()
	})
}

// A member of a room that does not read is closed when its queue is full, the log says so, and the others miss nothing.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]tcp.Config{
		"messages": {MaxQueued: 8, MaxQueuedLen: 1 << 30}, "bytes": {MaxQueued: 1 << 20, MaxQueuedLen: 128 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, cfg)
			stuck, reader, speaker := s.TCP(t), s.TCP(t), s.TCP(t)
			_ = stuck.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			text := strings.Repeat("x", 32<<10)
			said := 0
			for len(s.Log.With("reason", "does not read")) == 0 {
				if said++; said > 2000 {
					t.Fatal("2000 messages later the client is still there")
				}
				speaker.Send(fmt.Sprintf("say %d %s\r\n", said, text))
				speaker.Want(fmt.Sprintf(`{"context":"response","status":"OK","messageCount":%d}`, said))
				if got := reader.Next(); !strings.HasPrefix(got, fmt.Sprintf(`{"message":"%d x`, said)) {
					t.Fatalf("the message %d is %.60q", said, got)
				}
			}
			entries := s.Log.With("reason", "its queue of outgoing messages is full")
			if len(entries) != 1 || entries[0].Message != "a TCP client was closed" || entries[0].Attrs["to"] != "127.0.0.1" {
				t.Errorf("the log says %v", entries)
			}
			testkit.Eventually(t, "two members are left", func() bool {
				speaker.Send("roomView\r\n")
				return strings.Contains(speaker.Next(), `"membersCount":2}`)
			})
		})
	}
}

// A start refuses settings with which no client could be served, and leaves nothing open.
func TestSettings(t *testing.T) {
	t.Parallel()
	cert, _, _ := testkit.Certificate(t)
	for want, cfg := range map[string]tcp.Config{
		"tcpServer.maxLineBytes is -1: it must be above zero":                {MaxLineBytes: -1},
		"tcpServer.maxInFlight is -1: it must be above zero":                 {MaxInFlight: -1},
		"tcpServer.maxQueuedMessages is -1: it must be above zero":           {MaxQueued: -1},
		"tcpServer.maxQueuedBytes is -1: it must be above zero":              {MaxQueuedLen: -1},
		"tcpServer.lineTimeout is -1s: it must be above zero":                {LineTimeout: -time.Second},
		"tcpServer.writeTimeout is -1s: it must be above zero":               {WriteTimeout: -time.Second},
		"tcpServer.idleTimeout is -1s: it must be above zero":                {IdleTimeout: -time.Second},
		"tcpServer.port is 70000: a port is a number":                        {Port: 70000},
		"tcpServer.tlsPort is 70000: a port is a number":                     {TLSPort: 70000, CertFile: cert, KeyFile: strings.Replace(cert, "cert.pem", "key.pem", 1)},
		"tcpServer.certFile and tcpServer.keyFile cannot be used: open none": {TLSPort: -1, CertFile: "none"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := testkit.New(t, options(cfg, nil))
			if err := s.API.Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s…", err, want)
			}
			if s.TCPAddr() != nil || s.TCPTLSAddr() != nil {
				t.Errorf("it listens on %v and %v", s.TCPAddr(), s.TCPTLSAddr())
			}
		})
	}
}

// A quit ends the connection when the requests before it are done, even if they are slow.
func TestQuitBehindSlowRequests(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\ngate\r\nquit\r\nparamAdd a=1\r\n")
	<-g.Begun
	<-g.Begun // another goroutine runs the connection while the first one waits
	g.Open()
	for range 2 {
		if line := p.Next(); !strings.Contains(line, `"status":"OK"`) {
			t.Errorf("the answer is %s", line)
		}
	}
	p.Want(`{"status":"Bye!","context":"response","messageCount":3}`)
	p.WantClosed()
}
