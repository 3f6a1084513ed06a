package schema

import "reflect"

// Value is the value that a client sent for one input, before decoding. If several of File, Raw and Text are set, File
// takes precedence over Raw, and Raw over Text.
type Value struct {
	Text string   // text as sent in a query string, a form field, a TCP paramAdd command or a command line
	More []string // further values of a repeated text key (?id=1&id=2), after Text
	Raw  []byte   // a JSON value; jsonx.Members or jsonx.Valid has checked its syntax
	File any      // an uploaded file: a pointer to Options.FileType, or a slice of these pointers
}

// lastText returns the last text that the client sent for the key. For every type except lists, only the last text
// counts.
func (v *Value) lastText() string {
	if len(v.More) > 0 {
		return v.More[len(v.More)-1]
	}
	return v.Text
}

// Param is one input of a request: its key and the value that the client sent.
type Param struct {
	Key   string
	Value Value
}

// Violation reports that the value of one input breaks a rule, or has the wrong type.
type Violation struct {
	Field   string // "age", "address.street", "tags[2]"
	Rule    string // the name of the tag, or "type"
	Message string // "age must be at least 18"
}

// Failure lists everything that is wrong with the inputs of one request.
type Failure struct {
	Missing    string      // the first required input, in declaration order, that is absent or empty; "" if all are given
	Violations []Violation // all faults, those of missing inputs included, in declaration order, at most 64
}

// Options are the options of [CompileInput].
type Options struct {
	FileType reflect.Type // the struct type of an uploaded file; inputs are pointers to it or slices of these pointers. Default: no files
}

// Field describes one input of an action, for documentation and for the code that filters secrets.
type Field struct {
	Name, Doc    string
	Type, Format string   // the type and the format of JSON Schema; an uploaded file has type "string" and format "binary"
	Items        string   // the type of the elements of a list
	Default      string   // the text of the default tag
	Example      string   // the text of the example tag
	Minimum      string   // the text of the minimum tag
	Maximum      string   // the text of the maximum tag
	Pattern      string   // a regular expression in Go's syntax
	Enum         []string // the values allowed
	Required     bool
	Secret       bool    // the whole input is never to be shown in logs or repeated to the client
	Secrets      Secrets // the parts of the input that are never to be shown; all of it if Secret is true
	File         bool    // the input is an uploaded file or a list of uploaded files
}
