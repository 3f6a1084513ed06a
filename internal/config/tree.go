package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// maxDepth is how deep lists and objects may be nested: more than a setting needs, and few enough for recursion.
const maxDepth = 64

type kind int

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	objectKind
	anyKind // a text from the environment, of any scalar type
)

// node is a value of any format.
type node struct {
	kind    kind
	text    string // of a scalar, as the file has it, if the library of the format keeps it
	number  string // of a numberKind, in decimal; empty if it is not finite
	list    []*node
	entries []entry
	at      position
}

// entry is one key of an object with its value; at is the position of the key.
type entry struct {
	key   string
	value *node
	at    position
}

// position is the position of a value: a file with line and column (zero if unknown), or a variable.
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

// found describes a value of the wrong type.
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

// quote quotes a text of any content, shortened to 80 characters.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.QuoteToGraphic(string(r[:most])) + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// printable returns a usual name unchanged, and quotes any other, so that a key cannot forge a line of the message.
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

// oneLine escapes the control characters of a text, such as those of the file in the message of a library.
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

// scalar returns the text of a value, and whether a setting of the class may have a value of this kind. Only numbers with units,
// and switches ("on", "off"), may be texts.
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

// join adds a key to the path of its object.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// wrap returns the tree in which a value has a path of keys.
func wrap(keys []string, value *node) *node {
	for i := len(keys) - 1; i >= 0; i-- {
		value = &node{kind: objectKind, at: value.at, entries: []entry{{key: keys[i], value: value, at: value.at}}}
	}
	return value
}

// envNode parses the text of a variable as a list, a map or a scalar, by the type of its setting. The error continues a sentence
// that begins with the setting.
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
	if strings.TrimSpace(text) == "" {
		return out, nil
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
			return nil, fmt.Errorf("names the key %s twice", printable(key))
		}
		seen[key] = true
		out.entries = append(out.entries, entry{key: key, value: scalar(strings.TrimSpace(value)), at: at})
	}
	return out, nil
}
