package websocket_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// expectation is what a test knows about the reply to one message, from reading the message with encoding/json.
type expectation struct {
	message string
	marker  string           // only this message and its reply contain it
	tag     string           // the member id or messageId that the reply repeats, as name:value; "": none
	unsure  bool             // the reply may have any tag that the message contains, or none
	allows  func(reply) bool // whether the reply fits the event of the message
	quits   bool
}

// reply is a parsed reply of the server.
type reply struct {
	text, tag, code string
	members         map[string]json.RawMessage
}

var errorCodes = strings.Fields("internal invalidInput notFound alreadyExists unauthenticated permissionDenied resourceExhausted conflict canceled deadlineExceeded unavailable")

// parseReply returns an error if the text is no reply: an object with each member once, and with a code if it failed.
func parseReply(text string) (r reply, err error) {
	r.text = text
	if err := unambiguous(text); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(text), &r.members); err != nil {
		return r, err
	}
	for _, name := range []string{"id", "messageId"} {
		if value, ok := r.members[name]; ok {
			r.tag += name + ":" + string(value)
		}
	}
	failed := r.members["error"] != nil && string(r.members["error"]) != "false"
	_ = json.Unmarshal(r.members["errorCode"], &r.code)
	if failed != slices.Contains(errorCodes, r.code) || string(r.members["context"]) != `"response"` {
		return r, fmt.Errorf("the error is %s, its code %q", r.members["error"], r.code)
	}
	return r, nil
}

// unambiguous returns an error unless text is one JSON value in which no object has a member twice, and which is not deep.
func unambiguous(text string) error {
	type level struct {
		object, key bool // key: a name comes next
		seen        map[string]bool
	}
	var levels []level
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		switch {
		case err == io.EOF && len(levels) == 0:
			return nil
		case err != nil:
			return err
		}
		top := len(levels) - 1
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			levels = levels[:top]
			continue
		}
		if top >= 0 && levels[top].key {
			name := token.(string)
			if levels[top].seen[name] {
				return fmt.Errorf("the member %q occurs twice", name)
			}
			levels[top].seen[name], levels[top].key = true, false
			continue
		}
		if top >= 0 {
			levels[top].key = levels[top].object
		}
		if delim, ok := token.(json.Delim); ok {
			if levels = append(levels, level{delim == '{', delim == '{', map[string]bool{}}); len(levels) > 50 {
				return fmt.Errorf("the value is deep")
			}
		}
	}
}

// expect returns what is known about the reply to message.
func expect(message, marker string, actions []string) expectation {
	e := expectation{message: message, marker: marker, unsure: true, allows: func(reply) bool { return true }}
	text := strings.TrimPrefix(message, "\ufeff")
	invalid := func(r reply) bool { return r.code == "invalidInput" }
	members := map[string]json.RawMessage{}
	switch {
	case json.Unmarshal([]byte(text), &members) != nil || members == nil:
		e.allows = invalid
		return e
	case unambiguous(text) != nil || strings.Contains(text, `\u`) || strings.Count(text, "\ufffd") > 0:
		return e
	}
	e.unsure = false
	for _, name := range []string{"id", "messageId"} {
		value, ok := members[name]
		switch {
		case !ok:
		case e.tag != "" || value[0] == '{' || value[0] == '[' || len(value) > 128:
			e.unsure, e.allows = true, invalid
			return e
		default:
			e.tag = name + ":" + string(value)
		}
	}
	e.allows, e.quits = byEvent(members, actions)
	return e
}

// byEvent returns which replies fit a message with these members.
func byEvent(members map[string]json.RawMessage, actions []string) (allows func(reply) bool, quits bool) {
	invalid := func(r reply) bool { return r.code == "invalidInput" }
	var event string
	if json.Unmarshal(members["event"], &event) != nil {
		return invalid, false
	}
	may := map[string]string{"action": "params", "say": "message room", "roomChange": "room", "roomAdd": "room", "roomLeave": "room", "roomView": "room", "detailsView": "", "quit": "", "exit": "", "close": ""}
	keys, known := may[event]
	for key := range members {
		known = known && (key == "event" || key == "id" || key == "messageId" || slices.Contains(strings.Fields(keys), key))
	}
	for _, key := range []string{"message", "room"} {
		known = known && (members[key] == nil || members[key][0] == '"')
	}
	known = known && (event != "say" || members["message"] != nil)
	params := members["params"]
	known = known && (params == nil || params[0] == '{' || string(params) == "null")
	if !known {
		return invalid, false
	}
	switch event {
	case "action":
		var named struct{ Action any }
		if json.Unmarshal(params, &named); bytes.Contains(params, []byte(`"action"`)) && named.Action != nil {
			if name, ok := named.Action.(string); ok && slices.Contains(actions, name) {
				return func(reply) bool { return true }, false
			}
		}
		return func(r reply) bool { return r.code == "notFound" || r.code == "invalidInput" }, false
	case "detailsView":
		return func(r reply) bool { return r.members["details"] != nil }, false
	case "say":
		return func(r reply) bool { return r.members["details"] == nil && r.members["roomStatus"] == nil }, false
	case "quit", "exit", "close":
		return func(r reply) bool { return string(r.members["status"]) == `"Bye!"` }, true
	}
	return func(r reply) bool { return r.code != "" || r.members["room"] != nil }, false
}

// marks is the pattern of the markers.
var marks = regexp.MustCompile(`mark[0-9]+k`)

// fits reports whether the reply may be the one to the message of e.
func (e *expectation) fits(r reply) bool {
	_, value, _ := strings.Cut(r.tag, ":")
	if r.tag != e.tag && !(e.unsure && strings.Contains(e.message, value)) || !e.allows(r) {
		return false
	}
	if r.members["roomStatus"] != nil { // it names the room that another message may have chosen
		return true
	}
	for _, mark := range marks.FindAllString(r.text, -1) {
		if mark != e.marker {
			return false
		}
	}
	return true
}

// assign gives each reply an expectation of its own that it fits. It returns the first reply for which there is none, and
// false. Several assignments may be possible if messages have the same id, so assign moves earlier replies.
func assign(all []expectation, replies []reply) (alone reply, ok bool) {
	taken := make([]int, len(all)) // the index of a reply plus 1; 0: none
	for i := range replies {
		if !move(all, replies, i, taken, make([]bool, len(all))) {
			return replies[i], false
		}
	}
	return alone, true
}

func move(all []expectation, replies []reply, i int, taken []int, tried []bool) bool {
	for n := range all {
		if tried[n] || !all[n].fits(replies[i]) {
			continue
		}
		tried[n] = true
		if taken[n] == 0 || move(all, replies, taken[n]-1, taken, tried) {
			taken[n] = i + 1
			return true
		}
	}
	return false
}
