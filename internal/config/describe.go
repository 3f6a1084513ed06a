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

	"github.com/actionhero-go/actionhero/internal/setting"
)

// Setting describes one setting for people and scripts. Value and Default have the form of an environment variable. If
// the program computes the value later, Value and Default are a description in words.
type Setting struct {
	Key     string `json:"key"`             // such as "httpServer.port"
	Value   string `json:"value"`           // the value in force; "[FILTERED]" for a secret that is not empty
	Origin  string `json:"origin"`          // FromDefault, FromProgram, or the file or variable from Origins
	Default string `json:"default"`         // the value without a file, variable or program
	Type    string `json:"type"`            // in words, such as "duration" or "list of text"
	Unit    string `json:"unit,omitempty"`  // the unit of a whole number, such as "bytes"
	Range   string `json:"range,omitempty"` // the allowed range in words; empty if every value is allowed
	Env     string `json:"env,omitempty"`   // such as "ACTIONHERO_HTTP_SERVER_PORT"; empty if only a file can contain the setting
	Doc     string `json:"doc"`
	Limit   string `json:"limit,omitempty"`   // "client", "address", "request" or "server" if the setting is a limit on clients
	Reached string `json:"reached,omitempty"` // the effect that a client sees when that limit is reached

	inWords bool   // Default describes in words how the program computes the value
	inFile  string // the default in the form of a YAML file
}

// The values of Setting.Origin for a value that is not from the file or the environment. FromDefault means that the
// value is the default, FromProgram that the Go program set it.
const (
	FromDefault = "default"
	FromProgram = "program"
)

const filtered = "[FILTERED]"

// Describe returns a description of each setting of src, in the order of the fields. src is a struct or a pointer to a
// struct. defaults has the same type as src and contains the defaults. origins is the result of [Load]. Describe panics
// if src is not a struct or has a type that Load rejects, because that is a mistake in the program.
func Describe(src, defaults any, origins Origins) []Setting {
	known, byDefault := mustCollect(src), mustCollect(defaults)
	out := make([]Setting, len(known))
	for i, s := range known {
		value, usual := s.show(), byDefault[i].show()
		origin := FromProgram
		loaded, isLoaded := origins[s.path]
		switch {
		case isLoaded && value == loaded.value:
			origin = loaded.Source
		case !isLoaded && value == usual:
			origin = FromDefault
		}
		out[i] = Setting{
			Key: s.path, Value: s.public(), Origin: origin, Default: byDefault[i].public(), Type: typeName(s.Type, s.Tags),
			Range: s.Words(), Env: s.env, Doc: s.Tags.Doc, Limit: s.Tags.Limit, Reached: s.Tags.Reached, inWords: byDefault[i].isAuto(),
			inFile: byDefault[i].flow(),
		}
		if s.Class() != setting.Size {
			out[i].Unit = s.Tags.Unit
		}
		if s.fileOnly {
			out[i].Env = ""
		}
	}
	return out
}

func mustCollect(src any) []leaf {
	v := reflect.Indirect(reflect.ValueOf(src))
	if v.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config.Describe needs a struct of settings, not %T", src))
	}
	known, err := collect(v, DefaultPrefix)
	if err != nil {
		panic("config.Describe: " + err.Error())
	}
	return known
}

func hide(value string, g setting.Tags) string {
	if g.Secret && value != "" {
		return filtered
	}
	return value
}

// public returns what [leaf.show] returns, or [FILTERED] in place of a secret. The text of the tag auto is none.
func (s *leaf) public() string {
	if s.isAuto() {
		return s.Tags.Auto
	}
	return hide(show(s.value, s.Tags), s.Tags)
}

// isAuto reports whether the program computes the value later.
func (s *leaf) isAuto() bool { return s.Tags.Auto != "" && s.value.IsZero() }

func typeName(t reflect.Type, g setting.Tags) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch setting.ClassOf(t, g) {
	case setting.Bool:
		return "true or false"
	case setting.Int, setting.Uint:
		return "whole number"
	case setting.Float:
		return "number"
	case setting.Duration:
		return "duration"
	case setting.Size:
		return "size"
	case setting.Struct:
		return "objects"
	case setting.List:
		return "list of " + typeName(t.Elem(), g)
	case setting.Map:
		return "map of " + typeName(t.Elem(), g)
	}
	return "text"
}

// show returns the value of the setting in the form of an environment variable. If the value is zero and the program
// computes it later, show returns the text of the tag auto.
func (s *leaf) show() string {
	if s.isAuto() {
		return s.Tags.Auto
	}
	return show(s.value, s.Tags)
}

// show returns the value v in the form of an environment variable.
func show(v reflect.Value, g setting.Tags) string {
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
	switch setting.ClassOf(v.Type(), g) {
	case setting.List:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = show(v.Index(i), g)
		}
		return strings.Join(items, ",")
	case setting.Map:
		items := map[string]string{}
		for it := v.MapRange(); it.Next(); {
			items[it.Key().String()] = show(it.Value(), g)
		}
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(items)) {
			pairs = append(pairs, key+"="+items[key])
		}
		return strings.Join(pairs, ",")
	case setting.Struct:
		return showStruct(v)
	case setting.Size:
		return showSize(v.Int())
	case setting.Duration:
		return showDuration(time.Duration(v.Int()))
	}
	return fmt.Sprint(v.Interface())
}

// showStruct returns the text of a struct that is an element of a list or map, with its secrets filtered.
func showStruct(v reflect.Value) string {
	var parts []string
	for _, f := range setting.Fields(v.Type()) {
		parts = append(parts, f.Name+": "+hide(show(v.FieldByIndex(f.Index), f.Tags), f.Tags))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// showSize returns a number of bytes in the largest binary unit that gives a whole number, such as "64 KiB".
func showSize(n int64) string {
	units := []string{"", " KiB", " MiB", " GiB", " TiB"}
	i := 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// showDuration returns the text of d without the zeros at the end: "30m" instead of "30m0s", "1h" instead of "1h0m0s".
func showDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
