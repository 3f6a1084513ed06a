package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/freeport"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a whole server with Socket.IO on it.
type server struct {
	api  *actionhero.API
	io   *socketio.Handler
	log  *logged
	addr string // host and port
}

// processes is held by who starts a process, and by who listens where somebody has listened before: until a process has
// begun with its own program, it holds what this one listened to when it was started.
var processes sync.Mutex

// newServer starts a server, which ends with the test; change may set what is not the default.
func newServer(t testing.TB, change func(*actionhero.Config, *socketio.Config), parts ...actionhero.Part) *server {
	t.Helper()
	s := &server{log: new(logged)}
	general := actionhero.Config{
		Backend: local.New(local.Config{}), Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), FlatFileDirectory: t.TempDir(),
	}
	var cfg socketio.Config
	if change != nil {
		change(&general, &cfg)
	}
	var err error
	if s.api, err = actionhero.New(general, append(parts, echo, hold, release)...); err != nil {
		t.Fatal(err)
	}
	processes.Lock()
	defer processes.Unlock()
	port := freeport.Get(t)
	site, err := web.New(s.api, web.Config{HTTP: web.HTTPConfig{Port: port, BindIP: "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	s.addr = fmt.Sprintf("127.0.0.1:%d", port)
	s.io = socketio.New(s.api, cfg)
	if err := site.Mount("/socket.io/", s.io); err != nil {
		t.Fatal(err)
	}
	s.api.Add(site, s.io)
	if err := s.api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.api.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return s
}

type echoInput struct {
	Text string   `json:"text" required:"true"`
	Data []byte   `json:"data"`
	More [][]byte `json:"more"`
	Size int      `json:"size"`
}

type echoOutput struct {
	Text string `json:"text"`
	Size int    `json:"size"`
}

var echo = actionhero.Action[echoInput, echoOutput]{
	Name: "echo", Description: "Answers what it is told",
	Run: func(_ context.Context, in echoInput) (echoOutput, error) {
		return echoOutput{in.Text, len(in.Data)}, nil
	},
}

// hold waits until the same client asks for release.
var hold = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "hold", Description: "Waits",
	Run: func(ctx context.Context, _ actionhero.None) (out actionhero.None, err error) {
		select {
		case <-held(ctx):
		case <-ctx.Done():
		}
		return out, ctx.Err()
	},
}

var release = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "release", Description: "Ends a wait",
	Run: func(ctx context.Context, _ actionhero.None) (out actionhero.None, err error) {
		close(held(ctx))
		return out, nil
	},
}

var holds sync.Map // the id of a client → chan struct{}

func held(ctx context.Context) chan struct{} {
	c, _ := holds.LoadOrStore(actionhero.RequestFrom(ctx).Conn.ID, make(chan struct{}))
	return c.(chan struct{})
}

// logged keeps what is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
