package server_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

const enteredNotice = `"I have entered the room"`

// roomLimits are the drivers of the section general.
var roomLimits = map[string]driver{
	"general.announceLimit": func(t *testing.T, l limit) {
		l.wantReached(t, "no notices")
		s := limited(t, func(cfg *server.Config) { cfg.General.AnnounceLimit = 2 })
		first := s.TCP(t)
		s.TCP(t)
		if line := first.Next(); !strings.Contains(line, enteredNotice) {
			t.Errorf("at the limit comes %s", line)
		}
		s.TCP(t)
		first.Send("randomNumber\r\n")
		if line := first.Next(); !strings.Contains(line, `"context":"response"`) {
			t.Errorf("beyond the limit comes %s", line)
		}
	},
	"general.announceRate": func(t *testing.T, l limit) {
		l.wantReached(t, "does not announce")
		s := limited(t, func(cfg *server.Config) { cfg.General.AnnounceLimit, cfg.General.AnnounceRate = 500, 2 })
		listener, mover := s.TCP(t), s.TCP(t)
		began := time.Now()
		for range 10 {
			wantOK(t, mover.Do("limitEcho", nil).JSON)
			for _, room := range []string{"elsewhere", "defaultRoom"} {
				if _, err := mover.Call("roomChange " + room); err != nil {
					t.Fatal(err)
				}
			}
		}
		listener.Send("randomNumber\r\n")
		notices := 0
		for !strings.Contains(listener.Next(), `"context":"response"`) {
			notices++
		}
		if most := 2 + int(2*time.Since(began).Seconds()); notices < 1 || notices > most {
			t.Errorf("a room announces %d of 21 comings and goings, want 1 to %d", notices, most)
		}
	},
	"general.roomStatusLimit": func(t *testing.T, l limit) {
		l.wantReached(t, "the first members and the exact count")
		s := limited(t, func(cfg *server.Config) { cfg.General.RoomStatusLimit = 2 })
		for n := 1; n <= 3; n++ {
			c := s.TCP(t)
			c.Send("roomView\r\n")
			line := c.Next()
			_, list, _ := strings.Cut(line, `"members":[`)
			list, _, _ = strings.Cut(list, "]")
			if listed := strings.Count(list, `"`) / 2; listed != min(n, 2) || !strings.Contains(line, fmt.Sprintf(`"membersCount":%d`, n)) {
				t.Errorf("with %d members the status is %s", n, line)
			}
		}
	},
	"general.maxRooms": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.General.MaxRooms = 2 })
		c := s.WS(t)
		c.Send(`{"event":"roomAdd","room":"a"}`)
		wantOK(t, c.Await(`{"context":"response"`))
		c.Send(`{"event":"roomAdd","room":"b"}`)
		l.wantCode(t, c.Await(`{"context":"response"`))
	},
	"general.maxMessageBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the message is not sent")
		s := limited(t, func(cfg *server.Config) { cfg.General.MaxMessageBytes = 10 })
		from, to := s.TCP(t), s.TCP(t)
		from.Send("say 0123456789\r\n")
		wantOK(t, from.Next())
		if line := to.Next(); !strings.Contains(line, "0123456789") {
			t.Errorf("the other member reads %s", line)
		}
		from.Send("say 0123456789a\r\n")
		if line := from.Next(); !strings.Contains(line, `"errorCode":"invalidInput"`) {
			t.Errorf("the answer is %s", line)
		}
		to.Send("randomNumber\r\n")
		if line := to.Next(); !strings.Contains(line, `"context":"response"`) {
			t.Errorf("the other member reads %s", line)
		}
	},
	"general.maxQueuedBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the longest queues of the address that holds most are closed")
		s := limited(t, func(cfg *server.Config) {
			cfg.General.MaxQueuedBytes = 512 << 10
			cfg.TCPServer.MaxQueuedLen, cfg.TCPServer.MaxQueued, cfg.TCPServer.WriteTimeout = 1<<30, 1<<20, time.Hour
		})
		closeUnread(t, s)
	},
	"roomNameBytes": func(t *testing.T, l limit) {
		c := limited(t, nil).WS(t)
		for extra, want := range []func(*testing.T, string){wantOK, l.wantCode} {
			c.Send(`{"event":"roomChange","room":"` + strings.Repeat("r", l.n+extra) + `"}`)
			want(t, c.Await(`{"context":"response"`))
		}
	},
	"details": func(t *testing.T, l limit) {
		c := limited(t, nil).WS(t)
		for i := range l.n {
			wantOK(t, c.Do("limitDetail", map[string]string{"text": fmt.Sprint("key", i)}).JSON)
		}
		l.wantCode(t, c.Do("limitDetail", map[string]string{"text": "more"}).JSON)
	},
	"detailBytes": func(t *testing.T, l limit) {
		c := limited(t, nil).WS(t)
		size := l.n - len(`{"k":""}`)
		wantOK(t, c.Do("limitDetail", map[string]string{"text": "k", "size": fmt.Sprint(size)}).JSON)
		l.wantCode(t, c.Do("limitDetail", map[string]string{"text": "k", "size": fmt.Sprint(size + 1)}).JSON)
	},
	"limitedAddresses": func(t *testing.T, l limit) {
		l.wantReached(t, "may read resourceExhausted early")
		s := limited(t, func(cfg *server.Config) { cfg.General.RequestLimit = 1 })
		host := transport.Of(s.API)
		address := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }
		const few = 1000
		allowed := func(from, to int) (n int) {
			for i := range to - from {
				if _, err := host.Admit(address(from + i)); err == nil {
					n++
				}
			}
			return n
		}
		if n := allowed(0, few); n != few {
			t.Errorf("%d of the first %d addresses are allowed", n, few)
		}
		if n := allowed(few, 2*l.n); n < l.n*9/10 || n == 2*l.n-few {
			t.Errorf("%d of %d further addresses are allowed", n, 2*l.n-few)
		}
		if n := allowed(0, few); n != 0 {
			t.Errorf("%d addresses were limited, and are free", n)
		}
	},
}

// tcpClients returns the number of TCP clients that the server has.
func tcpClients(t *testing.T, s *testkit.Server) int {
	t.Helper()
	_, rest, _ := strings.Cut(s.HTTP(t).Do("status", nil).JSON, `"numberOfLocalActiveSocketClients":`)
	n, err := strconv.Atoi(rest[:strings.IndexAny(rest, ",}")])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// closeUnread says messages in a room until the server closes the TCP client that does not read. Another client, which
// reads, gets all of them.
func closeUnread(t *testing.T, s *testkit.Server) {
	t.Helper()
	unread, reader, from := s.TCP(t), s.TCP(t), s.TCP(t)
	say := "say " + strings.Repeat("x", 60<<10) + "\r\n"
	for range 2000 {
		if tcpClients(t, s) < 3 {
			break
		}
		from.Send(say)
		wantOK(t, from.Next())
		if line := reader.Next(); !strings.Contains(line, `"context":"user"`) {
			t.Fatalf("the client that reads gets %.200s", line)
		}
	}
	if !testkit.Within(testkit.Wait, func() bool { return tcpClients(t, s) == 2 }) {
		t.Error("the client that does not read is not closed")
	}
	unread.Close()
}
