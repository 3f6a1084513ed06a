// Package enginetest is a client of Engine.IO for tests, down to the packets, and a network that is memory.
package enginetest

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

// Listener is one whose connections are pipes, so that a bubble of testing/synctest can hold both ends.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen makes a Listener.
func Listen() *Listener { return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{} }

// Dial connects, for an http.Transport.
func (l *Listener) Dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Client is what sends requests.
type Client struct {
	T    *testing.T
	HTTP *http.Client
	URL  string // of the protocol's one path
}

// Polling is the query that opens a session over long-polling.
const Polling = "EIO=4&transport=polling"

// Do sends a request and returns what comes back.
func (c *Client) Do(method, query, body string) (status int, text string) {
	c.T.Helper()
	r, err := http.NewRequestWithContext(c.T.Context(), method, c.URL+"?"+query, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		c.T.Errorf("%s %s: %v", method, query, err)
		return 0, ""
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.T.Errorf("%s %s: %v", method, query, err)
	}
	return resp.StatusCode, string(data)
}

// Want sends a request and checks what comes back.
func (c *Client) Want(status int, text, method, query, body string) {
	c.T.Helper()
	gotStatus, got := c.Do(method, query, body)
	if gotStatus != status || got != text {
		c.T.Errorf("%s %s %.100q: %d %q, want %d %q", method, query, body, gotStatus, got, status, text)
	}
}

// Start sends a request in the background. The function that it returns waits for what comes back and checks it.
func (c *Client) Start(method, query, body string) (want func(status int, text string)) {
	c.T.Helper()
	type answer struct {
		status int
		text   string
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.status, a.text = c.Do(method, query, body)
		answers <- a
	}()
	synctest.Wait()
	return func(status int, text string) {
		c.T.Helper()
		if a := <-answers; a.status != status || a.text != text {
			c.T.Errorf("%s %s: %d %q, want %d %q", method, query, a.status, a.text, status, text)
		}
	}
}

// Handshake is what opens a session.
type Handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// Handshake reads the packet that opens a session.
func (c *Client) Handshake(text string) (h Handshake) {
	c.T.Helper()
	rest, ok := strings.CutPrefix(text, "0")
	d := json.NewDecoder(strings.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); !ok || err != nil || h.SID == "" {
		c.T.Fatalf("the handshake is %q, %v", text, err)
	}
	return h
}

// OpenPolling opens a session over long-polling and returns its query.
func (c *Client) OpenPolling() (query string) {
	c.T.Helper()
	status, text := c.Do("GET", Polling, "")
	if status != http.StatusOK {
		c.T.Fatalf("a session is not opened: %d %q", status, text)
	}
	return Polling + "&sid=" + c.Handshake(text).SID
}

// Socket is a client's WebSocket.
type Socket struct {
	*websocket.Conn
	t *testing.T
}

// DialSocket opens a WebSocket, whose query is added to.
func (c *Client) DialSocket(query string) *Socket {
	c.T.Helper()
	k, resp, err := websocket.Dial(c.T.Context(), c.URL+"?EIO=4&transport=websocket"+query, &websocket.DialOptions{HTTPClient: c.HTTP})
	if err != nil {
		c.T.Fatalf("%v, %+v", err, resp)
	}
	k.SetReadLimit(1 << 21)
	return &Socket{k, c.T}
}

// OpenSocket opens a session over WebSocket.
func (c *Client) OpenSocket() *Socket {
	c.T.Helper()
	k := c.DialSocket("")
	c.Handshake(k.Next())
	return k
}

// Next reads the next message, which must be text.
func (k *Socket) Next() string {
	k.t.Helper()
	kind, data, err := k.Read(k.t.Context())
	if err != nil || kind != websocket.MessageText {
		k.t.Fatalf("a read ends with %v, %v", kind, err)
	}
	return string(data)
}

// Want reads the next message and checks it.
func (k *Socket) Want(text string) {
	k.t.Helper()
	if got := k.Next(); got != text {
		k.t.Errorf("%.200q is read, want %.200q", got, text)
	}
}

// Send sends a message.
func (k *Socket) Send(text string) {
	k.t.Helper()
	if err := k.Write(k.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		k.t.Errorf("%.100q: %v", text, err)
	}
}

// SendBinary sends a binary message.
func (k *Socket) SendBinary(data ...byte) {
	k.t.Helper()
	if err := k.Write(k.t.Context(), websocket.MessageBinary, data); err != nil {
		k.t.Errorf("%d bytes: %v", len(data), err)
	}
}

// WantClosed checks that the server closes the connection, with a code of WebSocket.
func (k *Socket) WantClosed(code int) {
	k.t.Helper()
	_, data, err := k.Read(k.t.Context())
	if got := websocket.CloseStatus(err); int(got) != code {
		k.t.Errorf("it ends with %q, %v, want the code %d", data, err, code)
	}
}

// CloseNormal closes the connection as a client does that goes away.
func (k *Socket) CloseNormal() {
	k.t.Helper()
	if err := k.Close(websocket.StatusNormalClosure, ""); err != nil {
		k.t.Errorf("closing: %v", err)
	}
}
