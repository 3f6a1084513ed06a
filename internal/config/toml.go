package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/BurntSushi/toml"
)

// Limits for files that the TOML library cannot parse safely. The library parses nested lists by recursion without a
// limit, and a Go program cannot recover from a stack overflow. For a key with dots, the time and memory of the library
// grow with the square of the number of parts. Counting brackets and dots is less exact than parsing the grammar, but a
// file cannot evade the count. No file of settings comes near these limits.
const (
	maxBrackets = 10_000 // the maximum number of [ and { in a file
	maxDots     = 1_000  // the maximum number of dots on one line, and so in one key
)

// checkLimits returns an error if the file has more brackets or dots than the TOML library can parse safely.
func checkLimits(r *reader) error {
	brackets, line := 0, 1
	dots := 0
	for _, c := range r.data {
		switch c {
		case '[', '{':
			brackets++
		case '.':
			dots++
		case '\n':
			line, dots = line+1, 0
		}
		if brackets > maxBrackets {
			return fmt.Errorf("the file holds more than %d brackets, which no file of settings needs", maxBrackets)
		}
		if dots > maxDots {
			return &syntaxError{position{name: r.name, line: line}, fmt.Sprintf("the line holds more than %d dots; write a long list on several lines", maxDots)}
		}
	}
	return nil
}

func parseTOML(r *reader) (*node, error) {
	if err := checkLimits(r); err != nil {
		return nil, err
	}
	var root map[string]any
	if _, err := toml.Decode(string(r.data), &root); err != nil {
		var p toml.ParseError
		if errors.As(err, &p) {
			return nil, &syntaxError{position{r.name, p.Position.Line, p.Position.Col}, "this is not valid TOML: " + p.Message}
		}
		return nil, fmt.Errorf("this is not valid TOML: %w", err)
	}
	return tomlValue(root, position{name: r.name}, 0)
}

// tomlValue converts a value of the TOML library to a node. The library rejects duplicate keys, so tomlValue does not
// check for them. The library keeps no positions, so all nodes have the position at, which names only the file.
func tomlValue(v any, at position, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	switch v := v.(type) {
	case bool:
		return &node{kind: boolKind, text: strconv.FormatBool(v), at: at}, nil
	case string:
		return &node{kind: textKind, text: v, at: at}, nil
	case int64:
		text := strconv.FormatInt(v, 10)
		return &node{kind: numberKind, text: text, number: text, at: at}, nil
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		return &node{kind: numberKind, text: text, number: text, at: at}, nil
	case time.Time:
		return &node{kind: textKind, text: v.Format(time.RFC3339Nano), at: at}, nil
	case []any:
		return tomlList(v, at, depth)
	case []map[string]any:
		return tomlList(v, at, depth)
	case map[string]any:
		out := newObject(at)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			value, err := tomlValue(v[key], at, depth+1)
			if err != nil {
				return nil, err
			}
			out.node.entries = append(out.node.entries, entry{key: key, value: value, at: at})
		}
		return out.node, nil
	}
	return nil, fmt.Errorf("the file holds a value of the type %T, which no setting has", v)
}

func tomlList[T any](items []T, at position, depth int) (*node, error) {
	out := &node{kind: listKind, at: at}
	for _, item := range items {
		value, err := tomlValue(item, at, depth+1)
		if err != nil {
			return nil, err
		}
		out.list = append(out.list, value)
	}
	return out, nil
}
