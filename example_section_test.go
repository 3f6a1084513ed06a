package actionhero_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// An app declares its settings once. The file, the environment and the command config then know them.
func ExampleSection() {
	type ticketsConfig struct {
		Escalate time.Duration `json:"escalate" default:"4h" min:"1m" doc:"time after which a ticket is escalated"`
	}
	const tickets = actionhero.Section[ticketsConfig]("tickets")

	remind := actionhero.Action[actionhero.None, map[string]string]{
		Name: "remind",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"after": tickets.Get(actionhero.RequestFrom(ctx).API).Escalate.String()}, nil
		},
	}
	api, err := actionhero.New(actionhero.Config{
		Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler),
		Sections: map[string]any{"tickets": &ticketsConfig{Escalate: time.Hour}}, // server.Load does this
	}, tickets, remind)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := remind.Call(context.Background(), api, actionhero.None{})
	fmt.Println(out, err)
	// Output: map[after:1h0m0s] <nil>
}
