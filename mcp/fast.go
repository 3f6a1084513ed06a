package mcp

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actionhero-go/actionhero"
)

// An ordinary call of a tool without a session is answered here, because the library needs many times as long for it as the
// action. Whatever is unusual about a message, also each fault, is left to the library, which knows all rules of the
// protocol. The answers are equal.

// message is an ordinary call of a tool.
type message struct {
	JSONRPC string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id"`
	Method  string         `json:"method"`
	Params  struct {
		Name      string         `json:"name"`
		Arguments jsontext.Value `json:"arguments"`
		Meta      struct {
			Version        string         `json:"io.modelcontextprotocol/protocolVersion"`
			Client         clientInfo     `json:"io.modelcontextprotocol/clientInfo"`
			Capabilities   jsontext.Value `json:"io.modelcontextprotocol/clientCapabilities"`
			Trace          string         `json:"traceparent"`
			IdempotencyKey jsontext.Value `json:"idempotencyKey"`
			Progress       jsontext.Value `json:"progressToken"`
		} `json:"_meta"`
	} `json:"params"`
}

type clientInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// readOrdinary returns the message in body if it is an ordinary call of a tool, with the headers that the protocol demands.
func readOrdinary(h http.Header, body []byte) (*message, bool) {
	if one(h, headerVersion) != stateless || one(h, "Mcp-Method") != methodCall || one(h, "Content-Type") != "application/json" {
		return nil, false
	}
	accept := one(h, "Accept")
	if !strings.Contains(accept, "application/json") || !strings.Contains(accept, "text/event-stream") || h["Last-Event-Id"] != nil {
		return nil, false
	}
	m := new(message)
	if err := jsonv2.Unmarshal(body, m); err != nil {
		return nil, false
	}
	meta := &m.Params.Meta
	if m.JSONRPC != "2.0" || m.Method != methodCall || m.Params.Name == "" || m.Params.Name != one(h, "Mcp-Name") || meta.Version != stateless {
		return nil, false
	}
	if len(meta.Progress) > 0 || !isID(m.ID) || meta.Client.Name == "" || meta.Capabilities.Kind() != '{' {
		return nil, false
	}
	if key := meta.IdempotencyKey; len(key) > 0 && (key.Kind() != '"' || string(key) == `""`) {
		return nil, false
	}
	return m, len(m.Params.Arguments) == 0 || m.Params.Arguments.Kind() == '{'
}

// one returns the value of a header that comes once, or "".
func one(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// isID reports whether id is a string or a whole number of up to 15 digits.
func isID(id jsontext.Value) bool {
	if id.Kind() == '"' {
		return true
	}
	n, err := strconv.ParseUint(string(id), 10, 64)
	return err == nil && n < 1e15
}

// serveOrdinary answers an ordinary call of a tool.
func (e *endpoint) serveOrdinary(c *caller, m *message, t *tool) {
	r := e.begin(c, t.action, json.RawMessage(m.Params.Arguments))
	found := r.Request.Err // of the params
	if r.Request.Err = nil; !e.admit(c, &r.Request) {
		return
	}
	r.Request.Err = found
	meta := &m.Params.Meta
	r.client, r.trace = meta.Client.Name+" "+meta.Client.Version, meta.Trace
	if e.denies(r, t) {
		return
	}
	if key, err := jsontext.AppendUnquote(nil, meta.IdempotencyKey); err == nil { // it is a string or absent
		r.IdempotencyKey = string(key)
	}
	o, returned := &outcome{call: r}, false
	defer func() {
		if !returned { // the action has ended this goroutine, with which the connection ends
			o.failure = actionhero.AsError(errGoexit)
			c.w.Header().Set("Connection", "close")
			e.send(c, m, o)
			_ = http.NewResponseController(c.w).Flush()
		}
	}()
	o.failure = o.answer(c.r.Context())
	returned = true
	e.send(c, m, o)
}

func (e *endpoint) send(c *caller, m *message, o *outcome) {
	o.call.audit(o.code())
	answer := append(append(append(make([]byte, 0, 512+2*len(o.object)), `{"jsonrpc":"2.0","id":`...), m.ID...), `,"result":{"_meta":{"`+metaServer+`":`...)
	answer = o.appendResult(append(answer, e.about...))
	answer = append(answer, `,"resultType":"complete"}}`...)
	h := c.w.Header()
	h["Content-Type"], h["Cache-Control"] = jsonType, noCache
	h["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, _ = c.w.Write(answer) // an error means that the client is gone
}

var jsonType, noCache = []string{"application/json"}, []string{"no-cache, no-transform"}

// metaServer is the member of _meta that says which server answers.
const metaServer = "io.modelcontextprotocol/serverInfo"

// appendResult appends the members of the result behind those of its _meta.
func (o *outcome) appendResult(dst []byte) []byte {
	switch {
	case o.failure != nil:
		object := errorObject(o.failure)
		dst = append(append(append(dst, `,"`+metaError+`":`...), object...), `},"content":[`...)
		return append(appendText(dst, object), `],"isError":true`...)
	case o.file != nil:
		content, _ := o.file.content(o.call.Request.Action).MarshalJSON() // texts and bytes always encode
		return append(append(append(dst, `},"content":[`...), content...), ']')
	case o.nothing:
		return append(appendText(append(dst, `},"content":[`...), []byte(textDone)), ']')
	}
	dst = append(appendText(append(dst, `},"content":[`...), o.object), `],"structuredContent":`...)
	return append(dst, o.object...)
}

// appendText appends a text as a content.
func appendText(dst, text []byte) []byte {
	dst, _ = jsontext.AppendQuote(append(dst, `{"type":"text","text":`...), text) // invalid UTF-8 becomes U+FFFD
	return append(dst, '}')
}
