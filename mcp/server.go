package mcp

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// The methods of MCP that this package answers. The library answers all others.
const (
	methodCall   = "tools/call"
	methodListen = "subscriptions/listen"
)

// listAge is how long a client may use a list of tools before it asks again.
const listAge = time.Minute

// codeRefused is the code of JSON-RPC for a message that the app refuses.
const codeRefused = -32000

// newServer returns the server of the library for the tools of e.
func newServer(e *endpoint, o Options) *sdk.Server {
	cfg := e.api.Config()
	about := &sdk.Implementation{Name: cfg.ServerName, Title: cmp.Or(o.Title, cfg.ServerName), Version: cmp.Or(cfg.APIVersion, "0")}
	e.name = about.Title
	e.about, _ = json.Marshal(about) // texts always encode
	server := sdk.NewServer(about, &sdk.ServerOptions{
		Instructions: o.Instructions,
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
		GetSessionID: func() string { return rand.Text() + sessionTag(e.api.Tag()) },
		SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { *c = ownList },
	})
	server.AddReceivingMiddleware(e.receive)
	return server
}

// ownList is how clients may keep what they read: another caller may read something else.
var ownList = sdk.Cacheable{TTLMs: int(listAge.Milliseconds()), CacheScope: "private"}

// receive answers the methods for tools, and counts all others against the request limit of the client.
func (e *endpoint) receive(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		c, failure := e.callerOf(req).checked(ctx)
		if failure != nil {
			return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
		}
		switch asked := req.(type) {
		case *sdk.CallToolRequest:
			result, err := e.call(ctx, c, asked)
			return complete(asked, result), err
		case *sdk.ReadResourceRequest:
			result, err := e.read(ctx, c, asked)
			return complete(asked, result), err
		case *sdk.GetPromptRequest:
			result, err := e.prompt(ctx, c, asked)
			return complete(asked, result), err
		}
		if _, failure := e.api.Admit(c.ip); failure != nil {
			return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
		}
		if asked, ok := req.(*sdk.CompleteRequest); ok {
			return e.complete(c, asked)
		}
		if list, ok := e.list(c, req); ok {
			return list, errorOfCursor(req)
		}
		if method == methodListen { // nothing here changes without a new list, and an open stream would hold a connection for ever
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "this server has no subscriptions"}
		}
		result, err := next(ctx, method, req)
		switch about := result.(type) {
		case *sdk.InitializeResult:
			about.Capabilities = e.capabilities()
		case *sdk.DiscoverResult:
			about.Capabilities = e.capabilities()
		}
		return result, err
	}
}

// capabilities returns what the app has for agents, which may change while it runs.
func (e *endpoint) capabilities() *sdk.ServerCapabilities {
	t, has := e.readTools(), &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}}
	if len(t.byURI) > 0 {
		has.Resources = &sdk.ResourceCapabilities{}
	}
	if len(t.byPrompt) > 0 {
		has.Prompts = &sdk.PromptCapabilities{}
	}
	if has.Resources != nil || has.Prompts != nil {
		has.Completions = &sdk.CompletionCapabilities{}
	}
	return has
}

// list returns the answer to a request for a list: all that the caller may use, on one page.
func (e *endpoint) list(c *caller, req sdk.Request) (sdk.Result, bool) {
	switch req.(type) {
	case *sdk.ListToolsRequest:
		return &sdk.ListToolsResult{Tools: e.readTools().permitted(c.id), Cacheable: ownList}, true
	case *sdk.ListResourcesRequest:
		return &sdk.ListResourcesResult{Resources: e.readTools().permittedResources(c.id), Cacheable: ownList}, true
	case *sdk.ListResourceTemplatesRequest:
		return &sdk.ListResourceTemplatesResult{ResourceTemplates: e.readTools().permittedTemplates(c.id), Cacheable: ownList}, true
	case *sdk.ListPromptsRequest:
		return &sdk.ListPromptsResult{Prompts: e.readTools().permittedPrompts(c.id), Cacheable: ownList}, true
	}
	return nil, false
}

// errorOfCursor returns an error if a request for a list asks for a further page.
func errorOfCursor(req sdk.Request) error {
	cursor := ""
	switch asked := req.(type) {
	case *sdk.ListToolsRequest:
		if asked.Params != nil {
			cursor = asked.Params.Cursor
		}
	case *sdk.ListResourcesRequest:
		if asked.Params != nil {
			cursor = asked.Params.Cursor
		}
	case *sdk.ListResourceTemplatesRequest:
		if asked.Params != nil {
			cursor = asked.Params.Cursor
		}
	case *sdk.ListPromptsRequest:
		if asked.Params != nil {
			cursor = asked.Params.Cursor
		}
	}
	if cursor == "" {
		return nil
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "there is no page with this cursor"}
}

// call runs the action of a tool. A failure of the action is a result, so that the model reads it.
func (e *endpoint) call(ctx context.Context, c *caller, call *sdk.CallToolRequest) (sdk.Result, error) {
	t := e.toolNamed(call.Params.Name)
	if t == nil {
		if _, failure := e.api.Admit(c.ip); failure != nil { // Dispatch counts the calls of tools
			return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
		}
		e.auditUnknown(c, call.Params.Name, clientOf(call))
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("unknown tool %.100q", call.Params.Name)}
	}
	r := e.begin(c, t.action, call.Params.Arguments)
	r.client = clientOf(call)
	if trace, ok := call.Params.Meta["traceparent"].(string); ok {
		r.trace = trace
	}
	r.setKey(call.Params.Meta)
	r.progress.open(ctx, call.Session, call.Params.GetProgressToken())
	defer r.progress.close()
	if result, err := e.confirm(ctx, r, t, call); result != nil || err != nil {
		return result, err
	}
	return r.run(ctx).result(), nil
}

// clientOf returns the name and the version of the program that calls.
func clientOf(call *sdk.CallToolRequest) string { return nameOf(call.ClientInfo()) }

func nameOf(client *sdk.Implementation) string {
	if client == nil {
		return ""
	}
	return client.Name + " " + client.Version
}
