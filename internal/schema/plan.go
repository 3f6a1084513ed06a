package schema

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// class is the kind of input that a type is. It decides which rules the type may have.
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
	classRaw    // JSON, kept as sent
	classCustom // decodes itself
	classFile
	classFiles
)

// source is the origin of the text of a scalar.
type source uint8

const (
	fromText   source = iota // text that may be kept
	fromString               // a JSON string; its bytes belong to the request and must be copied to be kept
	fromNumber               // a JSON number; the same applies
	fromBool                 // true or false
)

// outcome is the result of setting a scalar.
type outcome uint8

const (
	accepted     outcome = iota
	isNull               // null
	isEmpty              // the empty string
	wrongType            // not a value of the type
	outOfRange           // a number that the type cannot hold
	ruleViolated         // one of the checks failed
)

// setFunc sets the variable at p to the value that s is the text of.
type setFunc func(p layout.Pointer, s string, from source) outcome

// typePlan is the plan to decode and check the values of one type under one set of rules. Exactly one of set, json and
// file is not nil. The plans of recursive types hold each other, so a closure reads the fields of a plan when it decodes a
// value, not when it is made.
type typePlan struct {
	t             reflect.Type
	class         class
	elem          *typePlan // of lists and maps
	expected      string    // completes "KEY must be "
	expectedRange string    // completes it for a number that is out of range
	checks        []check
	set           setFunc                                               // scalars
	json          func(d *decodeState, p layout.Pointer) bool           // lists, maps, structs and others: decodes the value at the cursor
	text          func(d *decodeState, p layout.Pointer, v *Value) bool // the same types: decodes text that is not empty
	file          func(p layout.Pointer, file any) bool                 // uploads
	emptyGiven    bool                                                  // the empty string is a value
	nullable      bool                                                  // null is a value inside lists and maps
}

// check is a compiled rule.
type check struct {
	rule        string
	requirement string // completes "KEY must "
	ok          func(p layout.Pointer) bool
}

// setValue sets a scalar from what a client sent.
func (c *typePlan) setValue(p layout.Pointer, v *Value) outcome {
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

func (c *typePlan) setText(p layout.Pointer, s string, from source) outcome {
	if s == "" && !c.emptyGiven {
		return isEmpty
	}
	return c.setChecked(p, s, from)
}

// setChecked sets the variable and runs the checks.
func (c *typePlan) setChecked(p layout.Pointer, s string, from source) outcome {
	if o := c.set(p, s, from); o != accepted {
		return o
	}
	for i := range c.checks {
		if !c.checks[i].ok(p) {
			return ruleViolated
		}
	}
	return accepted
}

// setRaw sets a scalar from a JSON value.
func (c *typePlan) setRaw(p layout.Pointer, raw []byte) outcome {
	raw = trim(raw)
	if len(raw) == 0 {
		return wrongType
	}
	switch raw[0] {
	case '"':
		if inner, plain := jsonx.Plain(raw); plain {
			return c.setText(p, jsonx.ViewString(inner), fromString)
		}
		s, err := jsonx.Unquote(raw)
		if err != nil {
			return wrongType
		}
		return c.setText(p, s, fromText)
	case 'n':
		return isNull
	case 't', 'f':
		return c.setChecked(p, jsonx.ViewString(raw), fromBool)
	case '{', '[':
		return wrongType
	}
	return c.setChecked(p, jsonx.ViewString(raw), fromNumber)
}

// trim removes the white space around a JSON value.
func trim(raw []byte) []byte {
	raw = raw[jsonx.SkipSpace(raw, 0):]
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' {
		raw = raw[:len(raw)-1]
	}
	return raw
}
