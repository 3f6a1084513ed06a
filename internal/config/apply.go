package config

import (
	"fmt"
	"reflect"
)

// set puts a node into v. What v shares with the defaults (what a pointer points to, a slice, a map) is replaced and never written
// to, so that a failed Load leaves the defaults alone.
func (l *loader) set(v reflect.Value, n *node, path string, g tags) {
	if n.kind == nullKind {
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		l.set(fresh.Elem(), n, path, g)
		v.Set(fresh)
		return
	}
	switch c := classOf(v.Type(), g); c {
	case structClass:
		l.setStruct(v, n, path)
	case listClass:
		l.setList(v, n, path, g)
	case mapClass:
		l.setMap(v, n, path, g)
	default:
		if err := setScalar(v, n, c); err != nil {
			l.wrong(n, path, err, g)
		}
	}
}

// wrong notes that a value is not what its setting needs. A secret is not repeated, not even a wrong one.
func (l *loader) wrong(n *node, path string, err error, g tags) {
	if want, ok := err.(*wantError); ok {
		if g.secret {
			l.fail(n.at, "%s must be %s; its value is not shown because it is a secret", printable(path), want.want)
			return
		}
		l.fail(n.at, "%s must be %s, not %s", printable(path), want.want, n.found())
		return
	}
	if g.secret {
		l.fail(n.at, "%s does not accept its value, which is not shown because it is a secret", printable(path))
		return
	}
	l.fail(n.at, "%s does not accept %s: %s", printable(path), n.found(), err)
}

func (l *loader) setStruct(v reflect.Value, n *node, path string) {
	if n.kind != objectKind {
		if path == "" {
			l.fail(n.at, "the file must hold an object of sections, not %s", n.found())
			return
		}
		l.fail(n.at, "%s must be an object with keys, not %s", printable(path), n.found())
		return
	}
	fields := fieldsOf(v.Type())
	byName := make(map[string]field, len(fields))
	for _, f := range fields {
		byName[f.name] = f
	}
	for _, e := range n.entries {
		below := join(path, e.key)
		f, ok := byName[e.key]
		if !ok {
			l.unknown(e.at, below, fields, path)
			continue
		}
		l.set(v.FieldByIndex(f.index), e.value, below, f.tags)
	}
}

func (l *loader) setList(v reflect.Value, n *node, path string, g tags) {
	if n.kind != listKind {
		l.wrong(n, path, &wantError{"a list"}, g)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.list), len(n.list))
	for i, item := range n.list {
		l.setItem(out.Index(i), item, fmt.Sprintf("%s[%d]", path, i), g)
	}
	v.Set(out)
}

func (l *loader) setMap(v reflect.Value, n *node, path string, g tags) {
	if n.kind != objectKind {
		l.wrong(n, path, &wantError{"an object with keys"}, g)
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, e := range n.entries {
		item := reflect.New(v.Type().Elem()).Elem()
		l.setItem(item, e.value, join(path, e.key), g)
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// setItem is set for what has no default to keep: null has no meaning there.
func (l *loader) setItem(v reflect.Value, n *node, path string, g tags) {
	if n.kind == nullKind {
		l.fail(n.at, "%s must not be null", printable(path))
		return
	}
	l.set(v, n, path, g)
}
