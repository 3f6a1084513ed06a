package actionhero

import (
	"fmt"
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// encodeParams returns params, a value of the app, as the JSON object that a client sends to give the same inputs.
func (t *Tasks) encodeParams(task string, params any) ([]byte, error) {
	if params == nil {
		return []byte("{}"), nil
	}
	if declared := t.api.registry.Load().tasks[task]; declared != nil && declared.act.input.Takes(params) && !reflect.ValueOf(params).IsNil() {
		raw, err := declared.act.input.AppendObject(nil, params)
		return raw, paramsError(task, err)
	}
	list, whole, err := schema.Sent(params, schema.Options{FileType: reflect.TypeFor[File]()})
	if err != nil || whole != nil {
		return whole, paramsError(task, err)
	}
	raw := []byte{'{'}
	for i := range list {
		if list[i].Value.File() != nil {
			return nil, paramsError(task, fmt.Errorf("%s is an uploaded file, which is gone when the task runs: keep the file and take its name", list[i].Key))
		}
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(append(jsonx.AppendString(raw, list[i].Key), ':'), list[i].Value.JSON()...)
	}
	return append(raw, '}'), nil
}

func paramsError(task string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: CodeInvalidInput, Message: fmt.Sprintf("the params of task %s do not encode as JSON", task), Err: err}
}
