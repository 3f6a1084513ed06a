package engine_test

import (
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// server is an engine that returns every message to its client, in a bubble of synctest and a network in memory.
type server struct {
	*enginetest.Client
	engine *engine.Engine
	log    *testkit.Recorder

	stopped bool // the test has called engine.Stop

	mu      sync.Mutex
	clients []*echoClient
}

// run runs a test with a server. change may change the limits.
func run(t *testing.T, change func(*engine.Config), test func(*testing.T, *server)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{log: new(testkit.Recorder)}
		cfg := engine.Config{
			PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
			MessageTimeout: 15 * time.Second, WriteTimeout: 10 * time.Second,
			MaxPayload: 1_000_000, MaxInFlight: 100, MaxMessages: 256, MaxBytes: 1 << 20, MaxDetached: 10_000,
			Log: slog.New(s.log), Open: s.newClient,
		}
		if change != nil {
			change(&cfg)
		}
		s.engine = engine.New(cfg)
		var closeServer func()
		s.Client, closeServer = enginetest.Serve(t, s.engine)
		test(t, s)
		if !s.stopped {
			if err := s.engine.Stop(t.Context(), func() {}); err != nil {
				t.Errorf("Stop: %v", err)
			}
		}
		closeServer()
		for _, c := range s.allClients() {
			if n := c.timesClosed(); n != 1 {
				t.Errorf("Closed was called %d times", n)
			}
		}
	})
}

// logged reports whether the log has text, after everything that the server does now is done: a client may see the end of
// its connection before the server has written the line about it.
func (s *server) logged(text string) bool {
	synctest.Wait()
	return s.log.Has(text)
}

// sessions returns the number of sessions, after everything that the server does now is done.
func (s *server) sessions() int {
	synctest.Wait()
	return s.engine.Len()
}

// echoClient replies to every message with the message itself. A binary one becomes text after the word bytes.
type echoClient struct {
	session *engine.Session

	mu     sync.Mutex
	closed int           // calls of Closed
	hold   chan struct{} // requests for messages that begin with hold receive from it
}

func (s *server) newClient(session *engine.Session, _ *http.Request) engine.Client {
	c := &echoClient{session: session, hold: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = append(s.clients, c)
	return c
}

func (s *server) allClients() []*echoClient {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients
}

// lastClient returns the client of the session that was opened last.
func (s *server) lastClient() *echoClient {
	all := s.allClients()
	return all[len(all)-1]
}

func (c *echoClient) Message(data []byte, binary bool) connloop.Request {
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
	return &echoRequest{c, text}
}

func (c *echoClient) Closed(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
}

// timesClosed returns the number of calls of Closed, after everything that the server does now is done.
func (c *echoClient) timesClosed() int {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

type echoRequest struct {
	c    *echoClient
	text string
}

func (e *echoRequest) Run() bool {
	switch {
	case strings.HasPrefix(e.text, "hold"):
		<-e.c.hold
	case e.text == "panic":
		panic("as asked")
	}
	if strings.HasSuffix(e.text, "goexit") {
		defer e.c.session.Reply([]byte("ended"))
		runtime.Goexit()
	}
	e.c.session.Reply([]byte(e.text))
	return true
}
