package cli_test

import (
	"context"
	"os"

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
