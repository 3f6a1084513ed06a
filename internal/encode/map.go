package encode

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// mapEncoder is the plan to write a map whose key type has the kind string. It writes the members sorted by key.
type mapEncoder struct {
	t    reflect.Type
	elem *encoder
}

// mapMembers returns the function that writes the members of a map of type t. Maps of type map[string]any and
// map[string]string get a faster function without reflection.
func mapMembers(t reflect.Type, elem *encoder) appendFunc {
	m := &mapEncoder{t: t, elem: elem}
	if t.Key() == reflect.TypeFor[string]() {
		switch t.Elem() {
		case anyType:
			return membersOf[any](m)
		case reflect.TypeFor[string]():
			return membersOf[string](m)
		}
	}
	return m.members
}

// membersOf returns the function that writes the members of a map[string]V without reflection.
func membersOf[V any](m *mapEncoder) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		values := *layout.As[map[string]V](p)
		var room [16]string
		keys := room[:0]
		for key := range values {
			if !utf8.ValidString(key) {
				return m.members(dst, p, depth)
			}
			keys = append(keys, key)
		}
		slices.Sort(keys)
		var value V
		for i, key := range keys {
			value = values[key]
			var err error
			if dst, err = m.member(dst, i, key, layout.To(&value), depth); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

// members writes the members of the map at p with reflection, for any map type.
func (m *mapEncoder) members(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
	v := p.Value(m.t)
	if v.Len() == 0 {
		return dst, nil
	}
	type entry struct {
		key   string
		index int
	}
	entries := make([]entry, 0, v.Len())
	values := reflect.MakeSlice(reflect.SliceOf(m.t.Elem()), v.Len(), v.Len())
	key := reflect.New(m.t.Key()).Elem()
	for iter := v.MapRange(); iter.Next() && len(entries) < cap(entries); {
		key.SetIterKey(iter)
		values.Index(len(entries)).SetIterValue(iter)
		entries = append(entries, entry{validUTF8(key.String()), len(entries)})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for i, e := range entries {
		var err error
		if i > 0 && e.key == entries[i-1].key {
			return dst, inside("."+e.key, errSameKey)
		}
		if dst, err = m.member(dst, i, e.key, layout.AddressOf(values.Index(e.index)), depth); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// member appends the key and the value of one map member. If i is not 0, it appends a comma first.
func (m *mapEncoder) member(dst []byte, i int, key string, value layout.Pointer, depth int) ([]byte, error) {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst = append(jsonx.AppendString(dst, key), ':')
	dst, err := m.elem.append(dst, value, depth)
	if err != nil {
		return dst, inside("."+key, err)
	}
	return dst, nil
}

// validUTF8 returns s with the character U+FFFD in place of each byte that is not valid UTF-8.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
