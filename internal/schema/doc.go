// Package schema decodes, checks and describes the inputs of actions, which are Go structs. It also describes their
// outputs; package encode writes them.
//
// Begin with [CompileInput], which examines a type once, when an action is registered, and builds a plan. [Input.Decode]
// follows the plan for each request: it sets the fields of flat structs directly, and uses reflection only for lists, maps
// and types that decode themselves. [DescribeOutput] is independent of the plans.
//
// # Names
//
// A member has the name that the json tag of its field gives, else the unchanged name of the Go field. This holds for
// inputs and outputs and at every level, and package jsonx follows the same rule: an input that jsonx.Marshal wrote decodes
// as that input. Embedded structs are flattened. Fields with json:"-" and unexported fields are ignored.
//
// # Inputs
//
// An input is given if the client sent it and its value is neither JSON null nor the empty string. There is one exception:
// for a *string without required, the empty string is given, and the field points to "". An input that is not given keeps
// its zero value, or gets its default.
//
// Numbers and booleans may be sent as text, and text may be sent as a number or a boolean. A time is RFC 3339 text or Unix
// milliseconds. A duration is Go text ("1m30s") or milliseconds. A list is a JSON array, a repeated key, or text with
// commas; white space around the elements is removed. Maps and structs are JSON objects, also as the content of a text.
// A nested struct follows the same rules as the outermost one, including defaults and required members, if its object is
// given. Decoded strings are always valid UTF-8.
//
// # Tags
//
//	required:"true"            must be given
//	default:"18"               if not given; must itself pass the checks
//	enum:"red,green"           one of these: text, numbers, durations
//	minimum, maximum           numbers, and durations ("1s")
//	minLength, maxLength       text, in characters
//	pattern:"^[a-z]+$"         text, a regular expression of package regexp, found anywhere unless it is anchored
//	format:"email"             email, uri, uuid, date-time, ipv4, ipv6, hostname
//	minItems, maxItems         lists and maps
//	doc, example               for people
//	secret:"true"              never shown
//
// On a list or a map, the rules other than minItems and maxItems apply to each element.
package schema
