package clientgen

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// rules has the keywords of a JSON Schema that comments of clients repeat.
type rules struct {
	Default       json.RawMessage `json:"default"`
	Minimum       json.Number     `json:"minimum"`
	Maximum       json.Number     `json:"maximum"`
	MinLength     json.Number     `json:"minLength"`
	MaxLength     json.Number     `json:"maxLength"`
	MinItems      json.Number     `json:"minItems"`
	MaxItems      json.Number     `json:"maxItems"`
	MinProperties json.Number     `json:"minProperties"`
	MaxProperties json.Number     `json:"maxProperties"`
}

// maxPattern is the number of bytes of the longest pattern that comments repeat.
const maxPattern = 80

// about returns the comment of a member: its description and its rules. pattern is the one of its tag, because the one of the
// schema has the character classes of Go in full.
func (s *shape) about(pattern string) string {
	var parts []string
	add := func(what string) { parts = append(parts, what) }
	if len(s.AnyOf) > 0 {
		var inner shape
		if json.Unmarshal(s.AnyOf[0], &inner) == nil {
			inner.Description, inner.Default = s.Description, s.Default
			return inner.about(pattern)
		}
	}
	if len(s.Enum) > 0 {
		s.rules = rules{Default: s.Default} // the type says more
	}
	for _, bounds := range []struct {
		low, high json.Number
		unit      string
	}{
		{s.Minimum, s.Maximum, ""}, {s.MinLength, s.MaxLength, " characters"},
		{cmp.Or(s.MinItems, s.MinProperties), cmp.Or(s.MaxItems, s.MaxProperties), " elements"},
	} {
		switch {
		case bounds.low != "" && bounds.high != "":
			add(bounds.low.String() + " to " + bounds.high.String() + bounds.unit)
		case bounds.low == "1" && bounds.unit != "":
			add("not empty")
		case bounds.low != "":
			add("at least " + bounds.low.String() + bounds.unit)
		case bounds.high != "":
			add("at most " + bounds.high.String() + bounds.unit)
		}
	}
	switch format := s.textFormat(); format {
	case "", "date-time", "date": // types of their own
	case "byte":
		add("base64")
	case "binary":
		add("a file")
	case "duration":
		if !strings.Contains(s.Description, "a duration") { // package schema says it with the bounds
			add("a duration such as 1m30s")
		}
	default:
		if s.Type == "string" {
			add("format " + format)
		}
	}
	if pattern != "" && len(pattern) <= maxPattern {
		add("pattern " + pattern)
	}
	if len(s.Default) > 0 {
		add("default " + string(s.Default))
	}
	text := strings.Join(parts, "; ")
	if s.Description == "" || text == "" {
		return s.Description + text
	}
	return s.Description + " (" + text + ")"
}

// oneLine returns text without the characters that end a comment or a line of it. Descriptions are text of the app.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == 0x85 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff'
	}), " ")
	return strings.ReplaceAll(text, "*/", "*\u200b/")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
