package clientgen

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// kind is the kind of a value in JSON.
type kind uint8

const (
	anyKind kind = iota
	boolKind
	intKind
	numberKind
	textKind
	listKind
	dictKind   // an object whose members have names of the app's data
	objectKind // a struct without a name
	refKind    // a type with a definition
)

// typ is the type of a value, in the terms that TypeScript and Go share.
type typ struct {
	kind     kind
	format   string   // of a text: "date-time", "date", "duration", "byte", "binary" or one of the formats of a tag; of an integer: its Go type
	ref      string   // the name of the definition
	elem     *typ     // of a list or a dict
	fields   []field  // of an object
	enum     []string // the only values, as JSON
	nullable bool
}

// field is a member of an object.
type field struct {
	typ
	name, doc string
	required  bool
	zeroIsOff bool // the zero value of the Go type means the same as an absent member
}

// definition is a type with a name.
type definition struct {
	typ
	name   string
	output bool
}

// method is an action as clients see it.
type method struct {
	info     *actionhero.ActionInfo
	place    place
	wire     string // the name on all transports, with its version, which the client keeps when the app has a newer one
	path     string // over HTTP
	input    *typ   // nil: no inputs
	optional bool   // no input is required
	output   *typ   // nil: none, or bytes
	content  bool   // the output is bytes
	files    []string
}

// event is an event of rooms as clients see it.
type event struct {
	info *actionhero.EventInfo
	name string
	data typ
}

// api is an app as clients see it.
type api struct {
	title, version string
	methods        []*method
	events         []*event
	definitions    []*definition
}

// builder makes an api.
type builder struct {
	document *schema.Document
	known    map[string]*definition
	bodies   map[string][]byte
}

const refPrefix = "#/$defs/"

// build returns the app as clients see it over one of the transports.
func build(d actionhero.Description, o *Options, transports []string) (*api, error) {
	a := &api{title: d.Name, version: d.Version}
	var uses []schema.Use
	for i := range d.Actions {
		in, out := d.Actions[i].Types()
		uses = append(uses, schema.Use{Type: in, Strict: d.Actions[i].Strict}, schema.Use{Type: out, Output: true})
	}
	for i := range d.Events {
		uses = append(uses, schema.Use{Type: d.Events[i].Type(), Output: true})
	}
	b := &builder{document: schema.NewDocument(refPrefix, uses, reflect.TypeFor[actionhero.File]()), known: map[string]*definition{}}
	for i := range uses {
		b.document.Value(uses[i])
		b.document.Schema(uses[i])
	}
	b.bodies = b.document.Definitions()
	for i := range d.Actions {
		info := &d.Actions[i]
		over := func(transport string) bool { return info.IsOver(transport) }
		if !slices.ContainsFunc(transports, over) || !o.wants(info.Name) {
			continue
		}
		m, err := b.method(info, o, uses[2*i], uses[2*i+1])
		if err != nil {
			return nil, fmt.Errorf("action %q: %w", info.Name, err)
		}
		a.methods = append(a.methods, m)
	}
	for i := range d.Events {
		info := &d.Events[i]
		if !o.wants(info.Name) {
			continue
		}
		u := schema.Use{Type: info.Type(), Output: true}
		e := &event{info: info}
		place, err := placeOf(info.Name)
		if err == nil {
			e.name = place.flat()
			e.data, err = b.typ(u.Type, b.document.Value(u), true)
		}
		if err != nil {
			return nil, fmt.Errorf("event %q: %w", info.Name, err)
		}
		if at := slices.IndexFunc(a.events, func(other *event) bool { return upperFirst(other.name) == upperFirst(e.name) }); at >= 0 {
			return nil, fmt.Errorf("the events %q and %q have the same name %s in a client: rename one, or leave one out with --without", a.events[at].info.Name, info.Name, e.name)
		}
		a.events = append(a.events, e)
	}
	for _, name := range sortedKeys(b.known) {
		a.definitions = append(a.definitions, b.known[name])
	}
	return a, nil
}

