package setting

import (
	"fmt"
	"reflect"
)

// Filled remembers that [Fill] has filled the struct that embeds it. Embed it under an unexported alias, which keeps it out of
// the documentation of a public struct.
type Filled struct{ done bool }

func (f *Filled) isFilled() bool { return f.done }
func (f *Filled) setFilled()     { f.done = true }

// IsFilled reports whether [Fill] has filled the struct that ptr points to. It is false for a struct that does not embed [Filled].
func IsFilled(ptr any) bool {
	m, ok := ptr.(interface{ isFilled() bool })
	return ok && m.isFilled()
}

// Fill gives each field that is zero its default, in the struct that ptr points to and in the structs inside it. In a struct
// that embeds [Filled] and was filled before, it only replaces nil pointers. It panics if a default does not parse or ptr is no
// pointer to a struct: that is a mistake in the program.
func Fill(ptr any) {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("setting.Fill needs a pointer to a struct of settings, not %T", ptr))
	}
	fill(v.Elem(), false)
}

// fill fills a struct. An unexported one that is embedded shares the mark of the struct around it, which outer is.
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

// fillStruct fills a struct inside another one. A pointer gets a filled copy, because others may share what it points to.
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

// mustParse returns an addressable value of a field's type, or of the type that it points to.
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
