package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one key as help and documentation show it.
type Setting struct {
	Path  string // such as "httpServer.port"
	Env   string // such as "ACTIONHERO_HTTP_SERVER_PORT"; empty when only the file can hold it
	Type  string // for people: text, true or false, whole number, number, duration, size, "list of …", "map of …", objects
	Value string // as one would write it in the environment; "[FILTERED]" for a secret that is set
	Doc   string // the doc tag
}

// Describe lists the settings of a struct, or of a pointer to one, in the order of its fields. It panics when src is anything else
// or holds what [Load] would refuse: that is a mistake in the program and not in its settings.
func Describe(src any) []Setting {
	v := reflect.Indirect(reflect.ValueOf(src))
	if v.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config.Describe needs a struct of settings, not %T", src))
	}
	known, err := collect(v, DefaultPrefix)
	if err != nil {
		panic("config.Describe: " + err.Error())
	}
	out := make([]Setting, len(known))
	for i, s := range known {
		out[i] = Setting{Path: s.path, Env: s.env, Type: typeName(s.value.Type(), s.tags), Value: show(s.value, s.tags), Doc: s.tags.doc}
		if s.fileOnly {
			out[i].Env = ""
		}
		if s.tags.secret && out[i].Value != "" {
			out[i].Value = "[FILTERED]"
		}
	}
	return out
}

func typeName(t reflect.Type, g tags) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch classOf(t, g) {
	case boolClass:
		return "true or false"
	case intClass, uintClass:
		return "whole number"
	case floatClass:
		return "number"
	case durationClass:
		return "duration"
	case sizeClass:
		return "size"
	case structClass:
		return "objects"
	case listClass:
		return "list of " + typeName(t.Elem(), g)
	case mapClass:
		return "map of " + typeName(t.Elem(), g)
	}
	return "text"
}

// show writes a value in the form in which the environment would give it.
func show(v reflect.Value, g tags) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		if _, ok := v.Interface().(encoding.TextMarshaler); ok {
			break
		}
		v = v.Elem()
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	switch classOf(v.Type(), g) {
	case listClass:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = show(v.Index(i), g)
		}
		return strings.Join(items, ",")
	case mapClass:
		items := map[string]string{}
		for it := v.MapRange(); it.Next(); {
			items[it.Key().String()] = show(it.Value(), g)
		}
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(items)) {
			pairs = append(pairs, key+"="+items[key])
		}
		return strings.Join(pairs, ",")
	case structClass:
		return showStruct(v)
	case sizeClass:
		return showSize(v.Int())
	case durationClass:
		return time.Duration(v.Int()).String()
	}
	return fmt.Sprint(v.Interface())
}

// showStruct writes an object of a list, its own secrets filtered.
func showStruct(v reflect.Value) string {
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		value := show(v.FieldByIndex(f.index), f.tags)
		if f.tags.secret && value != "" {
			value = "[FILTERED]"
		}
		parts = append(parts, f.name+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// showSize uses the largest binary unit that leaves a whole number.
func showSize(n int64) string {
	units := []string{"", " KiB", " MiB", " GiB", " TiB"}
	i := 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}
