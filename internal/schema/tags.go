package schema

import (
	"reflect"
	"strconv"
	"strings"
)

// rules are the tags of a field that say which values are good. A rule that is not there is the empty string.
type rules struct {
	enum, minimum, maximum, minLength, maxLength, pattern, format, minItems, maxItems string
}

// each lists the rules by the names of their tags.
func (r *rules) each() []struct {
	name string
	text *string
} {
	return []struct {
		name string
		text *string
	}{
		{"enum", &r.enum}, {"minimum", &r.minimum}, {"maximum", &r.maximum}, {"minLength", &r.minLength},
		{"maxLength", &r.maxLength}, {"pattern", &r.pattern}, {"format", &r.format},
		{"minItems", &r.minItems}, {"maxItems", &r.maxItems},
	}
}

// annotations are the tags that hold for a field as a whole.
type annotations struct {
	required, secret bool
	def              string
	hasDefault       bool
	doc, example     string
}

// parseRules reads the rules of a field. Whether they fit its type is seen later.
func parseRules(m *member) (rules, error) {
	var r rules
	for _, rule := range r.each() {
		text, ok := m.field.Tag.Lookup(rule.name)
		if !ok {
			continue
		}
		if text == "" {
			return r, fieldError(m.owner, m.field, "has an empty %s tag: give it a value or remove it", rule.name)
		}
		*rule.text = text
	}
	return r, nil
}

func parseAnnotations(m *member) (a annotations, err error) {
	tag := m.field.Tag
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
		return a, fieldError(m.owner, m.field, "is required and has a default, which would never be used: remove one of the two tags")
	case a.hasDefault && a.def == "" && !isStringPointer(m.field.Type):
		return a, fieldError(m.owner, m.field, "has an empty default, which is as good as none: give it a value or remove the tag")
	}
	return a, nil
}

func boolTag(m *member, name string) (bool, error) {
	switch text, ok := m.field.Tag.Lookup(name); {
	case !ok, text == "false":
		return false, nil
	case text == "true":
		return true, nil
	default:
		return false, fieldError(m.owner, m.field, "has %s:%q, but only \"true\" and \"false\" are known: correct the tag", name, text)
	}
}

// isStringPointer reports whether t is a pointer to text: the one type for which the empty string is given.
func isStringPointer(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String
}

// splitList splits "a, b,c" and drops the white space around each part.
func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// count reads a rule that is a whole number of characters or elements.
func count(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}
