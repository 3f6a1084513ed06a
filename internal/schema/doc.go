// Package schema turns Go structs into what a server needs to know about the inputs and outputs of an action: how to
// decode and check what a client sent, how to write the answer, and how to describe both.
//
// A type is looked at once, when an action is registered: [CompileInput] and [CompileOutput] walk it by reflection and
// make a plan. A request then follows the plan over plain memory; it walks no types, and reflection is left to lists,
// maps and types that decode themselves.
//
// # Names
//
// A field's name is that of its json tag, else the name of the Go field unchanged, for inputs and outputs and at every
// level. That is the rule of package jsonx too, so what Marshal writes of an input decodes as that input. Embedded
// structs are flattened; json:"-" and unexported fields do not take part.
//
// # Inputs
//
// An input is given if the client sent it and it is neither JSON null nor the empty string. The one exception is a
// *string without required: there the empty string is given, and points to "". An input that is not given keeps its
// zero value, or gets its default.
//
// Numbers and booleans may come as text, and numbers and booleans are text for a string. A time is RFC 3339 text or
// Unix milliseconds, a duration Go text ("1m30s") or milliseconds. A list is a JSON array, a repeated key, or text with
// commas (white space around the elements is dropped); maps and structs are JSON objects, also written into text.
// Nested structs follow the same rules as the outermost one, defaults and required members included, once their object
// is given. Strings always arrive as valid UTF-8.
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
// On a list or a map, the rules that are not about its size hold for each element.
package schema
