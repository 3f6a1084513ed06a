package config

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// leaf is one known setting: a field that is not a section, with its path and its environment variable.
type leaf struct {
	setting.Field
	keys     []string
	path     string // the keys with dots between them
	env      string
	fileOnly bool // an environment variable cannot hold the value, which is a list or map of structs, lists or maps
	value    reflect.Value
}

// collect returns all settings in the struct v, in the order of their fields. It returns an error if a setting has a
// type that no file can contain, or if two settings share a name. These errors are mistakes in the program.
func collect(v reflect.Value, prefix string) ([]leaf, error) {
	c := &collector{prefix: prefix, paths: map[string]leaf{}, envs: map[string]string{}}
	if err := c.walk(v, nil); err != nil {
		return nil, err
	}
	return c.out, nil
}

// collector collects the settings of a struct and finds two settings with the same name.
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

// add checks a setting and appends it to c.out. It returns an error if the type is not supported or if the path or the
// environment variable is already taken.
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

// filled returns a new addressable variable of type t. If t is a struct, its fields have their defaults.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if t.Kind() == reflect.Struct {
		setting.Fill(v.Interface())
	}
	return v.Elem()
}

// readable reports whether Load can set values of type t, including all fields and elements of t.
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

// inEnv reports whether an environment variable can hold a value of type t: a scalar, or a list or map of scalars.
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

// EnvName returns the name of the environment variable for the setting with the path. The name has capital letters,
// with underscores in place of dots and at camel-case boundaries. For example, httpServer.bindIP with the prefix
// ACTIONHERO is ACTIONHERO_HTTP_SERVER_BIND_IP.
func EnvName(prefix, path string) string {
	if prefix == "" {
		return snake(path)
	}
	return prefix + "_" + snake(path)
}

// snake converts a camel-case name to capital letters with underscores: urlHTTPPath becomes URL_HTTP_PATH. It puts an
// underscore before a capital that follows a small letter or a digit. In a run of capitals before a small letter, it
// puts an underscore before the last capital.
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
