package clientgen

import (
	"embed"
	"fmt"
	"go/format"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/actionhero-go/actionhero"
)

//go:embed goruntime/call.go goruntime/conn.go goruntime/conncall.go goruntime/errors.go goruntime/files.go goruntime/http.go goruntime/json.go goruntime/link.go goruntime/rooms.go goruntime/websocket.go
var goRuntime embed.FS

// goTaken are names that no type of an app gets: those of the runtime.
var goTaken = strings.Fields(`API Auth CodeOf Code CodeInternal CodeInvalidInput CodeNotFound CodeAlreadyExists CodeUnauthenticated CodePermissionDenied
	CodeResourceExhausted CodeConflict CodeCanceled CodeDeadlineExceeded CodeUnavailable CodeNetwork CodeTimeout CodeAborted CodeClosed CodeProtocol
	CodeInvalidCall Conn ConnOptions Connect Detail Download Error HTTP Message New Null Option Optional RoomStatus Some Spec Token Transport Upload
	WithBody WithKey WithProgress WithRetries`)

// Go returns the client in Go, as one package that imports the standard library alone: client.go has what is of the app, the
// others are its runtime. The same app has the same bytes.
func Go(d actionhero.Description, o Options) ([]File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if !token.IsIdentifier(o.Package) || o.Package == "main" {
		return nil, fmt.Errorf("the package cannot be named %q: choose a name of letters and digits with --package", o.Package)
	}
	a, err := build(d, &o, overNetwork)
	if err != nil {
		return nil, err
	}
	root, err := tree(a.methods, goName)
	if err != nil {
		return nil, err
	}
	w := &goWriter{api: a, byDefinition: map[string]*definition{}, recursive: map[string]bool{}}
	for _, d := range a.definitions {
		w.byDefinition[d.name] = d
	}
	taken := slices.Concat(goTaken, root.typeNames())
	for _, e := range a.events {
		taken = append(taken, "On"+goName(e.name), goName(e.name)+"Room")
	}
	w.names = typeNames(a.definitions, taken)
	for _, d := range a.definitions {
		w.byName(d.name)
	}
	w.definitions()
	w.namespace(root)
	w.events()
	text, err := format.Source([]byte(w.head(&o) + w.body.String()))
	if err != nil {
		return nil, fmt.Errorf("the client in Go is malformed: %w", err)
	}
	files := []File{{"client.go", text}}
	entries, err := goRuntime.ReadDir("goruntime")
	for _, entry := range entries {
		source, err := goRuntime.ReadFile(path.Join("goruntime", entry.Name()))
		if err != nil {
			return nil, err
		}
		own := strings.Replace(string(source), "package goruntime\n", "package "+o.Package+"\n", 1)
		files = append(files, File{"runtime_" + entry.Name(), []byte(o.head() + "\n" + own)})
	}
	return files, err
}

// goWriter writes client.go.
type goWriter struct {
	api          *api
	byDefinition map[string]*definition
	names        map[string]string // of the types, by the names of their definitions
	recursive    map[string]bool   // whether a struct contains itself, by the name of its definition
	hoisted      []hoisted
	usesFmt      bool
	usesTime     bool
	body         strings.Builder
}

// hoisted is a struct without a name that gets one.
type hoisted struct {
	name   string
	fields []field
	output bool
}

func (w *goWriter) head(o *Options) string {
	text := o.head() + "\n// Package " + o.Package + " is the client of " + oneLine(w.api.title) + " " + oneLine(w.api.version) + ".\npackage " + o.Package + "\n\nimport (\n"
	if len(w.api.methods) > 0 {
		text += "\"context\"\n"
	}
	if w.usesFmt {
		text += "\"fmt\"\n"
	}
	if w.usesTime {
		text += "\"time\"\n"
	}
	return text + ")\n\n"
}

// byName finds out whether a struct contains itself without a list or a map between.
func (w *goWriter) byName(start string) {
	seen := map[string]bool{}
	var visit func(fields []field)
	visit = func(fields []field) {
		for i := range fields {
			f := &fields[i]
			visit(f.fields)
			if f.kind != refKind || seen[f.ref] {
				continue
			}
			if seen[f.ref] = true; w.definition(f.ref) != nil {
				visit(w.definition(f.ref).fields)
			}
		}
	}
	visit(w.definition(start).fields)
	w.recursive[start] = seen[start]
}

func (w *goWriter) definition(name string) *definition { return w.byDefinition[name] }

// initialisms are words that Go writes in capitals.
var initialisms = []string{"api", "cpu", "css", "dns", "html", "http", "https", "id", "ip", "json", "sql", "tcp", "tls", "ttl", "uid", "uri", "url", "utf8", "uuid", "xml"}

// goName returns text as an exported name.
func goName(text string) string {
	var out, word strings.Builder
	end := func() {
		if one := word.String(); slices.Contains(initialisms, strings.ToLower(one)) {
			out.WriteString(strings.ToUpper(one))
		} else {
			out.WriteString(upperFirst(one))
		}
		word.Reset()
	}
	last := ' '
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			last = ' '
			continue
		}
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			end()
		}
		word.WriteRune(r)
		last = r
	}
	end()
	name := out.String()
	if name == "" || !unicode.IsUpper([]rune(name)[0]) {
		name = "X" + name
	}
	return name
}

