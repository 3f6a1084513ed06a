package schema

import "reflect"

// Value is what a client sent for one input, undecoded. Of Text, Raw and File the first one set counts, in the order
// File, Raw, Text.
type Value struct {
	Text string   // as sent, when Raw and File are nil (query string, form field, TCP paramAdd, command line)
	More []string // further values of a repeated text key (?id=1&id=2), after Text
	Raw  []byte   // a JSON value, checked by jsonx.Members or jsonx.Valid
	File any      // an uploaded file: a pointer to Options.FileType, or a slice of such pointers
}

// Param is one input of a request.
type Param struct {
	Key   string
	Value Value
}

// Violation is one thing that is wrong with an input.
type Violation struct {
	Field   string // "age", "address.street", "tags[2]"
	Rule    string // the name of the tag, or "type"
	Message string // "age must be at least 18"
}

// Failure is everything that is wrong with the inputs of one request.
type Failure struct {
	Missing    string      // the first required input that is absent or empty, in declaration order; "" if none is
	Violations []Violation // the rest, in declaration order, at most 64
}

// Options are what a compiled input depends on besides its type.
type Options struct {
	FileType reflect.Type // the struct type of an uploaded file; inputs are pointers to it or slices of such pointers. Default: no files
}

// Field describes one input.
type Field struct {
	Name, Doc    string
	Type, Format string   // in the words of JSON Schema; an uploaded file is a string of format binary
	Items        string   // the type of the elements, of a list
	Default      string   // as the tag has it
	Example      string   // as the tag has it
	Pattern      string   // a regular expression in Go's syntax
	Enum         []string // the values allowed
	Required     bool
	Secret       bool // never to be shown in logs or repeated to the client
	File         bool // an uploaded file, or a list of them
}
