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
	methodList   = "tools/list"
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
		if call, ok := req.(*sdk.CallToolRequest); ok && method == methodCall {
			return e.call(ctx, c, call)
		}
		if _, failure := e.api.Admit(c.ip); failure != nil {
			return nil, &jsonrpc.Error{Code: codeRefused, Message: failure.Message}
		}
		switch list, _ := req.(*sdk.ListToolsRequest); method {
		case methodList:
			return e.list(c, list)
		case methodListen: // nothing here changes without a new list, and an open stream would hold a connection for ever
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "this server has no subscriptions"}
		}
		return next(ctx, method, req)
	}
}

// list answers with all tools that the caller may call, on one page.
func (e *endpoint) list(c *caller, list *sdk.ListToolsRequest) (sdk.Result, error) {
	if list != nil && list.Params != nil && list.Params.Cursor != "" {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "there is no page with this cursor"}
	}
	return &sdk.ListToolsResult{Tools: e.readTools().permitted(c.id), Cacheable: ownList}, nil
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
	return r.run(ctx).result(), nil
}

// clientOf returns the name and the version of the program that calls.
func clientOf(call *sdk.CallToolRequest) string {
	info := call.ClientInfo()
	if info == nil {
		return ""
	}
	return info.Name + " " + info.Version
}
