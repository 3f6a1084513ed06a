package tcp_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// At most MaxInFlight requests of a connection run at a time. Meanwhile the connection is not read. All get a reply later.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	for setting, limit := range map[int]int{0: 100, 3: 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			g := testkit.NewGate()
			s := start(t, tcp.Config{MaxInFlight: setting}, g.Action())
			p := s.TCP(t)
			const waiting = 50 // they are read together with the first ones, and wait
			p.Send(strings.Repeat("gate\r\n", limit+waiting))
			for range limit {
				<-g.Begun
			}
			// The lines are long, so that the socket buffers soon fill if the server does not read.
			line := []byte("gate" + strings.Repeat(" ", 32<<10) + "\r\n")
			sent, rest := fill(t, p, line, 64<<20)
			if len(g.Begun) > 0 {
				t.Errorf("%d requests run in addition to the first %d", len(g.Begun), limit)
			}
			g.Open()
			go func() { _, _ = p.Write(append(rest, "quit\r\n"...)) }()
			seen, all := map[int]bool{}, limit+waiting+sent
			for range all {
				r := nextReply(t, p)
				if seen[r.Count] || r.Count > all || r.Error != false {
					t.Fatalf("a reply is %+v", r)
				}
				seen[r.Count] = true
			}
			p.Want(fmt.Sprintf(`{"status":"Bye!","context":"response","messageCount":%d}`, all+1))
		})
	}
}

// fill writes lines until a write blocks for 250 ms. It returns how many lines it began, and the unwritten rest of the last
// one. It fails the test after limit bytes.
func fill(t *testing.T, p *testkit.TCPClient, line []byte, limit int) (lines int, rest []byte) {
	t.Helper()
	for written := 0; written < limit; {
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
	t.Fatalf("the server read %d bytes more", limit)
	return 0, nil
}

// A begun line must end within LineTimeout, even if the client keeps adding to it.
func TestLineTimeout(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	s := start(t, tcp.Config{LineTimeout: limit})
	for name, drip := range map[string]string{"nothing more": "", "slow bytes": "a"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send("paramAdd a=1\r\n")
			p.Want(`{"status":"OK","context":"response","messageCount":1}`)
			p.Send("random")
			for begun := time.Now(); p.Quiet(10 * time.Millisecond); {
				if time.Since(begun) > testkit.Wait {
					t.Fatal("the line has no time limit")
				}
				if _, err := p.Write([]byte(drip)); err != nil {
					break
				}
			}
			p.Want(`{"context":"response","error":"a line must end within 200ms","messageCount":1,"errorCode":"invalidInput"}`)
			s.Log.Await(t, 1, "reason", "a line must end within 200ms")
		})
	}
	t.Run("whole lines", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		for i := range 2 {
			p.Send("paramAdd a=1\r\n")
			p.Want(fmt.Sprintf(`{"status":"OK","context":"response","messageCount":%d}`, i+1))
			if !p.Quiet(2 * limit) {
				t.Error("a client that has not begun a line is closed")
			}
		}
	})
}

// A client that sends nothing gets a goodbye after IdleTimeout. A client that sends lines or waits for a reply stays.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	const limit = 10 * time.Second
	const paramAdd, added = "paramAdd a=1\r\n", `{"status":"OK","context":"response","messageCount":%d}`
	wantGoodbye := func(t *testing.T, p *testkit.TCPClient, lines int) {
		t.Helper()
		begun := time.Now()
		p.Want(fmt.Sprint(goodbye, lines, "}"))
		if took := time.Since(begun); took < limit || took > limit+limit/4 { // it may take a quarter longer
			t.Errorf("the goodbye comes after %v, the limit is %v", took, limit)
		}
		p.WantClosed()
	}
	for name, test := range map[string]func(*testing.T, *testkit.TCPClient, *testkit.Gate){
		"no line": func(t *testing.T, p *testkit.TCPClient, _ *testkit.Gate) { wantGoodbye(t, p, 0) },
		"nothing after a line": func(t *testing.T, p *testkit.TCPClient, _ *testkit.Gate) {
			p.Send(paramAdd)
			p.Want(fmt.Sprintf(added, 1))
			wantGoodbye(t, p, 1)
		},
		"sending lines": func(t *testing.T, p *testkit.TCPClient, _ *testkit.Gate) {
			for i := range 10 {
				p.Send(paramAdd)
				p.Want(fmt.Sprintf(added, i+1))
				if !p.Quiet(limit - time.Millisecond) {
					t.Fatal("a client that sends lines is closed")
				}
			}
		},
		"waiting for a reply": func(t *testing.T, p *testkit.TCPClient, g *testkit.Gate) {
			p.Send("gate\r\n")
			<-g.Begun
			if !p.Quiet(2*limit + limit/2) {
				t.Fatal("a client that waits for a reply is closed")
			}
			g.Open()
			p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
			wantGoodbye(t, p, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := testkit.NewGate()
				connect := inMemory(t, tcp.Config{IdleTimeout: limit}, g.Action())
				test(t, testkit.NewTCP(t, connect), g)
			})
		})
	}
}

