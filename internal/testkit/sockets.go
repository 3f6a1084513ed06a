package testkit

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Socket is a WebSocket client that uses the library coder/websocket. Its methods end the test if they fail.
type Socket struct {
	*websocket.Conn

	t    testing.TB
	json bool // each message must be JSON
}

// DialSocket opens a WebSocket at url. The WebSocket closes at the end of the test.
func DialSocket(t testing.TB, url string, options *websocket.DialOptions) *Socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Wait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &Socket{conn, t, false}
}

// Send sends text as one text message.
func (c *Socket) Send(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), Wait)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// Next returns the next text message from the server. If reading fails, Next ends the test.
func (c *Socket) Next() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), Wait)
	defer cancel()
	kind, text, err := c.Read(ctx)
	if err != nil || kind != websocket.MessageText || c.json && !json.Valid(text) {
		c.t.Fatalf("the next message is %q, %v", text, err)
	}
	return string(text)
}

// Want reads the next message and fails the test if that message differs from text.
func (c *Socket) Want(text string) {
	c.t.Helper()
	if got := c.Next(); got != text {
		c.t.Errorf("got  %s\nwant %s", got, text)
	}
}

// Call sends request and fails the test if the next message differs from answer.
func (c *Socket) Call(request, answer string) {
	c.t.Helper()
	c.Send(request)
	c.Want(answer)
}

// Await reads messages up to the first message that begins with prefix. It returns the rest of that message after
// prefix.
func (c *Socket) Await(prefix string) string {
	c.t.Helper()
	for {
		if rest, ok := strings.CutPrefix(c.Next(), prefix); ok {
			return rest
		}
	}
}

// WantClosed fails the test unless the server closes the connection with the given code and reason, without sending
// another message.
func (c *Socket) WantClosed(code int, reason string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), Wait)
	defer cancel()
	_, text, err := c.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || int(closed.Code) != code || closed.Reason != reason {
		c.t.Errorf("at the end come %q, %v; want code %d, %q", text, err, code, reason)
	}
}

// WSClient is a plain WebSocket client that has read the welcome message.
type WSClient struct{ *Socket }

// WSURL returns the URL of plain WebSocket on the server.
func (s *Server) WSURL() string { return "ws://" + s.Web.Addr().String() + WSPath }

// WS returns a plain WebSocket client of the server. Its connection closes at the end of the test.
func (s *Server) WS(t testing.TB) *WSClient {
	t.Helper()
	return NewWS(t, s.WSURL(), nil)
}

// WSS returns a client like [Server.WS], but over TLS.
func (s *Server) WSS(t testing.TB) *WSClient {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: s.ClientTLS}
	t.Cleanup(transport.CloseIdleConnections)
	url := "wss://" + s.Web.TLSAddr().String() + WSPath
	return NewWS(t, url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
}

// NewWS opens a plain WebSocket at url, checks the welcome message and returns the client.
func NewWS(t testing.TB, url string, options *websocket.DialOptions) *WSClient {
	t.Helper()
	c := &WSClient{DialSocket(t, url, options)}
	c.json = true
	c.Want(`{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api"}`)
	return c
}

// Do sends a request that runs an action with params, and returns the answer.
func (c *WSClient) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	const answer = `{"context":"response",`
	c.Send(`{"event":"action","id":1,"params":` + withAction(c.t, action, params) + `}`)
	return answerOf(c.t, answer+c.Await(answer))
}

// SIOClient is a client of Socket.IO 5 on Engine.IO 4 over WebSocket. It has read the welcome message.
type SIOClient struct{ *Socket }

// SIO returns a Socket.IO client of the server. Its connection closes at the end of the test.
func (s *Server) SIO(t testing.TB) *SIOClient {
	t.Helper()
	c := &SIOClient{DialSocket(t, "ws://"+s.Web.Addr().String()+SIOPath, nil)}
	c.Await(`0{"sid":`)
	c.Send("40")
	c.Await(`40{"sid":`)
	c.Want(`42["welcome",{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api"}]`)
	return c
}

// Do sends a request that runs an action with params, and returns the answer.
func (c *SIOClient) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	c.Send(`420["action",` + withAction(c.t, action, params) + `]`)
	return answerOf(c.t, strings.TrimSuffix(c.Await("430["), "]"))
}

func withAction(t testing.TB, action string, params map[string]string) string {
	t.Helper()
	all := map[string]string{"action": action}
	maps.Copy(all, params)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
