package schema

import (
	"encoding"
	"reflect"
	"slices"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// list decodes slices.
type list struct {
	codec *codec
	max   int // elements, -1 for any number
}

func (l *list) json(d *decoder, p unsafe.Pointer) bool {
	switch {
	case d.peek() == '"':
		return d.asText(l.codec, p)
	case d.peek() != '[':
		return d.refuse(l.codec)
	case !d.deeper():
		return d.tooDeep()
	}
	defer d.surface()
	v := reflect.NewAt(l.codec.t, p).Elem()
	v.Set(reflect.MakeSlice(l.codec.t, 0, 0))
	whole := true
	i := 0
	for more := d.open(']'); more; more = d.next(']') {
		slot := l.slot(d, v, whole)
		if whole = slot != nil; !whole {
			d.value()
			continue
		}
		n := d.enterIndex(i)
		l.codec.elem.decodeElement(d, slot)
		d.leave(n)
		i++
	}
	return whole
}

// text decodes JSON in a text, a text with commas, or a key that was repeated.
func (l *list) text(d *decoder, p unsafe.Pointer, value *Value) bool {
	parts := []string{value.Text}
	if len(value.More) > 0 {
		parts = append(parts, value.More...)
	} else if i := jsonx.SkipSpace(bytesOf(value.Text), 0); i < len(value.Text) && value.Text[i] == '[' {
		return d.within(value.Text, l.codec, p, '[')
	} else if !slices.Contains([]class{classList, classMap, classStruct, classRaw}, l.codec.elem.class) {
		parts = splitList(value.Text)
	}
	v := reflect.NewAt(l.codec.t, p).Elem()
	for i, part := range parts {
		slot := l.slot(d, v, true)
		if slot == nil {
			return false
		}
		n := d.enterIndex(i)
		l.codec.elem.decodeElementText(d, slot, part)
		d.leave(n)
	}
	return true
}

// slot makes room for one more element and returns where it is, nil if the list is as long as it may be. It complains
// about that if whole says that it is the first time.
func (l *list) slot(d *decoder, v reflect.Value, whole bool) unsafe.Pointer {
	if !whole {
		return nil
	}
	n, size := v.Len(), int(l.codec.elem.t.Size())
	if l.max >= 0 && n >= l.max {
		d.violate("maxItems", "be a list of at most "+plural(l.max, "item"))
		return nil
	}
	if n == v.Cap() {
		more := max(n, 1)
		if n == 0 && size <= 64 {
			more = 4
		}
		if !d.spend(more * size) {
			d.violate("maxItems", "be a shorter list")
			return nil
		}
		v.Grow(more)
	}
	v.SetLen(n + 1)
	return v.Index(n).Addr().UnsafePointer()
}

// object decodes maps with string keys.
type object struct {
	codec *codec
	max   int // members, -1 for any number
}

// mapEntry is about what an entry of a map takes besides its value, in bytes.
const mapEntry = 64

func (o *object) json(d *decoder, p unsafe.Pointer) bool {
	switch {
	case d.peek() == '"':
		return d.asText(o.codec, p)
	case d.peek() != '{':
		return d.refuse(o.codec)
	case !d.deeper():
		return d.tooDeep()
	}
	defer d.surface()
	t := o.codec.t
	m := reflect.MakeMap(t)
	reflect.NewAt(t, p).Elem().Set(m)
	key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	whole := true
	for more := d.open('}'); more; more = d.next('}') {
		key.SetString(string(append([]byte(nil), d.key()...)))
		whole = whole && o.room(d, m.Len())
		if !whole {
			d.value()
			continue
		}
		n := d.enterKey(key.String())
		if m.MapIndex(key).IsValid() {
			d.violate("type", "be given once")
		}
		value.SetZero()
		o.codec.elem.decodeElement(d, value.Addr().UnsafePointer())
		m.SetMapIndex(key, value)
		d.leave(n)
	}
	return whole
}

func (o *object) room(d *decoder, n int) bool {
	if o.max >= 0 && n >= o.max {
		d.violate("maxItems", "be an object of at most "+plural(o.max, "member"))
		return false
	}
	if !d.spend(mapEntry + int(o.codec.elem.t.Size())) {
		d.violate("maxItems", "be a smaller object")
		return false
	}
	return true
}

func (o *object) text(d *decoder, p unsafe.Pointer, v *Value) bool {
	return d.within(v.last(), o.codec, p, '{')
}

// last returns the text that counts for what is not a list.
func (v *Value) last() string {
	if len(v.More) > 0 {
		return v.More[len(v.More)-1]
	}
	return v.Text
}

// custom decodes types that read JSON themselves.
func (c *codec) custom(readsText bool) {
	t := c.t
	decode := func(p unsafe.Pointer, raw []byte) bool {
		if jsonx.Unmarshal(raw, reflect.NewAt(t, p).Interface()) == nil {
			return true
		}
		reflect.NewAt(t, p).Elem().SetZero()
		return false
	}
	decodeText := func(p unsafe.Pointer, s string) bool {
		if readsText {
			return reflect.NewAt(t, p).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)) == nil
		}
		// Only the type knows whether it is written as a string or as something else.
		return jsonx.Valid(bytesOf(s)) == nil && decode(p, []byte(s)) || decode(p, jsonx.AppendString(nil, s))
	}
	c.json = func(d *decoder, p unsafe.Pointer) bool {
		raw := d.value()
		if decode(p, raw) {
			return true
		}
		if len(raw) > 0 && raw[0] == '"' && readsText {
			if s, err := jsonx.Unquote(raw); err == nil && decodeText(p, s) {
				return true
			}
		}
		d.wrongType(c)
		return false
	}
	c.text = func(d *decoder, p unsafe.Pointer, v *Value) bool {
		if decodeText(p, v.last()) {
			return true
		}
		d.wrongType(c)
		return false
	}
}

// raw keeps JSON as it came; text that is no JSON becomes a JSON string.
func (c *codec) raw() {
	c.json = func(d *decoder, p unsafe.Pointer) bool {
		*(*[]byte)(p) = slices.Clone(d.value())
		return true
	}
	c.text = func(_ *decoder, p unsafe.Pointer, v *Value) bool {
		s := v.last()
		if raw := trim(bytesOf(s)); jsonx.Valid(raw) == nil {
			*(*[]byte)(p) = slices.Clone(raw)
		} else {
			*(*[]byte)(p) = jsonx.AppendString(nil, s)
		}
		return true
	}
}