// inMemory starts a server in a bubble. The returned function connects a client without a socket.
func inMemory(t *testing.T, cfg tcp.Config, parts ...actionhero.Part) (connect func() (net.Conn, error)) {
	t.Helper()
	cfg.Enable = new(false)
	api := testkit.NewAPI(t, parts...)
	s := tcp.New(api, cfg)
	api.Add(s)
	testkit.StartAPI(t, api)
	return func() (net.Conn, error) {
		client, server := net.Pipe()
		s.Serve(server)
		return client, nil
	}
}

// A member of a room that does not read is closed when its queue is full. The log has the reason, and the other members
// receive all messages.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]tcp.Config{
		"messages": {MaxQueued: 8, MaxQueuedLen: 1 << 30}, "bytes": {MaxQueued: 1 << 20, MaxQueuedLen: 128 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, cfg)
			notReading, reader, speaker := s.TCP(t), s.TCP(t), s.TCP(t)
			_ = notReading.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			text := strings.Repeat("x", 32<<10)
			said := 0
			for len(s.Log.With("reason", "does not read")) == 0 {
				if said++; said > 2000 {
					t.Fatal("the client is still connected after 2000 messages")
				}
				speaker.Send(fmt.Sprintf("say %d %s\r\n", said, text))
				speaker.Want(fmt.Sprintf(`{"context":"response","status":"OK","messageCount":%d}`, said))
				if got := reader.Next(); !strings.HasPrefix(got, fmt.Sprintf(`{"message":"%d x`, said)) {
					t.Fatalf("message %d is %.60q", said, got)
				}
			}
			s.Log.Await(t, 1, "reason", "its queue of outgoing messages is full")
			entries := s.Log.With("reason", "its queue of outgoing messages is full")
			if len(entries) != 1 || entries[0].Message != "a TCP client was closed" || entries[0].Attrs["to"] != "127.0.0.1" {
				t.Errorf("the log has %v", entries)
			}
			testkit.Eventually(t, "two members are left", func() bool {
				speaker.Send("roomView\r\n")
				return strings.Contains(speaker.Next(), `"membersCount":2}`)
			})
		})
	}
}

// A client beyond a limit of connections reads one error line and is closed. Both ports share the limits.
func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]tcp.Config{"all": {MaxConns: 2}, "of an address": {MaxConnsPerAddr: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTLS(t, cfg)
			first := s.TCP(t)
			s.TCPOverTLS(t)
			if got := firstLine(t, s); got != `{"context":"response","error":"too many connections","messageCount":0,"errorCode":"resourceExhausted"}` {
				t.Errorf("a third client reads %q", got)
			}
			_ = first.Close()
			testkit.Eventually(t, "a client may connect after another has gone", func() bool { return firstLine(t, s) == testkit.Welcome })
		})
	}
}

// firstLine connects, and returns the first line that the server sends.
func firstLine(t testing.TB, s *testkit.Server) string {
	t.Helper()
	nc, err := s.DialTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	line, _ := (&testkit.Lines{Conn: nc, In: bufio.NewReader(nc), Limit: testkit.Wait}).Line()
	return line
}

// Start returns an error for a setting that is out of range, and leaves nothing open.
func TestSettings(t *testing.T) {
	t.Parallel()
	cert, _, _ := testkit.Certificate(t)
	for want, cfg := range map[string]tcp.Config{
		"tcpServer.maxLineBytes is -1: it must be above zero":      {MaxLineBytes: -1},
		"tcpServer.maxInFlight is -1: it must be above zero":       {MaxInFlight: -1},
		"tcpServer.maxQueuedMessages is -1: it must be above zero": {MaxQueued: -1},
		"tcpServer.maxQueuedBytes is -1: it must be above zero":    {MaxQueuedLen: -1},
		"tcpServer.lineTimeout is -1s: it must be above zero":      {LineTimeout: -time.Second},
		"tcpServer.writeTimeout is -1s: it must be above zero":     {WriteTimeout: -time.Second},
		"tcpServer.idleTimeout is -1s: it must be above zero":      {IdleTimeout: -time.Second},
		"tcpServer.port is 70000: it must be 1 to 65535":           {Port: 70000},
		"tcpServer.tlsPort is 70000: it must be 1 to 65535":        {TLSPort: 70000, CertFile: cert, KeyFile: strings.Replace(cert, "cert.pem", "key.pem", 1)},
		"tcpServer needs a certificate: set tcpServer.certFile":    {TLSPort: -1, CertFile: "none"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			cfg.BindIP, cfg.Port = "127.0.0.1", cmp.Or(cfg.Port, -1)
			s := tcp.New(testkit.NewAPI(t), cfg)
			if err := s.Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s…", err, want)
			}
			if s.Addr() != nil || s.TLSAddr() != nil {
				t.Errorf("the server listens on %v and %v", s.Addr(), s.TLSAddr())
			}
		})
	}
}

// A quit after several slow requests ends the connection when all of them are done.
func TestQuitAfterSlowRequests(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\ngate\r\nquit\r\nparamAdd a=1\r\n")
	<-g.Begun
	<-g.Begun // the connection has been handed off to another goroutine
	g.Open()
	for range 2 {
		if line := p.Next(); !strings.Contains(line, `"status":"OK"`) {
			t.Errorf("the reply is %s", line)
		}
	}
	p.Want(`{"status":"Bye!","context":"response","messageCount":3}`)
	p.WantClosed()
}
