// Package jsonx defines the JSON rules that all other packages follow.
//
// Begin with [Members], which splits the JSON object of a request into its members. [Append] and [AppendString] write
// JSON.
//
// [Members], [Valid] and [Unquote] use a scanner that reads the data of clients in one pass, without reflection and
// without building a tree. It accepts RFC 8259 with two limits: values nest at most [MaxDepth] levels, and the object
// given to [Members] must not repeat a member name. The scanner accepts bytes that are not UTF-8 inside strings. These
// bytes become U+FFFD when the string becomes Go text. A client that sends invalid UTF-8 therefore damages only its own
// text.
//
// [Marshal], [Append] and [Unmarshal] convert Go values with github.com/go-json-experiment/json and version 2
// semantics: exact member names, nil slices as [], nil maps as {}, and maps sorted by key. A [time.Duration] is written
// as Go text ("1m30s").
//
// All functions that write JSON escape U+2028 and U+2029, because a browser may execute a response as JavaScript
// (JSONP).
package jsonx

// MaxDepth is the maximum nesting of arrays and objects in the JSON of a client. The outermost array or object has
// level 1.
const MaxDepth = 64
