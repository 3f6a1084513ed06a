package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/server"
)

// transport is one way to reach a server. Each new transport of the house gets a row in transports.
type transport interface {
	// call runs an action and returns the error text that the client got, "" for none.
	call(t *testing.T, action string, params map[string]string) (failure string)
}

var transports = map[string]func(t *testing.T, s *server.Server) transport{
	"http":      func(_ *testing.T, s *server.Server) transport { return httpClient{"http://" + s.Web.Addr().String()} },
	"tcp":       func(t *testing.T, s *server.Server) transport { return newTCPClient(t, s.TCP.Addr()) },
	"websocket": func(t *testing.T, s *server.Server) transport { return newWebSocketClient(t, s.Web.Addr()) },
	"socketio":  func(t *testing.T, s *server.Server) transport { return newSocketIOClient(t, s.Web.Addr()) },
	"worker":    func(_ *testing.T, s *server.Server) transport { return taskClient{s} },
}

type httpClient struct{ base string }

func (c httpClient) call(t *testing.T, action string, params map[string]string) string {
	values := url.Values{}
	for k, v := range params {
		values.Set(k, v)
	}
	resp, err := http.Get(c.base + "/api/" + action + "?" + values.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error string }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if answer.Error == "OK" {
		return ""
	}
	return answer.Error
}

type tcpClient struct {
	conn net.Conn
	in   *bufio.Reader
}

func newTCPClient(t *testing.T, addr net.Addr) tcpClient {
	conn := dial(t, addr)
	c := tcpClient{conn, bufio.NewReader(conn)}
	c.read(t)
	return c
}

func (c tcpClient) read(t *testing.T) map[string]any {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return answer
}

