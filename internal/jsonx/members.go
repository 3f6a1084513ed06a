package jsonx

import (
	"strconv"
	"unicode/utf8"
)

// fewKeys is the largest number of keys that keySet compares one by one to find a duplicate. For more keys, keySet uses
// a map.
const fewKeys = 16

// Members calls fn for each member of the JSON object in data, in order, with the key and the value raw of the member.
// key and raw may share the bytes of data: fn must clone them to keep them after data changes. Before it calls fn,
// Members checks the syntax of raw. It also checks that values nest at most [MaxDepth] levels, counted from the object
// in data. Members does not search the objects in raw for repeated names.
//
// Members ignores a byte order mark at the beginning of data. It stops at the first error of fn and returns that error. If data is not a valid object, it returns a
// [*SyntaxError]. In that case, fn may already have been called for the members before the position of the error.
func Members(data []byte, fn func(key string, raw []byte) error) error {
	i := SkipSpace(data, SkipBOM(data))
	if i >= len(data) || data[i] != '{' {
		return expectedObject.at(i)
	}
	i = SkipSpace(data, i+1)
	more := i >= len(data) || data[i] != '}'
	if !more {
		i++
	}
	var seen keySet
	for more {
		start := i
		key, end, f := viewName(data, i)
		if i = end; f != noFault {
			return f.at(i)
		}
		if !seen.add(key) {
			return &SyntaxError{Offset: start, Message: "the member " + strconv.QuoteToGraphic(shorten(key)) + " occurs twice"}
		}
		if i, f = scanColon(data, i); f != noFault {
			return f.at(i)
		}
		start = i
		if i, f = scanValue(data, i, 1); f != noFault {
			return f.at(i)
		}
		if err := fn(key, data[start:i:i]); err != nil {
			return err
		}
		if i, more, f = scanNext(data, i, '}', expectedCommaOrBrace); f != noFault {
			return f.at(i)
		}
	}
	if i = SkipSpace(data, i); i < len(data) {
		return trailing.at(i)
	}
	return nil
}

// viewName checks the syntax of the member name that begins at i. It returns the decoded name and the index after the
// closing quote. Nearly all names are plain ASCII, which viewName reads once.
func viewName(data []byte, i int) (key string, end int, f fault) {
	if i < len(data) && data[i] == '"' {
		if end = asciiEnd(data, i+1); end < len(data) && data[end] == '"' {
			return ViewString(data[i+1 : end]), end + 1, noFault
		}
	}
	if end, f = scanName(data, i); f != noFault {
		return "", end, f
	}
	return viewText(data[i:end]), end, noFault
}

// viewText returns the decoded text of raw, a JSON string literal of valid syntax. The text shares the bytes of raw
// unless raw has escapes or invalid UTF-8.
func viewText(raw []byte) string {
	if plain, ok := Plain(raw); ok {
		return ViewString(plain)
	}
	return unquote(raw)
}

// keySet is the set of the keys of one object, to find duplicate keys.
type keySet struct {
	few  [fewKeys]string
	n    int
	many map[string]struct{}
}

// add adds key to the set. It returns false if the set already contains key.
func (s *keySet) add(key string) bool {
	if s.many != nil {
		n := len(s.many)
		s.many[key] = struct{}{}
		return len(s.many) > n
	}
	for i := range s.n {
		if s.few[i] == key {
			return false
		}
	}
	if s.n < fewKeys {
		s.few[s.n] = key
		s.n++
		return true
	}
	s.many = make(map[string]struct{}, 4*fewKeys)
	for _, k := range s.few {
		s.many[k] = struct{}{}
	}
	s.many[key] = struct{}{}
	return true
}

// shorten limits the text of a client for an error message: if s is longer than 64 bytes, shorten returns at most its
// first 64 bytes and "…".
func shorten(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
