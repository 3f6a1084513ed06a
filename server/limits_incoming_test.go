package server_test

import (
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

// incoming starts a server with a budget of most bytes for incomplete messages, and with room for long messages. held
// returns the bytes that count.
func incoming(t *testing.T, most int64) (s *testkit.Server, held func() int64) {
	t.Helper()
	s = limited(t, func(cfg *server.Config) {
		cfg.General.MaxIncomingBytes, cfg.CommonWeb.TrustedProxies = most, []string{"127.0.0.1"}
		cfg.WebSockets.Plain.MaxMessageBytes, cfg.TCPServer.MaxLineBytes = 1<<20, 1<<20
	})
	budget := transport.Of(s.API).IncomingBudget()
	return s, func() int64 {
		n, _ := budget.Used()
		return n
	}
}

// incomingLimits are the drivers of the limit on incomplete messages.
var incomingLimits = map[string]driver{
	"general.maxIncomingBytes": func(t *testing.T, l limit) {
		s, held := incoming(t, 256<<10)
		few, many := strings.Repeat(" ", 200<<10), strings.Repeat(" ", 400<<10)
		for name, detailsView := range map[string][2]string{"websocket": {`{"event":"detailsView"`, "}"}, "socketio": {`42["detailsView"`, "]"}} {
			c := frames(t, s, bothSockets[name])
			send(t, c, testkit.Text(detailsView[0]+few+detailsView[1]))
			awaitText(t, c, `"connectedAt"`)
			_ = c.Send(testkit.Text(detailsView[0] + many + detailsView[1])) // the server may close before it has read all
			l.wantCloseCode(t, c, 1013)
			c = frames(t, s, bothSockets[name])
			part := strings.Repeat(" ", 50<<10)
			_ = c.Send(testkit.Frame(testkit.TextFrame, detailsView[0]+part))
			for range 8 { // each frame is shorter than the budget
				_ = c.Send(testkit.Frame(testkit.ContinuationFrame, part))
			}
			l.wantCloseCode(t, c, 1013)
		}
		c := frames(t, s, socketIOFrames)
		_ = c.Send(testkit.Text("454-" + `["other"` + placeholders(4) + "]"))
		for range 4 {
			_ = c.Send(testkit.Frame(testkit.Fin|2, strings.Repeat("x", 90<<10)))
		}
		l.wantCloseCode(t, c, 1013)

		p := openPoll(t, s)
		p.connect(t)
		p.post(`42["detailsView"`+few+"]").Want(t, 200, "ok")
		p.post(`42["detailsView"`+many+"]").Want(t, 503, "incomplete messages")
		l.wantReached(t, "status 503 over long-polling")

		line := s.TCP(t)
		line.Send("detailsView" + few + "\r\n")
		wantOK(t, line.Next())
		line.Send("detailsView" + many + "\r\n")
		wantErrorLine(t, line)
		l.wantReached(t, "an error line over TCP; the connection closes")
		testkit.Eventually(t, "nothing is held any more", func() bool { return held() == 0 })
	},
}

// One address can fill half of the budget for incomplete messages, however many connections it has: the long messages
// of another address arrive. When its connections end, nothing counts any more.
func TestIncompleteMessagesOfOneAddressLeaveRoomForTheOthers(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	s, held := incoming(t, most)
	open := func(ip string) *testkit.Frames {
		nc, err := s.DialHTTP()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		c, err := testkit.OpenFrames(nc, testkit.WSPath, "X-Forwarded-For: "+ip+"\r\n", testkit.Wait)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	message := func(n int) string {
		return testkit.Text(`{"event":"detailsView"` + strings.Repeat(" ", n) + "}")
	}
	var crowd []*testkit.Frames
	for range 12 {
		c := open("203.0.113.1")
		_ = c.Send(message(120 << 10)[:119<<10])
		crowd = append(crowd, c)
	}
	testkit.Eventually(t, "a connection of the crowd is closed", func() bool { return len(s.Log.With("reason", "incomplete messages")) > 0 })
	other := open("203.0.113.2")
	send(t, other, message(200<<10))
	awaitText(t, other, `"connectedAt"`)
	if n := held(); n == 0 || n > most/2+200<<10 {
		t.Errorf("%d bytes count", n)
	}
	for _, c := range append(crowd, other) {
		_ = c.Close()
	}
	testkit.Eventually(t, "nothing is held any more", func() bool { return held() == 0 })
}
