package mcp

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
)

// resource is an action that agents may read.
type resource struct {
	action string
	access actionhero.Access
	info   *actionhero.Resource
	schema []byte         // of the inputs
	names  []string       // of the variables
	form   *regexp.Regexp // of its URIs, with a group for each variable
}

var templateVariable = regexp.MustCompile(`\{(\+?)[A-Za-z0-9_]+\}`)

func (t *table) addResource(info *actionhero.ActionInfo) {
	if info.Resource == nil || info.Superseded {
		return
	}
	form, uri, at := "^", info.Resource.URI, 0
	for _, match := range templateVariable.FindAllStringSubmatchIndex(uri, -1) {
		group := "([^/?#]+)"
		if match[3] > match[2] {
			group = "([^?#]+)"
		}
		form += regexp.QuoteMeta(uri[at:match[0]]) + group
		at = match[1]
	}
	form += regexp.QuoteMeta(uri[at:]) + "$"
	t.byURI = append(t.byURI, resource{info.VersionedName(), info.Access, info.Resource, info.InputSchema, info.Resource.Variables(), regexp.MustCompile(form)})
}

// permittedResources returns the resources without variables that the caller may read.
func (t *table) permittedResources(who actionhero.Identity) []*sdk.Resource {
	list := []*sdk.Resource{}
	for i := range t.byURI {
		if r := &t.byURI[i]; len(r.names) == 0 && r.access.Allows(who) {
			list = append(list, &sdk.Resource{URI: r.info.URI, Name: r.info.Name, Title: r.info.Title, Description: r.info.Description, MIMEType: r.info.MediaType})
		}
	}
	return list
}

// permittedTemplates returns the resources with variables that the caller may read.
func (t *table) permittedTemplates(who actionhero.Identity) []*sdk.ResourceTemplate {
	list := []*sdk.ResourceTemplate{}
	for i := range t.byURI {
		if r := &t.byURI[i]; len(r.names) > 0 && r.access.Allows(who) {
			list = append(list, &sdk.ResourceTemplate{URITemplate: r.info.URI, Name: r.info.Name, Title: r.info.Title, Description: r.info.Description, MIMEType: r.info.MediaType})
		}
	}
	return list
}

// resourceAt returns the resource with a URI, and the values of its variables. One without variables comes first.
func (t *table) resourceAt(uri string) (found *resource, values map[string]string) {
	for i := range t.byURI {
		r := &t.byURI[i]
		match := r.form.FindStringSubmatch(uri)
		if match == nil || found != nil && len(r.names) >= len(found.names) {
			continue
		}
		of := map[string]string{}
		for at, name := range r.names {
			value, err := url.PathUnescape(match[at+1])
			if err != nil {
				of = nil
				break
			}
			of[name] = value
		}
		if of != nil {
			found, values = r, of
		}
	}
	return found, values
}

// read runs the action of a resource.
func (e *endpoint) read(ctx context.Context, c *caller, asked *sdk.ReadResourceRequest) (sdk.Result, error) {
	uri := asked.Params.URI
	found, values := e.readTools().resourceAt(uri)
	if found == nil {
		if _, failure := e.api.Admit(c.ip); failure != nil {
			return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
		}
		return nil, sdk.ResourceNotFoundError(shortened(uri))
	}
	r := e.begin(c, found.action, nil)
	r.about, r.client = auditRead, nameOf(asked.ClientInfo())
	for name, value := range values {
		r.Params.Set(name, value)
	}
	o := r.run(ctx)
	if o.failure != nil {
		if o.failure.Code == actionhero.CodeNotFound {
			return nil, sdk.ResourceNotFoundError(shortened(uri))
		}
		return nil, protocolError(o.failure)
	}
	contents := &sdk.ResourceContents{URI: uri, MIMEType: found.info.MediaType, Text: string(o.object)}
	if o.file != nil {
		contents = o.file.contents(uri)
	}
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{contents}, Cacheable: sdk.Cacheable{CacheScope: "private"}}, nil
}

// protocolError returns a failure as an error of JSON-RPC, with the error as on the other transports in its data.
func protocolError(failure *actionhero.Error) error {
	code := int64(codeRefused)
	switch failure.Code {
	case actionhero.CodeInvalidInput:
		code = jsonrpc.CodeInvalidParams
	case actionhero.CodeInternal:
		code = jsonrpc.CodeInternalError
	}
	return &jsonrpc.Error{Code: code, Message: failure.Message, Data: errorObject(failure)}
}

// prompt is an action that is a prompt.
type prompt struct {
	action    string
	access    actionhero.Access
	schema    []byte // of the inputs
	described *sdk.Prompt
}

func (t *table) addPrompt(info *actionhero.ActionInfo) {
	if info.Prompt == nil || info.Superseded {
		return
	}
	described := &sdk.Prompt{Name: info.Prompt.Name, Title: info.Prompt.Title, Description: info.Prompt.Description}
	for _, in := range info.Inputs {
		described.Arguments = append(described.Arguments, &sdk.PromptArgument{Name: in.Name, Description: in.Doc, Required: in.Required})
	}
	t.byPrompt = append(t.byPrompt, prompt{info.VersionedName(), info.Access, info.InputSchema, described})
}

// permittedPrompts returns the prompts that the caller may use.
func (t *table) permittedPrompts(who actionhero.Identity) []*sdk.Prompt {
	list := []*sdk.Prompt{}
	for i := range t.byPrompt {
		if t.byPrompt[i].access.Allows(who) {
			list = append(list, t.byPrompt[i].described)
		}
	}
	return list
}

// prompt runs the action of a prompt.
func (e *endpoint) prompt(ctx context.Context, c *caller, asked *sdk.GetPromptRequest) (sdk.Result, error) {
	t, name := e.readTools(), asked.Params.Name
	for i := range t.byPrompt {
		if t.byPrompt[i].described.Name != name {
			continue
		}
		r := e.begin(c, t.byPrompt[i].action, nil)
		r.about, r.client = auditPrompt, nameOf(asked.ClientInfo())
		for key, value := range asked.Params.Arguments {
			r.Params.Set(key, value)
		}
		o := r.run(ctx)
		if o.failure != nil {
			return nil, protocolError(o.failure)
		}
		return o.promptResult(t.byPrompt[i].described.Description)
	}
	if _, failure := e.api.Admit(c.ip); failure != nil {
		return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
	}
	return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("unknown prompt %.100q", name)}
}

// promptResult returns the messages with which the action of a prompt has answered.
func (o *outcome) promptResult(description string) (sdk.Result, error) {
	out, ok := o.out.(actionhero.PromptMessages)
	if !ok {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "a middleware has answered in the place of the prompt"}
	}
	result := &sdk.GetPromptResult{Description: description, Messages: []*sdk.PromptMessage{}}
	for _, m := range out.Messages {
		message := &sdk.PromptMessage{Role: sdk.Role(m.Role), Content: &sdk.TextContent{Text: strings.ToValidUTF8(m.Text, "\ufffd")}}
		if m.Role == "" {
			message.Role = "user"
		}
		switch {
		case m.URI != "" && m.Data == nil:
			message.Content = &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: m.URI, MIMEType: m.MediaType, Text: m.Text}}
		case m.URI != "":
			message.Content = &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: m.URI, MIMEType: m.MediaType, Blob: m.Data}}
		case m.Data != nil:
			message.Content = (&file{"", m.MediaType, m.Data}).content(o.call.Request.Action)
		}
		result.Messages = append(result.Messages, message)
	}
	return result, nil
}
