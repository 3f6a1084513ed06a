package schema

import "reflect"

// Value is what a client sent for one input, undecoded. If several of File, Raw and Text are set, the first in this order
// counts.
type Value struct {
	Text string   // as sent: query string, form field, TCP paramAdd, command line
	More []string // further values of a repeated text key (?id=1&id=2), after Text
	Raw  []byte   // a JSON value, checked by jsonx.Members or jsonx.Valid
	File any      // an uploaded file: a pointer to Options.FileType, or a slice of these pointers
}

// lastText returns the last text that was sent, which counts for every type but lists.
func (v *Value) lastText() string {
	if len(v.More) > 0 {
		return v.More[len(v.More)-1]
	}
	return v.Text
}

// Param is one input of a request.
type Param struct {
	Key   string
	Value Value
}

// Violation says that one input breaks a rule.
type Violation struct {
	Field   string // "age", "address.street", "tags[2]"
	Rule    string // the name of the tag, or "type"
	Message string // "age must be at least 18"
}

// Failure lists the faults of the inputs of one request.
type Failure struct {
	Missing    string      // the first required input that is absent or empty, in declaration order; "" if none is
	Violations []Violation // all others, in declaration order, at most 64
}

// Options change how an input is compiled.
type Options struct {
	FileType reflect.Type // the struct type of an uploaded file; inputs are pointers to it or slices of these pointers. Default: no files
}

// Field describes one input.
type Field struct {
	Name, Doc    string
	Type, Format string   // in the words of JSON Schema; an uploaded file is a string of format binary
	Items        string   // the type of the elements of a list
	Default      string   // as the tag has it
	Example      string   // as the tag has it
	Pattern      string   // a regular expression in Go's syntax
	Enum         []string // the values allowed
	Required     bool
	Secret       bool // never to be shown in logs or repeated to the client
	File         bool // an uploaded file, or a list of them
}
