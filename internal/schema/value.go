package schema

import (
	"reflect"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Value is the value that a client sent for one input, before decoding: text, JSON or files. The zero Value is an empty
// text. Each request has room for some values, which the runtime clears, so a Value has three words.
type Value struct {
	data string // the text as sent in a query string, a form field, a TCP paramAdd command or a command line; or the JSON
	rest *rest  // nil: data is text; &markJSON: data is JSON
}

// rest has the parts of a Value that few values have.
type rest struct {
	texts []string // further values of a repeated text key (?id=1&id=2), after Value.data
	file  any      // an uploaded file: a pointer to Options.FileType, or a slice of these pointers
}

// markJSON is the rest of each Value with JSON.
var markJSON rest

// TextValue returns a Value with a text.
func TextValue(text string) Value { return Value{data: text} }

// JSONValue returns a Value with a JSON value, whose syntax jsonx.Members or jsonx.Valid has checked. The Value shares the
// memory of raw. If raw is empty, the Value is an empty text.
func JSONValue(raw []byte) Value {
	if len(raw) == 0 {
		return Value{}
	}
	return Value{data: jsonx.ViewString(raw), rest: &markJSON}
}

// FileValue returns a Value with an uploaded file: a pointer to Options.FileType, or a slice of these pointers. If file is
// nil, the Value is an empty text.
func FileValue(file any) Value {
	if file == nil {
		return Value{}
	}
	return Value{rest: &rest{file: file}}
}

// JSON returns the JSON value, or nil if v is text or files. The caller must not change the bytes.
func (v *Value) JSON() []byte {
	if v.rest != &markJSON {
		return nil
	}
	return jsonx.ViewBytes(v.data)
}

// File returns the uploaded file or files, or nil if v is text or JSON.
func (v *Value) File() any {
	if v.rest == nil {
		return nil
	}
	return v.rest.file
}

// IsText reports whether v is text: one, or those of a repeated key.
func (v *Value) IsText() bool { return v.rest == nil || v.rest != &markJSON && v.rest.file == nil }

// Text returns the first text that the client sent for the key, or "" if v is no text.
func (v *Value) Text() string {
	if v.rest == &markJSON {
		return ""
	}
	return v.data
}

// MoreTexts returns the texts of a repeated key after the first one.
func (v *Value) MoreTexts() []string {
	if v.rest == nil {
		return nil
	}
	return v.rest.texts
}

// LastText returns the last text that the client sent for the key, or "" if v is no text. For every type except lists,
// only the last text counts.
func (v *Value) LastText() string {
	if more := v.MoreTexts(); len(more) > 0 {
		return more[len(more)-1]
	}
	return v.Text()
}

// AddText adds a text of a repeated key to v, which is text. It changes all copies of v that have several texts: see Own.
func (v *Value) AddText(text string) {
	if v.rest == nil {
		v.rest = &rest{}
	}
	v.rest.texts = append(v.rest.texts, text)
}

// Own returns a copy of v that AddText changes without an effect on v.
func (v *Value) Own() Value {
	if more := v.MoreTexts(); len(more) > 0 {
		return Value{data: v.data, rest: &rest{texts: slices.Clip(more)}}
	}
	return *v
}

// Clone returns a copy that shares no memory with v, except for files.
func (v *Value) Clone() Value {
	clone := v.Own()
	clone.data = strings.Clone(clone.data)
	if more := slices.Clone(clone.MoreTexts()); more != nil {
		for i := range more {
			more[i] = strings.Clone(more[i])
		}
		clone.rest.texts = more
	}
	return clone
}

// Size returns the number of bytes of the texts or the JSON, without files.
func (v *Value) Size() (bytes int) {
	bytes = len(v.data)
	for _, text := range v.MoreTexts() {
		bytes += len(text)
	}
	return bytes
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