func goComment(lines ...string) (text string) {
	for _, line := range lines {
		if line != "" {
			text += "// " + oneLine(line) + "\n"
		}
	}
	return text
}

func (w *goWriter) definitions() {
	for _, d := range w.api.definitions {
		name := w.names[d.name]
		if d.kind != objectKind {
			fmt.Fprintf(&w.body, "type %s %s\n\n", name, w.expr(&d.typ, d.output, name))
			continue
		}
		w.structure(name, d.fields, d.output)
		for len(w.hoisted) > 0 {
			h := w.hoisted[0]
			w.hoisted = w.hoisted[1:]
			w.structure(h.name, h.fields, h.output)
		}
	}
}

func (w *goWriter) structure(name string, fields []field, output bool) {
	fmt.Fprintf(&w.body, "// %s is an %s.\ntype %s struct {\n", name, map[bool]string{true: "output", false: "input"}[output], name)
	used := map[string]bool{}
	var files []string
	for i := range fields {
		f := &fields[i]
		member := goName(f.name)
		for used[member] {
			member += "_"
		}
		used[member] = true
		doc := f.doc
		if len(f.enum) > 0 {
			doc = strings.TrimPrefix(doc+"; one of "+strings.Join(f.enum, ", "), "; ")
		}
		w.body.WriteString(goComment(doc))
		expr, omit := w.member(f, output, name+member)
		tag := f.name
		switch {
		case f.isFile() || f.kind == listKind && f.elem.isFile():
			tag = "-"
			files = append(files, w.upload(f, member))
		case omit:
			tag += ",omitzero"
		}
		fmt.Fprintf(&w.body, "%s %s `json:%s`\n", member, expr, strconv.Quote(tag))
	}
	w.body.WriteString("}\n\n")
	if len(files) > 0 {
		fmt.Fprintf(&w.body, "func (in %s) uploads() (files []formFile) {\n%sreturn files\n}\n\n", name, strings.Join(files, ""))
	}
}

func (w *goWriter) upload(f *field, member string) string {
	if f.kind == listKind {
		return fmt.Sprintf("for _, file := range in.%s {\nfiles = append(files, formFile{%q, file})\n}\n", member, f.name)
	}
	return fmt.Sprintf("files = append(files, formFile{%q, in.%s})\n", f.name, member)
}

// member returns the type of a field, and whether its zero value is left out.
func (w *goWriter) member(f *field, output bool, name string) (expr string, omit bool) {
	bare := f.typ
	bare.nullable = false
	plain := w.expr(&bare, output, name)
	if strings.HasPrefix(plain, "*") { // an upload
		return plain, true
	}
	isNil := strings.HasPrefix(plain, "[]") || strings.HasPrefix(plain, "map[") || plain == "any" || f.kind == refKind && w.isNilable(f.ref)
	isStruct := f.kind == objectKind || f.kind == refKind && !isNil
	switch {
	case f.nullable && !output:
		return "Optional[" + plain + "]", true
	case isNil:
		return plain, !f.required
	case f.nullable, isStruct && w.recursive[f.ref], isStruct && !f.required && !output:
		return "*" + plain, !f.required
	case f.required:
		return plain, false
	case f.zeroIsOff:
		return plain, true
	}
	return "*" + plain, true
}

// isNilable reports whether the type of a definition has the value nil.
func (w *goWriter) isNilable(name string) bool {
	d := w.definition(name)
	return d.kind == listKind || d.kind == dictKind || d.kind == anyKind
}

// expr returns the expression of a type. name is the one of a struct without a name.
func (w *goWriter) expr(t *typ, output bool, name string) string {
	text := w.plain(t, output, name)
	isNil := strings.HasPrefix(text, "[]") || strings.HasPrefix(text, "map[") || strings.HasPrefix(text, "*") || text == "any" || t.kind == refKind && w.isNilable(t.ref)
	if t.nullable && !isNil {
		text = "*" + text
	}
	return text
}

func (w *goWriter) plain(t *typ, output bool, name string) string {
	switch t.kind {
	case boolKind:
		return "bool"
	case intKind:
		switch t.format {
		case "int":
			return "int64"
		case "uint", "uintptr":
			return "uint64"
		}
		return t.format
	case numberKind:
		return "float64"
	case textKind:
		switch t.format {
		case "date-time":
			w.usesTime = true
			return "time.Time"
		case "byte":
			return "[]byte"
		case "binary":
			return "*Upload"
		}
		return "string"
	case listKind:
		return "[]" + w.expr(t.elem, output, name)
	case dictKind:
		return "map[string]" + w.expr(t.elem, output, name)
	case objectKind:
		for slices.ContainsFunc(w.hoisted, func(h hoisted) bool { return h.name == name }) || w.hasName(name) {
			name += "_"
		}
		w.hoisted = append(w.hoisted, hoisted{name, t.fields, output})
		return name
	case refKind:
		return w.names[t.ref]
	}
	return "any"
}

func (w *goWriter) hasName(name string) bool {
	for _, other := range w.names {
		if other == name {
			return true
		}
	}
	return false
}
