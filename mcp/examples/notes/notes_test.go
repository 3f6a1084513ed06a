package main

import (
	"context"
	"encoding/json"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
)

// An agent finds a note that it has written, and deletes it.
func TestAnAgentWritesNotes(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Parts: append(New().Parts(), mcp.New(mcp.Options{}))})
	transport := &sdk.StreamableClientTransport{Endpoint: s.HTTP(t).Base + "/mcp", HTTPClient: s.HTTP(t).Client, DisableStandaloneSSE: true}
	agent, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Close() }()
	for _, step := range []struct {
		tool      string
		arguments any
		want      string
		fails     bool
	}{
		{"noteAdd", AddInput{"buy milk"}, `{"id":1,"text":"buy milk"}`, false},
		{"noteSearch", SearchInput{"milk"}, `{"notes":[{"id":1,"text":"buy milk"}]}`, false},
		{"noteDelete", DeleteInput{1}, `null`, false},
		{"noteDelete", DeleteInput{1}, `null`, true},
		{"noteSearch", nil, `{"notes":[]}`, false},
	} {
		got, err := agent.CallTool(context.Background(), &sdk.CallToolParams{Name: step.tool, Arguments: step.arguments})
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := json.Marshal(got.StructuredContent); string(object) != step.want || got.IsError != step.fails {
			t.Errorf("%s answers %s, failed: %v", step.tool, object, got.IsError)
		}
	}
}
