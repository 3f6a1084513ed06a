package schema

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

func jsonString(dst []byte, s string) []byte { return jsonx.AppendString(dst, s) }

func jsonRaw(dst []byte, text string) []byte { return jsonx.AppendRaw(dst, bytesOf(text)) }

// isJSON reports whether text is a JSON value that begins with open; 0 is any.
func isJSON(text string, open byte) bool {
	raw := trim(bytesOf(text))
	return len(raw) > 0 && (open == 0 || raw[0] == open) && jsonx.Valid(raw) == nil
}

// schemaWriter writes the JSON Schema (2020-12) of a type. Structs that contain themselves are written once, under
// $defs, and referred to.
type schemaWriter struct {
	output   bool         // what is written, not what is read
	fileType reflect.Type // of inputs
	loops    map[reflect.Type]bool
	names    map[reflect.Type]string
	order    []reflect.Type // of names
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
	w.loops, w.names = map[reflect.Type]bool{}, map[reflect.Type]string{}
	w.findLoops(t, nil)
	dst := []byte{'{'}
	if name, _ := jsonType(t, w.fileType); name == typeObject {
		dst = w.object(dst, t)
	} else { // it writes itself, and all that is known is that it must be an object
		dst = append(dst, `"type":"object"`...)
	}
	for i := 0; i < len(w.order); i++ { // writing one may add others
		if dst = append(dst, ','); i == 0 {
			dst = append(dst, `"$defs":{`...)
		}
		dst = append(jsonString(dst, w.names[w.order[i]]), ":{"...)
		dst = append(w.object(dst, w.order[i]), '}')
	}
	if len(w.order) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// opaque reports whether a type is written without looking into it.
func (w *schemaWriter) opaque(t reflect.Type) bool {
	return t == timeType || t == w.fileType || encodesItself(t) || decodesItself(t)
}

// findLoops finds the structs that contain themselves.
func (w *schemaWriter) findLoops(t reflect.Type, above []reflect.Type) {
	t = target(t)
	switch {
	case slices.Contains(above, t):
		w.loops[t] = true
		return
	case w.opaque(t) || w.loops[t]:
		return
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		w.findLoops(t.Elem(), append(slices.Clip(above), t))
	case reflect.Struct:
		members, _ := flatten(t)
		for i := range members {
			w.findLoops(members[i].field.Type, append(slices.Clip(above), t))
		}
	}
}

// value appends the schema of a type without the braces. A pointer is written as null when it is nil; sent as null, it
// is as good as not sent.
func (w *schemaWriter) value(dst []byte, t reflect.Type) []byte {
	if t.Kind() == reflect.Pointer && w.output {
		return append(w.value(append(dst, `"anyOf":[{`...), target(t)), `},{"type":"null"}]`...)
	}
	t = target(t)
	if w.loops[t] {
		return jsonString(append(dst, `"$ref":`...), "#/$defs/"+w.name(t))
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
		dst = jsonString(append(dst, `,"format":`...), format)
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

// name returns what a type is called under $defs.
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

// object appends the schema of a struct or map, or of another type that contains itself, without the braces.
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
	members, err := flatten(t)
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
		dst = append(jsonString(dst, m.name), ":{"...)
		dst = append(w.property(dst, m), '}')
		if w.isRequired(m) {
			required = append(required, m.name)
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
		dst = jsonString(dst, name)
	}
	return append(dst, ']')
}

// isRequired reports whether a member is always there: an input by its tag, an output unless it may be left out.
func (w *schemaWriter) isRequired(m *member) bool {
	if w.output {
		return !m.omitEmpty && !m.omitZero && m.via == nil
	}
	return m.field.Tag.Get("required") == "true"
}

// property appends the schema of a member: its type, its rules and what is said about it.
func (w *schemaWriter) property(dst []byte, m *member) []byte {
	start := len(dst)
	t := m.field.Type
	if t.Kind() == reflect.Pointer && (m.omitEmpty || m.omitZero) {
		t = target(t) // never null
	}
	if m.quoted && w.output {
		dst = append(dst, `"type":"string"`...)
	} else {
		dst = w.value(dst, t)
	}
	r, _ := parseRules(m)
	dst = w.rules(dst, start, t, r)
	return w.annotations(dst, start, t, m.field.Tag)
}

// annotations appends what is said about a member whose schema begins at start.
func (w *schemaWriter) annotations(dst []byte, start int, t reflect.Type, tag reflect.StructTag) []byte {
	pair := func(key string, value []byte) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(jsonString(dst, key), ':'), value...)
	}
	doc := tag.Get("doc")
	if doc == "" && target(t) == durationType {
		doc = "a duration such as 1m30s"
	}
	if doc != "" {
		pair("description", jsonString(nil, doc))
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

// rules appends the rules of a member whose schema begins at start.
func (w *schemaWriter) rules(dst []byte, start int, t reflect.Type, r rules) []byte {
	nullable := w.output && t.Kind() == reflect.Pointer
	t = target(t)
	kind, _ := jsonType(t, w.fileType)
	object := kind == typeObject && t.Kind() == reflect.Map
	if (kind == typeArray && t.Kind() == reflect.Slice || object) && !nullable {
		own := rules{minItems: r.minItems, maxItems: r.maxItems}
		r.minItems, r.maxItems = "", ""
		if r != (rules{}) { // they are about the elements, whose schema is the last thing written
			inner := dst[:len(dst)-1]
			dst = append(w.rules(inner, start, t.Elem(), r), '}')
		}
		r = own
	}
	if r.minimum != "" { // instead of the one that comes with the type
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
		name := rule.name
		if object {
			name = strings.Replace(name, "Items", "Properties", 1)
		}
		if len(dst) > start && dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(jsonString(dst, name), ':'), value...)
	}
	return dst
}

// ruleValue returns the JSON of a rule. Durations are text in JSON, so their bounds cannot be said.
func (w *schemaWriter) ruleValue(t reflect.Type, name, text string) ([]byte, bool) {
	switch name {
	case "pattern":
		return jsonString(nil, text), true
	case "format":
		_, own := jsonType(t, w.fileType)
		return jsonString(nil, text), own == ""
	case "enum":
		return appendTagList(nil, t, splitList(text))
	case "minimum", "maximum":
		if kind, _ := jsonType(t, nil); kind == typeString {
			return nil, false
		}
		return appendTagNumber(nil, t, text)
	}
	n, ok := count(text)
	return strconv.AppendInt(nil, int64(n), 10), ok
}
