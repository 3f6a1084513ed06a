package schema

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// schemaWriter writes the JSON Schema (2020-12) of a type. If a type contains itself, its schema is written once, under
// "$defs", and every use of the type is a "$ref".
type schemaWriter struct {
	output    bool         // the schema describes an output, not an input
	fileType  reflect.Type // the type of uploaded files in an input
	recursive map[reflect.Type]bool
	names     map[reflect.Type]string // the names of types under "$defs"
	order     []reflect.Type          // the types of names in the order of their definitions
}

func inputSchema(t reflect.Type, fileType reflect.Type) []byte {
	w := schemaWriter{fileType: fileType}
	return w.document(t)
}

func outputSchema(t reflect.Type) []byte {
	w := schemaWriter{output: true}
	return w.document(t)
}

func (w *schemaWriter) document(t reflect.Type) []byte {
	w.recursive, w.names = map[reflect.Type]bool{}, map[reflect.Type]string{}
	w.findRecursive(t, nil)
	dst := []byte{'{'}
	if name, _ := jsonType(t, w.fileType); name == typeObject {
		dst = w.object(dst, t)
	} else { // t encodes itself, and an output is always an object
		dst = append(dst, `"type":"object"`...)
	}
	for i := 0; i < len(w.order); i++ { // writing one definition may add others
		if dst = append(dst, ','); i == 0 {
			dst = append(dst, `"$defs":{`...)
		}
		dst = append(jsonx.AppendString(dst, w.names[w.order[i]]), ":{"...)
		dst = append(w.object(dst, w.order[i]), '}')
	}
	if len(w.order) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// opaque reports whether the schema of a type ignores the fields or elements of the type. This holds for times, files
// and types that encode or decode themselves.
func (w *schemaWriter) opaque(t reflect.Type) bool {
	return t == timeType || t == w.fileType || layout.EncodesItself(t) || layout.DecodesItself(t)
}

// findRecursive adds t to w.recursive if t contains itself, and does the same for each type inside t. parents are the
// types that enclose t.
func (w *schemaWriter) findRecursive(t reflect.Type, parents []reflect.Type) {
	t = target(t)
	switch {
	case slices.Contains(parents, t):
		w.recursive[t] = true
		return
	case w.opaque(t) || w.recursive[t]:
		return
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		w.findRecursive(t.Elem(), append(slices.Clip(parents), t))
	case reflect.Struct:
		members, _ := layout.Members(t)
		for i := range members {
			w.findRecursive(members[i].Field.Type, append(slices.Clip(parents), t))
		}
	}
}

// nullable reports whether the schema of type t allows null: for pointers in outputs, and for optional values. Other
// inputs never allow null, because a null input counts as not given.
func (w *schemaWriter) nullable(t reflect.Type) bool {
	_, optional := layout.OptionalOf(t)
	return optional || w.output && t.Kind() == reflect.Pointer
}

// value appends the JSON Schema of type t without the enclosing braces.
func (w *schemaWriter) value(dst []byte, t reflect.Type) []byte {
	if w.nullable(t) {
		return append(w.value(append(dst, `"anyOf":[{`...), target(t)), `},{"type":"null"}]`...)
	}
	t = target(t)
	if w.recursive[t] {
		return jsonx.AppendString(append(dst, `"$ref":`...), "#/$defs/"+w.name(t))
	}
	name, format := jsonType(t, w.fileType)
	if name == typeObject {
		return w.object(dst, t)
	}
	if name == "" {
		return dst
	}
	dst = append(append(append(dst, `"type":"`...), name...), '"')
	if format != "" {
		dst = jsonx.AppendString(append(dst, `,"format":`...), format)
	}
	switch {
	case name == typeArray:
		dst = append(w.value(append(dst, `,"items":{`...), t.Elem()), '}')
		if t.Kind() == reflect.Array {
			n := strconv.Itoa(t.Len())
			dst = append(dst, `,"minItems":`+n+`,"maxItems":`+n...)
		}
	case name == typeInteger && isUnsigned(t.Kind()):
		dst = append(dst, unsignedMinimum...)
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !w.opaque(t):
		dst = append(dst, `,"contentEncoding":"base64"`...)
	}
	return dst
}

const unsignedMinimum = `,"minimum":0`

func isUnsigned(k reflect.Kind) bool { return k >= reflect.Uint && k <= reflect.Uintptr }

// name returns the name under which "$defs" defines type t. At the first call for t, it chooses an unused name and adds
// t to the definitions.
func (w *schemaWriter) name(t reflect.Type) string {
	if name, ok := w.names[t]; ok {
		return name
	}
	base := strings.Map(func(r rune) rune {
		if isAlphanumeric(r) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, t.Name())
	name := base
	for i := 2; base == "" || w.taken(name); i++ {
		if base == "" {
			base = "Type"
		}
		name = base + strconv.Itoa(i)
	}
	w.names[t] = name
	w.order = append(w.order, t)
	return name
}

func (w *schemaWriter) taken(name string) bool {
	for _, other := range w.names {
		if other == name {
			return true
		}
	}
	return false
}

// object appends the JSON Schema of a struct, a map, or a recursive list, without the enclosing braces.
func (w *schemaWriter) object(dst []byte, t reflect.Type) []byte {
	switch t.Kind() {
	case reflect.Struct:
		return w.structure(dst, t)
	case reflect.Map:
		return append(w.value(append(dst, `"type":"object","additionalProperties":{`...), t.Elem()), '}')
	}
	return append(w.value(append(dst, `"type":"array","items":{`...), t.Elem()), '}')
}

func (w *schemaWriter) structure(dst []byte, t reflect.Type) []byte {
	members, err := layout.Members(t)
	dst = append(dst, `"type":"object"`...)
	if err != nil || len(members) == 0 {
		return dst
	}
	dst = append(dst, `,"properties":{`...)
	var required []string
	for i := range members {
		m := &members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, m.Name), ":{"...)
		dst = append(w.property(dst, m), '}')
		if w.isRequired(m) {
			required = append(required, m.Name)
		}
	}
	dst = append(dst, '}')
	if len(required) == 0 {
		return dst
	}
	dst = append(dst, `,"required":[`...)
	for i, name := range required {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonx.AppendString(dst, name)
	}
	return append(dst, ']')
}

