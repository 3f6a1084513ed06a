package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
)

// stateless is the first version of MCP whose messages need no session.
const stateless = "2026-07-28"

const (
	headerVersion = "Mcp-Protocol-Version"
	headerSession = "Mcp-Session-Id"
)

// handlers are the handlers of the library: one keeps sessions, and the others do not. A result of stateless is one JSON
// object; the others send a stream of events, in which progress and questions to the user may come before the result.
type handlers struct{ stateless, stream, sessions http.Handler }

func (e *endpoint) newHandlers() handlers {
	one := func(*http.Request) *sdk.Server { return e.server }
	options := sdk.StreamableHTTPOptions{
		SessionTimeout:             e.cfg.SessionTimeout,
		DisableLocalhostProtection: true, // the web server checks hosts and origins
		MaxRequestBodyBytes:        -1,   // the message is in memory already
	}
	withSessions := sdk.NewStreamableHTTPHandler(one, &options)
	options.Stateless, options.PropagateRequestCancellation = true, true
	stream := sdk.NewStreamableHTTPHandler(one, &options)
	options.JSONResponse = true
	pass := auth.RequireBearerToken(passCaller, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})
	return handlers{pass(sdk.NewStreamableHTTPHandler(one, &options)), pass(stream), pass(withSessions)}
}

type callerContext struct{}

// passCaller makes the library pass the caller of an HTTP request on with its messages. A session belongs to the user that
// has opened it.
func passCaller(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
	c := ctx.Value(callerContext{}).(*caller)
	return &auth.TokenInfo{UserID: c.id.ID, Extra: map[string]any{callerKey: c}}, nil
}

// ServeHTTP serves one message of an agent.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := e.newCaller(w, r)
	defer c.end()
	if r.Method != http.MethodPost && r.Method != http.MethodDelete {
		w.Header().Set("Allow", "POST, DELETE")
		refuse(w, http.StatusMethodNotAllowed, "this server answers to POST and DELETE only: it sends nothing on its own")
		return
	}
	if n := e.sizeOf(r); n > eagerBytes {
		budget, client := e.api.IncomingBudget(), c.prefix()
		if !budget.Take(client, n) {
			e.refuseCaller(c, errBusy, nil)
			return
		}
		defer budget.Give(client, n)
	}
	body, err := readBody(r)
	if err != nil {
		refuseBody(w, err)
		return
	}
	if m, ok := readOrdinary(r.Header, body); ok && r.Method == http.MethodPost {
		if t := e.toolNamed(m.Params.Name); t != nil && (!t.confirmed || e.cfg.Confirm == confirmNever) {
			e.serveOrdinary(c, m, t)
			return
		}
	}
	switch {
	case !e.admit(c, c.request()):
	case isBatch(body):
		refuse(w, http.StatusBadRequest, "send one message for each request: batches are not served")
	case e.deniesMessage(c, body):
	default:
		e.serveMessage(c, body)
	}
}

// admit finds out who the caller of req is. It refuses the message, and returns false, if the credentials are wrong, or if
// there are none and they are needed.
func (e *endpoint) admit(c *caller, req *actionhero.Request) bool {
	err := c.identify(c.r.Context(), req)
	if err == nil && !c.id.Known() && (e.cfg.hasOAuth() || !e.servesAnonymous()) {
		if _, err = e.api.Admit(c.ip); err == nil {
			err = actionhero.Errorf(actionhero.CodeUnauthenticated, "you must log in to do this: every tool needs a known caller")
		}
	}
	if err != nil {
		e.refuseCaller(c, err, e.cfg.Scopes)
	}
	return err == nil
}

// eagerBytes is the size of the memory for the body of a request that has sent nothing of it.
const eagerBytes = 16 << 10

// maxInitialize is the size of the largest message that opens a session. The session keeps the message.
const maxInitialize = 16 << 10

var errBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server reads as many messages as it may: try again later", RetryAfter: time.Second,
}

