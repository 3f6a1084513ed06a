package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// lives records what each of two middlewares sees of each client.
type lives struct {
	mu   sync.Mutex
	rand *rand.Rand
	seen map[*actionhero.Conn]*[2]string
}

func (l *lives) note(c *actionhero.Conn, which int, step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[c] == nil {
		l.seen[c] = new([2]string)
	}
	l.seen[c][which] += step
}

func (l *lives) n(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

// middleware returns a middleware that accepts, refuses, closes, panics and waits as chance has it.
func (l *lives) middleware(which int) actionhero.ConnMiddleware {
	dawdle := func(ctx context.Context) {
		select {
		case <-time.After(time.Duration(l.n(3)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return actionhero.ConnMiddleware{
		Connect: func(ctx context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
			dawdle(ctx)
			switch l.n(12) {
			case 0:
				l.note(c, which, "x")
				return errors.New("refused")
			case 1:
				l.note(c, which, "x")
				panic("a fault")
			case 2:
				c.Close("closed in Connect")
			}
			l.note(c, which, "a")
			return nil
		},
		Connected: func(ctx context.Context, c *actionhero.Conn) {
			l.note(c, which, "c")
			if dawdle(ctx); l.n(8) == 0 {
				c.Close("closed in Connected")
			}
		},
		Disconnect: func(ctx context.Context, c *actionhero.Conn, _ string) {
			dawdle(ctx)
			l.note(c, which, "d")
		},
	}
}

// Whatever clients, the app and a stop do at the same time, each middleware that has accepted a client hears of its end
// once and last, also after Connected, and no other one does.
func TestDisconnectRunsOnceForEachAcceptedClient(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	l := &lives{rand: rand.New(rand.NewPCG(seed, 0)), seen: map[*actionhero.Conn]*[2]string{}}
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{l.middleware(0), l.middleware(1)}})
	tcp, ws := s.TCPAddr().String(), "ws://"+s.Web.Addr().String()
	for round := range 2 {
		var clients sync.WaitGroup
		for i := range 60 {
			clients.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(l.n(40))*time.Millisecond)
				defer cancel()
				if i%3 == 0 {
					visitTCP(ctx, tcp, l.n(2) == 0)
				} else {
					visitWS(ctx, ws, i%3 == 1, l.n(2) == 0)
				}
			})
		}
		if round == 0 {
			clients.Wait()
			testkit.Eventually(t, "all clients have left", func() bool { return l.wrong() == "" })
			continue
		}
		s.Stop()
		clients.Wait()
	}
	if wrong := l.wrong(); wrong != "" || len(l.seen) < 20 {
		t.Errorf("with the seed %d, of %d clients: %s", seed, len(l.seen), wrong)
	}
}

// wrong returns the first life that is not whole.
func (l *lives) wrong() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	whole := map[[2]string]bool{{"x", ""}: true, {"ad", "x"}: true, {"ad", "ad"}: true, {"acd", "ad"}: true, {"acd", "acd"}: true}
	for c, life := range l.seen {
		if !whole[*life] {
			return fmt.Sprintf("%q %s", *life, c.Transport)
		}
	}
	return ""
}

func visitTCP(ctx context.Context, address string, reset bool) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "status\r\nroomAdd x\r\n")
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Now()) })
	defer stop()
	_, _ = io.Copy(io.Discard, nc)
	if reset {
		_ = nc.(*net.TCPConn).SetLinger(0)
	}
}

func visitWS(ctx context.Context, address string, socketIO, orderly bool) {
	path := testkit.WSPath
	if socketIO {
		path = testkit.SIOPath
	}
	c, _, err := websocket.Dial(context.WithoutCancel(ctx), address+path, &websocket.DialOptions{HTTPHeader: http.Header{}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	if socketIO {
		_ = c.Write(context.WithoutCancel(ctx), websocket.MessageText, []byte("40"))
	}
	for {
		if _, _, err := c.Read(ctx); err != nil {
			break
		}
	}
	if orderly {
		_ = c.Close(websocket.StatusNormalClosure, "")
	}
}
