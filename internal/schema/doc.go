// Package schema decodes, checks and describes the inputs of actions. The inputs of an action are the fields of a Go
// struct. The package also describes the outputs of actions; package encode writes the outputs.
//
// Begin with [CompileInput]. It examines a struct type once, when an action is registered, and builds a plan.
// [Input.Decode] follows the plan for each request: it sets the fields of flat structs directly. It uses reflection
// only for lists, maps and types that decode themselves with an Unmarshal method. [OutputSchema] does not use the
// plans.
//
// # Names
//
// A member is one key of a JSON object, and corresponds to one field of a Go struct. Its name is the name in the json
// tag of the field, or else the unchanged name of the Go field. This rule holds for inputs and outputs and at every
// level. Package jsonx follows the same rule, so the JSON that jsonx.Marshal writes for an input struct decodes into that
// struct. Embedded structs are flattened. Fields with json:"-" and unexported fields are ignored.
//
// # Inputs
//
// An input is "given" if the client sent it and its value differs from JSON null and from the empty string. There is
// one exception: for a *string without required, the empty string counts as given, and the field points to "". An input
// that is not given gets its default; without a default, its field keeps the zero value. A struct that is not given gets the
// defaults of its members. An actionhero.Optional is given if the client sent it, even as null.
//
// Numbers and booleans may be sent as text, and text may be sent as a number or a boolean. A time is RFC 3339 text or
// Unix milliseconds. A duration is Go text ("1m30s") or milliseconds. A list is a JSON array, a repeated key, or text
// with commas; white space around the elements is removed. Maps and structs are JSON objects; a text may also contain
// the JSON object. If the object of a nested struct is given, its members follow the same rules, including defaults and
// required members. Decoded strings are always valid UTF-8.
//
// # Tags
//
//	required:"true"            the input must be given
//	default:"18"               the value if the input is not given; the value must itself pass the checks
//	enum:"red,green"           the allowed values; for text, numbers and durations
//	minimum, maximum           bounds of a number or of a duration ("1s")
//	minLength, maxLength       bounds of the length of a text, in characters
//	pattern:"^[a-z]+$"         a regular expression of package regexp that matches any part of the text
//	format:"email"             format of a text: email, uri, uuid, date, date-time, ipv4, ipv6, hostname
//	minItems, maxItems         bounds of the length of a list or map
//	doc, example               description and example value, for human readers
//	secret:"true"              logs and responses never contain the value
//
// On a list or a map, the rules other than minItems and maxItems apply to each element.
package schema
