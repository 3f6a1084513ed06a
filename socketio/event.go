package socketio

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// The errors of malformed events in well-formed packets. The client receives these errors in the reply to the event.
var (
	errEventName   = actionhero.Errorf(actionhero.CodeInvalidInput, "the name of an event must be a string")
	errPlaceholder = actionhero.Errorf(actionhero.CodeInvalidInput, "each placeholder must stand for an attachment of its own")
)

// parseEvent divides data, the payload of an event packet, into the event's name and the text of the event's arguments.
// The result name is a JSON string in its quotes. If there are no arguments, args is nil. parseEvent does not check the
// arguments.
func parseEvent(data []byte) (name, args []byte, err error) {
	start := jsonx.SkipSpace(data, 1)
	if data[start] != '"' {
		return nil, nil, errEventName
	}
	end := jsonx.SkipString(data, start)
	rest := data[: len(data)-1 : len(data)-1]
	if end > len(rest) {
		return nil, nil, errEventName
	}
	next := jsonx.SkipSpace(rest, end)
	switch {
	case next == len(rest):
		return rest[start:end], nil, nil
	case rest[next] != ',':
		return nil, nil, errEventName
	}
	return rest[start:end], rest[jsonx.SkipSpace(rest, next+1):], nil
}

// firstArgument returns the first argument in args, the text of an event's arguments, or nil if args is nil. It does
// not check the argument. If the argument is malformed, the result may include the text after the argument.
func firstArgument(args []byte) []byte {
	end := jsonx.SkipValue(args, 0)
	if after := jsonx.SkipSpace(args, end); after < len(args) && args[after] != ',' {
		end = len(args) // malformed: parsing the argument will fail
	}
	return args[:end:end]
}

// insertAttachments returns data, the payload of an event, with each attachment in place of its placeholder. The
// attachments become base64 strings, the form in which actions read bytes from JSON. It returns errPlaceholder if a
// placeholder has an unknown or a repeated number.
func insertAttachments(data []byte, attachments [][]byte) ([]byte, error) {
	size := len(data)
	for _, a := range attachments {
		size += base64.StdEncoding.EncodedLen(len(a))
	}
	var used [maxAttachments]bool
	dst, start := make([]byte, 0, size), 0
	for i := 0; i < len(data); {
		switch data[i] {
		case '"':
			i = jsonx.SkipString(data, i)
			continue
		case '{':
			n, end, ok := parsePlaceholder(data, i)
			if !ok {
				break
			}
			if n < 0 || n >= len(attachments) || used[n] { // repeating an attachment could make the payload arbitrarily large
				return nil, errPlaceholder
			}
			used[n] = true
			dst = append(append(dst, data[start:i]...), '"')
			dst = append(base64.StdEncoding.AppendEncode(dst, attachments[n]), '"')
			i, start = end, end
			continue
		}
		i++
	}
	return append(dst, data[start:]...), nil
}

// parsePlaceholder parses a placeholder {"_placeholder":true,"num":n} at index i of data. end is the index after the
// placeholder. n is -1 if "num" is not an integer. ok is false if there is no placeholder at i.
func parsePlaceholder(data []byte, i int) (n, end int, ok bool) {
	const longest = 64 // bytes, which allows for some white space
	text := data[i:min(len(data), i+longest)]
	length := bytes.IndexByte(text, '}') + 1
	if length == 0 {
		return 0, 0, false
	}
	n = -1
	err := jsonx.Members(text[:length], func(key string, raw []byte) error {
		switch key {
		case "_placeholder":
			ok = string(raw) == "true"
		case "num":
			if num, err := strconv.Atoi(string(raw)); err == nil {
				n = num
			}
		}
		return nil
	})
	return n, i + length, ok && err == nil
}
