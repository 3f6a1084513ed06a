package actionherotest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

type greetInput struct {
	Name  string   `json:"name" required:"true"`
	Times int      `json:"times" default:"1" minimum:"1"`
	Tags  []string `json:"tags"`
}

type greetOutput struct {
	Text string   `json:"text"`
	Tags []string `json:"tags"`
}

var greet = actionhero.Action[greetInput, greetOutput]{
	Name: "greet",
	Run: func(_ context.Context, in greetInput) (greetOutput, error) {
		return greetOutput{strings.Repeat("Hi "+in.Name+". ", in.Times), in.Tags}, nil
	},
}

var fail = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "fail",
	Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
		return n, errors.New("a secret")
	},
}

func TestRun(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, greet, fail)
	for name, tt := range map[string]struct {
		action string
		params map[string]any
		want   string
		code   actionhero.Code
		err    string
	}{
		"params":         {"greet", map[string]any{"name": "Ann", "times": 2, "tags": []string{"a", "b"}}, `{"text":"Hi Ann. Hi Ann. ","tags":["a","b"]}`, 0, ""},
		"defaults":       {"greet", map[string]any{"name": "Ann"}, `{"text":"Hi Ann. ","tags":[]}`, 0, ""},
		"no params":      {"greet", nil, "", actionhero.CodeInvalidInput, "name is a required parameter for this action"},
		"wrong params":   {"greet", map[string]any{"name": "Ann", "times": 0}, "", actionhero.CodeInvalidInput, "times must be at least 1"},
		"no such action": {"meet", nil, "", actionhero.CodeNotFound, "meet is not a known action."},
		"failure":        {"fail", nil, "", actionhero.CodeInternal, "The server experienced an internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, failure := actionherotest.Run(t, api, tt.action, tt.params)
			if tt.err != "" {
				if failure == nil || actionhero.AsError(failure).Code != tt.code || failure.Error() != tt.err || got != nil {
					t.Errorf("got %s, %v; want the failure %v: %s", got, failure, tt.code, tt.err)
				}
				return
			}
			if failure != nil || !json.Valid(got) || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, failure, tt.want)
			}
		})
	}
}

// The API stops at the end of the test that called New.
func TestNewStopsWithTheTest(t *testing.T) {
	t.Parallel()
	stopped := false
	var api *actionhero.API
	t.Run("test", func(t *testing.T) {
		api = actionherotest.New(t, greet, actionhero.Initializer{Name: "recorder", Stop: func(context.Context, *actionhero.API) error {
			stopped = true
			return nil
		}})
		if _, failure := actionherotest.Run(t, api, "greet", map[string]any{"name": "Ann"}); failure != nil {
			t.Error(failure)
		}
	})
	if _, failure := actionherotest.Run(t, api, "greet", map[string]any{"name": "Ann"}); !stopped || failure == nil || actionhero.AsError(failure).Code != actionhero.CodeUnavailable {
		t.Errorf("after the test the error is %v; stopped: %v", failure, stopped)
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, greet)
	ann := actionherotest.Connect(t, api, "kitchen")
	var bobID string
	t.Run("test with its own client", func(t *testing.T) {
		bob := actionherotest.Connect(t, api, "kitchen")
		bobID = bob.ID
		if err := api.Rooms.Say(t.Context(), bob.Conn, "", "hello"); err != nil {
			t.Fatal(err)
		}
		if err := api.Rooms.Broadcast(t.Context(), "kitchen", map[string]int{"n": 1}); err != nil {
			t.Fatal(err)
		}
		if err := api.Rooms.Broadcast(t.Context(), "cellar", "another room"); err != nil {
			t.Fatal(err)
		}
		want := []actionherotest.Message{{Room: "kitchen", From: "actionHero API", Body: `{"n":1}`}}
		if diff := cmp.Diff(want, messages(t, bob, 1)); diff != "" {
			t.Errorf("the sender receives (-want +got):\n%s", diff)
		}
	})
	want := []actionherotest.Message{
		{Room: "kitchen", From: bobID, Body: `"I have entered the room"`},
		{Room: "kitchen", From: bobID, Body: `"hello"`},
		{Room: "kitchen", From: "actionHero API", Body: `{"n":1}`},
		{Room: "kitchen", From: bobID, Body: `"I have left the room"`},
	}
	if diff := cmp.Diff(want, messages(t, ann, 4)); diff != "" {
		t.Errorf("the other member receives (-want +got):\n%s", diff)
	}
	if again := ann.Messages(); len(again) > 0 {
		t.Errorf("messages are returned twice: %v", again)
	}
	status, err := api.Rooms.Status(t.Context(), "kitchen")
	if diff := cmp.Diff(actionhero.RoomStatus{Members: []string{ann.ID}, MembersCount: 1}, status); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// messages returns the messages of a client once there are n.
func messages(t *testing.T, c *actionherotest.Client, n int) (all []actionherotest.Message) {
	t.Helper()
	for begun := time.Now(); len(all) < n; all = append(all, c.Messages()...) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("want %d messages, got %v", n, all)
		}
	}
	return all
}

