package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/server"
)

const pollingPath = "/socket.io/?EIO=4&transport=polling"

// polled is a long-polling session of Socket.IO.
type polled struct {
	*testkit.HTTPClient
	sid string
	t   *testing.T
}

// openPoll opens a long-polling session.
func openPoll(t *testing.T, s *testkit.Server) *polled {
	t.Helper()
	c := s.HTTP(t)
	got := c.Ask("GET", pollingPath, "")
	got.Want(t, 200, "0{")
	var open struct{ Sid string }
	if err := json.Unmarshal([]byte(got.Text[1:]), &open); err != nil {
		t.Fatal(err)
	}
	return &polled{c, open.Sid, t}
}

func (p *polled) get() testkit.Reply { return p.Ask("GET", pollingPath+"&sid="+p.sid, "") }

func (p *polled) post(body string) testkit.Reply {
	return p.Ask("POST", pollingPath+"&sid="+p.sid, body)
}

// connect connects the session to the namespace and reads the welcome.
func (p *polled) connect(t *testing.T) {
	t.Helper()
	p.post("40").Want(t, 200, "ok")
	for text := ""; !strings.Contains(text, "welcome"); {
		got := p.get()
		got.Want(t, 200, "")
		if text += got.Text; t.Failed() {
			return
		}
	}
}

// refusedPacket returns a driver that sends the packet for n, which must leave the session open, and the one for n+1.
func refusedPacket(packet func(n int) string) driver {
	return func(t *testing.T, l limit) {
		s := limited(t, nil)
		c := frames(t, s, socketIOFrames)
		send(t, c, testkit.Text(packet(l.n)))
		for range strings.Count(packet(l.n), `"_placeholder"`) {
			send(t, c, testkit.Frame(testkit.Fin|2, "x"))
		}
		send(t, c, testkit.Text(`42["detailsView"]`))
		awaitText(t, c, `"connectedAt"`)
		send(t, c, testkit.Text(packet(l.n+1)))
		l.wantCloseCode(t, c, 1008)
		p := openPoll(t, s)
		p.connect(t)
		p.post(packet(l.n + 1))
		p.get()
		p.get().Want(t, 400, "Session ID unknown")
		l.wantReached(t, "a long-polling session is closed")
	}
}

// sessionLimits are the drivers of limits on Socket.IO.
var sessionLimits = map[string]driver{
	"webSockets.connectTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the session is closed")
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.ConnectTimeout = short })
		p := openPoll(t, s)
		testkit.Eventually(t, "the session is closed", func() bool { return p.get().StatusCode == 400 })
	},
	"webSockets.upgradeTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the WebSocket closes; the session stays")
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.UpgradeTimeout = short })
		p := openPoll(t, s)
		p.connect(t)
		nc, err := s.DialHTTP()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		c, err := testkit.OpenFrames(nc, testkit.SIOPath+"&sid="+p.sid, "", testkit.Wait)
		if err != nil {
			t.Fatal(err)
		}
		send(t, c, testkit.Text("2probe"))
		awaitText(t, c, "3probe")
		if code, err := c.CloseCode(); code == 0 {
			t.Errorf("the WebSocket is not closed: %v", err)
		}
		p.post(`42["detailsView"]`).Want(t, 200, "ok")
		p.get().Want(t, 200, `"connectedAt"`)
	},
	"webSockets.maxHttpBufferSize": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.MaxHTTPBufferSize = 100 })
		packet := `42["say",{"message":"` + strings.Repeat("x", 100-len(`42["say",{"message":""}]`)) + `"}]`
		c := frames(t, s, socketIOFrames)
		send(t, c, testkit.Text(packet))
		awaitText(t, c, `"status":"OK"`)
		send(t, c, testkit.Text(packet+" "))
		l.wantCloseCode(t, c, 1009)
		p := openPoll(t, s)
		p.connect(t)
		p.post(packet).Want(t, 200, "ok")
		p.post(packet+" ").Want(t, 413, "")
		l.wantReached(t, "status 413 over long-polling")
	},
	"webSockets.maxSessionsPerAddress": func(t *testing.T, l limit) {
		l.wantReached(t, "status 429")
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.MaxPerAddress = 1 })
		openPoll(t, s)
		s.HTTP(t).Ask("GET", pollingPath, "").Want(t, http.StatusTooManyRequests, "Too many sessions")
	},
	"webSockets.maxAbsent": func(t *testing.T, l limit) {
		l.wantReached(t, "the session is closed")
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.SocketIO.MaxDetached = 1 })
		first := openPoll(t, s)
		first.post("3").Want(t, 200, "ok")
		second := openPoll(t, s)
		testkit.Eventually(t, "the session without a request is closed", func() bool { return first.post("3").StatusCode == 400 })
		first.post("3").Want(t, 400, "Session ID unknown")
		second.post("3").Want(t, 200, "ok")
	},
	"webSockets.maxForwarded": func(t *testing.T, l limit) {
		l.wantReached(t, "status 503 with Retry-After")
		net := memcluster.New(t)
		start := func(id string) *testkit.Server {
			return limited(t, func(cfg *server.Config) {
				cfg.General.ID, cfg.General.Backend = id, net.Node()
				cfg.WebSockets.SocketIO.MaxForwarded, cfg.WebSockets.SocketIO.PingInterval = 1, time.Second
			})
		}
		owner, other := start("owner"), start("other")
		first, second := openPoll(t, owner), openPoll(t, owner)
		path := func(p *polled) string { return pollingPath + "&sid=" + p.sid }
		waits := make(chan testkit.Reply)
		go func() {
			c := other.HTTP(t)
			for {
				got, err := c.Try(t.Context(), "GET", path(first), http.NoBody)
				if err != nil || got.StatusCode != 503 { // else a POST was first
					waits <- got
					return
				}
			}
		}()
		testkit.Eventually(t, "the next request is refused", func() bool {
			got, err := other.HTTP(t).Try(t.Context(), "POST", path(second), strings.NewReader("3"))
			return err == nil && got.StatusCode == 503 && got.Header.Get("Retry-After") == "1"
		})
		got := <-waits
		got.Want(t, 200, "2") // the ping
		got = other.HTTP(t).Ask("POST", path(second), "3")
		got.Want(t, 200, "ok")
	},
	"polls": func(t *testing.T, l limit) {
		l.wantReached(t, "status 400; the session is closed")
		s := limited(t, nil)
		p := openPoll(t, s)
		p.connect(t)
		var statuses [2]int
		var polls sync.WaitGroup
		for i := range statuses {
			polls.Go(func() {
				got, err := p.Try(t.Context(), "GET", pollingPath+"&sid="+p.sid, http.NoBody)
				if err == nil {
					statuses[i] = got.StatusCode
				}
			})
		}
		polls.Wait()
		if statuses[0] != 400 && statuses[1] != 400 {
			t.Errorf("two polls at the same time are answered with %v", statuses)
		}
		p.get().Want(t, 400, "Session ID unknown")
	},
	"attachments": refusedPacket(func(n int) string {
		return "45" + itoa(n) + `-["other"` + placeholders(n) + "]"
	}),
	"namespaceBytes":        refusedPacket(func(n int) string { return "40/" + strings.Repeat("n", n-1) + "," }),
	"acknowledgementDigits": refusedPacket(func(n int) string { return "42" + strings.Repeat("1", n) + `["detailsView"]` }),
}

func placeholders(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,{"_placeholder":true,"num":` + itoa(i) + "}")
	}
	return b.String()
}
