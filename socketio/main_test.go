package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

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
	if s.api, err = actionhero.New(general, append(parts, echo, slow, file)...); err != nil {
		t.Fatal(err)
	}
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

var slow = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "slow", Description: "Takes its time",
	Run: func(ctx context.Context, _ actionhero.None) (out actionhero.None, err error) {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
		return out, ctx.Err()
	},
}

var file = actionhero.Action[actionhero.None, *actionhero.Content]{
	Name: "aFile", Description: "Answers with bytes",
	Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
		return &actionhero.Content{Name: "a.txt", Body: strings.NewReader("bytes")}, nil
	},
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