func TestClosed(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t)
	c := actionherotest.Connect(t, api, "kitchen")
	if reason := c.Closed(); reason != "" {
		t.Errorf("a new client is closed: %q", reason)
	}
	c.Close("not wanted")
	if reason := c.Closed(); reason != "not wanted" {
		t.Errorf("closed for the reason %q", reason)
	}
}

// NewServer listens on sockets of the loopback interface until the end of the test.
func TestNewServer(t *testing.T) {
	t.Parallel()
	var addresses []net.Addr
	t.Run("test", func(t *testing.T) {
		s := actionherotest.NewServer(t, greet)
		addresses = []net.Addr{s.Web.Addr(), s.TCP.Addr()}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get("http://" + s.Web.Addr().String() + "/api/greet?name=Ann")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(body), `{"text":"Hi Ann. "`) {
			t.Errorf("over HTTP: %s, %v", body, err)
		}
	})
	for _, addr := range addresses {
		if !addr.(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%v is not an address of the loopback interface", addr)
		}
		if c, err := net.Dial("tcp", addr.String()); err == nil {
			_ = c.Close()
			t.Errorf("%v is still open after the test", addr)
		}
	}
}

// fakeTest is a testing.TB that records the error with which it fails, and then panics.
type fakeTest struct {
	testing.TB
	mu      sync.Mutex
	message string
}

func (f *fakeTest) Helper() {}

func (f *fakeTest) Fatal(args ...any) { f.fail(fmt.Sprint(args...)) }

func (f *fakeTest) Fatalf(format string, args ...any) { f.fail(fmt.Sprintf(format, args...)) }

func (f *fakeTest) fail(message string) {
	f.mu.Lock()
	f.message = message
	f.mu.Unlock()
	panic(f)
}

var export = actionhero.Action[actionhero.None, *actionhero.Content]{
	Name: "export",
	Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
		return &actionhero.Content{Body: strings.NewReader("a,b")}, nil
	},
}

// If something cannot be started or encoded, the helper fails the test with the reason.
func TestFatal(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, export, actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
		return actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first")
	}})
	for name, tt := range map[string]struct {
		call func(testing.TB)
		want string // a part of the message
	}{
		"New":             {func(t testing.TB) { actionherotest.New(t, greet, greet) }, `"greet"`},
		"NewServer":       {func(t testing.TB) { actionherotest.NewServer(t, greet, greet) }, `"greet"`},
		"Run":             {func(t testing.TB) { actionherotest.Run(t, api, "greet", map[string]any{"name": func() {}}) }, "is or has a func()"},
		"Run of a struct": {func(t testing.TB) { actionherotest.Run(t, api, "greet", struct{ C chan int }{}) }, "chan int"},
		"Run of bytes":    {func(t testing.TB) { actionherotest.Run(t, api, "export", nil) }, "call RunAs[*actionhero.Content]"},
		"Connect":         {func(t testing.TB) { actionherotest.Connect(t, api, "users") }, `log in first; a client that logs in first connects with the room ""`},
		"RequireEnqueued": {func(t testing.TB) { actionherotest.RequireEnqueued(t, api, "remind", 1) }, `0 jobs of task "remind" are enqueued, want 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTest{TB: t}
			func() {
				defer func() {
					if p := recover(); p != f {
						panic(p)
					}
				}()
				tt.call(f)
			}()
			if !strings.Contains(f.message, tt.want) {
				t.Errorf("the test fails with %q, want %q in it", f.message, tt.want)
			}
		})
	}
}

type reminder struct {
	To string `json:"to" required:"true"`
}

var remind = actionhero.Task[reminder]{
	Name: "remind",
	Run: func(_ context.Context, in reminder) error {
		if in.To == "unknown" {
			return errors.New("no such person")
		}
		return nil
	},
}

func TestTasks(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, remind)
	if err := actionherotest.RunTask(t, api, "remind", map[string]any{"to": "ann"}); err != nil {
		t.Errorf("RunTask: %v", err)
	}
	if err := actionherotest.RunTask(t, api, "remind", nil); err == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("RunTask without an input: %v", err)
	}
	if err := actionherotest.RunTask(t, api, "remind", map[string]any{"to": "unknown"}); err == nil || errors.Unwrap(err).Error() != "no such person" {
		t.Errorf("RunTask of a task that fails: %v", err)
	}
	if jobs := actionherotest.Enqueued(t, api, ""); len(jobs) > 0 {
		t.Errorf("RunTask enqueued %v", jobs)
	}
	before := time.Now()
	if _, err := remind.Enqueue(t.Context(), api, reminder{"ann"}, actionhero.After(time.Minute)); err != nil {
		t.Fatal(err)
	}
	job := actionherotest.RequireEnqueued(t, api, "remind", 1)[0]
	if string(job.Params) != `{"to":"ann"}` || job.RunAt.Before(before.Add(time.Minute)) {
		t.Errorf("the enqueued job is %+v", job)
	}
	actionherotest.RequireEnqueued(t, api, "other", 0)
}