// method describes an action.
func (b *builder) method(info *actionhero.ActionInfo, o *Options, in, out schema.Use) (m *method, err error) {
	m = &method{info: info, wire: info.VersionedName(), content: info.ReturnsContent(), optional: true}
	if m.place, err = placeOf(info.Name); err != nil {
		return nil, err
	}
	if info.Superseded {
		m.place.name += fmt.Sprintf("V%d", info.Version)
	}
	m.path = o.Path + "/" + m.wire
	for i := range info.Inputs {
		m.optional = m.optional && !info.Inputs[i].Required
		if info.Inputs[i].Format == "binary" {
			m.files = append(m.files, info.Inputs[i].Name)
		}
	}
	if len(info.Inputs) > 0 {
		if m.input, err = b.use(in, m.place.flat()+"Input"); err != nil {
			return nil, err
		}
		m.files = b.fileNames(m.input)
	}
	none := out.Type == reflect.TypeFor[actionhero.None]()
	if !none && !m.content {
		m.output, err = b.use(out, m.place.flat()+"Output")
	}
	return m, err
}

// declared returns a sentence about the declaration of the action.
func (m *method) declared() string {
	var codes []string
	for _, code := range m.info.Errors {
		if code != actionhero.CodeInternal && code != actionhero.CodeCanceled && code != actionhero.CodeUnavailable { // each call
			codes = append(codes, code.String())
		}
	}
	text := "The action " + m.wire + " (" + m.info.Kind.String() + ")."
	if len(codes) > 0 {
		text += " Among its errors are " + strings.Join(codes, ", ") + "."
	}
	return text
}

// superseded returns a sentence about an old version, or "".
func (m *method) superseded() string {
	if m.info.Superseded {
		return "there is a newer version of " + m.info.Name + "."
	}
	return ""
}

// fileNames returns the names of the members that are uploaded files, or lists of them.
func (b *builder) fileNames(t *typ) (names []string) {
	fields := t.fields
	if t.kind == refKind {
		fields = b.known[t.ref].fields
	}
	for i := range fields {
		f := &fields[i]
		if f.isFile() || f.kind == listKind && f.elem.isFile() {
			names = append(names, f.name)
		}
	}
	return names
}

func (t *typ) isFile() bool { return t.kind == textKind && t.format == "binary" }

// use returns the type of an input or an output. A struct without a name gets the one in name.
func (b *builder) use(u schema.Use, name string) (*typ, error) {
	t, err := b.typ(u.Type, b.document.Schema(u), u.Output)
	if err != nil || t.kind != objectKind {
		return &t, err
	}
	for b.known[name] != nil || b.bodies[name] != nil {
		name += "_"
	}
	b.known[name] = &definition{typ: t, name: name, output: u.Output}
	return &typ{kind: refKind, ref: name}, nil
}

// shape has the keywords of a JSON Schema of which types are made.
type shape struct {
	Ref             string            `json:"$ref"`
	Type            string            `json:"type"`
	Format          string            `json:"format"`
	ContentEncoding string            `json:"contentEncoding"`
	Pattern         string            `json:"pattern"`
	Description     string            `json:"description"`
	Enum            []json.RawMessage `json:"enum"`
	AnyOf           []json.RawMessage `json:"anyOf"`
	Items           json.RawMessage   `json:"items"`
	Additional      json.RawMessage   `json:"additionalProperties"`
	Properties      json.RawMessage   `json:"properties"`
	Required        []string          `json:"required"`
	rules
}

// plainType returns t without pointers and without actionhero.Optional.
func plainType(t reflect.Type) reflect.Type {
	for {
		if o, ok := layout.OptionalOf(t); ok {
			t = o.Elem
		} else if t.Kind() == reflect.Pointer {
			t = t.Elem()
		} else {
			return t
		}
	}
}

