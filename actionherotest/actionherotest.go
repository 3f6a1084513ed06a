// Package actionherotest helps to test actions, tasks, middleware and rooms: an API that lives as long as the test, a whole
// server on free ports, and a persistent client that keeps what it is sent.
package actionherotest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/worker"
)

// New returns a started API of the given parts on the embedded backend, which stops with the test. It logs nothing,
// listens to nothing and has no worker: what is enqueued waits, for [Enqueued] to show it.
func New(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api := build(t, parts)
	run(t, api)
	return api
}

// NewWithWorker is [New] with a worker, which runs what is enqueued, and what runs by itself. In a bubble of
// testing/synctest a day passes in no time.
func NewWithWorker(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api := build(t, parts)
	api.Add(worker.New(api, worker.Config{Lease: -1}))
	run(t, api)
	return api
}

func build(t testing.TB, parts []actionhero.Part) *actionhero.API {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// NewServer returns a started server of the given parts, with HTTP and TCP on free ports of the loopback interface, which
// stops with the test. Its addresses are Web.Addr and TCP.Addr. Its worker runs what is enqueued, which is kept in memory.
func NewServer(t testing.TB, parts ...actionhero.Part) *server.Server {
	t.Helper()
	var cfg server.Config
	cfg.Log.Logging = new(false)
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = -1, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	cfg.Tasks.Memory = true
	s, err := server.New(cfg, parts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	run(t, s.API)
	return s
}

func run(t testing.TB, api *actionhero.API) {
	t.Helper()
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Errorf("the API does not stop: %v", err)
		}
	})
}

// Run runs an action by name, as a client would, with params that are encoded as JSON. It returns what the action
// answers as JSON, or the error that the client would get.
func Run(t testing.TB, api *actionhero.API, action string, params map[string]any) (json.RawMessage, *actionhero.Error) {
	t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	host := transport.Of(api)
	req := host.NewRequest("test")
	req.Action = action
	if params != nil {
		if err := transport.ParamsOf(&req.Params).AddObject(raw); err != nil {
			t.Fatal(err)
		}
	}
	out, err := host.Dispatch(t.Context(), req)
	if err != nil {
		return nil, actionhero.AsError(err)
	}
	object, err := transport.AppendOutput([]byte("{"), req, out)
	if err != nil {
		return nil, actionhero.AsError(err)
	}
	return append(object, '}'), nil
}

// RunTask runs a task by name, now and in place, with params that are encoded as JSON. It returns nil, or the error with
// the task's own as its cause.
func RunTask(t testing.TB, api *actionhero.API, task string, params map[string]any) *actionhero.Error {
	t.Helper()
	var input any
	if params != nil {
		input = params
	}
	return actionhero.AsError(api.Tasks.Run(t.Context(), task, input))
}

// Enqueued returns the jobs of a task, or of all for "", in the order in which they were enqueued. Params of each is
// JSON, as [actionhero.Tasks.Run] takes it, and RunAt is when it may start.
func Enqueued(t testing.TB, api *actionhero.API, task string) []actionhero.Job {
	t.Helper()
	jobs, err := api.Tasks.List(t.Context(), actionhero.JobFilter{Task: task, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// Client is a persistent client that keeps the room messages it is sent.
type Client struct {
	*actionhero.Conn

	mu       sync.Mutex
	messages []Message
	reason   string
}

// Message is one message of a room.
type Message struct {
	Room string
	From string // the public id of the sender, or the server's name
	Body string // the message, as JSON
}

// Connect returns a client in the given room, which leaves with the test.
func Connect(t testing.TB, api *actionhero.API, room string) *Client {
	t.Helper()
	c := &Client{}
	host := transport.Of(api)
	c.Conn = host.Connect("test", netip.MustParseAddrPort("127.0.0.1:1"), sender{c})
	if err := api.Rooms.Move(t.Context(), c.Conn, room); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Disconnect(c.Conn) })
	return c
}

// Messages returns what the client was sent since the last call.
func (c *Client) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	messages := c.messages
	c.messages = nil
	return messages
}

// Closed returns the reason for which the server closed the client, "" if it did not.
func (c *Client) Closed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// sender is the side of a client that the API sees.
type sender struct{ c *Client }

func (s sender) Deliver(d *actionhero.RoomMessage) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.messages = append(s.c.messages, Message{d.Room, d.From, string(d.Body)})
	return false
}

func (s sender) Flush() {}

func (s sender) Close(reason string) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.reason = reason
}
