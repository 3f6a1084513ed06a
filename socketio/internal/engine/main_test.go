package engine_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is an engine that sends every message back, in a bubble: with a clock of its own, and a network that is memory.
type server struct {
	*enginetest.Client
	engine *engine.Engine
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
		listener := enginetest.Listen()
		s := &server{log: new(log)}
		cfg := engine.Config{
			PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
			MessageTimeout: 15 * time.Second, WriteTimeout: 10 * time.Second,
			MaxPayload: 1_000_000, MaxInFlight: 100, MaxMessages: 256, MaxBytes: 1 << 20, MaxDetached: 10_000,
			Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelInfo})), Open: s.open,
		}
		if change != nil {
			change(&cfg)
		}
		s.engine = engine.New(cfg)
		web := &http.Server{Handler: s.engine}
		done := make(chan error)
		go func() { done <- web.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.Dial, DisableCompression: true}
		s.Client = &enginetest.Client{T: t, HTTP: &http.Client{Transport: transport}, URL: "http://test/socket.io/"}
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

func (c *echo) Message(data []byte, binary bool) connloop.Request {
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
