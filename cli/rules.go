package cli

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// property is the JSON Schema of one input. Its members are the rules of the input.
type property struct {
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Format      string            `json:"format"`
	Pattern     string            `json:"pattern"`
	Minimum     json.RawMessage   `json:"minimum"`
	Maximum     json.RawMessage   `json:"maximum"`
	MinLength   *int              `json:"minLength"`
	MaxLength   *int              `json:"maxLength"`
	MinItems    *int              `json:"minItems"`
	MaxItems    *int              `json:"maxItems"`
	Enum        []json.RawMessage `json:"enum"`
	Default     json.RawMessage   `json:"default"`
	Items       *property         `json:"items"`
	AnyOf       []property        `json:"anyOf"`
}

// propertiesOf returns the JSON Schema of each input of an action.
func propertiesOf(info *actionhero.ActionInfo) map[string]property {
	var doc struct {
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
	}
	if err := json.Unmarshal(info.InputSchema, &doc); err != nil {
		return nil // the inputs are shown without their rules
	}
	for name, p := range doc.Properties {
		if len(p.AnyOf) > 0 { // an input that may be null
			value := p.AnyOf[0]
			if value.Default == nil {
				value.Default = p.Default
			}
			value.Description = cmp.Or(value.Description, p.Description)
			doc.Properties[name] = value
		}
	}
	for _, name := range doc.Required { // "required" already says that an input is not empty
		if p := doc.Properties[name]; p.MinLength != nil && *p.MinLength == 1 {
			p.MinLength = nil
			doc.Properties[name] = p
		}
	}
	return doc.Properties
}

// rules returns the rules of an input for people, such as "1 to 5, default 1". It returns "" if there are none.
func (p *property) rules() string {
	var rules []string
	add := func(rule string) {
		if rule != "" {
			rules = append(rules, rule)
		}
	}
	add(bounds(string(p.Minimum), string(p.Maximum), ""))
	add(bounds(number(p.MinLength), number(p.MaxLength), " characters"))
	add(bounds(number(p.MinItems), number(p.MaxItems), " items"))
	if len(p.Enum) > 0 {
		add("one of " + strings.Join(p.choices(), ", "))
	}
	if p.Pattern != "" && !schema.IsOfType(p.Pattern) {
		add("pattern " + p.Pattern)
	}
	if p.Default != nil {
		add("default " + string(p.Default))
	}
	return strings.Join(rules, ", ")
}

// choices returns the values of the rule enum, of the input or of its items, as text.
func (p *property) choices() (texts []string) {
	if p.Items != nil && len(p.Enum) == 0 {
		return p.Items.choices()
	}
	for _, raw := range p.Enum {
		texts = append(texts, textOf(raw))
	}
	return texts
}

// textOf returns a JSON value as text, without the quotes of a string.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func bounds(low, high, unit string) string {
	switch {
	case low == "" && high == "":
		return ""
	case high == "":
		return "at least " + low + unit
	case low == "":
		return "at most " + high + unit
	case low == high:
		return low + unit
	}
	return low + " to " + high + unit
}
