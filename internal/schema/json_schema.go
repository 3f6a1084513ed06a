package schema

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// schemaWriter writes the JSON Schema (2020-12) of a type. The types in defs are written as a "$ref".
type schemaWriter struct {
	Use
	fileType reflect.Type // the type of uploaded files in an input
	defs     *Definitions
}

// place says where a value stands, which decides whether null and the empty string are values there.
type place uint8

const (
	placeMember  place = iota // a member that may be absent
	placeGiven                // a required input, which must be given
	placeElement              // an element of a list or a map
)

// InputSchema returns the JSON Schema (2020-12) of inputs of type t, on one line. If strict is true, the schema refuses
// unknown members. Only types that contain themselves are under "$defs".
func InputSchema(t, fileType reflect.Type, strict bool) []byte {
	return document(Use{Type: t, Strict: strict}, fileType)
}

func document(u Use, fileType reflect.Type) []byte {
	w := newWriter(u, fileType)
	return w.document(w.defs.body(u))
}

// newWriter returns the writer of a document about one type.
func newWriter(u Use, fileType reflect.Type) *schemaWriter {
	defs := &Definitions{prefix: "#/$defs/", fileType: fileType, names: map[Use]string{}, recursive: map[reflect.Type]bool{}}
	defs.findRecursive(u.Type, nil)
	return &schemaWriter{Use: u, fileType: fileType, defs: defs}
}

// document returns a schema with the keywords body, and with the definitions to which they refer.
func (w *schemaWriter) document(body []byte) []byte {
	defs, dst := w.defs, append([]byte{'{'}, body...)
	for i := 0; i < len(defs.used); i++ { // writing one definition may add others
		if dst = append(dst, ','); i == 0 { // the body is not empty, because it has the reference
			dst = append(dst, `"$defs":{`...)
		}
		dst = append(jsonx.AppendString(dst, defs.names[defs.used[i]]), ":{"...)
		dst = append(append(dst, defs.body(defs.used[i])...), '}')
	}
	if len(defs.used) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// nullable reports whether the schema of type t allows null at the place. An input is null in two cases only: it is an
// Optional, or it is an element whose zero value stands for null. A null member counts as not given.
func (w *schemaWriter) nullable(t reflect.Type, at place) bool {
	_, optional := layout.OptionalOf(t)
	switch {
	case optional:
		return true
	case w.Output:
		return t.Kind() == reflect.Pointer
	case at != placeElement || w.opaque(t):
		return false
	}
	name, _ := jsonType(t, w.fileType)
	return t.Kind() == reflect.Pointer && target(t) != w.fileType || t.Kind() == reflect.Map || name == typeArray
}

func (w *schemaWriter) opaque(t reflect.Type) bool { return w.defs.opaque(t) }

// value appends the JSON Schema of a value of type t with the rules r, without the enclosing braces.
func (w *schemaWriter) value(dst []byte, t reflect.Type, r rules, at place) []byte {
	inner := target(t)
	if w.nullable(t, at) {
		if name, _ := jsonType(inner, w.fileType); name == "" && !w.defs.has(w.of(inner)) {
			return dst
		}
		return append(w.value(append(dst, `"anyOf":[{`...), inner, r, placeMember), `},{"type":"null"}]`...)
	}
	t = inner
	if w.defs.has(w.of(t)) {
		dst = jsonx.AppendString(append(dst, `"$ref":`...), w.defs.ref(w.of(t)))
		return w.counts(dst, t, r)
	}
	name, format := jsonType(t, w.fileType)
	switch name {
	case typeObject:
		return w.object(dst, t, r)
	case typeArray:
		return w.list(dst, t, r)
	case typeInteger, typeNumber:
		return w.number(dst, t, r, name)
	case typeString:
		return w.text(dst, t, r, format, at)
	case "":
		if at == placeGiven {
			dst = append(dst, `"not":{"enum":["",null]}`...)
		}
		return dst
	}
	return append(append(append(dst, `"type":"`...), name...), '"')
}

func (w *schemaWriter) of(t reflect.Type) Use { return Use{t, w.Output, w.Strict} }

// object appends the JSON Schema of a struct or of a map, without the enclosing braces.
func (w *schemaWriter) object(dst []byte, t reflect.Type, r rules) []byte {
	if t.Kind() == reflect.Struct {
		return w.structure(dst, t)
	}
	_, element := r.split()
	dst = append(w.value(append(dst, `"type":"object","additionalProperties":{`...), t.Elem(), element, placeElement), '}')
	return w.counts(dst, t, r)
}

func (w *schemaWriter) list(dst []byte, t reflect.Type, r rules) []byte {
	_, element := r.split()
	dst = append(w.value(append(dst, `"type":"array","items":{`...), t.Elem(), element, placeElement), '}')
	if t.Kind() == reflect.Array {
		n := strconv.Itoa(t.Len())
		return append(dst, `,"minItems":`+n+`,"maxItems":`+n...)
	}
	return w.counts(dst, t, r)
}

// counts appends the rules minItems and maxItems of a list or a map.
func (w *schemaWriter) counts(dst []byte, t reflect.Type, r rules) []byte {
	unit := "Items"
	if t.Kind() == reflect.Map {
		unit = "Properties"
	}
	for _, rule := range [][2]string{{"min", r.minItems}, {"max", r.maxItems}} {
		if n, ok := parseCount(rule[1]); ok {
			dst = strconv.AppendInt(append(dst, `,"`+rule[0]+unit+`":`...), int64(n), 10)
		}
	}
	return dst
}

func (w *schemaWriter) structure(dst []byte, t reflect.Type) []byte {
	members, err := layout.Members(t)
	dst = append(dst, `"type":"object"`...)
	if err != nil {
		return dst
	}
	var required []string
	for i := range members {
		m := &members[i]
		if dst = append(dst, ','); i == 0 {
			dst = append(dst, `"properties":{`...)
		}
		dst = append(jsonx.AppendString(dst, m.Name), ":{"...)
		dst = append(w.property(dst, m), '}')
		if w.isRequired(m) {
			required = append(required, m.Name)
		}
	}
	if len(members) > 0 {
		dst = append(dst, '}')
	}
	if len(required) > 0 {
		dst = append(appendTexts(append(dst, `,"required":[`...), required), ']')
	}
	if w.Strict && !w.Output {
		dst = append(dst, `,"additionalProperties":false`...)
	}
	return dst
}

func appendTexts(dst []byte, texts []string) []byte {
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonx.AppendString(dst, text)
	}
	return dst
}

