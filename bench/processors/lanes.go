package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

func newAPI() (*actionhero.API, error) {
	return actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.Stock...)
}

// openGET opens connections whose requests the engine of HTTP/1.1 and the web server answer.
func openGET(ctx context.Context) (func(time.Duration) (int, error), error) {
	api, err := newAPI()
	if err != nil {
		return nil, err
	}
	s, err := web.New(api, web.Config{})
	if err != nil {
		return nil, err
	}
	if err := api.Start(ctx); err != nil {
		return nil, err
	}
	engine := http1.New(http1.Config{
		Handler: s, Eligible: func(string, string) bool { return true }, OnPhase: func(net.Conn, http1.Phase) {}, MaxHead: 8 << 10, Log: slog.New(slog.DiscardHandler),
		Fallback: func(net.Conn, []byte) { panic("the request is not an ordinary one") },
	})
	g := newGate()
	for i := range conns {
		go engine.Serve(&endless{request: []byte("GET /api/randomNumber?limit=10&offset=5 HTTP/1.1\r\nHost: localhost\r\n\r\n"), port: 1024 + i, gate: g.of(i)})
	}
	return g.load, nil
}

// openSocket does the handshake of a connection in memory.
func openSocket(h *websocket.Handler, client *endless) error {
	conn, err := newSocket(client)
	if err != nil {
		return err
	}
	head := "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		return err
	}
	r.RemoteAddr = conn.RemoteAddr().String()
	w := httptest.NewRecorder()
	if h.ServeHTTP(&hijackable{w, conn}, r); conn.written.Load() == 0 {
		return fmt.Errorf("the handshake is answered with %d %s", w.Code, w.Body)
	}
	return nil
}

func newSockets(ctx context.Context) (*actionhero.API, *websocket.Handler, error) {
	api, err := newAPI()
	if err != nil {
		return nil, nil, err
	}
	h := websocket.New(api, websocket.Config{PingInterval: time.Hour, PingTimeout: time.Hour})
	api.Add(h)
	return api, h, api.Start(ctx)
}

// openWebSocket opens connections that send requests for an action.
func openWebSocket(ctx context.Context) (func(time.Duration) (int, error), error) {
	_, h, err := newSockets(ctx)
	if err != nil {
		return nil, err
	}
	g := newGate()
	for i := range conns {
		if err := openSocket(h, &endless{request: rooms.Frame(rooms.PlainWebSocket.Request), port: 1024 + i, gate: g.of(i)}); err != nil {
			return nil, err
		}
	}
	return g.load, nil
}

// members is the number of members of each room.
const members = 100

// listeners are the members of one room in memory.
type listeners struct {
	room    string
	missing atomic.Int64  // members that do not have the message yet
	done    chan struct{} // receives when missing is 0
}

func (l *listeners) wrote(n int) {
	if l.missing.Add(-int64(n)) == 0 {
		l.done <- struct{}{}
	}
}

// say sends a message to the room and waits until all members have it.
func (l *listeners) say(ctx context.Context, api *actionhero.API) error {
	l.missing.Store(members)
	if err := api.Rooms.Broadcast(ctx, l.room, rooms.Said); err != nil {
		return err
	}
	select {
	case <-l.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%d members of %s have no message", l.missing.Load(), l.room)
	}
}

// settle waits until the members have received no news of each other for 100 ms.
func (l *listeners) settle() {
	for last := int64(0); last != l.missing.Load(); time.Sleep(100 * time.Millisecond) {
		last = l.missing.Load()
	}
}

// openRooms opens rooms, one for each of conns speakers, and sends a message at a time to each of them.
func openRooms(ctx context.Context) (func(time.Duration) (int, error), error) {
	api, h, err := newSockets(ctx)
	if err != nil {
		return nil, err
	}
	never := make(chan struct{})
	var all []*listeners
	for i := range conns {
		l := &listeners{room: fmt.Sprint("room ", i), done: make(chan struct{}, 1)}
		all = append(all, l)
		l.missing.Store(1 << 60) // news of members that enter are no message
		for j := range members {
			entered := make(chan struct{})
			sent := false
			conn := &endless{request: rooms.Frame(fmt.Sprintf(`{"event":"roomChange","id":"%s","room":"%s"}`, rooms.ID, l.room)), port: 1024 + i*members + j, wrote: l.wrote}
			conn.gate = func() bool {
				if sent { // the second read follows the answer to the first
					close(entered)
					<-never
				}
				sent = true
				return true
			}
			if err := openSocket(h, conn); err != nil {
				return nil, err
			}
			<-entered
		}
		l.settle()
	}
	return func(d time.Duration) (int, error) {
		stop := time.Now().Add(d)
		var n atomic.Int64
		errs := make([]error, conns)
		var wg sync.WaitGroup
		for i, l := range all {
			wg.Go(func() {
				for time.Now().Before(stop) && errs[i] == nil {
					errs[i] = l.say(ctx, api)
					n.Add(members)
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return 0, err
			}
		}
		return int(n.Load()), nil
	}, nil
}
