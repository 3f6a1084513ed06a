package mcp

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// metaError is the member of _meta that has the error of a failed call, as a JSON object. It is not the structured content:
// clients check that against the output schema of the tool, also after a failure.
const metaError = "actionhero/error"

// result returns the outcome as the result of the call.
func (o *outcome) result() *sdk.CallToolResult {
	switch {
	case o.failure != nil:
		object := errorObject(o.failure)
		return &sdk.CallToolResult{
			IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: string(object)}},
			Meta: sdk.Meta{metaError: json.RawMessage(object)},
		}
	case o.file != nil:
		return &sdk.CallToolResult{Content: []sdk.Content{o.file.content(o.call.Request.Action)}}
	case o.nothing:
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: textDone}}}
	}
	return &sdk.CallToolResult{
		Content:           []sdk.Content{&sdk.TextContent{Text: string(o.object)}},
		StructuredContent: json.RawMessage(o.object),
	}
}

// textDone is the text of a call whose action has no output.
const textDone = "OK"

// errorObject returns the error as a JSON object with the members error, errorCode, errorDetails and retryAfter, as on the
// other transports.
func errorObject(err *actionhero.Error) []byte {
	text, _ := json.Marshal(err.Message) // a string always encodes
	return append(transport.AppendError(append([]byte(`{"error":`), text...), err), '}')
}

// content returns the file as the content of a result: an image, a sound, or a resource of text or bytes.
func (f *file) content(action string) sdk.Content {
	kind, _, _ := strings.Cut(f.mediaType, "/")
	switch kind {
	case "image":
		return &sdk.ImageContent{Data: f.bytes, MIMEType: f.mediaType}
	case "audio":
		return &sdk.AudioContent{Data: f.bytes, MIMEType: f.mediaType}
	}
	name := f.name
	if name == "" {
		name = "content"
	}
	return &sdk.EmbeddedResource{Resource: f.contents("actionhero:///" + action + "/" + url.PathEscape(name))}
}

// contents returns the file as a resource of text or bytes.
func (f *file) contents(uri string) *sdk.ResourceContents {
	resource := &sdk.ResourceContents{URI: uri, MIMEType: f.mediaType}
	if isText(f.mediaType) && utf8.Valid(f.bytes) && len(f.bytes) > 0 {
		resource.Text = string(f.bytes)
	} else if resource.Blob = f.bytes; resource.Blob == nil {
		resource.Blob = []byte{}
	}
	return resource
}

// isText reports whether models read a file of this type as text.
func isText(mediaType string) bool {
	base, _, _ := strings.Cut(mediaType, ";")
	base = strings.TrimSpace(base)
	switch base {
	case "application/json", "application/xml", "application/javascript", "application/yaml", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(base, "text/") || strings.HasSuffix(base, "+json") || strings.HasSuffix(base, "+xml")
}
