//go:build unix

package main

import (
	"bufio"
	"context"
	"flag"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

var (
	devSaves   = flag.Int("dev.saves", 1, "how often TestDevFollowsAnApp saves a file that does or does not compile")
	devClients = flag.Int("dev.clients", 5, "how many persistent clients of each kind TestDevFollowsAnApp has")
	devBack    = flag.Duration("dev.back", testkit.Wait, "the time in which TestDevFollowsAnApp wants a persistent client back")
)

// load are the clients of a test: 100 HTTP requests a second, and persistent clients.
type load struct {
	t       *testing.T
	d       *developed
	ctx     context.Context
	cancel  context.CancelFunc
	clients sync.WaitGroup
	swaps   int // the number of steps that have replaced the app

	answered, failed, reused atomic.Int64

	mu       sync.Mutex
	open     map[string]int // persistent clients, by their kind
	goodbyes map[string]int
	longest  time.Duration // from the end of a connection to the next welcome
}

func startLoad(t *testing.T, d *developed) *load {
	l := &load{t: t, d: d, open: map[string]int{}, goodbyes: map[string]int{}}
	l.ctx, l.cancel = context.WithCancel(t.Context())
	t.Cleanup(l.cancel)
	const clients, rate = 8, 100
	for i := range clients {
		l.clients.Go(func() { l.request(i%2 == 0, clients*time.Second/rate) })
	}
	for range *devClients {
		for kind, session := range map[string]func(welcome func()) (goodbye bool, err error){"TCP": l.tcp, "WebSocket": l.webSocket, "Socket.IO": l.socketIO} {
			l.clients.Go(func() { l.stay(kind, session) })
		}
	}
	l.awaitBack()
	testkit.Eventually(t, "connections are kept", func() bool { return l.reused.Load() >= 20 })
	return l
}

// request sends requests until the end.
func (l *load) request(fresh bool, every time.Duration) {
	k := &testkit.KeptClient{Address: strings.TrimPrefix(strings.Replace(l.d.http, "localhost", "127.0.0.1", 1), "http://"), Fresh: fresh, Reused: &l.reused}
	defer k.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		if status, body, err := k.Get("/api/greet?name=Ann", ""); err != nil || status != http.StatusOK || !strings.Contains(body, "Ann!") {
			if l.failed.Add(1) < 10 {
				l.t.Errorf("a request (fresh: %v) fails: %d, %v %.200s", fresh, status, err, body)
			}
		}
		l.answered.Add(1)
	}
}

// stay keeps a client connected until the end.
func (l *load) stay(kind string, session func(welcome func()) (bool, error)) {
	var left time.Time
	for l.ctx.Err() == nil {
		goodbye, err := session(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.open[kind]++
			if !left.IsZero() {
				l.longest = max(l.longest, time.Since(left))
			}
		})
		left = time.Now()
		if l.ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		l.open[kind]--
		if goodbye {
			l.goodbyes[kind]++
		} else {
			l.t.Errorf("a client of %s reads no goodbye: %v", kind, err)
		}
		l.mu.Unlock()
	}
}

func (l *load) tcp(welcome func()) (goodbye bool, err error) {
	nc, err := net.Dial("tcp", strings.Replace(l.d.tcp, "localhost", "127.0.0.1", 1))
	if err != nil {
		return false, err
	}
	defer nc.Close()
	defer context.AfterFunc(l.ctx, func() { _ = nc.Close() })()
	for lines := bufio.NewReader(nc); ; {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil:
			return goodbye, err
		case strings.Contains(line, `"welcome"`):
			welcome()
		case strings.Contains(line, "Bye!"):
			goodbye = true
		}
	}
}

func (l *load) webSocket(welcome func()) (goodbye bool, err error) {
	return l.dial("/ws", welcome, func(_ *websocket.Conn, text string) (bool, error) {
		return strings.Contains(text, "welcome"), nil
	})
}

func (l *load) socketIO(welcome func()) (goodbye bool, err error) {
	return l.dial("/socket.io/?EIO=4&transport=websocket", welcome, func(ws *websocket.Conn, text string) (bool, error) {
		switch text[:1] {
		case "0":
			return false, ws.Write(l.ctx, websocket.MessageText, []byte("40"))
		case "2":
			return false, ws.Write(l.ctx, websocket.MessageText, []byte("3"))
		}
		return strings.HasPrefix(text, "40"), nil
	})
}

// dial opens a WebSocket. isWelcome gets each message.
func (l *load) dial(path string, welcome func(), isWelcome func(ws *websocket.Conn, text string) (bool, error)) (goodbye bool, err error) {
	ws, resp, err := websocket.Dial(l.ctx, strings.Replace(l.d.http, "http://localhost", "ws://127.0.0.1", 1)+path, nil)
	if err != nil {
		return false, err
	}
	_ = resp.Body // the WebSocket has it
	defer func() { _ = ws.CloseNow() }()
	for welcomed := false; ; {
		_, text, err := ws.Read(l.ctx)
		if err != nil {
			return websocket.CloseStatus(err) == websocket.StatusServiceRestart, err
		}
		if len(text) == 0 {
			continue
		}
		isFirst, err := isWelcome(ws, string(text)) // it also answers pings
		if err != nil {
			return false, err
		}
		if isFirst && !welcomed {
			welcomed = true
			welcome()
		}
	}
}

// awaitBack waits until all persistent clients are connected.
func (l *load) awaitBack() {
	l.t.Helper()
	testkit.Eventually(l.t, "all persistent clients are connected", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.open["TCP"] == *devClients && l.open["WebSocket"] == *devClients && l.open["Socket.IO"] == *devClients
	})
}

func (l *load) end() {
	l.t.Helper()
	l.cancel()
	l.clients.Wait()
	l.t.Logf("%d requests, %d of them on a kept connection, %d failed; goodbyes: %v; a client was back after %v at most",
		l.answered.Load(), l.reused.Load(), l.failed.Load(), l.goodbyes, l.longest.Round(time.Millisecond))
	if l.answered.Load() < 100 {
		l.t.Error("there were too few requests")
	}
	for _, kind := range []string{"TCP", "WebSocket", "Socket.IO"} {
		if got := l.goodbyes[kind]; got < *devClients*l.swaps {
			l.t.Errorf("%d clients of %s were closed %d times in all during %d steps", *devClients, kind, got, l.swaps)
		}
	}
	if l.longest > *devBack {
		l.t.Errorf("a client was back only after %v", l.longest)
	}
}
