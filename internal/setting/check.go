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
// The errors are in the order of the fields. Each error names the setting with its section, its value and its range.
func Check(section string, ptr any) error {
	var errs []error
	v := reflect.ValueOf(ptr).Elem()
	for _, f := range Fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		for value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		name := section + "." + f.Name
		if f.Class() == Struct && value.Kind() == reflect.Struct {
			errs = append(errs, Check(name, value.Addr().Interface()))
			continue
		}
		if f.inRange(value) {
			continue
		}
		text := fmt.Sprint(value.Interface())
		if value.Kind() == reflect.String {
			text = fmt.Sprintf("%.200q", value)
		}
		errs = append(errs, fmt.Errorf("%s is %s: it must be %s", name, text, f.Words()))
	}
	return errors.Join(errs...)
}

func (f *Field) inRange(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer || f.Tags.Auto != "" && v.IsZero() {
		return true
	}
	if len(f.Tags.Enum) > 0 && !slices.Contains(f.Tags.Enum, v.String()) {
		return false
	}
	if v.Kind() == reflect.String {
		v = reflect.ValueOf(v.Len())
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
	case f.Class() == String && g.Min != "":
		return "a text that is not empty"
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
