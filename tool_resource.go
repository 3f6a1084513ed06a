package actionhero

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Resource makes an action of [KindRead] a resource that AI agents may read over MCP, if package mcp is a part of the app. A
// resource is what a program or its user chooses as a context for the model, as opposed to a [Tool], which the model calls:
//
//	Resource: &actionhero.Resource{URI: "note:///{id}"},
//
// The URI may be a template: {name} is an input of the action, without a slash, and {+name} one with slashes. The action has no
// other required inputs. Its output is a JSON object, or the bytes of a *[Content]. To read a resource is a request of
// [TransportMCP]: identity, [Action.Access], middleware, limits and timeouts apply.
type Resource struct {
	URI         string // with a scheme of your own, or a template of one; required
	Name        string // for programs; default: the name of the action
	Title       string // for people; default: none
	Description string // default: the Description of the action
	MediaType   string // of a *Content, if it is always the same; default: application/json, or none for a *Content
}

// variable is one variable of a template.
var variable = regexp.MustCompile(`\{\+?([A-Za-z0-9_]+)\}`)

var resourceURI = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:[^\s{}"<>\\^` + "`" + `|]*$`)

// Variables returns the names of the inputs in the URI, in their order.
func (r *Resource) Variables() (names []string) {
	for _, match := range variable.FindAllStringSubmatch(r.URI, -1) {
		names = append(names, match[1])
	}
	return names
}

// setResource stores the resource of the action with its defaults, or returns an error if the action cannot be one.
func (act *action) setResource(declared *Resource) error {
	if declared == nil {
		return nil
	}
	info, r := &act.info, *declared
	r.Name, r.Description = cmp.Or(r.Name, info.Name), cmp.Or(r.Description, info.Description)
	if r.MediaType == "" && act.outType != contentType {
		r.MediaType = "application/json"
	}
	names := r.Variables()
	var err error
	switch {
	case !resourceURI.MatchString(variable.ReplaceAllString(r.URI, "x")):
		err = fmt.Errorf("its Resource has the URI %q: use a scheme with a path, like note:///{id}", r.URI)
	case info.Kind != KindRead:
		err = errors.New("it is a Resource, but its Kind is not KindRead: agents read resources without a question")
	case act.outType == noneType:
		err = errors.New("it is a Resource without an output: remove Resource")
	case len(info.Transports) > 0 && !slices.Contains(info.Transports, TransportMCP):
		err = errors.New("it is a Resource, but its Transports lack TransportMCP: add it, or remove Resource")
	}
	for i, name := range names {
		switch {
		case !slices.ContainsFunc(info.Inputs, func(in Input) bool { return in.Name == name }):
			err = fmt.Errorf("its Resource has the variable %q, but the action has no input of that name", name)
		case slices.Contains(names[:i], name):
			err = fmt.Errorf("its Resource has the variable %q twice", name)
		}
	}
	for _, in := range info.Inputs {
		if in.Required && !slices.Contains(names, in.Name) {
			err = fmt.Errorf("it is a Resource, but its URI lacks the required input %q: add {%s}", in.Name, in.Name)
		}
	}
	if err != nil {
		return fmt.Errorf("action %q: %w", info.Name, err)
	}
	info.Resource = &r
	return nil
}
