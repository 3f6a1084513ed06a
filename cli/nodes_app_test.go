package cli_test

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
)

// The tests run this test binary again as an app. This variable makes it one.
const roleVariable = "TEST_PROCESS_IS"

// which says which process answers.
var which = actionhero.Action[actionhero.None, struct {
	ID  string `json:"nodeId"`
	PID int    `json:"pid"`
}]{
	Name: "which", Kind: actionhero.KindRead,
	Run: func(ctx context.Context, _ actionhero.None) (out struct {
		ID  string `json:"nodeId"`
		PID int    `json:"pid"`
	}, err error) {
		out.ID, out.PID = actionhero.RequestFrom(ctx).API.Stats.ID(), os.Getpid()
		return out, nil
	},
}

// restarted counts the restarts that have ended.
var restarted atomic.Int64

// restart restarts the server once more, and returns how many restarts have ended before.
var restart = actionhero.Action[actionhero.None, struct {
	Before int64 `json:"before"`
}]{
	Name: "restart",
	Run: func(ctx context.Context, _ actionhero.None) (out struct {
		Before int64 `json:"before"`
	}, err error) {
		api := actionhero.RequestFrom(ctx).API
		out.Before = restarted.Load()
		go func() {
			if api.Restart(context.Background()) == nil {
				restarted.Add(1)
			}
		}()
		return out, nil
	},
}
