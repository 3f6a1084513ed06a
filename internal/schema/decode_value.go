package schema

import (
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// decodeValue decodes v, the value that a client sent for an input that is not a scalar, into the variable at p. It
// returns true if the input is given, even if its value is invalid.
func (c *typePlan) decodeValue(d *decodeState, p layout.Pointer, v *Value) bool {
	if raw := v.JSON(); raw != nil {
		d.data, d.pos = raw, jsonx.SkipSpace(raw, 0)
		return c.decode(d, p)
	}
	switch {
	case v.File() != nil:
		d.wrongType(c)
		return true
	case v.Text() == "" && len(v.MoreTexts()) == 0:
		return false
	}
	if c.text(d, p, v) {
		d.check(c, p)
	}
	return true
}

// decode decodes and checks the JSON value at the cursor, for any type. It returns false if the value counts as not
// given. Null always does. The empty string does if the field emptyGiven of the plan is false.
func (c *typePlan) decode(d *decodeState, p layout.Pointer) bool {
	if c.set != nil {
		return d.report(c, p, c.setRaw(p, d.value()))
	}
	switch d.peek() {
	case 'n':
		d.value()
		return c.setNull(p)
	case '"':
		if len(d.data) > d.pos+1 && d.data[d.pos+1] == '"' {
			d.value()
			return false
		}
	}
	if c.json(d, p) {
		d.check(c, p)
	}
	return true
}

// setNull stores null in the variable at p and returns true. If null is not a value of the type, it returns false, because
// the input then counts as not given.
func (c *typePlan) setNull(p layout.Pointer) bool {
	if c.null != nil {
		c.null(p)
	}
	return c.null != nil
}

// decodeElement decodes the JSON value at the cursor as an element of a list or map. For an element, the empty string
// is a value. Null is an error unless the field nullable of the plan is true.
func (c *typePlan) decodeElement(d *decodeState, p layout.Pointer) {
	if d.peek() == 'n' && c.nullable {
		d.value()
		c.setNull(p)
		return
	}
	switch {
	case c.set != nil:
	case c.readsEmptyText():
		if c.json(d, p) {
			d.check(c, p)
		}
		return
	default:
		if !c.decode(d, p) {
			d.wrongType(c)
		}
		return
	}
	o := c.setRaw(p, d.value())
	switch o {
	case isEmpty:
		o = c.setChecked(p, "", fromText)
	case isNull:
		o = wrongType
	}
	d.report(c, p, o)
}

// readsEmptyText reports whether the empty string may be a value of a type that is no scalar.
func (c *typePlan) readsEmptyText() bool {
	return c.class == classAny || c.class == classRaw || c.class == classCustom
}

// decodeElementText decodes the text s as an element of a list and runs the checks of the element.
func (c *typePlan) decodeElementText(d *decodeState, p layout.Pointer, s string) {
	switch {
	case c.set != nil:
		d.report(c, p, c.setChecked(p, s, fromText))
	case s == "" && !c.readsEmptyText():
		d.wrongType(c)
	case c.text(d, p, &Value{data: s}):
		d.check(c, p)
	}
}
