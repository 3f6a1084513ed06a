// Package enginetest provides an Engine.IO client for tests that sends and checks single packets, and a server for it in a
// network in memory. Begin reading at [Serve]. Everything works in a bubble of testing/synctest.
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
	"time"

	"github.com/coder/websocket"
)

// Serve serves h at /socket.io/ and returns a client of it. stop closes the server and waits for one minute, longer than
// the time limits of the connections that are left.
func Serve(t *testing.T, h http.Handler) (c *Client, stop func()) {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	transport := &http.Transport{DialContext: l.dial, DisableCompression: true}
	return &Client{T: t, HTTP: &http.Client{Transport: transport}, URL: "http://test/socket.io/"}, func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
		time.Sleep(time.Minute)
	}
}

// listener accepts pipes, so that both ends of a connection are in the bubble.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *listener) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Client sends HTTP requests and opens WebSockets. Its methods report failures to T.
type Client struct {
	T    *testing.T
	HTTP *http.Client
	URL  string // of the protocol's only path, without a query
}

// Polling is the query that opens a session over long-polling.
const Polling = "EIO=4&transport=polling"

// Do sends a request and returns the response.
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

// Want sends a request and checks the response.
func (c *Client) Want(status int, text, method, query, body string) {
	c.T.Helper()
	gotStatus, got := c.Do(method, query, body)
	if gotStatus != status || got != text {
		c.T.Errorf("%s %s %.100q: %d %q, want %d %q", method, query, body, gotStatus, got, status, text)
	}
}

// Start sends a request and returns when the server waits. want blocks until the response comes and checks it.
func (c *Client) Start(method, query, body string) (want func(status int, text string)) {
	c.T.Helper()
	type response struct {
		status int
		text   string
	}
	responses := make(chan response, 1)
	go func() {
		var r response
		r.status, r.text = c.Do(method, query, body)
		responses <- r
	}()
	synctest.Wait()
	return func(status int, text string) {
		c.T.Helper()
		if r := <-responses; r.status != status || r.text != text {
			c.T.Errorf("%s %s: %d %q, want %d %q", method, query, r.status, r.text, status, text)
		}
	}
}

// Handshake is the payload of the open packet.
type Handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// Handshake parses the open packet.
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

// OpenPolling opens a session over long-polling and returns the query of its requests.
func (c *Client) OpenPolling() (query string) {
	c.T.Helper()
	status, text := c.Do("GET", Polling, "")
	if status != http.StatusOK {
		c.T.Fatalf("opening a session: %d %q", status, text)
	}
	return Polling + "&sid=" + c.Handshake(text).SID
}

// Socket is the WebSocket of a client.
type Socket struct {
	*websocket.Conn
	t *testing.T
}

// DialSocket opens a WebSocket. query is appended to the query that opens a session, for example "&sid=…" for an upgrade.
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

// Next returns the next message. The test ends if it is not text.
func (k *Socket) Next() string {
	k.t.Helper()
	kind, data, err := k.Read(k.t.Context())
	if err != nil || kind != websocket.MessageText {
		k.t.Fatalf("the next message is of type %v, %v", kind, err)
	}
	return string(data)
}

// Want checks the next message.
func (k *Socket) Want(text string) {
	k.t.Helper()
	if got := k.Next(); got != text {
		k.t.Errorf("%.200q is read, want %.200q", got, text)
	}
}

// Send sends a text message.
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

// WantClosed checks that the server closes the connection with a WebSocket close code and sends no message before.
func (k *Socket) WantClosed(code int) {
	k.t.Helper()
	_, data, err := k.Read(k.t.Context())
	if got := websocket.CloseStatus(err); int(got) != code {
		k.t.Errorf("the connection ends with %q, %v, want the close code %d", data, err, code)
	}
}

// CloseNormal closes the connection with the code 1000.
func (k *Socket) CloseNormal() {
	k.t.Helper()
	if err := k.Close(websocket.StatusNormalClosure, ""); err != nil {
		k.t.Errorf("closing: %v", err)
	}
}
