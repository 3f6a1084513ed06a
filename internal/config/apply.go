package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// set stores the value of node n in the variable v. A null changes nothing. Other variables may share the value of a
// pointer, a slice or a map with v. Therefore set stores a new pointer, slice or map in v and does not change the old
// one. A failed Load then changes nothing.
func (l *loader) set(v reflect.Value, n *node, path string, g setting.Tags) {
	if n.kind == nullKind {
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := filled(v.Type().Elem())
		if !v.IsNil() {
			fresh.Set(v.Elem())
		}
		l.set(fresh, n, path, g)
		v.Set(fresh.Addr())
		return
	}
	switch c := setting.ClassOf(v.Type(), g); c {
	case setting.Struct:
		l.setStruct(v, n, path)
	case setting.List:
		l.setList(v, n, path, g)
	case setting.Map:
		l.setMap(v, n, path, g)
	default:
		if err := setScalar(v, n, c); err != nil {
			l.wrong(n, path, err, g)
		}
	}
}

// setScalar parses the scalar n as a value of class c and stores the value in v. The error is a *wantError, or the
// error of the UnmarshalText method of v's type.
func setScalar(v reflect.Value, n *node, c setting.Class) error {
	text, ok := n.scalar(c)
	if c == setting.Text && !ok {
		return &wantError{"a single value"}
	}
	err := setting.ErrSyntax
	if ok {
		err = setting.Parse(v, c, text)
	}
	if errors.Is(err, setting.ErrSyntax) {
		if _, notNumber := strconv.ParseFloat(text, 64); c == setting.Duration && ok && notNumber == nil {
			return &wantError{fmt.Sprintf(`a duration with its unit, such as "%[1]ss" or "%[1]sms"`, text)}
		}
		return &wantError{setting.Expected(v.Type(), c)}
	}
	return err
}

// wantError reports that a setting has the wrong type. The field want describes the expected value and completes the
// sentence "it must be …".
type wantError struct{ want string }

func (e *wantError) Error() string { return "must be " + e.want }

// wrong records that the value n does not fit the setting that path names. The message never contains the value of a
// secret setting, not even an invalid value.
func (l *loader) wrong(n *node, path string, err error, g setting.Tags) {
	want, isWant := errors.AsType[*wantError](err)
	switch path = printable(path); {
	case isWant && g.Secret:
		l.fail(n.at, "%s must be %s; its value is not shown because it is a secret", path, want.want)
	case isWant:
		l.fail(n.at, "%s must be %s, not %s", path, want.want, n.found())
	case g.Secret:
		l.fail(n.at, "%s does not accept its value, which is not shown because it is a secret", path)
	default:
		l.fail(n.at, "%s does not accept %s: %s", path, n.found(), err)
	}
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
	fields := setting.Fields(v.Type())
	byName := make(map[string][]setting.Field, len(fields)) // several if inlined structs share the key
	for _, f := range fields {
		byName[f.Name] = append(byName[f.Name], f)
	}
	for _, e := range n.entries {
		below := join(path, e.key)
		if byName[e.key] == nil {
			l.unknown(e.at, below, fields, path)
			continue
		}
		l.setField(v, byName[e.key], e, below)
	}
}

// setField stores the value of the entry e in each of the fields, which all have the key of e. If there is no problem,
// it records the origin of the setting.
func (l *loader) setField(v reflect.Value, fields []setting.Field, e entry, path string) {
	before := l.count()
	for _, f := range fields {
		l.set(v.FieldByIndex(f.Index), e.value, path, f.Tags)
		if l.count() > before {
			return // the other fields would have the same problem
		}
	}
	if e.value.kind != nullKind {
		l.origins[path] = Origin{Source: position{name: e.at.name, line: e.at.line}.String()}
	}
}

func (l *loader) setList(v reflect.Value, n *node, path string, g setting.Tags) {
	if n.kind != listKind {
		l.wrong(n, path, &wantError{"a list"}, g)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.list), len(n.list))
	for i, item := range n.list {
		out.Index(i).Set(l.item(v.Type().Elem(), item, fmt.Sprintf("%s[%d]", path, i), g))
	}
	v.Set(out)
}

func (l *loader) setMap(v reflect.Value, n *node, path string, g setting.Tags) {
	if n.kind != objectKind {
		l.wrong(n, path, &wantError{"an object with keys"}, g)
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, e := range n.entries {
		item := l.item(v.Type().Elem(), e.value, join(path, e.key), g)
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// item returns the value of n as an element of a list or a map with element type t. An element has no earlier value
// that null could keep, so item records a problem for null.
func (l *loader) item(t reflect.Type, n *node, path string, g setting.Tags) reflect.Value {
	v := filled(t)
	if n.kind == nullKind {
		l.fail(n.at, "%s must not be null", printable(path))
		return v
	}
	l.set(v, n, path, g)
	return v
}
