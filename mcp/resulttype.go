package mcp

import (
	"encoding/json"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// MCP 2026-07-28 requires a resultType in each result. The library sets it for its own handlers, but not for results of a
// middleware, which cannot set it either. These types add it.
type (
	completeCall   struct{ *sdk.CallToolResult }
	completeRead   struct{ *sdk.ReadResourceResult }
	completePrompt struct{ *sdk.GetPromptResult }
)

func (r completeCall) MarshalJSON() ([]byte, error)   { return appendComplete(r.CallToolResult) }
func (r completeRead) MarshalJSON() ([]byte, error)   { return appendComplete(r.ReadResourceResult) }
func (r completePrompt) MarshalJSON() ([]byte, error) { return appendComplete(r.GetPromptResult) }

// appendComplete returns a result as JSON, which is an object with one member or more.
func appendComplete(result any) ([]byte, error) {
	object, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	return append(object[:len(object)-1], `,"resultType":"complete"}`...), nil
}

// complete returns a result with its type, if the version of the request requires one.
func complete(req interface{ ProtocolVersion() string }, result sdk.Result) sdk.Result {
	if req.ProtocolVersion() < stateless {
		return result
	}
	switch of := result.(type) {
	case *sdk.CallToolResult:
		return completeCall{of}
	case *sdk.ReadResourceResult:
		return completeRead{of}
	case *sdk.GetPromptResult:
		return completePrompt{of}
	}
	return result
}
