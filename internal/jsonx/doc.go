// Package jsonx has the rules for JSON that every other package follows.
//
// Begin with [Members], which splits the object of a request, and with [Append] and [AppendString], which write.
//
// A scanner of our own ([Members], [Valid], [Unquote]) reads the data of clients in one pass, without reflection and
// without building a tree. It accepts RFC 8259 with two limits: values nest at most [MaxDepth] levels, and the object given
// to [Members] has no member twice. Bytes that are not UTF-8 are accepted inside strings and become U+FFFD when the string
// becomes Go text. A client with broken text therefore damages only its own text.
//
// [Marshal], [Append] and [Unmarshal] convert Go values with github.com/go-json-experiment/json and version 2 semantics:
// exact member names, nil slices as [] and nil maps as {}, maps in the order of their keys. A [time.Duration] is written
// as Go text ("1m30s").
//
// All functions that write escape U+2028 and U+2029, because an answer may be executed as JavaScript (JSONP).
package jsonx

// MaxDepth is the deepest nesting of arrays and objects that is accepted from a client. The outermost value is level 1.
const MaxDepth = 64
