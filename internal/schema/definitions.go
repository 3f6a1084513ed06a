package schema

import (
	"cmp"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Document is the named types of a document with the schemas of several inputs and outputs. Each struct with a name has a
// definition, to which all schemas refer. The names depend on all types of the app, so a document with a part of the
// schemas uses the same names.
type Document struct{ defs Definitions }

// NewDocument returns a Document for the types in uses. prefix is the beginning of a reference, before the name. No type gets
// one of the reserved names.
func NewDocument(prefix string, uses []Use, fileType reflect.Type, reserved ...string) *Document {
	d := &Document{Definitions{prefix: prefix, all: true, fileType: fileType, reserved: reserved, names: map[Use]string{}, recursive: map[reflect.Type]bool{}}}
	var found []Use
	for _, u := range uses {
		found = d.collect(found, u)
	}
	d.nameAll(found)
	return d
}

// collect adds the types of u that get definitions to found, each once.
func (d *Document) collect(found []Use, u Use) []Use {
	u.Type = target(u.Type)
	if d.defs.opaque(u.Type) || slices.Contains(found, u) {
		return found
	}
	if u.Type.Name() != "" && (u.Type.Kind() == reflect.Struct && u.Type.NumField() > 0 || d.containsItself(u.Type)) {
		found = append(found, u)
	}
	for _, inner := range parts(u.Type) {
		found = d.collect(found, Use{inner, u.Output, u.Strict})
	}
	return found
}

// containsItself reports whether a value of a type may hold further ones. Each cycle of types has one with a name.
func (d *Document) containsItself(t reflect.Type) bool {
	alone := Definitions{fileType: d.defs.fileType, recursive: map[reflect.Type]bool{}}
	alone.findRecursive(t, nil)
	return alone.recursive[t]
}

var packagePath = regexp.MustCompile(`[\w.~/-]*[./]`)

// nameAll gives each type a name. Types of the same name in several packages have the name of the package in front.
func (d *Document) nameAll(found []Use) {
	base := func(u Use) string {
		name := packagePath.ReplaceAllString(u.Type.Name(), "")
		if !u.Output {
			name = strings.TrimSuffix(name, "Input")
		}
		if u.Strict {
			name += "Strict"
		}
		if !u.Output {
			name += "Input" // once, also for a type that has the word in its name
		}
		return clean(name)
	}
	groups := map[string][]Use{}
	for _, u := range found {
		groups[base(u)] = append(groups[base(u)], u)
	}
	order := slices.Clone(found)
	slices.SortStableFunc(order, func(a, b Use) int { return cmp.Compare(a.Type.PkgPath(), b.Type.PkgPath()) })
	for _, u := range order {
		name := base(u)
		if len(groups[name]) > 1 {
			name = clean(path.Base(u.Type.PkgPath()) + "_" + name)
		}
		d.defs.names[u] = d.defs.free(name)
	}
}

// Schema returns the JSON Schema of a type, which refers to the definitions. The type itself is a reference, if it has a
// definition.
func (d *Document) Schema(u Use) []byte {
	u.Type = target(u.Type)
	if d.defs.has(u) {
		return []byte(`{"$ref":` + strconv.Quote(d.defs.ref(u)) + `}`)
	}
	return d.body(u)
}

// Value returns the JSON Schema of values of any type, which refers to the definitions. The value may be null, if the type is
// a pointer.
func (d *Document) Value(u Use) []byte {
	w := schemaWriter{Use: u, fileType: d.defs.fileType, defs: &d.defs}
	return append(w.value([]byte{'{'}, u.Type, rules{}, placeMember), '}')
}

// Body returns the JSON Schema of a type, which refers to the definitions of the types within it, but not to its own.
func (d *Document) Body(u Use) []byte {
	u.Type = target(u.Type)
	return d.body(u)
}

func (d *Document) body(u Use) []byte { return append(append([]byte{'{'}, d.defs.body(u)...), '}') }

// Definitions returns the schemas of all types to which a returned schema refers, by their names.
func (d *Document) Definitions() map[string][]byte {
	schemas := map[string][]byte{}
	for i := 0; i < len(d.defs.used); i++ { // writing one definition may add others
		schemas[d.defs.names[d.defs.used[i]]] = d.body(d.defs.used[i])
	}
	return schemas
}
