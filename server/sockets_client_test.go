package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// frames is a client that sends and reads text frames.
type frames struct {
	t    *testing.T
	conn *websocket.Conn
}

func newFrames(t *testing.T, addr net.Addr, path string) frames {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+addr.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return frames{t, conn}
}

func (f frames) send(text string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := f.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		f.t.Fatal(err)
	}
}

func (f frames) read() string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	_, text, err := f.conn.Read(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// lines makes a connection of it on which each frame is a line: a close frame becomes a line too, before the end.
func (f frames) lines() net.Conn {
	ours, theirs := net.Pipe()
	var both sync.WaitGroup
	both.Go(func() {
		defer theirs.Close()
		for {
			_, text, err := f.conn.Read(context.Background())
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				text = fmt.Appendf(nil, "close %d %s", closed.Code, closed.Reason)
			}
			if len(text) > 0 {
				_, _ = theirs.Write(append(text, "\r\n"...))
			}
			if err != nil {
				return
			}
		}
	})
	both.Go(func() {
		for in := bufio.NewScanner(theirs); in.Scan(); {
			kind, text := websocket.MessageText, in.Text()
			if data, ok := strings.CutPrefix(text, "binary "); ok {
				kind, text = websocket.MessageBinary, data
			}
			if f.conn.Write(context.Background(), kind, []byte(text)) != nil {
				return
			}
		}
	})
	f.t.Cleanup(func() {
		_ = ours.Close()
		_ = f.conn.CloseNow()
		both.Wait()
	})
	return ours
}

// until reads up to the frame that begins with prefix, and returns its rest.
func (f frames) until(prefix string) string {
	f.t.Helper()
	for {
		if rest, ok := strings.CutPrefix(f.read(), prefix); ok {
			return rest
		}
	}
}

// webSocketClient speaks plain WebSocket.
type webSocketClient struct{ frames }

func newWebSocketClient(t *testing.T, addr net.Addr) webSocketClient {
	c := webSocketClient{newFrames(t, addr, "/ws")}
	c.until(`{"welcome":`)
	return c
}

func (c webSocketClient) call(t *testing.T, action string, params map[string]string) string {
	c.send(`{"event":"action","id":1,"params":` + withAction(t, action, params) + `}`)
	return failure(t, `{"context":"response",`+c.until(`{"context":"response",`))
}

// socketIOClient speaks Socket.IO 5 on Engine.IO 4, over WebSocket.
type socketIOClient struct{ frames }

func newSocketIOClient(t *testing.T, addr net.Addr) socketIOClient {
	c := socketIOClient{newFrames(t, addr, "/socket.io/?EIO=4&transport=websocket")}
	c.until(`0{"sid":`)
	c.send("40")
	c.until(`42["welcome",`)
	return c
}

func (c socketIOClient) call(t *testing.T, action string, params map[string]string) string {
	c.send(`420["action",` + withAction(t, action, params) + `]`)
	return failure(t, strings.TrimSuffix(c.until("430["), "]"))
}

func withAction(t *testing.T, action string, params map[string]string) string {
	t.Helper()
	all := map[string]string{"action": action}
	for key, value := range params {
		all[key] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// failure returns the error of an answer, "" for none.
func failure(t *testing.T, answer string) string {
	t.Helper()
	var object struct{ Error any }
	if err := json.Unmarshal([]byte(answer), &object); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	text, _ := object.Error.(string)
	return text
}
