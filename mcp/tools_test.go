package mcp_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

type ticketInput struct {
	ID    string `json:"id" required:"true" doc:"of the ticket" minLength:"2"`
	Token string `json:"token" secret:"true"`
}

type ticket struct {
	ID    string `json:"id"`
	Votes int    `json:"votes"`
}

func close(name string) actionhero.Action[ticketInput, ticket] {
	return actionhero.Action[ticketInput, ticket]{
		Name: name, Description: "Closes a ticket.",
		Run: func(ctx context.Context, in ticketInput) (ticket, error) { return ticket{in.ID, 3}, nil },
	}
}

func TestAnActionIsAToolOnlyIfItSaysSo(t *testing.T) {
	t.Parallel()
	hidden, shown := close("hidden"), close("ticket:close")
	shown.Kind, shown.Idempotent, shown.Tool = actionhero.KindDestructive, true, &actionhero.Tool{Title: "Close a ticket"}
	read := close("a.read")
	read.Kind, read.Tool = actionhero.KindRead, &actionhero.Tool{Name: "read_ticket", Description: "Reads.", OpenWorld: true}
	s := start(t, nil, hidden, shown, read, isTool(does("nothing", func(context.Context) error { return nil })))
	for _, version := range versions {
		session := connect(t, s, version, nil)
		list, err := session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(list.Tools)
		if err != nil {
			t.Fatal(err)
		}
		input := `{"properties":{"id":{"description":"of the ticket","minLength":2,"type":"string"},"token":{"type":"string","writeOnly":true}},"required":["id"],"type":"object"}`
		output := `{"properties":{"id":{"type":"string"},"votes":{"format":"int64","type":"integer"}},"required":["id","votes"],"type":"object"}`
		want := `[{"annotations":{"destructiveHint":false,"idempotentHint":false,"openWorldHint":false,"readOnlyHint":false},"description":"does nothing","inputSchema":{"type":"object"},"name":"nothing"},` +
			`{"annotations":{"destructiveHint":false,"idempotentHint":true,"openWorldHint":true,"readOnlyHint":true},"description":"Reads.","inputSchema":` + input + `,"name":"read_ticket","outputSchema":` + output + `},` +
			`{"annotations":{"destructiveHint":true,"idempotentHint":true,"openWorldHint":false,"readOnlyHint":false,"title":"Close a ticket"},"description":"Closes a ticket.","inputSchema":` + input + `,"name":"ticket_close","outputSchema":` + output + `,"title":"Close a ticket"}]`
		if string(got) != want {
			t.Errorf("%s lists\n%s\nwant\n%s", version, got, want)
		}
		if _, err := session.CallTool(t.Context(), toolCall("hidden", map[string]any{"id": "12"})); err == nil || !strings.Contains(err.Error(), `unknown tool "hidden"`) {
			t.Errorf("%s: a call of an action that is no tool: %v", version, err)
		}
		if got := call(t, session, "ticket_close", map[string]any{"id": "12"}); structured(t, got) != `{"id":"12","votes":3}` || text(t, got) != `{"id":"12","votes":3}` {
			t.Errorf("%s: %s, %s", version, structured(t, got), text(t, got))
		}
		if got := call(t, session, "nothing", nil); text(t, got) != "OK" || got.StructuredContent != nil {
			t.Errorf("%s: %s, %s", version, structured(t, got), text(t, got))
		}
	}
}

// A part that is registered while the server runs adds a tool.
func TestAToolMayBeRegisteredLater(t *testing.T) {
	t.Parallel()
	s := start(t, nil, isTool(close("first")))
	session := connect(t, s, versions[0], nil)
	if err := s.API.Register(isTool(close("second"))); err != nil {
		t.Fatal(err)
	}
	if got := call(t, session, "second", map[string]any{"id": "12"}); structured(t, got) != `{"id":"12","votes":3}` {
		t.Error(structured(t, got))
	}
	if got := names(t, session); !slices.Equal(got, []string{"first", "second"}) {
		t.Error(got)
	}
}
