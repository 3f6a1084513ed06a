package mcp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

type colourInput struct {
	Colour string `json:"colour" enum:"red,rose,green"`
}

// MCP 2026-07-28 requires a type in each result, and its TypeScript client refuses one without.
func TestEachResultHasItsType(t *testing.T) {
	t.Parallel()
	s := start(t, nil, noteParts(), isTool(close("any")))
	c := s.HTTP(t)
	for method, params := range map[string]string{
		"tools/list": "", "resources/list": "", "resources/templates/list": "", "prompts/list": "", "server/discover": "",
		"tools/call": `"name":"any","arguments":{"id":"12"},`, "resources/read": `"uri":"note:///7",`, "prompts/get": `"name":"noteReview","arguments":{"id":"7"},`,
		"completion/complete": `"ref":{"type":"ref/prompt","name":"noteReview"},"argument":{"name":"id","value":""},`,
	} {
		headers := append([]string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: " + method}, jsonHeaders...)
		for _, of := range []string{"any", "note:///7", "noteReview"} {
			if strings.Contains(params, `"`+of+`"`) && method != "completion/complete" {
				headers = append(headers, "Mcp-Name: "+of)
			}
		}
		for _, about := range []string{meta, strings.Replace(meta, "{", `{"progressToken":1,`, 1)} {
			got := c.Ask("POST", "/mcp", fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":%s}}`, method, params, about), headers...)
			if got.StatusCode != 200 || strings.Count(got.Text, `"resultType":"complete"`) != 1 {
				t.Errorf("%s is answered with %d %s", method, got.StatusCode, got.Text)
			}
		}
	}
}

func noMessages(context.Context, colourInput) (out actionhero.PromptMessages, err error) {
	return out, nil
}

// The values of an enum complete an argument. A caller who may not use the prompt learns nothing.
func TestAnEnumCompletesAnArgument(t *testing.T) {
	t.Parallel()
	paint := actionhero.Action[colourInput, actionhero.PromptMessages]{Name: "paint", Kind: actionhero.KindRead, Prompt: &actionhero.Prompt{}, Run: noMessages}
	hidden := paint
	hidden.Name, hidden.Access = "hidden", actionhero.Roles("admin")
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Public), paint, hidden)
	c := s.HTTP(t)
	for _, test := range [][3]string{
		{"paint", "r", `"values":["red","rose"]`}, {"paint", "x", `"values":[]`}, {"hidden", "r", `there is no such prompt`}, {"none", "r", `there is no such prompt`},
	} {
		got := post(c, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":%q},"argument":{"name":"colour","value":%q}}}`, test[0], test[1]), "Mcp-Protocol-Version: 2025-11-25")
		if !strings.Contains(got.Text, test[2]) {
			t.Errorf("%v: %d %s", test, got.StatusCode, got.Text)
		}
	}
}
