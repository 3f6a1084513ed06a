package tcp

import (
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// lineID identifies the line that a reply answers.
type lineID struct {
	count uint64  // the messageCount: the number of the line
	id    *string // the messageId as JSON, which clients of the later dialect may send; nil: none
}

// answer is the reply to one line.
type answer struct {
	object  []byte            // a JSON object without its closing brace: the keys that all clients know
	data    []byte            // the value of the key "data", which follows; nil: none
	failure *actionhero.Error // its code and details follow at last; nil: none
	hint    bool              // the line sets params where it cannot: the reply says how to set them
}

// fail makes a the reply to a line that failed with err.
func (a *answer) fail(err error) { a.object, a.failure = wire.Failed(a.object[:0], err) }

// appendTail appends the end of a JSON object to dst: the keys "messageCount" and "messageId", the parts of the answer
// that follow the known keys, the closing brace and the line end.
func appendTail(dst []byte, at lineID, a *answer) []byte {
	dst = strconv.AppendUint(append(dst, `,"messageCount":`...), at.count, 10)
	if at.id != nil {
		dst = append(append(dst, `,"messageId":`...), *at.id...)
	}
	if a != nil && a.data != nil {
		dst = append(append(dst, `,"data":`...), a.data...)
	}
	if a != nil && a.failure != nil {
		dst = transport.AppendError(dst, a.failure)
	}
	if a != nil && a.hint {
		dst = append(dst, hint...)
	}
	return append(dst, "}\r\n"...)
}

// hintKey is the key of the hint in a reply. No output of the same reply has a member with this name.
const hintKey = "hint"

const hint = `,"` + hintKey + `":"the words after the name of an action are ignored: set params with paramAdd KEY=VALUE, before the action"`

// queue queues the answer to the line at. The caller must call ss.out.Send soon.
func (ss *session) queue(at lineID, a *answer) {
	a.object = appendTail(a.object, at, a)
	ss.out.AddLater(a.object)
}

// sendFailure sends an error that answers the line at.
func (ss *session) sendFailure(at lineID, err error) {
	var a answer
	a.fail(err)
	ss.queue(at, &a)
	ss.out.Send()
}

// maxMessageID is the greatest length of a messageId, in bytes of JSON.
const maxMessageID = 128

// messageID returns the JSON value raw as a messageId, or nil if raw is no text and no number, or too long.
func messageID(raw []byte) *string {
	if len(raw) == 0 || len(raw) > maxMessageID || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return nil
	}
	id := string(raw)
	return &id
}

// textID returns the text of a param as a messageId.
func textID(text string) *string { return messageID(jsonx.AppendString(nil, text)) }
