// Package jsonx is the JSON of the house: one set of rules for every place that reads or writes JSON.
//
// What clients send is read by a scanner of our own ([Members], [Valid], [Unquote]), in one pass, without reflection and
// without building a tree. It accepts RFC 8259 with two bounds: values nest at most [MaxDepth] levels, and an object
// handed to [Members] has no member twice. Bytes that are not UTF-8 are let through inside strings and become U+FFFD as
// soon as the string is turned into Go text, so a broken client spoils its own text only.
//
// Go values are written and read by github.com/go-json-experiment/json ([Marshal], [Append], [Unmarshal]) with version 2
// semantics: exact member names, nil slices as [] and nil maps as {}, maps in the order of their keys. A
// [time.Duration] is written as Go writes it ("1m30s").
//
// Whatever is written escapes U+2028 and U+2029, because an answer may be executed as JavaScript (JSONP).
package jsonx

// MaxDepth is the deepest nesting of arrays and objects that is accepted from a client; the outermost value is level 1.
const MaxDepth = 64
