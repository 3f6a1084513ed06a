package actionhero

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// A record is the kept answer of an idempotency key: a byte recordFormat, a byte for the kind, the fingerprint of the inputs,
// the length and the bytes of the answer's state in the transport, and then the output or the error in JSON.
const (
	recordFormat = 1

	keptOutput  = 'o'
	keptNothing = 'n' // a None, or nil
	keptError   = 'e'
	keptMark    = 'm' // the call is done, but its answer is not kept
)

var errRecord = errors.New("the kept answer of an idempotency key cannot be read")

// answerRepeater has the optional methods of a Request.Extra whose transport tells more with an answer than its output.
// Package transport documents them.
type answerRepeater interface {
	WatchAnswer() (changed func() (state []byte, repeatable, failed bool))
	RepeatAnswer(state []byte)
}

// watchAnswer begins to watch what the action changes of its answer besides the output.
func watchAnswer(r *Request) (changed func() (state []byte, repeatable, failed bool)) {
	if extra, ok := r.Extra.(answerRepeater); ok {
		return extra.WatchAnswer()
	}
	return func() ([]byte, bool, bool) { return nil, true, false }
}

// keeps reports whether an error is the answer of a key. The other errors let the client try again.
func keeps(err *Error) bool {
	switch err.Code {
	case CodeInvalidInput, CodeNotFound, CodeAlreadyExists, CodePermissionDenied, CodeConflict:
		return err.RetryAfter <= 0
	}
	return false
}

// keptFailure is an Error in a record.
type keptFailure struct {
	Code    string
	Message string
	Details []Detail
}

// record returns the record of an answer, or false if the answer is not kept.
func (k *keyedCall) record(out any, err error, changed func() (state []byte, repeatable, failed bool)) (record []byte, ok bool) {
	failure := AsError(err)
	if failure != nil && !keeps(failure) {
		return nil, false
	}
	state, repeatable, failed := changed()
	if failed {
		return nil, false
	}
	if !repeatable {
		return k.mark(), true
	}
	kind := byte(keptOutput)
	if _, none := out.(None); none || out == nil {
		kind = keptNothing
	}
	if failure != nil {
		kind = keptError
	}
	dst := append(binary.AppendUvarint(k.head(kind), uint64(len(state))), state...)
	if failure != nil {
		dst, err = jsonx.Append(dst, keptFailure{failure.Code.String(), failure.Message, failure.Details})
	} else if dst, err = appendOutput(append(dst, '{'), k.req, out, []string{}); err == nil { // the transport that repeats it renames members
		dst = append(dst, '}')
	}
	switch {
	case err != nil: // the transport cannot encode it either
		return nil, false
	case int64(len(dst)) > k.req.API.cfg.IdempotencyBytes:
		return k.mark(), true
	}
	return dst, true
}

// head returns the beginning of a record.
func (k *keyedCall) head(kind byte) []byte {
	return append([]byte{recordFormat, kind}, k.inputs[:]...)
}

// mark returns the record of a call whose answer is not kept.
func (k *keyedCall) mark() []byte { return append(k.head(keptMark), 0) }

// repeat returns the answer in a record.
func (k *keyedCall) repeat(record []byte) (any, error) {
	head := 2 + len(k.inputs)
	if len(record) <= head || record[0] != recordFormat {
		return nil, errRecord
	}
	if !bytes.Equal(record[2:head], k.inputs[:]) {
		return nil, &Error{Code: CodeInvalidInput, Message: "this idempotency key was used with other inputs: send a new key with each operation", Err: ErrKeyReused}
	}
	size, n := binary.Uvarint(record[head:])
	rest := record[head+max(n, 0):]
	if n <= 0 || size > uint64(len(rest)) {
		return nil, errRecord
	}
	state, answer := rest[:size], rest[size:]
	k.req.ctx.replayed = true
	if h, ok := k.req.Extra.(interface{ AddResponseHeader(name, value string) }); ok {
		h.AddResponseHeader("Idempotency-Replayed", "true")
	}
	if extra, ok := k.req.Extra.(answerRepeater); ok && len(state) > 0 {
		extra.RepeatAnswer(state)
	}
	switch record[1] {
	case keptOutput:
		return json.RawMessage(bytes.Clone(answer)), nil // a middleware may change it
	case keptNothing:
		return None{}, nil
	case keptMark:
		return nil, &Error{Code: CodeConflict, Message: "the call with this idempotency key is done, but its answer could not be kept"}
	}
	var failure keptFailure
	if err := jsonx.Unmarshal(answer, &failure); err != nil {
		return nil, errors.Join(errRecord, err)
	}
	code := Code(max(slices.Index(codeNames[:], failure.Code), 0))
	return nil, &Error{Code: code, Message: failure.Message, Details: failure.Details}
}