// isRequired reports whether a member is always present. An input is always present if it has the tag required:"true".
// An output is always present unless the member can be omitted because of a json option or a nil embedded pointer.
func (w *schemaWriter) isRequired(m *layout.Member) bool {
	if w.Output {
		return !m.OmitEmpty && !m.OmitZero && m.Via == nil
	}
	return m.Field.Tag.Get("required") == "true"
}

// property appends the JSON Schema of a member without the enclosing braces: the type, the rules and the annotations of
// the member.
func (w *schemaWriter) property(dst []byte, m *layout.Member) []byte {
	start := len(dst)
	t, at := m.Field.Type, placeMember
	if w.isRequired(m) && !w.Output {
		at = placeGiven
	}
	if w.Output && w.nullable(t, at) && m.OmitEmpty || t.Kind() == reflect.Pointer && m.OmitZero {
		t = target(t) // never null
	}
	r, _ := parseRules(m)
	if m.Quoted && w.Output {
		dst = append(dst, `"type":"string"`...)
	} else {
		dst = w.value(dst, t, r, at)
	}
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
	doc, secret := tag.Get("doc"), tag.Get("secret") == "true"
	if target(t) == durationType {
		doc = durationDoc(doc, tag)
	}
	if doc != "" {
		pair("description", jsonx.AppendString(nil, doc))
	}
	if text := tag.Get("default"); text != "" && !w.Output && !secret {
		if value, ok := appendTagValue(nil, t, text); ok {
			pair("default", value)
		}
	}
	if text := tag.Get("example"); text != "" {
		if value, ok := appendTagValue([]byte{'['}, t, text); ok {
			pair("examples", append(value, ']'))
		}
	}
	if secret && !w.Output {
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

// Definitions are the named types of one document, or of several that must use the same names.
type Definitions struct {
	prefix    string       // of a reference, before the name
	all       bool         // every named struct has a definition, not only types that contain themselves
	fileType  reflect.Type // the type of uploaded files
	recursive map[reflect.Type]bool
	names     map[Use]string
	reserved  []string // names that no type gets
	used      []Use    // in the order of the first reference
}

// Use is a type with the way in which a schema describes it.
type Use struct {
	Type   reflect.Type
	Output bool // the schema describes an output, not an input
	Strict bool // an input that may not have unknown members
}

// opaque reports whether the schema of a type ignores the fields or elements of the type. This holds for times, files
// and types that encode or decode themselves.
func (d *Definitions) opaque(t reflect.Type) bool {
	return t == timeType || t == d.fileType || layout.EncodesItself(t) || layout.DecodesItself(t)
}

// findRecursive adds t to d.recursive if t contains itself, and does the same for each type inside t. parents are the
// types that enclose t.
func (d *Definitions) findRecursive(t reflect.Type, parents []reflect.Type) {
	t = target(t)
	switch {
	case slices.Contains(parents, t):
		d.recursive[t] = true
		return
	case d.opaque(t) || d.recursive[t]:
		return
	}
	for _, inner := range parts(t) {
		d.findRecursive(inner, append(slices.Clip(parents), t))
	}
}

// parts returns the types of the members or elements of t.
func parts(t reflect.Type) (types []reflect.Type) {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return []reflect.Type{t.Elem()}
	case reflect.Struct:
		members, _ := layout.Members(t)
		for i := range members {
			types = append(types, members[i].Field.Type)
		}
	}
	return types
}

// body returns the JSON Schema of a type without the enclosing braces and without a reference to the type itself.
func (d *Definitions) body(u Use) []byte {
	w := schemaWriter{Use: u, fileType: d.fileType, defs: d}
	name, _ := jsonType(u.Type, d.fileType)
	switch {
	case name == typeObject:
		return w.object(nil, u.Type, rules{})
	case name == typeArray:
		return w.list(nil, u.Type, rules{})
	}
	return []byte(`"type":"object"`) // the type encodes itself, and an output is always an object
}

// has reports whether a schema refers to the type instead of describing it in its place.
func (d *Definitions) has(u Use) bool {
	if d.all {
		return d.names[u] != ""
	}
	return d.recursive[u.Type]
}

// ref returns the reference to the definition of a type.
func (d *Definitions) ref(u Use) string {
	if !slices.Contains(d.used, u) {
		d.used = append(d.used, u)
	}
	if d.names[u] == "" {
		d.names[u] = d.free(shortName(u.Type))
	}
	return d.prefix + d.names[u]
}

// free returns the name, with a number if another type has it.
func (d *Definitions) free(base string) string {
	taken := map[string]bool{}
	for _, name := range d.names {
		taken[name] = true
	}
	name := base
	for i := 2; taken[name] || slices.Contains(d.reserved, name); i++ {
		name = base + strconv.Itoa(i)
	}
	return name
}

// shortName returns the name of a type for a definition, of letters, digits, "_" and "-" only.
func shortName(t reflect.Type) string { return clean(t.Name()) }

func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if isAlphanumeric(r) || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "Type"
	}
	return name
}