// typ returns the type that a JSON Schema describes. The Go type t is the one from which the schema was made.
func (b *builder) typ(t reflect.Type, text []byte, output bool) (result typ, err error) {
	var s shape
	if err := json.Unmarshal(text, &s); err != nil {
		return result, err
	}
	if len(s.AnyOf) == 2 { // package schema writes it for null alone
		result, err = b.typ(t, s.AnyOf[0], output)
		result.nullable = true
		return result, err
	}
	t = plainType(t)
	for _, value := range s.Enum {
		result.enum = append(result.enum, string(value))
	}
	switch {
	case s.Ref != "":
		result.kind, result.ref = refKind, s.Ref[len(refPrefix):]
		return result, b.define(t, result.ref, output)
	case s.Type == "boolean":
		result.kind = boolKind
	case s.Type == "integer":
		result.kind, result.format = intKind, t.Kind().String()
	case s.Type == "number":
		result.kind = numberKind
	case s.Type == "string":
		result.kind, result.format = textKind, s.textFormat()
	case s.Type == "array":
		result.kind = listKind
		result.elem, err = b.element(t, s.Items, output)
	case s.Properties != nil:
		result.kind = objectKind
		result.fields, err = b.fields(t, &s, output)
	case s.Type == "object" && len(s.Additional) > 0 && s.Additional[0] == '{':
		result.kind = dictKind
		result.elem, err = b.element(t, s.Additional, output)
	case s.Type == "object":
		result.kind, result.elem = dictKind, &typ{}
	}
	return result, err
}

func (s *shape) textFormat() string {
	switch {
	case s.ContentEncoding == "base64":
		return "byte"
	case s.Format == "" && schema.IsDuration(s.Pattern):
		return "duration"
	}
	return s.Format
}

func (b *builder) element(t reflect.Type, text []byte, output bool) (*typ, error) {
	if k := t.Kind(); k == reflect.Slice || k == reflect.Array || k == reflect.Map {
		t = t.Elem()
	}
	elem, err := b.typ(t, text, output)
	return &elem, err
}

// fields returns the members of a struct, in the order of their declaration.
func (b *builder) fields(t reflect.Type, s *shape, output bool) (fields []field, err error) {
	members := map[string]*layout.Member{}
	if t.Kind() == reflect.Struct {
		list, err := layout.Members(t)
		if err != nil {
			return nil, err
		}
		for i := range list {
			members[list[i].Name] = &list[i]
		}
	}
	err = jsonx.Members(s.Properties, func(name string, text []byte) error {
		var own shape
		if err := json.Unmarshal(text, &own); err != nil {
			return err
		}
		f := field{name: name, required: slices.Contains(s.Required, name)}
		from, m, pattern := t, members[name], ""
		if m != nil {
			from, pattern = m.Field.Type, m.Field.Tag.Get("pattern")
		}
		if m != nil && m.Field.Tag.Get("minimum")+m.Field.Tag.Get("maximum") == "" {
			own.Minimum, own.Maximum = "", "" // those of the Go type
		}
		f.doc = own.about(pattern)
		f.typ, err = b.typ(from, text, output)
		if m != nil { // an empty text counts as not given, so a default replaces it
			_, optional := layout.OptionalOf(from)
			f.zeroIsOff = from.Kind() != reflect.Pointer && !optional && (output || f.kind == textKind || m.Field.Tag.Get("default") == "")
		}
		fields = append(fields, f)
		return err
	})
	return fields, err
}

// define adds the definition with this name, unless it is known.
func (b *builder) define(t reflect.Type, name string, output bool) error {
	if b.known[name] != nil {
		return nil
	}
	d := &definition{name: name, output: output}
	b.known[name] = d // before its members, which may refer to it
	body, err := b.typ(t, b.bodies[name], output)
	d.typ = body
	return err
}
