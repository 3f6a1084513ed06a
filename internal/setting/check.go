package setting

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Check returns one joined error for all settings of the struct *ptr that are out of range, or nil if there are none.
// The errors are in the order of the fields. Each error names the setting with its section, its value and its range;
// the value of a secret is hidden. Two inlined structs that share a setting give one error if they share its value.
// With section "", the fields of *ptr are the sections.
func Check(section string, ptr any) error {
	var c checker
	c.checkStruct(section, reflect.ValueOf(ptr).Elem())
	return errors.Join(c.errs...)
}

// checker collects the errors of Check.
type checker struct {
	errs []error
	seen map[string]bool // the texts of errs
}

func (c *checker) checkStruct(section string, v reflect.Value) {
	for _, f := range Fields(v.Type()) {
		name := f.Name
		if section != "" {
			name = section + "." + name
		}
		if value := v.FieldByIndex(f.Index); f.Tags.Auto == "" || !value.IsZero() {
			c.checkValue(name, value, &f)
		}
	}
}

// checkValue checks v, which is the value of the field f or an element of its list or map.
func (c *checker) checkValue(name string, v reflect.Value, f *Field) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch ClassOf(v.Type(), f.Tags) {
	case Struct:
		c.checkStruct(name, v)
	case List:
		for i := range v.Len() {
			c.checkValue(fmt.Sprintf("%s[%d]", name, i), v.Index(i), f)
		}
	case Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			c.checkValue(name+"."+key.String(), v.MapIndex(key), f)
		}
	default:
		if !f.inRange(v) {
			c.fail(name, v, f)
		}
	}
}

func (c *checker) fail(name string, v reflect.Value, f *Field) {
	text := fmt.Sprint(v.Interface())
	if v.Kind() == reflect.String {
		text = fmt.Sprintf("%.200q", v)
	}
	text = fmt.Sprintf("%s is %s: it must be %s", name, text, f.Words())
	if f.Tags.Secret {
		text = fmt.Sprintf("%s must be %s; its value is not shown because it is a secret", name, f.Words())
	}
	if c.seen[text] {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[text] = true
	c.errs = append(c.errs, errors.New(text))
}

func (f *Field) inRange(v reflect.Value) bool {
	if len(f.Tags.Enum) > 0 && !slices.Contains(f.Tags.Enum, v.String()) {
		return false
	}
	if v.Kind() == reflect.String {
		v = reflect.ValueOf(v.Len())
	}
	for _, text := range f.Tags.Also {
		if compare(v, f.bound(v, text)) == 0 {
			return true
		}
	}
	return (f.Tags.Min == "" || compare(v, f.bound(v, f.Tags.Min)) >= 0) && (f.Tags.Max == "" || compare(v, f.bound(v, f.Tags.Max)) <= 0)
}

// bound parses text, the minimum or maximum of the field, as a value of the type of v.
func (f *Field) bound(v reflect.Value, text string) reflect.Value {
	return mustParse(reflect.StructField{Name: f.Name, Type: v.Type()}, f.Tags, text)
}

func compare(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return cmp.Compare(a.Float(), b.Float())
}

// Words describes the range of the setting. The description completes the sentence "it must be …". Words returns "" if
// every value is in range.
func (f *Field) Words() string {
	g := &f.Tags
	words := g.Range
	switch last := len(g.Enum) - 1; {
	case words != "":
		return words
	case last > 0:
		return strings.Join(g.Enum[:last], ", ") + " or " + g.Enum[last]
	case f.Class() == String && g.Max != "":
		return fmt.Sprintf("a text of %s to %s bytes", cmp.Or(g.Min, "0"), g.Max)
	case f.Class() == String && g.Min == "1":
		return "a text that is not empty"
	case f.Class() == String && g.Min != "":
		return "a text of " + g.Min + " bytes or more"
	case g.Min != "" && g.Max != "":
		words = "from " + g.Min + " to " + g.Max
	case g.Min == "1" || g.Min == "1ns":
		words = "above zero"
	case g.Min != "":
		words = g.Min + " or more"
	case g.Max != "":
		words = "at most " + g.Max
	}
	if words != "" && g.Auto != "" {
		words += ", or 0 for the default"
	}
	return words
}
