package setting

import (
	"fmt"
	"reflect"
)

// Filled records whether [Fill] has filled the struct that embeds Filled. Embed it under an unexported alias, so that
// the documentation of a public struct does not show it.
type Filled struct{ done bool }

func (f *Filled) isFilled() bool { return f.done }
func (f *Filled) setFilled()     { f.done = true }

// IsFilled reports whether [Fill] has filled the struct that ptr points to. It returns false for a struct that does not
// embed [Filled].
func IsFilled(ptr any) bool {
	m, ok := ptr.(interface{ isFilled() bool })
	return ok && m.isFilled()
}

// Fill sets each zero field of the struct that ptr points to, and of the structs inside it, to its default. If a struct
// embeds [Filled] and was filled before, Fill only replaces its nil pointers. Fill panics if a default does not parse
// or if ptr is not a pointer to a struct, because that is a mistake in the program.
func Fill(ptr any) {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("setting.Fill needs a pointer to a struct of settings, not %T", ptr))
	}
	fill(v.Elem(), false)
}

// fill sets the zero fields of the struct v to their defaults. If [Fill] has filled v before, fill only replaces nil
// pointers. An unexported embedded struct does not record whether it is filled; outer reports whether the enclosing
// struct is filled and decides instead.
func fill(v reflect.Value, outer bool) {
	filled := outer
	if v.CanInterface() {
		filled = IsFilled(v.Addr().Interface())
	}
	for sf, field := range v.Fields() {
		if key := sf.Tag.Get("json"); key == "-" || !sf.IsExported() && !sf.Anonymous {
			continue
		}
		g := tagsOf(sf.Tag)
		switch {
		case ClassOf(sf.Type, g) == Struct:
			fillStruct(field, filled)
		case g.Default != "" && field.IsZero() && (!filled || sf.Type.Kind() == reflect.Pointer):
			value := mustParse(sf, g, g.Default)
			if sf.Type.Kind() == reflect.Pointer {
				value = value.Addr()
			}
			field.Set(value)
		}
	}
	if v.CanInterface() {
		if m, ok := v.Addr().Interface().(interface{ setFilled() }); ok {
			m.setFilled()
		}
	}
}

// fillStruct fills a struct that is a field of another struct. If the field is a pointer, fillStruct fills a copy and
// stores a pointer to the copy, because other code may share the original.
func fillStruct(v reflect.Value, outer bool) {
	if v.Kind() != reflect.Pointer {
		fill(v, outer)
		return
	}
	if !v.IsNil() {
		fresh := reflect.New(v.Type().Elem())
		fresh.Elem().Set(v.Elem())
		fillStruct(fresh.Elem(), outer)
		v.Set(fresh)
	}
}

// mustParse parses the text of a tag of the field sf. It returns an addressable value of the field's type; for a
// pointer field, the value has the type that the pointer points to. It panics if the text does not parse.
func mustParse(sf reflect.StructField, g Tags, text string) reflect.Value {
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	v := reflect.New(t).Elem()
	if err := Parse(v, ClassOf(t, g), text); err != nil {
		panic(fmt.Sprintf("setting: a tag of the field %s has the text %q, which is no %s: %v", sf.Name, text, t, err))
	}
	return v
}
