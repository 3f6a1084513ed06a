// Package inplace runs an action for the command line: in the process of the command line itself, or in a running server
// that the control socket reaches. It is a transport for one request, and [Call] is what it carries.
package inplace

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// Transport is the name of this transport in logs and in Request.Transport.
const Transport = "cli"

// Call is a request of the command line. Its JSON is the body of a request to the control socket.
type Call struct {
	Action string          `json:"action"`
	Object json.RawMessage `json:"object,omitempty"` // params as a JSON object; the values below win
	Values []Value         `json:"values,omitempty"`
	// IdempotencyKey is the key of the call, for an action that takes keys; empty: none.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// Value is the value of one param. A Key that stands several times is a list.
type Value struct {
	Key  string           `json:"key"`
	Text string           `json:"text,omitempty"`
	JSON json.RawMessage  `json:"json,omitempty"` // instead of Text
	File *actionhero.File `json:"-"`              // instead of Text; only within this process
}

// Run dispatches the call to api. It returns the output of the action as a JSON object, or content if the action returns
// bytes, which the caller must close. The error is nil or an *actionhero.Error.
func (c *Call) Run(ctx context.Context, api *actionhero.API) (object []byte, content *actionhero.Content, err error) {
	host := transport.Of(api)
	req := host.NewRequest(Transport)
	req.Action, req.IdempotencyKey = c.Action, c.IdempotencyKey
	req.Err = c.fill(transport.ParamsOf(&req.Params)) // middleware and the log see a malformed request as well
	out, err := host.Dispatch(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	if content, ok := out.(*actionhero.Content); ok {
		return nil, content, nil
	}
	if object, err = transport.AppendOutput([]byte("{"), req, out); err != nil {
		return nil, nil, err
	}
	return append(object, '}'), nil, nil
}

func (c *Call) fill(params transport.Params) error {
	if len(c.Object) > 0 {
		if err := params.AddObject(c.Object); err != nil {
			return err
		}
	}
	params.NextSource()
	for _, v := range c.Values {
		var err error
		switch {
		case v.File != nil:
			err = params.AddFile(v.Key, v.File)
		case v.JSON != nil:
			err = params.AddJSON(v.Key, v.JSON)
		default:
			err = params.Add(v.Key, v.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// HasFile returns an error if a value is a file, which no other process can read.
func (c *Call) HasFile() error {
	for _, v := range c.Values {
		if v.File != nil {
			return fmt.Errorf("%s is a file, which the running server does not receive: run the action in this process", v.Key)
		}
	}
	return nil
}
