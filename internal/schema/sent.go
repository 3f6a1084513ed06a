package schema

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// Takes reports whether v is a pointer to the compiled struct type.
func (in *Input) Takes(v any) bool { return layout.DynamicType(v) == in.target }

// Params returns the params that a client sends to give the inputs in v, a pointer to the compiled struct type.
//
// A field with its zero value is not sent, so that its default applies, or an error if the input is required. There are
// two exceptions: a number or a boolean that is required and has no default is sent, because zero and false are ordinary
// values; and so is a required struct. A pointer that is not nil is always sent.
func (in *Input) Params(v any) ([]Param, error) {
	base := layout.Target(v)
	var params []Param
	for i := range in.plan.fields {
		f := &in.plan.fields[i]
		p := base.Field(f.offset)
		if !f.isSent(p) {
			continue
		}
		if f.plan.file != nil {
			params = append(params, Param{f.name, FileValue(p.Value(f.plan.t).Interface())})
			continue
		}
		raw, err := f.plan.appendSent(nil, p, 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		params = append(params, Param{f.name, JSONValue(raw)})
	}
	return params, nil
}

// AppendObject appends the inputs in v, a pointer to the compiled struct type, as one JSON object. It follows the rules of
// [Input.Params].
func (in *Input) AppendObject(dst []byte, v any) ([]byte, error) {
	return in.plan.appendSent(dst, layout.Target(v), 0)
}

// isSent reports whether a client sends the field at p.
func (f *inputField) isSent(p layout.Pointer) bool {
	t := f.plan.t
	if !p.Value(t).IsZero() {
		return !f.isAsAbsent(p)
	}
	if !f.required || f.hasDefault || f.omits {
		return false
	}
	return layout.IsNumber(t.Kind()) || t.Kind() == reflect.Bool || f.plan.members != nil
}

// appendSent appends the fields of the struct at p that a client sends. depth is the number of values that enclose the
// struct.
func (s *structPlan) appendSent(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
	dst = append(dst, '{')
	start := len(dst)
	for i := range s.fields {
		f := &s.fields[i]
		field := p.Field(f.offset)
		if !f.isSent(field) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, f.name), ':')
		var err error
		if dst, err = f.plan.appendSent(dst, field, depth+1); err != nil {
			return dst, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return append(dst, '}'), nil
}

// appendSent appends the value at p as a client sends it. depth is the number of values that enclose the value.
func (c *typePlan) appendSent(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
	if depth > jsonx.MaxDepth {
		return dst, fmt.Errorf("the value nests deeper than %d levels", jsonx.MaxDepth)
	}
	if c.members != nil {
		return c.members.appendSent(dst, p, depth)
	}
	if !hasMembers(c, map[*typePlan]bool{}) {
		return encode.Append(dst, p.Value(c.t).Addr().Interface())
	}
	if o, ok := layout.OptionalOf(c.t); ok {
		if set, null := o.State(p); !*set || *null {
			return append(dst, "null"...), nil
		}
		return c.elem.appendSent(dst, o.Value(p), depth)
	}
	switch v := p.Value(c.t); c.t.Kind() {
	case reflect.Interface:
		return appendSentValue(dst, v, depth+1)
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		return c.elem.appendSent(dst, p.Load(), depth+1)
	case reflect.Slice:
		return c.appendSentList(dst, v, depth)
	default:
		return c.appendSentMap(dst, v, depth)
	}
}

func (c *typePlan) appendSentList(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = c.elem.appendSent(dst, layout.AddressOf(v.Index(i)), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (c *typePlan) appendSentMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	values := map[string]reflect.Value{}
	for iter := v.MapRange(); iter.Next(); {
		if !isUnset(iter.Value()) {
			values[iter.Key().String()] = iter.Value()
		}
	}
	dst = append(dst, '{')
	elem := layout.New(c.elem.t)
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, key), ':')
		elem.Value(c.elem.t).Set(values[key])
		var err error
		if dst, err = c.elem.appendSent(dst, elem, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// hasMembers reports whether values of the plan contain structs whose fields are decoded one by one, or may contain them
// because their type is any. seen holds the plans that are examined already.
func hasMembers(plan *typePlan, seen map[*typePlan]bool) bool {
	if plan == nil || seen[plan] {
		return false
	}
	seen[plan] = true
	return plan.members != nil || plan.class == classAny || isOptionalMap(plan) || hasMembers(plan.elem, seen)
}

// isOptionalMap reports whether values of the plan are maps of optional values, whose unset members are not sent.
func isOptionalMap(plan *typePlan) bool {
	if plan.class != classMap || plan.t.Kind() != reflect.Map {
		return false
	}
	_, ok := layout.OptionalOf(plan.t.Elem())
	return ok
}

// isAsAbsent reports whether the field at p is a struct as decoding leaves it if the client does not give it: with the
// defaults of its members and nothing else. Sent, it could miss a required member.
func (f *inputField) isAsAbsent(p layout.Pointer) bool {
	if f.nested == nil || f.required || f.hasDefault || f.plan.t.Kind() != reflect.Struct {
		return false
	}
	absent := layout.New(f.plan.t)
	d := newDecodeState()
	f.nested.setDefaults(d, absent)
	_ = d.finish()
	return reflect.DeepEqual(absent.Value(f.plan.t).Interface(), p.Value(f.plan.t).Interface())
}
