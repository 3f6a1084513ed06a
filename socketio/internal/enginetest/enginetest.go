// Package enginetest provides, for tests, an Engine.IO client that sends and checks single packets, and a server on an
// in-memory network. Begin reading at [Serve]. All functions work in a bubble of testing/synctest.
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

// Serve serves h at /socket.io/ on an in-memory network and returns a client of that server. The function stop closes
// the server and then sleeps for one minute, which is longer than the time limits of the remaining connections.
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

// listener is a net.Listener whose connections are in-memory pipes, so that both ends of a connection are in the
// synctest bubble.
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

// Client sends HTTP requests to an Engine.IO server and opens WebSockets. The methods of a Client report failures to T.
type Client struct {
	T    *testing.T
	HTTP *http.Client
	URL  string // the URL of the protocol's only path, without a query
}

// Polling is the URL query of a request that opens a session over long-polling.
const Polling = "EIO=4&transport=polling"

// Do sends an HTTP request and returns the status and the body of the response.
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

// Want sends an HTTP request and reports a failure unless the response has the given status and the body text.
func (c *Client) Want(status int, text, method, query, body string) {
	c.T.Helper()
	gotStatus, got := c.Do(method, query, body)
	if gotStatus != status || got != text {
		c.T.Errorf("%s %s %.100q: %d %q, want %d %q", method, query, body, gotStatus, got, status, text)
	}
}

// Start sends an HTTP request in a new goroutine and returns when the server blocks. The returned function want blocks
// until the response comes, and checks the status and the body of the response.
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

// Handshake is the JSON payload of the open packet, the first packet of a session.
type Handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// Handshake parses text, the open packet of a session, and returns the packet's payload. It stops the test if the
// packet is invalid.
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

// OpenPolling opens a session over long-polling and returns the URL query for the further requests of this session.
func (c *Client) OpenPolling() (query string) {
	c.T.Helper()
	status, text := c.Do("GET", Polling, "")
	if status != http.StatusOK {
		c.T.Fatalf("opening a session: %d %q", status, text)
	}
	return Polling + "&sid=" + c.Handshake(text).SID
}

// Socket is a WebSocket connection of a Client.
type Socket struct {
	*websocket.Conn
	t *testing.T
}

// DialSocket opens a WebSocket. query is appended to the URL query that opens a session, for example "&sid=…" for an
// upgrade.
func (c *Client) DialSocket(query string) *Socket {
	c.T.Helper()
	k, resp, err := websocket.Dial(c.T.Context(), c.URL+"?EIO=4&transport=websocket"+query, &websocket.DialOptions{HTTPClient: c.HTTP})
	if err != nil {
		c.T.Fatalf("%v, %+v", err, resp)
	}
	k.SetReadLimit(1 << 21)
	return &Socket{k, c.T}
}

// OpenSocket opens a session over WebSocket and checks the open packet.
func (c *Client) OpenSocket() *Socket {
	c.T.Helper()
	k := c.DialSocket("")
	c.Handshake(k.Next())
	return k
}

// Next returns the text of the next message from the server. It stops the test if the next message is binary or reading
// fails.
func (k *Socket) Next() string {
	k.t.Helper()
	kind, data, err := k.Read(k.t.Context())
	if err != nil || kind != websocket.MessageText {
		k.t.Fatalf("the next message is of type %v, %v", kind, err)
	}
	return string(data)
}

// Want reads the next message from the server and reports a failure if the message differs from text.
func (k *Socket) Want(text string) {
	k.t.Helper()
	if got := k.Next(); got != text {
		k.t.Errorf("%.200q is read, want %.200q", got, text)
	}
}

// Send sends a text message to the server.
func (k *Socket) Send(text string) {
	k.t.Helper()
	if err := k.Write(k.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		k.t.Errorf("%.100q: %v", text, err)
	}
}

// SendBinary sends a binary message to the server.
func (k *Socket) SendBinary(data ...byte) {
	k.t.Helper()
	if err := k.Write(k.t.Context(), websocket.MessageBinary, data); err != nil {
		k.t.Errorf("%d bytes: %v", len(data), err)
	}
}

// WantClosed reports a failure unless the server closes the connection with the given WebSocket close code and sends no
// message before that.
func (k *Socket) WantClosed(code int) {
	k.t.Helper()
	_, data, err := k.Read(k.t.Context())
	if got := websocket.CloseStatus(err); int(got) != code {
		k.t.Errorf("the connection ends with %q, %v, want the close code %d", data, err, code)
	}
}

// CloseNormal closes the connection with the WebSocket close code 1000 (normal closure).
func (k *Socket) CloseNormal() {
	k.t.Helper()
	if err := k.Close(websocket.StatusNormalClosure, ""); err != nil {
		k.t.Errorf("closing: %v", err)
	}
}
