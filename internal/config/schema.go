package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// class is how a type is read.
type class int

const (
	badClass class = iota
	structClass
	listClass
	mapClass
	textClass // encoding.TextUnmarshaler
	stringClass
	boolClass
	intClass
	uintClass
	floatClass
	durationClass
	sizeClass
)

var (
	durationType        = reflect.TypeFor[time.Duration]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// tags are those of a field that its value's reading depends on.
type tags struct {
	bytes, secret bool
	doc           string
}

// classOf tells how values of a type are read; a pointer is read like what it points to.
func classOf(t reflect.Type, g tags) class {
	switch {
	case reflect.PointerTo(t).Implements(textUnmarshalerType):
		return textClass
	case t == durationType:
		return durationClass
	}
	switch t.Kind() {
	case reflect.Pointer:
		return classOf(t.Elem(), g)
	case reflect.Struct:
		return structClass
	case reflect.Slice:
		return listClass
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return mapClass
		}
	case reflect.String:
		return stringClass
	case reflect.Bool:
		return boolClass
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if g.bytes {
			return sizeClass
		}
		return intClass
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintClass
	case reflect.Float32, reflect.Float64:
		return floatClass
	}
	return badClass
}

// field is one key of a struct.
type field struct {
	name  string
	index []int
	typ   reflect.Type
	tags  tags
}

// fieldsOf lists the keys of a struct; an embedded struct without a name of its own gives its keys to the outer one.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for sf := range t.Fields() {
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if sf.Anonymous && name == "" && classOf(sf.Type, tags{}) == structClass && sf.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(sf.Type) {
				inner.index = append([]int{sf.Index[0]}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			name = sf.Name
		}
		g := tags{bytes: sf.Tag.Get("unit") == "bytes", secret: sf.Tag.Get("secret") == "true", doc: sf.Tag.Get("doc")}
		out = append(out, field{name: name, index: sf.Index, typ: sf.Type, tags: g})
	}
	return out
}

// setting is one known leaf of the tree of settings.
type setting struct {
	keys     []string
	path     string // the keys with dots between them
	env      string
	fileOnly bool // one line of text cannot hold it
	class    class
	tags     tags
	value    reflect.Value
}

// collect lists all settings below v in the order of their fields. The error tells a programmer of a type that no file can fill
// or of two settings that would share a name.
func collect(v reflect.Value, prefix string) ([]setting, error) {
	c := &collector{prefix: prefix, paths: map[string]bool{}, envs: map[string]string{}}
	if err := c.walk(v, nil); err != nil {
		return nil, err
	}
	return c.out, nil
}

type collector struct {
	prefix string
	out    []setting
	paths  map[string]bool
	envs   map[string]string
}

func (c *collector) walk(v reflect.Value, keys []string) error {
	for _, f := range fieldsOf(v.Type()) {
		below := append(keys[:len(keys):len(keys)], f.name)
		if len(below) > maxDepth {
			return fmt.Errorf("the setting %s is nested deeper than %d levels; does its type contain itself?", strings.Join(below[:3], "."), maxDepth)
		}
		value := v.FieldByIndex(f.index)
		cl := classOf(f.typ, f.tags)
		for cl == structClass && value.Kind() == reflect.Pointer {
			if value.IsNil() {
				value = reflect.New(value.Type().Elem())
			}
			value = value.Elem()
		}
		if cl == structClass {
			if err := c.walk(value, below); err != nil {
				return err
			}
			continue
		}
		if err := c.add(setting{keys: below, path: strings.Join(below, "."), class: cl, tags: f.tags, value: value}, f.typ); err != nil {
			return err
		}
	}
	return nil
}

// add checks a leaf and notes it.
func (c *collector) add(s setting, t reflect.Type) error {
	if !readable(t, s.tags, 0) {
		return fmt.Errorf("the setting %s has the type %s, which cannot be read from a file; hide it with the tag json:\"-\"", s.path, t)
	}
	if c.paths[s.path] {
		return fmt.Errorf("two settings are named %s; give one another json tag", s.path)
	}
	c.paths[s.path] = true
	s.env, s.fileOnly = EnvName(c.prefix, "", s.path), !inEnv(t, s.tags)
	if other, taken := c.envs[s.env]; taken {
		return fmt.Errorf("the settings %s and %s share the environment variable %s; give one another json tag", other, s.path, s.env)
	}
	c.envs[s.env] = s.path
	c.out = append(c.out, s)
	return nil
}

// readable reports whether all parts of a type can be filled.
func readable(t reflect.Type, g tags, depth int) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if depth > maxDepth {
		return false
	}
	switch classOf(t, g) {
	case badClass:
		return false
	case listClass, mapClass:
		return readable(t.Elem(), g, depth+1)
	case structClass:
		for _, f := range fieldsOf(t) {
			if !readable(f.typ, f.tags, depth+1) {
				return false
			}
		}
	}
	return true
}

// inEnv reports whether one line of text can hold the type: scalars, and lists and maps of them.
func inEnv(t reflect.Type, g tags) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c := classOf(t, g); c == listClass || c == mapClass {
		c = classOf(t.Elem(), g)
		return c != listClass && c != mapClass && c != structClass
	}
	return true
}

// EnvName is the name of the environment variable of a key: capitals with underscores at camel-case boundaries, so that
// httpServer.bindIP with the prefix ACTIONHERO is ACTIONHERO_HTTP_SERVER_BIND_IP. Empty parts are left out; a key of a
// deeper section may contain dots, which become underscores too.
func EnvName(prefix, section, key string) string {
	var parts []string
	for _, s := range []string{prefix, snake(section), snake(key)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "_")
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
