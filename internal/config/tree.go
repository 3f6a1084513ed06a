package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// maxDepth is the maximum nesting of lists and objects in a file of settings. No setting needs deeper nesting, and the
// limit keeps recursive functions from overflowing the stack.
const maxDepth = 64

// kind is the type of a node, such as text or list.
type kind int

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	objectKind
	anyKind // a text from an environment variable, which may be a value of any scalar type
)

// node is a parsed value of a setting, independent of the file format. A node may also come from an environment
// variable.
type node struct {
	kind    kind
	text    string // the text of a scalar; in its original notation if the library of the format keeps that
	number  string // the decimal form of a number; the parser of settings rejects infinities and NaN
	list    []*node
	entries []entry
	at      position
}

// entry is one key of an object with its value. The field at is the position of the key.
type entry struct {
	key   string
	value *node
	at    position
}

// position is the place where a value was found: a file name with line and column (0 if unknown), or the name of an
// environment variable.
type position struct {
	name      string
	line, col int
}

func (p position) String() string {
	switch {
	case p.line > 0 && p.col > 0:
		return fmt.Sprintf("%s:%d:%d", p.name, p.line, p.col)
	case p.line > 0:
		return fmt.Sprintf("%s:%d", p.name, p.line)
	}
	return p.name
}

// found returns a description of the value, such as "the number 5", for an error message about a value of the wrong
// type.
func (n *node) found() string {
	switch n.kind {
	case nullKind:
		return "null"
	case textKind:
		return "the text " + quote(n.text)
	case numberKind:
		return "the number " + printable(n.text)
	case listKind:
		return "a list"
	case objectKind:
		return "an object"
	case anyKind:
		return quote(n.text)
	}
	return printable(n.text)
}

// quote returns s in double quotes with escapes. It shortens s to 80 characters.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.QuoteToGraphic(string(r[:most])) + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// printable returns a key or name for an error message. It returns the text unchanged if all characters are printable,
// and quoted otherwise. A key with line breaks can therefore not forge a line of the message.
func printable(s string) string {
	if s == "" {
		return `""`
	}
	for _, r := range s {
		if r == '"' || !strconv.IsGraphic(r) || r == '\uFFFD' {
			return quote(s)
		}
	}
	return strings.Trim(quote(s), `"`)
}

// oneLine escapes the control characters of a text. The error message of a parser library may contain control
// characters from the file.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}

// scalar returns the text of a scalar value. It returns ok false if a setting of class c does not accept a value of the
// kind of n. For example, a setting of class Int, Uint or Float does not accept a text; a duration, a size and a bool
// accept texts such as "15s", "64 KiB" and "on".
func (n *node) scalar(c setting.Class) (text string, ok bool) {
	switch n.kind {
	case anyKind:
		return n.text, true
	case textKind:
		ok = c != setting.Int && c != setting.Uint && c != setting.Float
	case boolKind:
		ok = c == setting.Bool || c == setting.Text
	case numberKind:
		if c == setting.Text {
			return n.text, true
		}
		return n.number, c != setting.Bool && c != setting.String
	}
	return n.text, ok
}

// join returns the path of a key: the path of its object, a dot, and the key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// wrap returns nested objects in which value has the path keys. For the keys "httpServer" and "port", it returns the
// tree of {httpServer: {port: value}}.
func wrap(keys []string, value *node) *node {
	for i := len(keys) - 1; i >= 0; i-- {
		value = &node{kind: objectKind, at: value.at, entries: []entry{{key: keys[i], value: value, at: value.at}}}
	}
	return value
}

// envNode parses text, the content of an environment variable, as a list, a map or a scalar. The type of the setting s
// decides which. The text of the returned error completes a sentence that begins with the name of the setting.
func envNode(s leaf, text string, at position) (*node, error) {
	scalar := func(t string) *node { return &node{kind: anyKind, text: t, at: at} }
	if s.fileOnly {
		return nil, errors.New("can be given in the file only")
	}
	c := s.Class()
	if c != setting.List && c != setting.Map {
		return scalar(text), nil
	}
	out := &node{kind: listKind, at: at}
	if c == setting.Map {
		out.kind = objectKind
	}
	if text = strings.TrimSpace(text); text == "[]" || text == "{}" {
		return out, nil // an empty variable counts as not set, so the empty list and map need a text
	}
	seen := map[string]bool{}
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if c == setting.List {
			if item == "" {
				return nil, errors.New("has an empty item between its commas")
			}
			out.list = append(out.list, scalar(item))
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return nil, errors.New("must be pairs such as key=value,key2=value2")
		}
		if seen[key] {
			if s.Tags.Secret {
				return nil, errors.New("names a key twice; its value is not shown because it is a secret")
			}
			return nil, fmt.Errorf("names the key %s twice", printable(key))
		}
		seen[key] = true
		out.entries = append(out.entries, entry{key: key, value: scalar(strings.TrimSpace(value)), at: at})
	}
	return out, nil
}
