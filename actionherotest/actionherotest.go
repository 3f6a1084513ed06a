// Package actionherotest helps to test actions, tasks, middleware and rooms. It starts an API, a whole server or a cluster
// for one test, runs actions and tasks by name or over HTTP, lists enqueued jobs and log lines, and connects persistent
// clients that run actions and record room messages. In a bubble of testing/synctest, [Advance] moves the clock.
//
// Begin with [New] and [Run]. At the end of the test, all APIs, servers and clients that these functions started are
// stopped. A function that fails calls t.Fatal, so call each function in the goroutine of the test.
package actionherotest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/worker"
)

// New returns a started API with the given parts. Its backend is the embedded backend, in memory. The API listens
// on no port and has no worker: enqueued jobs do not run, and [RequireEnqueued] returns them. [Logged] returns its log.
func New(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api := build(t, parts)
	run(t, api)
	return api
}

// NewWithWorker returns an API like [New], with a worker that runs enqueued jobs and the tasks with a schedule. In a
// bubble of testing/synctest, [Advance] moves the clock to retries and schedules.
func NewWithWorker(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api := build(t, parts)
	api.Add(worker.New(api, worker.Config{}))
	run(t, api)
	return api
}

func build(t testing.TB, parts []actionhero.Part) *actionhero.API {
	t.Helper()
	var cfg server.Config
	cfg.General.Backend, cfg.General.Log = local.New(local.Config{}), newLog()
	parts = configured(&cfg, parts)
	api, err := actionhero.New(cfg.General, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// NewServer returns a started server with the given parts. The server listens for HTTP and TCP on free ports of the
// loopback interface; the fields Web.Addr and TCP.Addr have the addresses. A worker runs enqueued jobs, which are kept
// in memory.
func NewServer(t testing.TB, parts ...actionhero.Part) *server.Server {
	t.Helper()
	cfg := testConfig()
	parts = configured(&cfg, parts)
	s, err := server.New(cfg, parts...)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.API)
	return s
}

// testConfig returns the configuration of a server on free ports, with its tasks in memory.
func testConfig() (cfg server.Config) {
	cfg.General.Log = newLog()
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = -1, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	cfg.Tasks.Memory = true
	return cfg
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

// Run runs the action with this name like the request of a client. params is nil, a map, or a struct such as the input of
// the action. Of a struct, also inside a map, a field with its zero value is not given, as in a call of
// actionhero.Action.Call; to send a zero, use a map. Structs and maps can pass files.
//
// Run returns the output of the action as JSON, or the error that the client would receive; actionhero.AsError returns
// its code and details. The log of the test has the cause of an internal error. The options choose the client. If the
// action returns a *actionhero.Content, Run fails the test: call [RunAs].
func Run(t testing.TB, api *actionhero.API, action string, params any, options ...Option) (json.RawMessage, error) {
	t.Helper()
	req, out, err := dispatch(t, api, action, params, options)
	if err != nil {
		return nil, err
	}
	if _, ok := out.(*actionhero.Content); ok {
		t.Fatalf("action %q answers with bytes: call RunAs[*actionhero.Content] and read its Body", action)
	}
	object, err := transport.AppendOutput([]byte("{"), req, out)
	if err != nil {
		return nil, err
	}
	return append(object, '}'), nil
}

// RunAs runs an action like [Run], but returns the output itself. Out is the output type of the action. If the output
// has another type, because a middleware replaced it, RunAs fails the test.
func RunAs[Out any](t testing.TB, api *actionhero.API, action string, params any, options ...Option) (Out, error) {
	t.Helper()
	var none Out
	_, result, err := dispatch(t, api, action, params, options)
	if err != nil {
		return none, err
	}
	out, ok := result.(Out)
	if !ok {
		t.Fatalf("action %q answered a %T, not a %T", action, result, none)
	}
	return out, nil
}

func dispatch(t testing.TB, api *actionhero.API, action string, params any, options []Option) (*actionhero.Request, any, error) {
	t.Helper()
	host := transport.Of(api)
	req := host.NewRequest("test")
	req.Action = action
	if err := transport.ParamsOf(&req.Params).AddInput(params); err != nil {
		t.Fatalf("the params of action %q: %v", action, err)
	}
	for _, option := range options {
		option(req)
	}
	out, err := host.Dispatch(t.Context(), req)
	if failure := actionhero.AsError(err); failure != nil && failure.Code == actionhero.CodeInternal && failure.Err != nil {
		t.Logf("action %q: %s: %v", action, failure.Message, failure.Err)
	}
	return req, out, err
}

// Option changes the request of [Run] and [RunAs].
type Option func(*actionhero.Request)

// WithHeader gives the request a header, which Request.Header returns.
func WithHeader(name, value string) Option {
	return func(req *actionhero.Request) { extraOf(req).header.Set(name, value) }
}

// WithBody gives the request the body that Request.Body returns.
func WithBody(body []byte) Option {
	return func(req *actionhero.Request) { extraOf(req).body = body }
}

// From makes the request one of the client c, so that Request.Conn is the connection of c.
func From(c *Client) Option {
	return func(req *actionhero.Request) { req.Conn, req.RemoteIP = c.Conn, c.Remote.Addr().String() }
}

// As makes the request come from this identity, whatever its credentials are.
func As(id actionhero.Identity) Option {
	return func(req *actionhero.Request) { _ = req.SetIdentity(context.Background(), id) }
}

// WithCookie gives the request a cookie, in its header Cookie.
func WithCookie(name, value string) Option {
	return func(req *actionhero.Request) {
		header := extraOf(req).header
		cookies := header.Get("Cookie")
		if cookies != "" {
			cookies += "; "
		}
		header.Set("Cookie", cookies+name+"="+value)
	}
}

// Over makes the request one of the transport with this name, such as actionhero.TransportTCP.
func Over(transport string) Option {
	return func(req *actionhero.Request) { req.Transport = transport }
}

// FromIP sets the address of the client, which counts against the request limit. A request without FromIP and [From] has
// no address.
func FromIP(ip string) Option {
	return func(req *actionhero.Request) { req.RemoteIP = ip }
}

// extra has the parts of a request that only HTTP has.
type extra struct {
	header http.Header
	body   []byte
}

func extraOf(req *actionhero.Request) *extra {
	e, ok := req.Extra.(*extra)
	if !ok {
		e = &extra{header: http.Header{}}
		req.Extra = e
	}
	return e
}

func (e *extra) RequestHeader(name string) string { return e.header.Get(name) }
func (e *extra) RequestBody() []byte              { return e.body }

// RunTask runs the task with this name and blocks until the task has ended. params is nil, a map or a struct, as for
// actionhero.Tasks.Run. RunTask stores no job. RunTask returns nil, or an
// *actionhero.Error whose field Err is the error of the task.
func RunTask(t testing.TB, api *actionhero.API, task string, params any) error {
	t.Helper()
	return api.Tasks.Run(t.Context(), task, params)
}

// Enqueued returns the jobs of the named task in the order in which they were enqueued. If task is "", it returns the
// jobs of all tasks. The jobs may be in any state; at most 10,000 are returned. Job.Params holds the params of the job
// as a JSON object; Job.RunAt is the earliest start of the job.
func Enqueued(t testing.TB, api *actionhero.API, task string) []actionhero.Job {
	t.Helper()
	jobs, err := api.Tasks.List(t.Context(), actionhero.JobFilter{Task: task, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// RequireEnqueued returns the jobs of the named task like [Enqueued]. If there are not exactly n jobs, RequireEnqueued
// fails the test.
func RequireEnqueued(t testing.TB, api *actionhero.API, task string, n int) []actionhero.Job {
	t.Helper()
	jobs := Enqueued(t, api, task)
	if len(jobs) != n {
		t.Fatalf("%d jobs of task %q are enqueued, want %d: %+v", len(jobs), task, n, jobs)
	}
	return jobs
}

// Client is a persistent client of an API, without a network connection. [Connect] returns one. The client records the
// room messages that the API delivers to it. The methods may be called concurrently.
type Client struct {
	*actionhero.Conn

	api      *actionhero.API
	arrived  chan struct{} // holds a value after a delivery
	mu       sync.Mutex
	messages []Message
	reason   string
}

// Message is one room message that a [Client] has received.
type Message struct {
	Room string
	From string // the public id of the sender, or the name of the server
	Body string // the message, as JSON
}

// Connect returns a new client of the API. The current room of the client is the given room. If room is "", the client is
// in no room, like one that the default room refuses before a login. The client disconnects at the end of the test. If
// the app refuses the client, Connect fails the test: for a client with a handshake, call [Dial]. For a client of a user,
// call SetIdentity of the returned client, which is a *actionhero.Conn.
func Connect(t testing.TB, api *actionhero.API, room string) *Client {
	t.Helper()
	c, err := Dial(t, api, room, &actionhero.Handshake{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Dial is [Connect] for a client that sends the handshake h. err is the error with which the connection middleware of the
// app has refused the client.
func Dial(t testing.TB, api *actionhero.API, room string, h *actionhero.Handshake) (c *Client, err error) {
	t.Helper()
	c = &Client{api: api, arrived: make(chan struct{}, 1)}
	host := transport.Of(api)
	c.Conn = host.Connect("test", netip.MustParseAddrPort("127.0.0.1:1"), sender{c})
	t.Cleanup(c.Disconnect)
	if refusal := host.Accept(t.Context(), c.Conn, h); refusal != nil {
		c.Disconnect()
		return nil, refusal
	}
	if room != "" {
		if err := api.Rooms.Move(t.Context(), c.Conn, room); err != nil {
			t.Fatalf("the client does not enter the room %q: %v; a client that logs in first connects with the room \"\"", room, err)
		}
	}
	host.Connected(t.Context(), c.Conn)
	return c, nil
}

// Disconnect ends the connection of the client, as if the client had. It returns after the connection middleware has heard
// of it. A second call does nothing.
func (c *Client) Disconnect() {
	host := transport.Of(c.api)
	host.Disconnect(c.Conn)
	host.Disconnected(c.Conn)
}

// Messages returns the messages that were delivered to the client since the previous call, in the order of their
// delivery. If there are none, Messages returns nil at once and does not wait for a message.
func (c *Client) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.messages) == 0 { // Next leaves an empty list
		return nil
	}
	messages := c.messages
	c.messages = nil
	return messages
}

// nextTime is the time that Next waits, long enough for a busy machine.
const nextTime = 30 * time.Second

// Next returns the first message that the client has received and that no call has returned, and waits for it if there
// is none. If none comes within 30 seconds, Next fails the test.
func (c *Client) Next(t testing.TB) Message {
	t.Helper()
	timer := time.NewTimer(nextTime)
	defer timer.Stop()
	for {
		c.mu.Lock()
		if len(c.messages) > 0 {
			defer c.mu.Unlock()
			first := c.messages[0]
			c.messages = c.messages[1:]
			return first
		}
		c.mu.Unlock()
		select {
		case <-c.arrived:
		case <-timer.C:
			t.Fatalf("no message reaches the client within %v", nextTime)
		}
	}
}

// Run runs an action as a request of this client, like the function [Run] with the option [From].
func (c *Client) Run(t testing.TB, action string, params any, options ...Option) (json.RawMessage, error) {
	t.Helper()
	return Run(t, c.api, action, params, append([]Option{From(c)}, options...)...)
}

// Closed returns the reason for which the API closed the client's connection, or "" if the connection is open.
func (c *Client) Closed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// sender implements transport.Sender for a client. sender records messages instead of sending them.
type sender struct{ c *Client }

func (s sender) Deliver(d *actionhero.RoomMessage) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.messages = append(s.c.messages, Message{d.Room, d.From, string(d.Body)})
	select {
	case s.c.arrived <- struct{}{}:
	default:
	}
	return false
}

func (s sender) Flush() {}

func (s sender) Close(reason string) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.reason = reason
}
