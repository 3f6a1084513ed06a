package actionhero_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

func TestAToolHasTheNameAndTheDescriptionOfItsAction(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "tickets:close.all", Description: "Closes all.", Tool: &actionhero.Tool{Title: "Close"},
		Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) { return n, nil },
	}
	other := action
	other.Name, other.Tool = "other", &actionhero.Tool{Name: "mine", Description: "Does it.", OpenWorld: true}
	plain := action
	plain.Name, plain.Tool = "plain", nil
	api := newAPI(t, actionhero.Config{}, action, other, plain)
	got := map[string]*actionhero.Tool{}
	for _, info := range api.Actions() {
		got[info.Name] = info.Tool
	}
	if tool := got["tickets:close.all"]; tool == nil || *tool != (actionhero.Tool{Name: "tickets_close_all", Title: "Close", Description: "Closes all."}) {
		t.Errorf("the tool is %+v", tool)
	}
	if tool := got["other"]; tool == nil || *tool != *other.Tool {
		t.Errorf("the tool is %+v", tool)
	}
	if tool := got["plain"]; tool != nil {
		t.Errorf("an action without Tool is the tool %+v", tool)
	}
	if action.Tool.Name != "" {
		t.Errorf("the declaration has changed: %+v", action.Tool)
	}
}

type toolFile struct {
	Photo *actionhero.File `json:"photo" required:"true"`
}

func TestADeclarationThatCannotBeAToolIsRefused(t *testing.T) {
	t.Parallel()
	run := func(_ context.Context, n actionhero.None) (actionhero.None, error) { return n, nil }
	api := newAPI(t, actionhero.Config{})
	for want, parts := range map[string]actionhero.Parts{
		`action "a": its Tool has the name "a b": use 1 to 64 letters, digits, _ and -`: {
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a", Description: "d", Tool: &actionhero.Tool{Name: "a b"}, Run: run},
		},
		`action "a": it is a Tool without a description, by which agents choose: set Description or Tool.Description`: {
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a", Tool: &actionhero.Tool{}, Run: run},
		},
		`action "a": it is a Tool and has RawBody, but the call of a tool has no body: remove one`: {
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a", Description: "d", RawBody: true, Tool: &actionhero.Tool{}, Run: run},
		},
		`action "a": it is a Tool, but its Transports lack TransportMCP: add it, or remove Tool`: {
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a", Description: "d", Transports: []string{actionhero.TransportWeb}, Tool: &actionhero.Tool{}, Run: run},
		},
		`action "a": it is a Tool and requires the file "photo", which the call of a tool cannot have: remove Tool`: {
			actionhero.Action[toolFile, actionhero.None]{Name: "a", Description: "d", Tool: &actionhero.Tool{}, Run: func(_ context.Context, _ toolFile) (n actionhero.None, err error) { return n, nil }},
		},
		`the actions "a.b" and "a:b" are both the tool "a_b": set Tool.Name of one to another name`: {
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a.b", Description: "d", Tool: &actionhero.Tool{}, Run: run},
			actionhero.Action[actionhero.None, actionhero.None]{Name: "a:b", Description: "d", Tool: &actionhero.Tool{}, Run: run},
		},
	} {
		if err := api.Register(parts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