func (c tcpClient) call(t *testing.T, action string, params map[string]string) string {
	request, err := json.Marshal(map[string]any{"action": action, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.conn.Write(append(request, "\r\n"...)); err != nil {
		t.Fatal(err)
	}
	if text, ok := c.read(t)["error"].(string); ok {
		return text
	}
	return ""
}

// taskClient runs the task with the name of the action, and reads what is kept of its error.
type taskClient struct{ *server.Server }

func (c taskClient) call(t *testing.T, action string, params map[string]string) string {
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	if params == nil {
		raw = nil
	}
	// Past Tasks.Enqueue, which would refuse a wrong input before the worker has to.
	added, err := c.Config().Backend.Queue().Enqueue(t.Context(), backend.NewJob{Task: action, Params: raw, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(time.Millisecond) {
		job, err := c.Tasks.Get(t.Context(), added[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if job.State.Finished() {
			text, _, _ := strings.Cut(job.Error, "\n")
			return text
		}
	}
	t.Fatalf("the task %s does not end", action)
	return ""
}

// Every outcome of a request gives the same code and the same text on every transport. Of a task, which has no client to
// keep anything from, the cause is kept.
func TestOutcomesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]struct {
		action string
		params map[string]string
		code   actionhero.Code
		text   string
		kept   string // of a task, if that is something else
	}{
		"ok":                    {"outcome", map[string]string{"how": "ok"}, 0, "", ""},
		"missing input":         {"outcome", nil, actionhero.CodeInvalidInput, "how is a required parameter for this action", "how is a required parameter for this task"},
		"wrong input":           {"outcome", map[string]string{"how": "ok", "n": "x"}, actionhero.CodeInvalidInput, "n must be a whole number", ""},
		"unknown action":        {"unknown", nil, actionhero.CodeNotFound, "unknown is not a known action.", "unknown is not a known task."},
		"refused by middleware": {"outcome", map[string]string{"how": "ok", "token": "wrong"}, actionhero.CodePermissionDenied, "not you", ""},
		"panic":                 {"outcome", map[string]string{"how": "panic"}, actionhero.CodeInternal, "The server experienced an internal error", "panic: as asked"},
		"panic in middleware":   {"outcome", map[string]string{"how": "ok", "token": "panic"}, actionhero.CodeInternal, "The server experienced an internal error", "panic: in a middleware"},
		"error without a code":  {"outcome", map[string]string{"how": "error"}, actionhero.CodeInternal, "The server experienced an internal error", "secret"},
		"timeout":               {"outcome", map[string]string{"how": "timeout"}, actionhero.CodeDeadlineExceeded, "The request took too long", "waiting: context deadline exceeded"},
		"cancelled":             {"outcome", map[string]string{"how": "cancelled"}, actionhero.CodeCanceled, "The request was canceled", "context canceled"},
		// A task answers nothing, so nothing can fail to encode.
		"does not encode": {"outcome", map[string]string{"how": "nan"}, actionhero.CodeInternal, "The server experienced an internal error", "-"},
	} {
		for kind, connect := range transports {
			t.Run(name+" over "+kind, func(t *testing.T) {
				t.Parallel()
				want := outcome.text
				if kind == "worker" && outcome.kept != "" {
					want = strings.TrimPrefix(outcome.kept, "-")
				}
				s, seen := outcomeServer(t)
				got := connect(t, s).call(t, outcome.action, outcome.params)
				if got != want {
					t.Errorf("the client got %q, want %q", got, want)
				}
				if code := seen.Load(); name != "does not encode" && code != codeOf(outcome.text != "", outcome.code) {
					t.Errorf("the code was %v, want %v", code, outcome.code)
				}
			})
		}
	}
}

// codeOf is what the outermost middleware of outcomeServer notes: the code and one, or zero for none.
func codeOf(failed bool, code actionhero.Code) int32 {
	if !failed {
		return 0
	}
	return int32(code) + 1
}

type outcomeInput struct {
	How string `json:"how" required:"true"`
	N   int    `json:"n"`
}

// outcomeServer is a server whose action ends in the way it is asked to, and what its outermost middleware saw.
func outcomeServer(t *testing.T) (*server.Server, *atomic.Int32) {
	var cancel context.CancelFunc
	action := actionhero.Action[outcomeInput, map[string]any]{
		Name: "outcome", Timeout: 50 * time.Millisecond,
		Run: func(ctx context.Context, in outcomeInput) (map[string]any, error) {
			switch in.How {
			case "panic":
				panic("as asked")
			case "error":
				return nil, errors.New("secret")
			case "nan":
				return map[string]any{"x": make(chan int)}, nil
			case "timeout":
				<-ctx.Done()
				return nil, fmt.Errorf("waiting: %w", ctx.Err())
			case "cancelled":
				ctx, cancel = context.WithCancel(ctx)
				cancel()
				return nil, ctx.Err()
			}
			return map[string]any{"x": 1}, nil
		},
	}
	task := actionhero.Task[outcomeInput]{
		Name: action.Name, Timeout: action.Timeout,
		Run: func(ctx context.Context, in outcomeInput) error {
			_, err := action.Run(ctx, in)
			return err
		},
	}
	s := start(t, nil, action, task)
	s.AcceptSecret("token")
	seen := &atomic.Int32{}
	s.Use(
		func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (out any, err error) {
				defer func() {
					if p := recover(); p != nil {
						seen.Store(codeOf(true, actionhero.CodeInternal))
						panic(p)
					}
					if err != nil {
						seen.Store(codeOf(true, actionhero.AsError(err).Code))
					}
				}()
				return next(ctx, req)
			}
		},
		func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				switch req.Params.Get("token") {
				case "wrong":
					return nil, actionhero.Errorf(actionhero.CodePermissionDenied, "not you")
				case "panic":
					panic("in a middleware")
				}
				return next(ctx, req)
			}
		})
	return s, seen
}

// A stop lets requests in flight finish on both transports, and tells TCP clients that the server goes.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}, 2), make(chan struct{})
	slow := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "slow",
		Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
			begun <- struct{}{}
			<-release
			return n, nil
		},
	}
	s := start(t, nil, slow)
	tcp := newTCPClient(t, s.TCP.Addr())
	if _, err := io.WriteString(tcp.conn, "slow\r\n"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() { answered <- httpClient{"http://" + s.Web.Addr().String()}.call(t, "slow", nil) }()
	<-begun
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	for s.TCP.Addr() != nil { // it has stopped listening; the web server follows when TCP is done
		time.Sleep(time.Millisecond)
	}
	close(release)
	if text := <-answered; text != "" {
		t.Errorf("over HTTP: %s", text)
	}
	if answer := tcp.read(t); answer["error"] != false || answer["status"] != "OK" {
		t.Errorf("over TCP: %v", answer)
	}
	if answer := tcp.read(t); answer["status"] != "Bye!" || answer["context"] != "api" {
		t.Errorf("the goodbye is %v", answer)
	}
	if _, err := tcp.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("after the goodbye: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	// And it can start again, on the same settings.
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if text := newTCPClient(t, s.TCP.Addr()).call(t, "randomNumber", nil); text != "" {
		t.Errorf("after a restart: %s", text)
	}
}
