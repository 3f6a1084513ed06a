package schema

import (
	"reflect"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// class is what kind of input a type is, and so which rules fit it.
type class uint8

const (
	classText class = iota
	classBool
	classInt
	classUint
	classFloat
	classDuration
	classTime
	classBytes
	classList
	classMap
	classStruct
	classAny
	classRaw    // JSON kept as it is
	classCustom // decodes itself
	classFile
	classFiles
)

// source is where the text of a scalar comes from.
type source uint8

const (
	fromText   source = iota // text that may be kept
	fromString               // a JSON string; the text is part of a buffer and must be copied to be kept
	fromNumber               // a JSON number, likewise
	fromBool                 // true or false
)

// verdict is what came of setting a scalar.
type verdict uint8

const (
	good         verdict = iota
	notGiven             // null
	empty                // the empty string
	wrongType            // not of the type
	outOfRange           // a number that the type cannot hold
	ruleViolated         // one of the checks fails
)

// setFunc sets the variable at p to the value that s says.
type setFunc func(p unsafe.Pointer, s string, from source) verdict

// codec is the plan to decode and check the values of one type under one set of rules. Exactly one of set, json and
// file is there. The plans of recursive types hold each other, so the fields are read when a value is decoded.
type codec struct {
	t          reflect.Type
	class      class
	elem       *codec // of lists and maps
	wants      string // completes "KEY must be "
	ranges     string // the same for a number that is out of range
	checks     []check
	set        setFunc                                           // scalars
	json       func(d *decoder, p unsafe.Pointer) bool           // compounds: decodes the value at the cursor
	text       func(d *decoder, p unsafe.Pointer, v *Value) bool // compounds: decodes text that is not empty
	file       func(p unsafe.Pointer, file any) bool             // uploads
	emptyGiven bool                                              // the empty string is a value
	nullable   bool                                              // null is a value, inside of lists and maps
}

// check is a rule, compiled.
type check struct {
	rule string
	must string // completes "KEY must "
	ok   func(p unsafe.Pointer) bool
}

// setValue sets a scalar from what a client sent.
func (c *codec) setValue(p unsafe.Pointer, v *Value) verdict {
	switch {
	case v.File != nil:
		return wrongType
	case v.Raw != nil:
		return c.setRaw(p, v.Raw)
	case len(v.More) > 0:
		return c.setText(p, v.More[len(v.More)-1], fromText)
	}
	return c.setText(p, v.Text, fromText)
}

func (c *codec) setText(p unsafe.Pointer, s string, from source) verdict {
	if s == "" && !c.emptyGiven {
		return empty
	}
	return c.setChecked(p, s, from)
}

// setChecked sets the variable and runs the checks.
func (c *codec) setChecked(p unsafe.Pointer, s string, from source) verdict {
	if v := c.set(p, s, from); v != good {
		return v
	}
	for i := range c.checks {
		if !c.checks[i].ok(p) {
			return ruleViolated
		}
	}
	return good
}

// setRaw sets a scalar from a JSON value.
func (c *codec) setRaw(p unsafe.Pointer, raw []byte) verdict {
	raw = trim(raw)
	if len(raw) == 0 {
		return wrongType
	}
	switch raw[0] {
	case '"':
		if inner, plain := jsonx.Plain(raw); plain {
			return c.setText(p, view(inner), fromString)
		}
		s, err := jsonx.Unquote(raw)
		if err != nil {
			return wrongType
		}
		return c.setText(p, s, fromText)
	case 'n':
		return notGiven
	case 't', 'f':
		return c.setChecked(p, view(raw), fromBool)
	case '{', '[':
		return wrongType
	}
	return c.setChecked(p, view(raw), fromNumber)
}

// trim drops the white space around a JSON value.
func trim(raw []byte) []byte {
	raw = raw[jsonx.SkipSpace(raw, 0):]
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// view is b as text without a copy, for as long as b does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is s as bytes without a copy; they must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// decodeValue decodes a compound from what a client sent. It reports whether it was given.
func (c *codec) decodeValue(d *decoder, p unsafe.Pointer, v *Value) bool {
	switch {
	case v.File != nil:
		d.wrongType(c)
		return true
	case v.Raw != nil:
		d.data, d.pos = v.Raw, jsonx.SkipSpace(v.Raw, 0)
		return c.decode(d, p)
	case v.Text == "" && len(v.More) == 0:
		return false
	}
	if c.text(d, p, v) {
		d.check(c, p)
	}
	return true
}

// decode decodes the value at the cursor, of any codec, and checks it. It reports whether it was given: neither null
// nor, where that is no value, the empty string.
func (c *codec) decode(d *decoder, p unsafe.Pointer) bool {
	if c.set != nil {
		return d.judge(c, p, c.setRaw(p, d.value()))
	}
	switch d.peek() {
	case 'n':
		d.value()
		return false
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

// decodeElement decodes the value at the cursor as part of a list or map, where every value counts.
func (c *codec) decodeElement(d *decoder, p unsafe.Pointer) {
	if d.peek() == 'n' && c.nullable {
		d.value()
		return
	}
	if c.set == nil {
		if !c.decode(d, p) {
			d.wrongType(c)
		}
		return
	}
	v := c.setRaw(p, d.value())
	switch v {
	case empty:
		v = c.setChecked(p, "", fromText)
	case notGiven:
		v = wrongType
	}
	d.judge(c, p, v)
}

// decodeElementText is decodeElement for a text of its own.
func (c *codec) decodeElementText(d *decoder, p unsafe.Pointer, s string) {
	switch {
	case c.set != nil:
		d.judge(c, p, c.setChecked(p, s, fromText))
	case s == "":
		d.wrongType(c)
	case c.text(d, p, &Value{Text: s}):
		d.check(c, p)
	}
}
