package engine_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/owner"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is an engine that sends every message back, in a bubble: with a clock of its own, and a network that is memory.
type server struct {
	t      *testing.T
	engine *engine.Engine
	http   *http.Client
	listen *pipes
	log    *log

	stopped bool // by the test

	mu      sync.Mutex
	clients []*echo
}

// run runs a test with a server; change may set other limits than the defaults.
func run(t *testing.T, change func(*engine.Config), test func(*testing.T, *server)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, listen: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, log: new(log)}
		cfg := engine.Config{
			PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
			FrameTimeout: 15 * time.Second, WriteTimeout: 10 * time.Second,
			MaxPayload: 1_000_000, MaxInFlight: 100, MaxMessages: 256, MaxBytes: 1 << 20, MaxAbsent: 10_000,
			Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelInfo})), Open: s.open,
		}
		if change != nil {
			change(&cfg)
		}
		s.engine = engine.New(cfg)
		web := &http.Server{Handler: s.engine}
		done := make(chan error)
		go func() { done <- web.Serve(s.listen) }()
		transport := &http.Transport{DialContext: s.listen.dial, DisableCompression: true}
		s.http = &http.Client{Transport: transport}
		test(t, s)
		if !s.stopped {
			if err := s.engine.Stop(t.Context(), func() {}); err != nil {
				t.Errorf("Stop: %v", err)
			}
		}
		transport.CloseIdleConnections()
		_ = web.Close()
		<-done
		for _, c := range s.all() {
			if n := c.told(); n != 1 {
				t.Errorf("a client was told %d times that it is over", n)
			}
		}
		time.Sleep(time.Minute) // whatever is left of connections has its time limits
	})
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// log keeps what is logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// echo is a client that gets its messages back: text as it is, the bytes of a binary one behind the word bytes.
type echo struct {
	session *engine.Session

	mu     sync.Mutex
	closed int
	hold   chan struct{} // what the messages that begin with hold wait for
}

func (s *server) open(session *engine.Session) engine.Client {
	c := &echo{session: session, hold: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = append(s.clients, c)
	return c
}

func (s *server) all() []*echo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients
}

// last is the client of the session that was opened last.
func (s *server) last() *echo {
	all := s.all()
	return all[len(all)-1]
}

func (c *echo) Message(data []byte, binary bool) owner.Job {
	text := string(data)
	if binary {
		text = "bytes" + text
	}
	switch text {
	case "nothing":
		return nil
	case "bye":
		c.session.Close("bye")
		return nil
	}
	return &echoed{c, text}
}

func (c *echo) Closed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
}

// told returns how often it was told that it is over.
func (c *echo) told() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

type echoed struct {
	c    *echo
	text string
}

func (e *echoed) Run() bool {
	switch {
	case strings.HasPrefix(e.text, "hold"):
		<-e.c.hold
	case e.text == "panic":
		panic("as asked")
	}
	e.c.session.Reply([]byte(e.text))
	return true
}

const polling = "EIO=4&transport=polling"

// do sends a request and returns what comes back.
func (s *server) do(method, query, body string) (status int, text string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://test/socket.io/?"+query, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, query, err)
		return 0, ""
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, query, err)
	}
	return resp.StatusCode, string(data)
}

// want sends a request and checks what comes back.
func (s *server) want(status int, text, method, query, body string) {
	s.t.Helper()
	gotStatus, got := s.do(method, query, body)
	if gotStatus != status || got != text {
		s.t.Errorf("%s %s %.100q: %d %q, want %d %q", method, query, body, gotStatus, got, status, text)
	}
}

// later sends a request in the background. The function that it returns waits for what comes back and checks it.
func (s *server) later(method, query, body string) (want func(status int, text string)) {
	s.t.Helper()
	type answer struct {
		status int
		text   string
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.status, a.text = s.do(method, query, body)
		answers <- a
	}()
	synctest.Wait()
	return func(status int, text string) {
		s.t.Helper()
		if a := <-answers; a.status != status || a.text != text {
			s.t.Errorf("%s %s: %d %q, want %d %q", method, query, a.status, a.text, status, text)
		}
	}
}

// handshake is what opens a session.
type handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func (s *server) handshake(text string) (h handshake) {
	s.t.Helper()
	rest, ok := strings.CutPrefix(text, "0")
	d := json.NewDecoder(strings.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); !ok || err != nil || h.SID == "" {
		s.t.Fatalf("the handshake is %q, %v", text, err)
	}
	return h
}

// poll opens a session over long-polling and returns its query.
func (s *server) poll() (query string) {
	s.t.Helper()
	status, text := s.do("GET", polling, "")
	if status != http.StatusOK {
		s.t.Fatalf("a session is not opened: %d %q", status, text)
	}
	return polling + "&sid=" + s.handshake(text).SID
}

// socket is a client's WebSocket.
type socket struct {
	*websocket.Conn
	t *testing.T
}

// dial opens a WebSocket, whose query is added to.
func (s *server) dial(query string) *socket {
	s.t.Helper()
	c, resp, err := websocket.Dial(s.t.Context(), "http://test/socket.io/?EIO=4&transport=websocket"+query, &websocket.DialOptions{HTTPClient: s.http})
	if err != nil {
		s.t.Fatalf("%v, %+v", err, resp)
	}
	c.SetReadLimit(1 << 21)
	return &socket{c, s.t}
}

// connect opens a session over WebSocket.
func (s *server) connect() *socket {
	s.t.Helper()
	k := s.dial("")
	s.handshake(k.read())
	return k
}

func (k *socket) read() string {
	k.t.Helper()
	kind, data, err := k.Read(k.t.Context())
	if err != nil || kind != websocket.MessageText {
		k.t.Fatalf("a read ends with %v, %v", kind, err)
	}
	return string(data)
}

func (k *socket) want(text string) {
	k.t.Helper()
	if got := k.read(); got != text {
		k.t.Errorf("%.200q is read, want %.200q", got, text)
	}
}

func (k *socket) send(text string) {
	k.t.Helper()
	if err := k.Write(k.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		k.t.Errorf("%.100q: %v", text, err)
	}
}

// ended checks that the server closes the connection, with a code of WebSocket.
func (k *socket) ended(code int) {
	k.t.Helper()
	_, data, err := k.Read(k.t.Context())
	if got := websocket.CloseStatus(err); int(got) != code {
		k.t.Errorf("it ends with %q, %v, want the code %d", data, err, code)
	}
}

// leave closes the connection as a client does that goes away.
func (k *socket) leave() {
	k.t.Helper()
	if err := k.Close(websocket.StatusNormalClosure, ""); err != nil {
		k.t.Errorf("closing: %v", err)
	}
}
