package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
)

// The values of mcp.confirm.
const (
	confirmNever   = "never"
	confirmRequire = "require"
)

// question is the id of the question to the user within a result.
const question = "confirm"

// questionTime is how long a user may think about a question within a session.
const questionTime = 5 * time.Minute

// inputRequired is a result that asks the client for more. The library sets this type for its own handlers only.
type inputRequired struct{ *sdk.CallToolResult }

// MarshalJSON implements json.Marshaler.
func (r inputRequired) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Meta          sdk.Meta            `json:"_meta,omitempty"`
		ResultType    string              `json:"resultType"`
		InputRequests sdk.InputRequestMap `json:"inputRequests"`
		RequestState  string              `json:"requestState"`
	}{r.Meta, "input_required", r.InputRequests, r.RequestState})
}

// confirm asks the user before a call of a destructive tool. It returns nil if the call may run now, and else its result.
func (e *endpoint) confirm(ctx context.Context, r *call, t *tool, asked *sdk.CallToolRequest) (sdk.Result, error) {
	if !t.confirmed || e.cfg.Confirm == confirmNever || !t.access.Allows(r.id) {
		return nil, nil
	}
	text := fmt.Sprintf("%s: %s\n%s", t.described.Name, t.described.Description, r.shownParams())
	ask := &sdk.ElicitParams{Mode: "form", Message: text, RequestedSchema: json.RawMessage(`{"type":"object","properties":{}}`)}
	switch caps := asked.ClientCapabilities(); {
	case caps == nil || caps.Elicitation == nil || caps.Elicitation.Form == nil && caps.Elicitation.URL != nil:
		if e.cfg.Confirm == confirmRequire {
			return r.refused(actionhero.CodePermissionDenied, "the user has to confirm this call, and this client cannot ask: use one that supports elicitation"), nil
		}
		return nil, nil
	case asked.ProtocolVersion() >= stateless:
		return r.confirmLater(ask, asked.Params), nil
	}
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	if r.left != nil {
		defer context.AfterFunc(r.left, cancel)()
	}
	answer, err := asked.Session.Elicit(ctx, ask)
	if err != nil {
		return r.refused(actionhero.CodeUnavailable, "the user could not be asked: repeat the call"), nil
	}
	return r.decide(answer), nil
}

// confirmLater asks by a result, and reads the answer that the client sends with the same call again.
func (r *call) confirmLater(ask *sdk.ElicitParams, params *sdk.CallToolParamsRaw) sdk.Result {
	sum := sha256.Sum256(append([]byte(params.Name+"\n"), params.Arguments...))
	state := hex.EncodeToString(sum[:])
	answer, ok := params.InputResponses[question].(*sdk.ElicitResult)
	if !ok || params.RequestState != state { // the answer is about another call
		if _, failure := r.endpoint.api.Admit(r.ip); failure != nil { // no action runs that would count
			return r.refused(failure.Code, failure.Message)
		}
		return inputRequired{&sdk.CallToolResult{InputRequests: sdk.InputRequestMap{question: ask}, RequestState: state}}
	}
	return r.decide(answer)
}

// decide returns nil if the user agrees.
func (r *call) decide(answer *sdk.ElicitResult) sdk.Result {
	if answer.Action == "accept" {
		return nil
	}
	return r.refused(actionhero.CodePermissionDenied, "the user has not agreed to this call")
}

// refused returns the result of a call that has not run. The middleware, the log and the request limit see it.
func (r *call) refused(code actionhero.Code, text string) sdk.Result {
	r.Request.Err = actionhero.Errorf(code, "%s", text)
	return r.run(context.Background()).result()
}
