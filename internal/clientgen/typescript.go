package clientgen

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/clients/js"
)

var (
	//go:embed ts/runtime.ts
	tsRuntime string
	//go:embed ts/socket.ts
	tsSocket string
)

// tsTaken are names that no type of an app gets: those of the runtime that client.ts uses, and those of the language.
var tsTaken = []string{
	"ActionSpec", "Api", "ApiError", "Auth", "BodyOptions", "CallOptions", "ClientCode", "Code", "DateTime", "Day", "Download", "Duration", "ErrorDetail",
	"Http", "HttpOptions", "Progress", "RoomEvent", "RoomMessage", "RoomStatus", "ServerCode", "Socket", "SocketEvents", "SocketOptions", "Transport", "Upload",
	"Date", "Promise", "Record", "Partial", "Object", "Array",
}

// tsWords are words that are no names of functions.
var tsWords = strings.Fields(`ApiError Download Http Socket arguments await break case catch class const continue createApi debugger default delete do else enum eval export extends
	false finally for function if implements import in input instanceof interface isApiError let new newKey events null options package private protected public return static super switch
	this throw true try typeof undefined var via void while with yield`)

// TypeScript returns the client in TypeScript: client.ts has what is of the app, the others are its runtime. The same app has
// the same bytes.
func TypeScript(d actionhero.Description, o Options) ([]File, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	a, err := build(d, &o, overNetwork[:2])
	if err != nil {
		return nil, err
	}
	root, err := tree(a.methods, func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	w := &tsWriter{api: a, names: typeNames(a.definitions, tsTaken), used: map[string]bool{}}
	w.body.WriteString("\n")
	w.definitions()
	w.functions()
	w.events()
	w.tree(root)
	var head strings.Builder
	head.WriteString(o.head())
	fmt.Fprintf(&head, "/* The client of %s %s. */\n\n", oneLine(a.title), oneLine(a.version))
	if used := sortedKeys(w.used); len(used) > 0 {
		fmt.Fprintf(&head, "import type { %s } from \"./runtime.js\";\n", strings.Join(used, ", "))
	}
	if w.hasEvents() {
		head.WriteString("import type { RoomEvent } from \"./socket.js\";\n")
	}
	head.WriteString(tsExports)
	return []File{
		{"client.ts", []byte(head.String() + w.body.String())},
		{"runtime.ts", []byte(o.head() + tsRuntime)},
		{"socket.ts", []byte(o.head() + tsSocket)},
		{"actionhero.ts", []byte(o.head() + "// @ts-nocheck: this is JavaScript, whose types socket.ts has\n/* eslint-disable */\n\n" + string(js.Script))},
	}, nil
}

// tsExports is what the runtime has for apps.
const tsExports = `
export { ApiError, Download, Http, isApiError, newKey } from "./runtime.js";
export type {
  ActionSpec, Auth, BodyOptions, CallOptions, ClientCode, Code, DateTime, Day, Duration, ErrorDetail, HttpOptions, Progress, ServerCode, Transport, Upload,
} from "./runtime.js";
export { Socket } from "./socket.js";
export type { RoomEvent, RoomMessage, RoomStatus, SocketEvents, SocketOptions } from "./socket.js";
`

// typeNames returns the names of the definitions in a client. They begin with a capital, and none is in taken.
func typeNames(definitions []*definition, taken []string) map[string]string {
	names, used := map[string]string{}, map[string]bool{}
	for _, name := range taken {
		used[name] = true
	}
	for _, d := range definitions {
		base := upperFirst(camel(d.name))
		if base == "" || !unicode.IsLetter([]rune(base)[0]) {
			base = "Type" + base
		}
		name := base
		for i := 2; used[name]; i++ {
			name = base + strconv.Itoa(i)
		}
		names[d.name], used[name] = name, true
	}
	return names
}

// tsWriter writes client.ts.
type tsWriter struct {
	api   *api
	names map[string]string // of the types, by the names of their definitions
	used  map[string]bool   // names of the runtime
	body  strings.Builder
}

func (w *tsWriter) use(name string) string {
	w.used[name] = true
	return name
}

// tsComment returns a comment of some lines, without those that are empty.
func tsComment(indent string, lines ...string) string {
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	switch len(lines) {
	case 0:
		return ""
	case 1:
		return indent + "/** " + oneLine(lines[0]) + " */\n"
	}
	text := indent + "/**\n"
	for _, line := range lines {
		text += indent + " * " + oneLine(line) + "\n"
	}
	return text + indent + " */\n"
}

func (w *tsWriter) definitions() {
	for _, d := range w.api.definitions {
		name := w.names[d.name]
		if d.kind != objectKind {
			fmt.Fprintf(&w.body, "export type %s = %s;\n\n", name, w.expr(&d.typ, d.output, ""))
			continue
		}
		fmt.Fprintf(&w.body, "export interface %s %s\n\n", name, w.object(d.fields, d.output, ""))
	}
}

// object returns the members of an object in braces.
func (w *tsWriter) object(fields []field, output bool, indent string) string {
	text, inner := "{\n", indent+"  "
	for i := range fields {
		f := &fields[i]
		expr, mark := w.expr(&f.typ, output, inner), ""
		if !f.required {
			if mark = "?"; !output {
				expr += " | undefined"
			}
		}
		text += tsComment(inner, f.doc) + inner + tsKey(f.name) + mark + ": " + expr + ";\n"
	}
	return text + indent + "}"
}

// tsKey returns the name of a member, in quotes unless it is an identifier.
func tsKey(name string) string {
	for i, r := range name {
		if r != '_' && r != '$' && (r > 127 || !unicode.IsLetter(r)) && (i == 0 || r > 127 || !unicode.IsDigit(r)) {
			return jsText(name)
		}
	}
	if name == "" || name == "constructor" || name == "new" { // new without quotes would make the type a class
		return jsText(name)
	}
	return name
}

// expr returns the expression of a type.
func (w *tsWriter) expr(t *typ, output bool, indent string) string {
	text := w.plain(t, output, indent)
	if t.nullable && text != "unknown" {
		text += " | null"
	}
	return text
}

func (w *tsWriter) plain(t *typ, output bool, indent string) string {
	if len(t.enum) > 0 {
		return strings.Join(t.enum, " | ")
	}
	switch t.kind {
	case boolKind:
		return "boolean"
	case intKind, numberKind:
		return "number"
	case textKind:
		return w.text(t.format, output)
	case listKind:
		elem := w.expr(t.elem, output, indent)
		if strings.Contains(elem, " | ") || strings.HasPrefix(elem, "readonly ") {
			elem = "(" + elem + ")"
		}
		if !output {
			elem = "readonly " + elem
		}
		return elem + "[]"
	case dictKind:
		return "{ [key: string]: " + w.expr(t.elem, output, indent) + " }" // a Record cannot contain itself
	case objectKind:
		return w.object(t.fields, output, indent)
	case refKind:
		return w.names[t.ref]
	}
	return "unknown"
}

func (w *tsWriter) text(format string, output bool) string {
	switch {
	case format == "date-time" && !output:
		return w.use("DateTime") + " | Date"
	case format == "date-time":
		return w.use("DateTime")
	case format == "date":
		return w.use("Day")
	case format == "duration":
		return w.use("Duration")
	case format == "binary":
		return w.use("Upload")
	}
	return "string"
}

// functions writes a function for each action, so that a bundler leaves out those that a program does not call.
func (w *tsWriter) functions() {
	for _, m := range w.api.methods {
		w.body.WriteString(about(m, ""))
		args, pass := w.args(m)
		fmt.Fprintf(&w.body, "export function %s(via: %s, %s): %s {\n  return via.call(%s, %s);\n}\n\n",
			tsFunction(m), w.use("Transport"), args, w.result(m), tsSpec(m), pass)
	}
}

// tsFunction returns the name of the function of an action.
func tsFunction(m *method) string {
	name := m.place.flat()
	if unicode.IsDigit([]rune(name)[0]) {
		name = "_" + name
	}
	if slices.Contains(tsWords, name) {
		name += "_"
	}
	return name
}

// about returns the comment of a method.
func about(m *method, indent string) string {
	old := m.superseded()
	if old != "" {
		old = "@deprecated " + old
	}
	return tsComment(indent, m.info.Description, m.declared(), old)
}

// args returns the params of a method, and how the function passes them on.
func (w *tsWriter) args(m *method) (args, pass string) {
	options := "options?: " + w.use("CallOptions")
	if m.info.RawBody {
		options = "options: " + w.use("BodyOptions")
	}
	switch {
	case m.input == nil:
		return options, "undefined, options"
	case m.optional && m.info.RawBody:
		return "input: " + w.expr(m.input, false, "") + " | undefined, " + options, "input, options"
	case m.optional:
		return "input?: " + w.expr(m.input, false, "") + ", " + options, "input, options"
	}
	return "input: " + w.expr(m.input, false, "") + ", " + options, "input, options"
}

func (w *tsWriter) result(m *method) string {
	switch {
	case m.content:
		return "Promise<" + w.use("Download") + ">"
	case m.output == nil:
		return "Promise<void>"
	}
	return "Promise<" + w.expr(m.output, true, "") + ">"
}

// tsSpec returns what the transports know of an action.
func tsSpec(m *method) string {
	spec := fmt.Sprintf("{ name: %q, path: %q", m.wire, m.path)
	add := func(is bool, text string) {
		if is {
			spec += ", " + text
		}
	}
	list := func(texts []string) string {
		var quoted []string
		for _, text := range texts {
			quoted = append(quoted, jsText(text))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	add(m.info.Idempotent, "idempotent: true")
	add(m.info.IdempotencyKey != actionhero.KeyIgnored, "keyed: true")
	add(len(m.files) > 0, "files: "+list(m.files))
	add(m.content, "content: true")
	add(m.output == nil && !m.content, "none: true")
	add(len(m.info.Transports) > 0, "over: "+list(m.info.Transports))
	return spec + " }"
}

func (w *tsWriter) hasEvents() bool { return len(w.api.events) > 0 }

// events writes what the app has declared of its rooms.
func (w *tsWriter) events() {
	if !w.hasEvents() {
		return
	}
	w.body.WriteString(tsComment("", "The events of rooms, for Socket.onEvent.") + "export const events = {\n")
	for _, e := range w.api.events {
		room, args, params := tsRoom(e.info)
		w.body.WriteString(tsComment("  ", e.info.Description, "In the rooms "+e.info.Room+"."))
		fmt.Fprintf(&w.body, "  %s: { name: %q, room: (%s) => %s } as RoomEvent<%s, %s>,\n", tsKey(e.name), e.info.Name, args, room, w.expr(&e.data, true, "  "), params)
	}
	w.body.WriteString("};\n\n")
}

// roomParam matches a param in the pattern of a room.
var roomParam = regexp.MustCompile(`\{([^{}]*)\}`)

// tsRoom returns the expression of the name of a room, the params of the function around it, and their type.
func tsRoom(info *actionhero.EventInfo) (room, args, params string) {
	if len(info.Params) == 0 {
		return jsText(info.Room), "", "void"
	}
	var types []string
	for _, name := range info.Params {
		types = append(types, name+": string | number")
	}
	end := 0
	for _, at := range roomParam.FindAllStringSubmatchIndex(info.Room, -1) {
		room += jsText(info.Room[end:at[0]]) + " + p." + info.Room[at[2]:at[3]] + " + "
		end = at[1]
	}
	params = "{ " + strings.Join(types, "; ") + " }"
	return strings.TrimSuffix(room+jsText(info.Room[end:]), ` + ""`), "p: " + params, params
}

// jsText returns a literal of JavaScript.
func jsText(text string) string {
	literal, _ := json.Marshal(text) // a string has JSON
	return string(literal)
}

// tree writes the interface with all namespaces, and the function that makes it.
func (w *tsWriter) tree(root *node) {
	w.body.WriteString(tsComment("", "All actions, in their namespaces.") + "export interface Api ")
	w.members(root, "")
	w.body.WriteString("\n\n" + tsComment("", "Returns all actions, which are called over a transport."))
	fmt.Fprintf(&w.body, "export function createApi(via: %s): Api {\n  return ", w.use("Transport"))
	w.values(root, "  ")
	w.body.WriteString(";\n}\n")
}

func (w *tsWriter) members(n *node, indent string) {
	w.body.WriteString("{\n")
	for _, name := range sortedKeys(n.methods) {
		m := n.methods[name]
		w.body.WriteString(about(m, indent+"  "))
		args, _ := w.args(m)
		fmt.Fprintf(&w.body, "%s  %s(%s): %s;\n", indent, tsMember(name), args, w.result(m))
	}
	for _, name := range sortedKeys(n.spaces) {
		fmt.Fprintf(&w.body, "%s  readonly %s: ", indent, tsMember(name))
		w.members(n.spaces[name], indent+"  ")
		w.body.WriteString(";\n")
	}
	w.body.WriteString(indent + "}")
}

func (w *tsWriter) values(n *node, indent string) {
	w.body.WriteString("{\n")
	for _, name := range sortedKeys(n.methods) {
		m := n.methods[name]
		args := "options"
		if m.input != nil {
			args = "input, options"
		}
		fmt.Fprintf(&w.body, "%s  %s: (%s) => %s(via, %s),\n", indent, tsMember(name), args, tsFunction(m), args)
	}
	for _, name := range sortedKeys(n.spaces) {
		fmt.Fprintf(&w.body, "%s  %s: ", indent, tsMember(name))
		w.values(n.spaces[name], indent+"  ")
		w.body.WriteString(",\n")
	}
	w.body.WriteString(indent + "}")
}

// tsMember returns the name of a method or of a namespace. An object with a method then would be taken for a promise.
func tsMember(name string) string {
	if name == "then" {
		return "then_"
	}
	return tsKey(name)
}
