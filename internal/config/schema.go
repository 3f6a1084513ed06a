package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// leaf is one known setting.
type leaf struct {
	setting.Field
	keys     []string
	path     string // the keys with dots between them
	env      string
	fileOnly bool // one line of text cannot hold it
	value    reflect.Value
}

// collect returns all settings below v in the order of their fields. The error is for the programmer: a type that no file can
// fill, or two settings that share a name.
func collect(v reflect.Value, prefix string) ([]leaf, error) {
	c := &collector{prefix: prefix, paths: map[string]leaf{}, envs: map[string]string{}}
	if err := c.walk(v, nil); err != nil {
		return nil, err
	}
	return c.out, nil
}

type collector struct {
	prefix string
	out    []leaf
	paths  map[string]leaf
	envs   map[string]string
}

func (c *collector) walk(v reflect.Value, keys []string) error {
	for _, f := range setting.Fields(v.Type()) {
		below := append(keys[:len(keys):len(keys)], f.Name)
		if len(below) > maxDepth {
			return fmt.Errorf("the setting %s is nested deeper than %d levels; does its type contain itself?", strings.Join(below[:3], "."), maxDepth)
		}
		value := v.FieldByIndex(f.Index)
		if f.Class() != setting.Struct {
			if err := c.add(leaf{Field: f, keys: below, path: strings.Join(below, "."), value: value}); err != nil {
				return err
			}
			continue
		}
		for value.Kind() == reflect.Pointer {
			if value.IsNil() {
				value = filled(value.Type().Elem()).Addr()
			}
			value = value.Elem()
		}
		if err := c.walk(value, below); err != nil {
			return err
		}
	}
	return nil
}

// add checks a leaf and appends it.
func (c *collector) add(s leaf) error {
	if !readable(s.Type, s.Tags, 0) {
		return fmt.Errorf("the setting %s has the type %s, which cannot be read from a file; hide it with the tag json:\"-\"", s.path, s.Type)
	}
	if other, taken := c.paths[s.path]; taken {
		if s.Inline && other.Inline && s.Type == other.Type && s.Tag == other.Tag {
			return nil // one setting for two inlined structs
		}
		return fmt.Errorf("two settings are named %s; give one another json tag, or give both the same type and tags", s.path)
	}
	c.paths[s.path] = s
	s.env, s.fileOnly = EnvName(c.prefix, s.path), !inEnv(s.Type, s.Tags)
	if other, taken := c.envs[s.env]; taken {
		return fmt.Errorf("the settings %s and %s share the environment variable %s; give one another json tag", other, s.path, s.env)
	}
	c.envs[s.env] = s.path
	c.out = append(c.out, s)
	return nil
}

// filled returns an addressable struct of the type with its defaults.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if t.Kind() == reflect.Struct {
		setting.Fill(v.Interface())
	}
	return v.Elem()
}

// readable reports whether all parts of a type can be filled.
func readable(t reflect.Type, g setting.Tags, depth int) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if depth > maxDepth {
		return false
	}
	switch setting.ClassOf(t, g) {
	case setting.Invalid:
		return false
	case setting.List, setting.Map:
		return readable(t.Elem(), g, depth+1)
	case setting.Struct:
		for _, f := range setting.Fields(t) {
			if !readable(f.Type, f.Tags, depth+1) {
				return false
			}
		}
	}
	return true
}

// inEnv reports whether one line of text can hold the type: scalars, and lists and maps of them.
func inEnv(t reflect.Type, g setting.Tags) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c := setting.ClassOf(t, g); c == setting.List || c == setting.Map {
		c = setting.ClassOf(t.Elem(), g)
		return c != setting.List && c != setting.Map && c != setting.Struct
	}
	return true
}

// EnvName returns the name of the environment variable of a setting: capitals, with underscores for dots and at camel-case
// boundaries, so that httpServer.bindIP with the prefix ACTIONHERO is ACTIONHERO_HTTP_SERVER_BIND_IP.
func EnvName(prefix, path string) string {
	if prefix == "" {
		return snake(path)
	}
	return prefix + "_" + snake(path)
}

// snake puts an underscore before a capital that follows a small letter or a digit, and before the last capital of a run that a
// small letter follows (urlHTTPPath is URL_HTTP_PATH).
func snake(s string) string {
	r := []rune(s)
	var b strings.Builder
	for i, c := range r {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			b.WriteByte('_')
			continue
		case i > 0 && unicode.IsUpper(c):
			before := r[i-1]
			lowerNext := i+1 < len(r) && unicode.IsLower(r[i+1])
			if unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && lowerNext {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToUpper(c))
	}
	return b.String()
}
