package goruntime

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
)

// MarshalJSON returns the JSON of the value, or null.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.set || o.null {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON sets o to the value in data, or to null.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	*o = Optional[T]{set: true, null: string(data) == "null"}
	if o.null {
		return nil
	}
	return json.Unmarshal(data, &o.value)
}

// answer has the members of the envelopes of all transports.
type answer struct {
	Server    json.RawMessage `json:"serverInformation"`
	Requestor json.RawMessage `json:"requestorInformation"`
	Failure   json.RawMessage `json:"error"` // classic: "OK" or a text; persistent: false or a text
	ErrorCode Code            `json:"errorCode"`
	Details   []Detail        `json:"errorDetails"`
	After     *int64          `json:"retryAfter"` // in seconds

	Code     Code     `json:"code"` // of a problem
	Detail   string   `json:"detail"`
	Instance string   `json:"instance"`
	Errors   []Detail `json:"errors"`
}

// envelopeKeys are the members of answers that are not of the output.
var envelopeKeys = []string{"serverInformation", "requestorInformation", "error", "context", "messageCount", "messageId"}

// text returns the error in the envelope, or "" if there is none.
func (a *answer) text() string {
	var text string
	if json.Unmarshal(a.Failure, &text) != nil || text == "OK" && a.Server != nil {
		return ""
	}
	return text
}

// failure returns the error in an answer.
func (a *answer) failure(spec *Spec, fallback Code) *Error {
	e := &Error{Action: spec.Name, Code: a.ErrorCode, Message: a.text(), Details: a.Details}
	if a.Code != "" {
		e.Code, e.Message, e.Details, e.RequestID = a.Code, a.Detail, a.Errors, a.Instance
	}
	if e.Code == "" {
		e.Code = fallback
	}
	if a.After != nil {
		e.RetryAfter, e.CanRetry = time.Duration(*a.After)*time.Second, true
	}
	return e
}

// decode decodes the output in an answer. A map takes all members, so those of the envelope are removed first.
func decode(spec *Spec, text []byte, enveloped bool, out any) *Error {
	if out == nil {
		return nil
	}
	err := error(nil)
	if enveloped && reflect.TypeOf(out).Elem().Kind() == reflect.Map {
		members := map[string]json.RawMessage{}
		if err = json.Unmarshal(text, &members); err == nil {
			for _, key := range envelopeKeys {
				delete(members, key)
			}
			text, err = json.Marshal(members)
		}
	}
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return spec.fail(CodeProtocol, "the answer does not have the type of the output", err)
	}
	return nil
}

// encodeInput returns the JSON object of an input.
func encodeInput(spec *Spec, in any) ([]byte, *Error) {
	if in == nil {
		return []byte("{}"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(in); err != nil {
		return nil, spec.fail(CodeInvalidCall, "the input does not encode as JSON", err)
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}
