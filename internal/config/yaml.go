package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes is the maximum number of values in a YAML file, counted after its aliases are resolved. A few bytes with an
// alias may expand to a large tree of further aliases. Therefore the limit counts values, not the bytes of the file.
const maxNodes = 100_000

// yamlReader converts the nodes of the YAML library, whose aliases are not resolved yet, to nodes of this package. The
// field nodes counts the converted values.
type yamlReader struct {
	*reader
	nodes int
}

func parseYAML(r *reader) (*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(r.data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, yamlError(err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, &syntaxError{position{r.name, second.Line, second.Column}, "the file must hold one YAML document, but here begins another"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return (&yamlReader{reader: r}).value(doc.Content[0], "", 0)
}

// yamlError returns an error about invalid YAML, without the name of the library. The text of err already names the
// line.
func yamlError(err error) error {
	return fmt.Errorf("this is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
}

func (y *yamlReader) at(n *yaml.Node) position { return position{y.name, n.Line, n.Column} }

// value converts a node of the YAML library to a node of this package. It returns an error if the nesting or the number
// of values exceeds its limit.
func (y *yamlReader) value(n *yaml.Node, path string, depth int) (*node, error) {
	y.nodes++
	switch {
	case depth > maxDepth:
		return nil, errTooDeep
	case y.nodes > maxNodes:
		return nil, fmt.Errorf("the file's aliases stand for more than %d values", maxNodes)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return y.value(n.Alias, path, depth+1)
	case yaml.MappingNode:
		return y.mapping(n, path, depth)
	case yaml.SequenceNode:
		if err := y.checkTag(n, "!!seq"); err != nil {
			return nil, err
		}
		out := &node{kind: listKind, at: y.at(n)}
		for _, item := range n.Content {
			converted, err := y.value(item, path, depth+1)
			if err != nil {
				return nil, err
			}
			out.list = append(out.list, converted)
		}
		return out, nil
	}
	return y.scalar(n)
}

// checkTag returns an error if the YAML node n has an explicit tag, such as !!str, that is not in allowed.
func (y *yamlReader) checkTag(n *yaml.Node, allowed ...string) error {
	if n.Style&yaml.TaggedStyle == 0 {
		return nil
	}
	tag := n.ShortTag()
	for _, a := range allowed {
		if tag == a {
			return nil
		}
	}
	return &syntaxError{y.at(n), "this YAML tag is not supported; leave it out, or put a text that begins with ! in quotes"}
}

// mapping converts a YAML mapping to an object. Keys merged with "<<" come after the mapping's own keys, which take
// precedence.
func (y *yamlReader) mapping(n *yaml.Node, path string, depth int) (*node, error) {
	if err := y.checkTag(n, "!!map"); err != nil {
		return nil, err
	}
	out := newObject(y.at(n))
	var merged []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, &syntaxError{y.at(n.Content[i]), "a key must be a plain text"}
		}
		value, err := y.value(n.Content[i+1], join(path, key.Value), depth+1)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			more, err := mergedEntries(value)
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
			continue
		}
		y.add(out, entry{key: key.Value, value: value, at: y.at(n.Content[i])}, path)
	}
	for _, e := range merged {
		if !out.seen[e.key] {
			y.add(out, e, path)
		}
	}
	return out.node, nil
}

// mergedEntries returns the entries of the value of a "<<" key. The value must be an object or a list of objects. If
// several objects of the list have the same key, the first entry counts.
func mergedEntries(value *node) ([]entry, error) {
	switch value.kind {
	case objectKind:
		return value.entries, nil
	case listKind:
		var out []entry
		for _, item := range value.list {
			if item.kind != objectKind {
				return nil, &syntaxError{item.at, "<< must have an object"}
			}
			out = append(out, item.entries...)
		}
		return out, nil
	}
	return nil, &syntaxError{value.at, "<< must have an object or a list of objects"}
}

// scalar converts a YAML scalar to a node. The YAML tag of the scalar determines the kind of the node.
func (y *yamlReader) scalar(n *yaml.Node) (*node, error) {
	if err := y.checkTag(n, "!!str", "!!int", "!!float", "!!bool", "!!null"); err != nil {
		return nil, err
	}
	out := &node{kind: textKind, text: n.Value, at: y.at(n)}
	var err error
	switch n.ShortTag() {
	case "!!null":
		out.kind = nullKind
	case "!!bool":
		var b bool
		if err = n.Decode(&b); err == nil {
			out.kind = boolKind
		}
	case "!!int":
		out.kind = numberKind
		out.number, err = yamlInt(n)
	case "!!float":
		var f float64
		err = n.Decode(&f)
		out.kind, out.number = numberKind, strconv.FormatFloat(f, 'g', -1, 64)
	}
	if err != nil {
		return nil, &syntaxError{y.at(n), "the value does not fit its YAML tag " + n.ShortTag()}
	}
	return out, nil
}

// yamlInt returns the decimal form of a YAML integer, which may also be written in another base.
func yamlInt(n *yaml.Node) (string, error) {
	var i int64
	if err := n.Decode(&i); err == nil {
		return strconv.FormatInt(i, 10), nil
	}
	var u uint64
	err := n.Decode(&u)
	return strconv.FormatUint(u, 10), err
}
