package mcp_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
)

type greetInput struct {
	Name string `json:"name" required:"true" doc:"whom to greet"`
}

type greetOutput struct {
	Greeting string `json:"greeting"`
}

// An agent finds the action greet as a tool, and calls it.
func ExampleNew() {
	greet := actionhero.Action[greetInput, greetOutput]{
		Name: "greet", Description: "Greets a person by name.", Kind: actionhero.KindRead,
		Tool: &actionhero.Tool{},
		Run: func(_ context.Context, in greetInput) (greetOutput, error) {
			return greetOutput{"Hello, " + in.Name + "!"}, nil
		},
	}
	var cfg server.Config
	cfg.General.Log = slog.New(slog.DiscardHandler)
	cfg.HTTPServer.Port, cfg.TCPServer.Port, cfg.Tasks.Memory = -1, -1, true // free ports, and no folder for tasks
	s, err := server.New(cfg, greet, mcp.New(mcp.Options{}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer s.Stop(ctx)

	agent := sdk.NewClient(&sdk.Implementation{Name: "agent", Version: "1"}, nil)
	session, err := agent.Connect(ctx, &sdk.StreamableClientTransport{
		Endpoint: fmt.Sprintf("http://%s/mcp", s.Web.Addr()), DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, tool := range list.Tools {
		fmt.Println(tool.Name+":", tool.Description)
	}
	answer, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "greet", Arguments: map[string]any{"name": "Ann"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StructuredContent)
	// Output:
	// greet: Greets a person by name.
	// map[greeting:Hello, Ann!]
}
