package actionhero

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Tool makes an action a tool that AI agents may call over MCP, if package mcp is a part of the app. The zero value is a
// tool with the name and the description of the action:
//
//	Tool: &actionhero.Tool{},
//
// The schemas of the tool are those of In and Out, and its hints follow from Action.Kind and Action.Idempotent. A call is a
// request as on any other transport: identity, [Action.Access], middleware, limits and timeouts apply.
type Tool struct {
	Name        string // the name for agents: 1 to 64 letters, digits, _ and -; default: the name of the action, with _ for each . and :
	Title       string // a short name that clients show to people; default: none
	Description string // tells the model when to use the tool, and how; default: the Description of the action
	OpenWorld   bool   // the action reaches systems of others, such as the web; default: false
}

var (
	toolName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	toolReplacer = strings.NewReplacer(".", "_", ":", "_")
)

// setTool stores the tool of the action with its defaults, or returns an error if the action cannot be a tool.
func (act *action) setTool(declared *Tool) error {
	if declared == nil {
		return nil
	}
	info, tool := &act.info, *declared
	tool.Name, tool.Description = cmp.Or(tool.Name, toolReplacer.Replace(info.Name)), cmp.Or(tool.Description, info.Description)
	var err error
	switch {
	case !toolName.MatchString(tool.Name):
		err = fmt.Errorf("its Tool has the name %q: use 1 to 64 letters, digits, _ and -", tool.Name)
	case tool.Description == "":
		err = errors.New("it is a Tool without a description, by which agents choose: set Description or Tool.Description")
	case info.RawBody:
		err = errors.New("it is a Tool and has RawBody, but the call of a tool has no body: remove one")
	case len(info.Transports) > 0 && !slices.Contains(info.Transports, TransportMCP):
		err = errors.New("it is a Tool, but its Transports lack TransportMCP: add it, or remove Tool")
	}
	for _, in := range info.Inputs {
		if in.Required && in.Format == "binary" {
			err = fmt.Errorf("it is a Tool and requires the file %q, which the call of a tool cannot have: remove Tool", in.Name)
		}
	}
	if err != nil {
		return fmt.Errorf("action %q: %w", info.Name, err)
	}
	info.Tool = &tool
	return nil
}

// checkAgents returns an error if another action is the same tool, resource or prompt.
func (r *registry) checkAgents(info *ActionInfo) error {
	if info.Tool == nil && info.Resource == nil && info.Prompt == nil {
		return nil
	}
	for act := range r.all() {
		other := &act.info
		switch {
		case info.Name == other.Name: // another version
		case info.Tool != nil && other.Tool != nil && info.Tool.Name == other.Tool.Name:
			return fmt.Errorf("the actions %q and %q are both the tool %q: set Tool.Name of one to another name", other.Name, info.Name, info.Tool.Name)
		case info.Resource != nil && other.Resource != nil && variable.ReplaceAllString(info.Resource.URI, "{}") == variable.ReplaceAllString(other.Resource.URI, "{}"):
			return fmt.Errorf("the actions %q and %q are both the resource %q: change one URI", other.Name, info.Name, info.Resource.URI)
		case info.Prompt != nil && other.Prompt != nil && info.Prompt.Name == other.Prompt.Name:
			return fmt.Errorf("the actions %q and %q are both the prompt %q: set Prompt.Name of one to another name", other.Name, info.Name, info.Prompt.Name)
		}
	}
	return nil
}
