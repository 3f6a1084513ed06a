// Package envelope lists the names that the envelopes of the transports use, and keeps the members of outputs and the
// inputs of actions apart from them.
//
// An answer is one JSON object: the members of the output, and around them the members of the envelope. If an output had
// a member with the name of one of those, the object would have two members of one name, and clients would read only one.
package envelope

import (
	"bytes"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// outputs are the names that no output may have on any transport. The name "id" is not among them, because every record
// has one: see [Rename] and package websocket. The name "status" is not among them either, because a transport writes it
// only if the output is empty.
var outputs = []string{
	"context", "error", "errorCode", "errorDetails", "messageCount", "messageId", "requestorInformation", "retryAfter", "serverInformation",
}

// Inputs maps the names that no input of an action may have to the use of the param with that name.
var Inputs = map[string]string{
	"action":     "names the action",
	"callback":   "asks for JSONP",
	"outputType": "asks for XML",
}

// Reserved reports whether an output must not have a member with this name.
func Reserved(name string) bool { return slices.Contains(outputs, name) }

// Rename renames the members of an output that have a reserved name, or one of the names in further: it puts "_" in front
// of the name, until the output has no other member with the new name. members are the members of a JSON object without
// the braces, of valid syntax, at the end of dst from the index start. If there is none to rename, Rename returns dst.
func Rename(dst []byte, start int, further []string) []byte {
	taken := false
	each(dst[start:], func(literal, _ []byte) {
		if inner, plain := jsonx.Plain(literal); plain {
			taken = taken || isTaken(jsonx.ViewString(inner), further)
		} else {
			taken = taken || bytes.IndexByte(literal, '\\') > 0
		}
	})
	if !taken {
		return dst
	}
	members := bytes.Clone(dst[start:])
	all := names(members)
	dst = dst[:start]
	next := 0
	each(members, func(literal, value []byte) {
		name := all[next]
		next++
		if len(dst) > start {
			dst = append(dst, ',')
		}
		if isTaken(name, further) {
			for renamed := true; renamed; renamed = slices.Contains(all, name) {
				name = "_" + name
			}
			literal = jsonx.AppendString(nil, name)
		}
		dst = append(append(append(dst, literal...), ':'), value...)
	})
	return dst
}

func isTaken(name string, further []string) bool {
	return Reserved(name) || slices.Contains(further, name)
}

// names returns the names of members, which share memory with members.
func names(members []byte) (all []string) {
	each(members, func(literal, _ []byte) {
		if inner, plain := jsonx.Plain(literal); plain {
			all = append(all, jsonx.ViewString(inner))
			return
		}
		name, _ := jsonx.Unquote(literal) // the syntax is valid
		all = append(all, name)
	})
	return all
}

// each calls fn with the name, as a JSON string, and the value of each member.
func each(members []byte, fn func(literal, value []byte)) {
	for i := jsonx.SkipSpace(members, 0); i < len(members); {
		end := jsonx.SkipString(members, i)
		literal := members[i:end]
		i = jsonx.SkipSpace(members, jsonx.SkipSpace(members, end)+1) // the colon
		end = jsonx.SkipValue(members, i)
		fn(literal, members[i:end])
		i = jsonx.SkipSpace(members, jsonx.SkipSpace(members, end)+1) // the comma
	}
}
