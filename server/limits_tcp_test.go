package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// tcpLimits are the drivers of limits on TCP.
var tcpLimits = map[string]driver{
	"tcpServer.maxLineBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "an error line, then the connection closes")
		s := limited(t, func(cfg *server.Config) { cfg.TCPServer.MaxLineBytes = 100 })
		c := s.TCP(t)
		line := "paramAdd text=" + strings.Repeat("x", 100-len("paramAdd text=\r\n"))
		c.Send(line + "\r\n")
		wantOK(t, c.Next())
		c.Send(line + "xx\r\n")
		wantErrorLine(t, c)
	},
	"tcpServer.maxInFlight": func(t *testing.T, l limit) {
		l.wantReached(t, "the next requests wait")
		g := testkit.NewGate()
		s := limited(t, func(cfg *server.Config) { cfg.TCPServer.MaxInFlight = 2 }, g.Action())
		c := s.TCP(t)
		c.Send(strings.Repeat("gate\r\n", 3))
		wantTwoAtATime(t, g)
		for range 3 {
			wantOK(t, c.Next())
		}
	},
	"tcpServer.maxQueuedMessages": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		closeUnread(t, limited(t, func(cfg *server.Config) {
			cfg.TCPServer.MaxQueued, cfg.TCPServer.MaxQueuedLen, cfg.TCPServer.WriteTimeout = 4, 1<<30, time.Hour
		}))
	},
	"tcpServer.maxQueuedBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		closeUnread(t, limited(t, func(cfg *server.Config) {
			cfg.TCPServer.MaxQueued, cfg.TCPServer.MaxQueuedLen, cfg.TCPServer.WriteTimeout = 1<<20, 256<<10, time.Hour
		}))
	},
	"tcpServer.lineTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "an error line, then the connection closes")
		c := limited(t, func(cfg *server.Config) { cfg.TCPServer.LineTimeout = short }).TCP(t)
		c.Send("limitEcho")
		wantErrorLine(t, c)
	},
	"tcpServer.writeTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		s, closed := endless(t, func(cfg *server.Config) { cfg.TCPServer.WriteTimeout = short })
		s.TCP(t).Send("endless\r\n")
		wantSignal(t, closed)
	},
	"tcpServer.idleTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the goodbye message, then the connection closes")
		c := limited(t, func(cfg *server.Config) { cfg.TCPServer.IdleTimeout = short }).TCP(t)
		if line := c.Next(); !strings.Contains(line, `"Bye!"`) {
			t.Errorf("an idle client reads %s", line)
		}
		c.WantClosed()
	},
	"tcpServer.maxConnections": func(t *testing.T, l limit) {
		l.wantReached(t, "an error line, then the connection closes")
		wantOneTCPClient(t, limited(t, func(cfg *server.Config) { cfg.TCPServer.MaxConns = 1 }))
	},
	"tcpServer.maxConnectionsPerAddress": func(t *testing.T, l limit) {
		l.wantReached(t, "an error line, then the connection closes")
		wantOneTCPClient(t, limited(t, func(cfg *server.Config) { cfg.TCPServer.MaxConnsPerAddr = 1 }))
	},
	"stickyParams": func(t *testing.T, l limit) {
		c := limited(t, nil).TCP(t)
		for i := range l.n {
			c.Send(fmt.Sprintf("paramAdd key%d=x\r\n", i))
			wantOK(t, c.Next())
		}
		c.Send("paramAdd more=x\r\n")
		l.wantCode(t, c.Next())
	},
	"stickyParamBytes": func(t *testing.T, l limit) {
		c := limited(t, nil).TCP(t)
		half := strings.Repeat("x", l.n/2-len("a"))
		for _, key := range []string{"a", "b"} {
			c.Send("paramAdd " + key + "=" + half + "\r\n")
			wantOK(t, c.Next())
		}
		c.Send("paramAdd b=" + half + "x\r\n")
		l.wantCode(t, c.Next())
	},
}

func wantErrorLine(t *testing.T, c *testkit.TCPClient) {
	t.Helper()
	if line := c.Next(); !strings.Contains(line, `"error":"`) || !strings.Contains(line, `"errorCode"`) {
		t.Errorf("beyond the limit comes %s", line)
	}
	c.WantClosed()
}

// wantTwoAtATime fails the test unless two of three calls of the gate run, and the third one after the gate is open.
func wantTwoAtATime(t *testing.T, g *testkit.Gate) {
	t.Helper()
	<-g.Begun
	<-g.Begun
	if testkit.Within(short, func() bool { return len(g.Begun) > 0 }) {
		t.Error("a third request runs")
	}
	g.Open()
}

// wantOneTCPClient fails the test unless the server serves one TCP client and refuses the second one with an error.
func wantOneTCPClient(t *testing.T, s *testkit.Server) {
	t.Helper()
	first := s.TCP(t)
	nc, err := s.DialTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := testkit.OpenLines(nc, testkit.Wait); err == nil || !strings.Contains(err.Error(), "resourceExhausted") {
		t.Errorf("the second client: %v", err)
	}
	wantOK(t, first.Do("limitEcho", nil).JSON)
}
