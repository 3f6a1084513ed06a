package socketio_test

import (
	"context"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// processes is locked while a process starts, and while a server listens at a port that was used before. Until the new
// process runs its own program, it has copies of all open listeners, and these keep the ports in use.
var processes sync.Mutex

// start starts a server with a fixed port, so that it can restart there. change may change the configuration.
func start(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	processes.Lock()
	defer processes.Unlock()
	return testkit.Start(t, testkit.Options{Parts: append(parts, echo, hold, release), Change: func(cfg *server.Config) {
		cfg.General.AnnounceLimit = 0 // the default
		cfg.HTTPServer.Port = testkit.FreePort(t)
		if change != nil {
			change(cfg)
		}
	}})
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
	Name: "echo", Description: "Answers its text",
	Run: func(_ context.Context, in echoInput) (echoOutput, error) {
		return echoOutput{in.Text, len(in.Data)}, nil
	},
}

// hold blocks until the same client calls release.
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

var holds sync.Map // id of a connection → chan struct{}

func held(ctx context.Context) chan struct{} {
	c, _ := holds.LoadOrStore(actionhero.RequestFrom(ctx).Conn.ID, make(chan struct{}))
	return c.(chan struct{})
}
