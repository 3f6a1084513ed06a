package setting

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// otherNames are tags of inputs, or of other frameworks, with the tag of a setting that their author means.
var otherNames = map[string]string{
	"minimum": "min", "minLength": "min", "maximum": "max", "maxLength": "max", "description": "doc", "required": `min:"1"`,
}

// maxDepth is the number of structs that a setting may be inside of.
const maxDepth = 8

// Mistake returns an error if a field of the struct type t is no declaration of a setting: the error names the field and
// the remedy. [Fill] and [Check] panic for that type. Settings of apps are examined with Mistake first.
func Mistake(t reflect.Type) error { return mistake(t, 1) }

func mistake(t reflect.Type, depth int) error {
	for _, f := range Fields(t) {
		text := f.mistake(depth)
		if text != "" {
			return fmt.Errorf("field %s of %v %s", t.FieldByIndex(f.Index).Name, t, text)
		}
		if inner := target(f.Type); f.Class() == Struct {
			if err := mistake(inner, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// mistake returns the predicate of a sentence about the field, or "" if there is no mistake.
func (f *Field) mistake(depth int) string {
	names, ok := tagNames(f.Tag)
	if !ok {
		return fmt.Sprintf("has the tag %q, which is not of the form name:\"value\" with spaces in between: correct it", string(f.Tag))
	}
	for _, name := range names {
		if meant := otherNames[name]; meant != "" {
			return fmt.Sprintf("has the tag %s, which has no meaning for a setting: did you mean %s?", name, meant)
		}
	}
	class, g, elem := f.Class(), &f.Tags, target(f.Type)
	switch {
	case class == Invalid || class == Struct && depth >= maxDepth:
		return fmt.Sprintf("has the type %v, which no setting can have: take another type, or leave it out with json:\"-\"", f.Type)
	case g.Default != "" && slices.Contains([]Class{List, Map, Struct}, class):
		return "has a default, which only single values can have: remove the tag"
	case g.Default != "" && Parse(reflect.New(elem).Elem(), class, g.Default) != nil:
		return fmt.Sprintf("has default:%q, but it must be %s: correct the tag", g.Default, expected(elem, class))
	}
	for class == List || class == Map {
		elem = target(elem.Elem())
		class = ClassOf(elem, *g)
	}
	if class == String {
		elem, class = reflect.TypeFor[int](), Int // the bounds of a text are those of its length
	}
	for _, bound := range append([]string{g.Min, g.Max}, g.Also...) {
		if bound == "" {
			continue
		}
		if !slices.Contains([]Class{Int, Uint, Float, Duration, Size}, class) {
			return fmt.Sprintf("has the bound %q, which only numbers, durations, sizes and texts can have: remove the tag", bound)
		}
		if Parse(reflect.New(elem).Elem(), class, bound) != nil {
			return fmt.Sprintf("has the bound %q, but it must be %s: correct the tag", bound, Expected(elem, class))
		}
	}
	return ""
}

// expected describes the values of the type t, as [Expected] does, and also those of types that parse themselves.
func expected(t reflect.Type, c Class) string {
	if c == Text {
		return "a text that " + t.String() + " parses"
	}
	return Expected(t, c)
}

// target returns the type that t points to, or t itself.
func target(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// tagNames returns the names of the tags of a field. It returns false if the tag is malformed.
func tagNames(tag reflect.StructTag) (names []string, ok bool) {
	for rest := strings.TrimSpace(string(tag)); rest != ""; rest = strings.TrimLeft(rest, " ") {
		name, value, _ := strings.Cut(rest, ":")
		quoted, err := strconv.QuotedPrefix(value)
		if rest = strings.TrimPrefix(value, quoted); err != nil || name == "" || quoted[0] != '"' || rest != "" && rest[0] != ' ' {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}
