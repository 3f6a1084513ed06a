// Package cookie reads the header Cookie as net/http does, without memory of the heap: each request of a logged-in user has
// one.
package cookie

import (
	"net/textproto"
	"strings"
)

// Next returns the name and the text of the value of the first pair in line, and the rest of the line after it. Names and
// texts are not checked: compare the name with a token, and call [Value]. ok is false at the end.
func Next(line string) (name, text, rest string, ok bool) {
	for line != "" {
		pair := line
		if end := strings.IndexByte(line, ';'); end >= 0 {
			pair, line = line[:end], line[end+1:]
		} else {
			line = ""
		}
		if pair = textproto.TrimString(pair); pair == "" {
			continue
		}
		name, text, _ = strings.Cut(pair, "=")
		return textproto.TrimString(name), text, line, true
	}
	return "", "", "", false
}

// Value returns the value in a text of Next, without quotes. ok is false if the text has a byte that no value may have:
// then net/http skips the pair.
func Value(text string) (value string, ok bool) {
	if n := len(text); n > 1 && text[0] == '"' && text[n-1] == '"' {
		text = text[1 : n-1]
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return text, true
}

// Get returns the value of the first cookie with the name, or "".
func Get(line, name string) string {
	for {
		found, text, rest, ok := Next(line)
		if !ok {
			return ""
		}
		if found == name {
			if value, ok := Value(text); ok {
				return value
			}
		}
		line = rest
	}
}
