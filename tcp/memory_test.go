package tcp_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/tcp"
)

// A long message to members that do not read is in memory once, not once for each member. A client message is
// limited on every transport; the server itself may send more.
func TestRoomMessagesDoNotMultiply(t *testing.T) {
	t.Parallel()
	const length = 3 << 20
	s := start(t, tcp.Config{})
	for range 40 {
		p := s.TCP(t)
		_ = p.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	}
	if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", strings.Repeat("x", length)); err != nil {
		t.Fatal(err)
	}
	budget := transportOf(s).SendBudget()
	testkit.Eventually(t, "the message waits", func() bool { return budget.Used() >= length })
	if used := budget.Used(); used > length+1<<20 {
		t.Errorf("40 members hold %d bytes of a message of %d", used, length)
	}
	long := strings.Repeat("x", 64<<10+1)
	if got := s.HTTP(t).Do("say", map[string]string{"room": "defaultRoom", "message": long}); got.Error != "message may have 65536 bytes at most" {
		t.Errorf("%d bytes over HTTP are answered with %.200q", len(long), got.Error)
	}
}

// If the queues of all clients exceed general.maxQueuedBytes, the longest queue of the address that holds most is closed.
func TestTheServerBoundsAllQueues(t *testing.T) {
	t.Parallel()
	o := options(tcp.Config{MaxQueued: 1 << 20, MaxQueuedLen: 1 << 30, WriteTimeout: time.Minute}, nil)
	change := o.Change
	o.Change = func(cfg *server.Config) {
		change(cfg)
		cfg.General.MaxQueuedBytes = 1 << 20
	}
	s := testkit.Start(t, o)
	longest := s.TCP(t)
	_ = longest.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	other := s.TCP(t)
	other.Send("roomChange other\r\n")
	other.Next()
	text := strings.Repeat("x", 7<<10)
	for n := 0; len(s.Log.With("reason", "those of its address hold most")) == 0; n++ {
		if n == 10_000 {
			t.Fatal("no client is closed after 70 MB")
		}
		if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", text); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "nothing waits any more", func() bool { return transportOf(s).SendBudget().Used() == 0 })
	other.Send("paramsView\r\n")
	other.Want(`{"context":"response","params":{},"messageCount":2,"data":{}}`)
}
