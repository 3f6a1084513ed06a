package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// PrintYAML writes the text intro and then a configuration file in YAML, in which each setting is a comment with its
// default: "#key: value". If the first # of this line is removed, it sets the setting. Above it, a line that
// begins with "# " has the meaning and the allowed values.
func PrintYAML(w io.Writer, settings []Setting, intro string) error {
	var b strings.Builder
	b.WriteString(intro)
	var last []string
	for _, s := range settings {
		path := strings.Split(s.Key, ".")
		sections, key := path[:len(path)-1], path[len(path)-1]
		for i, section := range sections {
			if i < len(last) && slices.Equal(last[:i+1], sections[:i+1]) {
				continue
			}
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), section)
			last = nil
		}
		last = sections
		values := s.values()
		if s.inWords {
			values += "; default: " + s.Default
		}
		indent := strings.Repeat("  ", len(sections))
		fmt.Fprintf(&b, "%s# %s\n%s#%s: %s\n", indent, meaning(s.Doc, values), indent, key, s.inFile)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// meaning returns the explanation of a setting with the values that it accepts, on one line.
func meaning(doc, values string) string {
	if doc == "" {
		return oneLine(values)
	}
	return oneLine(doc + " (" + values + ")")
}

// flow returns the value of the setting in the flow style of YAML, on one line. If the program computes the value later,
// flow returns null, which leaves the computation in force. For a secret, it returns an empty text.
func (s *leaf) flow() string {
	if s.Tags.Auto != "" && s.value.IsZero() {
		return "null"
	}
	if s.Tags.Secret {
		return literal("")
	}
	return flow(s.value, s.Tags)
}

func flow(v reflect.Value, g setting.Tags) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "null"
		}
		v = v.Elem()
	}
	switch setting.ClassOf(v.Type(), g) {
	case setting.Bool, setting.Int, setting.Uint, setting.Float:
		return show(v, g)
	case setting.List:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = flow(v.Index(i), g)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case setting.Map:
		items := map[string]string{}
		for it := v.MapRange(); it.Next(); {
			items[it.Key().String()] = flow(it.Value(), g)
		}
		return flowObject(slices.Sorted(maps.Keys(items)), func(key string) string { return items[key] })
	case setting.Struct:
		var keys []string
		fields := map[string]setting.Field{}
		for _, f := range setting.Fields(v.Type()) {
			keys = append(keys, f.Name)
			fields[f.Name] = f
		}
		return flowObject(keys, func(key string) string { return flow(v.FieldByIndex(fields[key].Index), fields[key].Tags) })
	}
	return literal(show(v, g))
}

// flowObject returns an object in flow style with the keys in this order.
func flowObject(keys []string, value func(key string) string) string {
	var members []string
	for _, key := range keys {
		members = append(members, literal(key)+": "+value(key))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// literal returns the text in double quotes. The literals of JSON are literals of YAML.
func literal(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
