package schema

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// class is the kind of input that a Go type accepts, such as text, a whole number or a list. The class decides which
// rule tags a field of the type may have.
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
	classRaw    // JSON that is stored as sent
	classCustom // a type with an Unmarshal method
	classFile
	classFiles
)

// source is the form in which the text of a scalar was sent: as plain text, or as a JSON string, number or boolean.
type source uint8

const (
	fromText   source = iota // text that decoded values may share without a copy
	fromString               // a JSON string; its bytes belong to the request, so a decoded value needs a copy
	fromNumber               // a JSON number; its bytes belong to the request, too
	fromBool                 // true or false
)

// outcome is the result of decoding a scalar: accepted, or the reason why the value was not accepted.
type outcome uint8

const (
	accepted     outcome = iota
	isNull               // null
	isEmpty              // the empty string
	wrongType            // not a value of the type
	outOfRange           // a number that the type cannot hold
	ruleViolated         // one of the checks failed
)

// setFunc parses s, the text of a scalar, and stores the parsed value in the variable at p. The parameter from is the
// source of s.
type setFunc func(p layout.Pointer, s string, from source) outcome

// typePlan is the plan to decode and check the values of one type under one set of rules. Exactly one of its fields
// set, json and file is not nil. The plans of recursive types refer to each other. Therefore a closure reads the fields
// of a plan only when it decodes a value: a field may still be unset when the closure is made.
type typePlan struct {
	t             reflect.Type
	class         class
	elem          *typePlan   // of lists, maps, pointers and optional values
	members       *structPlan // of structs
	expected      string      // completes "KEY must be "
	expectedRange string      // completes "KEY must be " for a number that is out of range
	checks        []check
	set           setFunc                                               // for scalars: parses text into the variable at p
	json          func(d *decodeState, p layout.Pointer) bool           // for lists, maps, structs and others: decodes the JSON value at the cursor
	text          func(d *decodeState, p layout.Pointer, v *Value) bool // for the types that have json: decodes text that is not empty
	file          func(p layout.Pointer, file any) bool                 // for uploaded files: stores file at p
	null          func(p layout.Pointer)                                // for a type that has null as a value: stores null at p
	emptyGiven    bool                                                  // the empty string counts as given
	nullable      bool                                                  // null is a value inside lists and maps
}

// check is one compiled rule of a field. The function ok reports whether the value at p satisfies the rule.
type check struct {
	rule        string
	requirement string // completes "KEY must "
	ok          func(p layout.Pointer) bool
}

// setValue decodes v, the value that a client sent for a scalar input, into the variable at p. It rejects an uploaded
// file as the wrong type. If the client repeated the key of a text, the last text counts.
func (c *typePlan) setValue(p layout.Pointer, v *Value) outcome {
	switch {
	case v.rest == &markJSON:
		return c.setRaw(p, jsonx.ViewBytes(v.data))
	case v.File() != nil:
		return wrongType
	}
	return c.setText(p, v.LastText(), fromText)
}

func (c *typePlan) setText(p layout.Pointer, s string, from source) outcome {
	if s == "" && !c.emptyGiven {
		return isEmpty
	}
	return c.setChecked(p, s, from)
}

// setChecked stores the text s in the variable at p and then runs the checks of the plan. It returns ruleViolated at
// the first check that fails.
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

// setRaw decodes raw, a JSON value, into the scalar variable at p. It rejects objects and arrays as the wrong type.
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

// trim returns raw without the white space before and after the JSON value.
func trim(raw []byte) []byte {
	raw = raw[jsonx.SkipSpace(raw, 0):]
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' {
		raw = raw[:len(raw)-1]
	}
	return raw
}
