package mcp

import (
	"encoding/json"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// complete answers with the values of an input with the tag enum that begin with what the user has typed: of a prompt, or of
// the variable of a resource.
func (e *endpoint) complete(c *caller, asked *sdk.CompleteRequest) (sdk.Result, error) {
	ref, schema := asked.Params.Ref, []byte(nil)
	t := e.readTools()
	for i := range t.byPrompt {
		if p := &t.byPrompt[i]; ref != nil && ref.Type == "ref/prompt" && p.described.Name == ref.Name && p.access.Allows(c.id) {
			schema = p.schema
		}
	}
	for i := range t.byURI {
		if r := &t.byURI[i]; ref != nil && ref.Type == "ref/resource" && r.info.URI == ref.URI && r.access.Allows(c.id) {
			schema = r.schema
		}
	}
	if schema == nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "there is no such prompt and no such template of resources"}
	}
	var inputs struct {
		Properties map[string]struct {
			Enum []any `json:"enum"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(schema, &inputs) // it is one of ours
	values := []string{}
	for _, value := range inputs.Properties[asked.Params.Argument.Name].Enum {
		text, ok := value.(string)
		if ok && strings.HasPrefix(text, asked.Params.Argument.Value) && len(values) < maxCompletions {
			values = append(values, text)
		}
	}
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: values, Total: len(values)}}, nil
}

// maxCompletions is the number of values that an answer may have.
const maxCompletions = 100
