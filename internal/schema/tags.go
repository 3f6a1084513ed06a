package schema

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// rules holds the texts of the tags that restrict the values of a field. The text of an absent tag is empty.
type rules struct {
	enum, minimum, maximum, minLength, maxLength, pattern, format, minItems, maxItems string
}

// ruleNames are the names of the rule tags, in the order in which their rules are checked.
var ruleNames = [...]string{"enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems"}

// split divides the rules of a list or map in two: own holds the rules for the list or map itself, element holds the
// rules for each element.
func (r rules) split() (own, element rules) {
	own = rules{minItems: r.minItems, maxItems: r.maxItems}
	r.minItems, r.maxItems = "", ""
	return own, r
}

// annotations holds the tags of a field other than its rules: required, secret, default, doc and example.
type annotations struct {
	required, secret bool
	def              string
	hasDefault       bool
	doc, example     string
}

// parseRules reads the rule tags of a field, whose tags checkTagNames has checked: a look-up of each name would read all tags
// nine times. It returns an error if a tag is present but empty. compileChecks later
// checks whether the rules fit the type of the field.
func parseRules(m *layout.Member) (rules, error) {
	var r rules
	for rest := string(m.Field.Tag); rest != ""; {
		name, value, _ := strings.Cut(strings.TrimLeft(rest, " "), ":")
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil {
			break
		}
		rest = value[len(quoted):]
		place := r.place(name)
		if place == nil {
			continue
		}
		if *place, err = strconv.Unquote(quoted); err != nil || *place == "" {
			return r, m.Errorf("has an empty %s tag: give it a value or remove it", name)
		}
	}
	return r, nil
}

// place returns where r has the text of the rule tag with this name, or nil if no rule has this name.
func (r *rules) place(name string) *string {
	switch name {
	case "enum":
		return &r.enum
	case "minimum":
		return &r.minimum
	case "maximum":
		return &r.maximum
	case "minLength":
		return &r.minLength
	case "maxLength":
		return &r.maxLength
	case "pattern":
		return &r.pattern
	case "format":
		return &r.format
	case "minItems":
		return &r.minItems
	case "maxItems":
		return &r.maxItems
	}
	return nil
}

func parseAnnotations(m *layout.Member) (a annotations, err error) {
	tag := m.Field.Tag
	if a.required, err = boolTag(m, "required"); err != nil {
		return a, err
	}
	if a.secret, err = boolTag(m, "secret"); err != nil {
		return a, err
	}
	a.def, a.hasDefault = tag.Lookup("default")
	a.doc, a.example = tag.Get("doc"), tag.Get("example")
	switch {
	case a.hasDefault && a.required:
		return a, m.Errorf("is required and has a default, which would never be used: remove one of the two tags")
	case a.hasDefault && a.def == "" && !isStringPointer(m.Field.Type):
		return a, m.Errorf("has an empty default, which is as good as none: give it a value or remove the tag")
	}
	return a, nil
}

func boolTag(m *layout.Member, name string) (bool, error) {
	switch text, ok := m.Field.Tag.Lookup(name); {
	case !ok, text == "false":
		return false, nil
	case text == "true":
		return true, nil
	default:
		return false, m.Errorf("has %s:%q, but only \"true\" and \"false\" are known: correct the tag", name, text)
	}
}

// isStringPointer reports whether t is a pointer to a string. This is the only type for which an empty string counts as
// a given input.
func isStringPointer(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String
}

// splitList splits a text such as "a, b,c" at the commas and removes the white space around each part.
func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// parseCount parses the text of a rule that is a number of characters or elements, from 0 to 2^31-1. It returns false
// for any other text.
func parseCount(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}
