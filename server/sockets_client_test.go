package server_test

import (
	"context"
	"encoding/json"
	"net"
	"strings"
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
