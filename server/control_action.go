package server

import (
	"encoding/json"
	"net/http"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/inplace"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// runAction runs an action in this server for the command line. The body of the request is an [inplace.Call], the answer
// is the output of the action.
func (c *controller) runAction(r *http.Request) (any, error) {
	call, err := control.Body[inplace.Call](r)
	if err != nil {
		return nil, err
	}
	object, content, err := call.Run(r.Context(), c.api)
	if content != nil {
		_ = content.Close()
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "action %q answers with bytes: read it over HTTP, or run it in a process of its own", call.Action)
	}
	if err != nil {
		return nil, forClient(actionhero.AsError(err))
	}
	return json.RawMessage(object), nil
}

// forClient converts the error of an action to an error of the control socket, with the text that every client reads.
func forClient(e *actionhero.Error) *control.Error {
	converted := &control.Error{Code: e.Code.String(), Message: e.Message}
	if len(e.Details) > 0 {
		converted.Details, _ = jsonx.Marshal(e.Details)
	}
	return converted
}