// isRequired reports whether a member is always present. An input is always present if it has the tag required:"true".
// An output is always present unless the member can be omitted because of a json option or a nil embedded pointer.
func (w *schemaWriter) isRequired(m *layout.Member) bool {
	if w.output {
		return !m.OmitEmpty && !m.OmitZero && m.Via == nil
	}
	return m.Field.Tag.Get("required") == "true"
}

// property appends the JSON Schema of a member without the enclosing braces: the type, the rules and the annotations of
// the member.
func (w *schemaWriter) property(dst []byte, m *layout.Member) []byte {
	start := len(dst)
	t := m.Field.Type
	if w.output && w.nullable(t) && m.OmitEmpty || t.Kind() == reflect.Pointer && m.OmitZero {
		t = target(t) // never null
	}
	if m.Quoted && w.output {
		dst = append(dst, `"type":"string"`...)
	} else {
		dst = w.value(dst, t)
	}
	r, _ := parseRules(m)
	dst = w.rules(dst, start, t, r)
	return w.annotations(dst, start, t, m.Field.Tag)
}

// annotations appends the keywords "description", "default" and "examples" of a member, and "writeOnly" for a secret
// input. dst[start:] contains the already written keywords of the member.
func (w *schemaWriter) annotations(dst []byte, start int, t reflect.Type, tag reflect.StructTag) []byte {
	pair := func(key string, value []byte) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(jsonx.AppendString(dst, key), ':'), value...)
	}
	doc := tag.Get("doc")
	if target(t) == durationType {
		doc = durationDoc(doc, tag)
	}
	if doc != "" {
		pair("description", jsonx.AppendString(nil, doc))
	}
	if text := tag.Get("default"); text != "" && !w.output {
		if value, ok := appendTagValue(nil, t, text); ok {
			pair("default", value)
		}
	}
	if text := tag.Get("example"); text != "" {
		if value, ok := appendTagValue([]byte{'['}, t, text); ok {
			pair("examples", append(value, ']'))
		}
	}
	if tag.Get("secret") == "true" && !w.output {
		pair("writeOnly", []byte("true"))
	}
	return dst
}

// durationDoc returns the description of a duration. It has the bounds of the duration, because a text has no minimum and no
// maximum in JSON Schema.
func durationDoc(doc string, tag reflect.StructTag) string {
	low, high := tag.Get("minimum"), tag.Get("maximum")
	switch {
	case low != "" && high != "":
		low = "from " + low + " to " + high
	case low != "":
		low = "at least " + low
	case high != "":
		low = "at most " + high
	case doc != "":
		return doc
	}
	about := strings.TrimSuffix("a duration such as 1m30s, "+low, ", ")
	if doc == "" {
		return about
	}
	return doc + " (" + about + ")"
}

// rules appends the rules of a member as JSON Schema keywords. dst[start:] contains the already written
// keywords of the member.
func (w *schemaWriter) rules(dst []byte, start int, t reflect.Type, r rules) []byte {
	nullable := w.nullable(t)
	t = target(t)
	kind, _ := jsonType(t, w.fileType)
	object := kind == typeObject && t.Kind() == reflect.Map
	if (kind == typeArray && t.Kind() == reflect.Slice || object) && !nullable {
		own, element := r.split()
		if element != (rules{}) { // the schema of the elements was written last
			inner := dst[:len(dst)-1]
			dst = append(w.rules(inner, start, t.Elem(), element), '}')
		}
		r = own
	}
	if r.minimum != "" { // the rule replaces the minimum 0 of an unsigned type
		dst = bytes.TrimSuffix(dst, []byte(unsignedMinimum))
	}
	for _, rule := range r.each() {
		if *rule.text == "" || t.Kind() == reflect.Array && strings.HasSuffix(rule.name, "Items") {
			continue
		}
		value, ok := w.ruleValue(t, rule.name, *rule.text)
		if !ok {
			continue
		}
		if nullable && rule.name == "enum" {
			value = append(value[:len(value)-1], ",null]"...)
		}
		name := rule.name
		if object {
			name = strings.Replace(name, "Items", "Properties", 1)
		}
		if len(dst) > start && dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(jsonx.AppendString(dst, name), ':'), value...)
	}
	return dst
}

// ruleValue returns the JSON value of a rule. It returns ok false if JSON Schema cannot express the rule. For example,
// a duration has no minimum or maximum in JSON Schema, because a duration is text in JSON.
func (w *schemaWriter) ruleValue(t reflect.Type, name, text string) (value []byte, ok bool) {
	switch name {
	case "pattern":
		return jsonx.AppendString(nil, text), true
	case "format":
		_, own := jsonType(t, w.fileType)
		return jsonx.AppendString(nil, text), own == ""
	case "enum":
		return appendTagList(nil, t, splitList(text))
	case "minimum", "maximum":
		if kind, _ := jsonType(t, nil); kind == typeString {
			return nil, false
		}
		return appendTagNumber(nil, t, text)
	}
	n, ok := parseCount(text)
	return strconv.AppendInt(nil, int64(n), 10), ok
}
