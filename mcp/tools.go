package mcp

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
)

// tool is an action that agents may call.
type tool struct {
	action    string
	access    actionhero.Access
	described *sdk.Tool
	confirmed bool // the user has to confirm each call, as far as mcp.confirm says so
}

// table holds the tools of an API, and its resources and prompts. It is never changed.
type table struct {
	sorted   []tool // by name
	byName   map[string]*tool
	byURI    []resource // in the order of their URIs
	byPrompt []prompt   // in the order of their names
	open     bool       // an anonymous caller may use something of all that, or there is nothing
}

// toolNamed returns the tool with this name, or nil. Actions may be registered while the API runs, so an unknown name makes
// it read the actions again.
func (e *endpoint) toolNamed(name string) *tool {
	if t := e.tools.Load(); t != nil {
		if found := t.byName[name]; found != nil {
			return found
		}
	}
	return e.readTools().byName[name]
}

// readTools reads the tools among the actions of the API.
func (e *endpoint) readTools() *table {
	t := &table{byName: map[string]*tool{}}
	for _, info := range e.api.Actions() {
		if info.Tool != nil {
			t.sorted = append(t.sorted, tool{info.VersionedName(), info.Access, e.describe(&info), info.Kind == actionhero.KindDestructive})
		}
		t.addResource(&info)
		t.addPrompt(&info)
	}
	slices.SortFunc(t.byURI, func(a, b resource) int { return strings.Compare(a.info.URI, b.info.URI) })
	slices.SortFunc(t.byPrompt, func(a, b prompt) int { return strings.Compare(a.described.Name, b.described.Name) })
	slices.SortFunc(t.sorted, func(a, b tool) int { return strings.Compare(a.described.Name, b.described.Name) })
	t.open = len(t.sorted)+len(t.byURI)+len(t.byPrompt) == 0 || t.opensFor(actionhero.Identity{})
	for i := range t.sorted {
		t.byName[t.sorted[i].described.Name] = &t.sorted[i]
	}
	e.tools.Store(t)
	return t
}

// describe returns what agents read about an action.
func (e *endpoint) describe(info *actionhero.ActionInfo) *sdk.Tool {
	destructive, open := info.Kind == actionhero.KindDestructive, info.Tool.OpenWorld
	described := &sdk.Tool{
		Name: info.Tool.Name, Title: info.Tool.Title, Description: info.Tool.Description,
		InputSchema: json.RawMessage(info.InputSchema),
		Annotations: &sdk.ToolAnnotations{
			Title:        info.Tool.Title,
			ReadOnlyHint: info.Kind == actionhero.KindRead, IdempotentHint: info.Idempotent,
			DestructiveHint: &destructive, OpenWorldHint: &open,
		},
	}
	if info.Deprecated != nil {
		described.Description += "\n\nDeprecated " + info.Deprecated.String()
	}
	if !info.ReturnsContent() && !returnsNothing(info) {
		described.OutputSchema = json.RawMessage(info.OutputSchema)
	}
	return described
}

// returnsNothing reports whether the action has no output.
func returnsNothing(info *actionhero.ActionInfo) bool {
	_, out := info.Types()
	return out == reflect.TypeFor[actionhero.None]()
}

// permitted returns the tools that the caller may call, as far as the access rules of actions say so.
func (t *table) permitted(who actionhero.Identity) []*sdk.Tool {
	tools := []*sdk.Tool{}
	for i := range t.sorted {
		if t.sorted[i].access.Allows(who) {
			tools = append(tools, t.sorted[i].described)
		}
	}
	return tools
}

// opensFor reports whether the caller may use a tool, a resource or a prompt.
func (t *table) opensFor(who actionhero.Identity) bool {
	return len(t.permitted(who))+len(t.permittedResources(who))+len(t.permittedTemplates(who))+len(t.permittedPrompts(who)) > 0
}

// servesAnonymous reports whether an anonymous caller may use a tool, a resource or a prompt, or there is none at all.
func (e *endpoint) servesAnonymous() bool {
	if t := e.tools.Load(); t != nil && t.open {
		return true
	}
	return e.readTools().open
}