// sizeOf returns how many bytes the body of a request may have, for general.maxIncomingBytes.
func (e *endpoint) sizeOf(r *http.Request) int64 {
	if r.ContentLength < 0 {
		return e.cfg.MaxCallBytes
	}
	return r.ContentLength
}

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > eagerBytes {
		return io.ReadAll(r.Body)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// serveMessage passes a message to the handler of the library that serves it.
func (e *endpoint) serveMessage(c *caller, body []byte) {
	keeps, session := false, c.r.Header.Get(headerSession)
	m := lookAt(body)
	switch {
	case c.r.Header.Get(headerVersion) >= stateless:
	case session == "":
		keeps = len(body) <= maxInitialize && m.Method == "initialize" && e.hasRoom()
	case strings.HasSuffix(session, sessionTag(e.api.Tag())):
		keeps = true
	case c.r.Method == http.MethodDelete: // the node with the session ends it after mcp.sessionTimeout
		c.w.WriteHeader(http.StatusNoContent)
		return
	}
	handler := e.http.sessions
	switch {
	case keeps:
	case len(m.Params.Meta.Progress) > 0:
		handler = e.http.stream
	default:
		handler = e.http.stateless
	}
	r := c.r.WithContext(context.WithValue(c.r.Context(), callerContext{}, c))
	r.Header = c.r.Header.Clone()
	r.Header.Set("Authorization", "Bearer -") // passCaller does not read it
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	handler.ServeHTTP(c.w, r)
}

// hasRoom reports whether one more session may be opened.
func (e *endpoint) hasRoom() bool {
	n := 0
	for range e.server.Sessions() {
		n++
	}
	return n < e.cfg.MaxSessions
}

// sessionTag is the end of the ids of all sessions of this process. A message with the session of another node, or of an
// earlier process, is served without a session, so that a cluster needs no sticky proxy.
func sessionTag(tag uint32) string { return fmt.Sprintf("-%08x", tag) }

// glance is what is read of a message before the library reads it.
type glance struct {
	Method string `json:"method"`
	Params struct {
		Meta struct {
			Progress json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	} `json:"params"`
}

func lookAt(body []byte) (m glance) {
	_ = json.Unmarshal(body, &m) // the library finds all faults
	return m
}

func isBatch(body []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte{'['}) }

// refuseCaller refuses a message whose credentials are wrong, missing, not enough or cannot be checked. scopes are those with
// which the caller should log in.
func (e *endpoint) refuseCaller(c *caller, err *actionhero.Error, scopes []string) {
	status := http.StatusServiceUnavailable
	switch err.Code {
	case actionhero.CodeUnauthenticated:
		status = http.StatusUnauthorized
		fault := ""
		if c.RequestHeader("Authorization") != "" {
			fault = "invalid_token" // RFC 6750, 3.1
		}
		c.AddResponseHeader("WWW-Authenticate", c.challenge(fault, scopes))
	case actionhero.CodePermissionDenied:
		status = http.StatusForbidden
		if len(scopes) > 0 {
			c.AddResponseHeader("WWW-Authenticate", c.challenge("insufficient_scope", scopes))
		}
	case actionhero.CodeResourceExhausted:
		status = http.StatusTooManyRequests
	case actionhero.CodeInternal:
		status = http.StatusInternalServerError
	}
	if err.RetryAfter > 0 {
		c.AddResponseHeader("Retry-After", fmt.Sprint(int64((err.RetryAfter + 999_999_999).Seconds())))
	}
	refuse(c.w, status, err.Message)
}

func refuseBody(w http.ResponseWriter, err error) {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a message may have %d bytes at most", large.Limit))
		return
	}
	w.Header().Set("Connection", "close")
	refuse(w, http.StatusRequestTimeout, "the message did not come in time")
}

// refuse answers with an error of JSON-RPC without an id, because the message has not been read.
func refuse(w http.ResponseWriter, status int, text string) {
	message, _ := json.Marshal(text) // a string always encodes
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":null,"error":{"code":%d,"message":%s}}`, codeRefused, message)
}
