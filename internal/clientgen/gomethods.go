package clientgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// typeNames returns the names of the types of all namespaces.
func (n *node) typeNames() (names []string) {
	if n.name != "" {
		names = append(names, n.typeName())
	}
	for _, name := range sortedKeys(n.spaces) {
		names = append(names, n.spaces[name].typeNames()...)
	}
	return names
}

func (n *node) typeName() string {
	if n.name == "" {
		return "API"
	}
	return n.name + "Actions"
}

// namespace writes the type of a namespace with its methods, and those in it.
func (w *goWriter) namespace(n *node) {
	typeName := n.typeName()
	about := "has the actions of a namespace."
	if n.name == "" {
		about = "has all actions, which are called over a transport."
	}
	fmt.Fprintf(&w.body, "// %s %s\ntype %s struct {\nvia Transport\n", typeName, about, typeName)
	for _, name := range sortedKeys(n.spaces) {
		fmt.Fprintf(&w.body, "%s %s\n", name, n.spaces[name].typeName())
	}
	w.body.WriteString("}\n\n")
	if n.name == "" {
		w.body.WriteString("// New returns the actions over a transport, such as an [HTTP] or a [Conn].\nfunc New(via Transport) *API {\nreturn &" + n.value() + "\n}\n\n")
	}
	for _, name := range sortedKeys(n.methods) {
		w.method(typeName, name, n.methods[name])
	}
	for _, name := range sortedKeys(n.spaces) {
		w.namespace(n.spaces[name])
	}
}

// value returns the literal of a namespace.
func (n *node) value() string {
	text := n.typeName() + "{via: via"
	for _, name := range sortedKeys(n.spaces) {
		text += ", " + name + ": " + n.spaces[name].value()
	}
	return text + "}"
}

func (w *goWriter) method(owner, name string, m *method) {
	args, in := "ctx context.Context", "nil"
	if m.input != nil {
		args, in = args+", in "+w.expr(m.input, false, name+"Input"), "in"
	}
	w.body.WriteString(goComment(name+" calls the action "+m.wire+".", m.info.Description, m.declared()))
	if old := m.superseded(); old != "" {
		w.body.WriteString("//\n// Deprecated: " + oneLine(old) + "\n")
	}
	fmt.Fprintf(&w.body, "func (a *%s) %s(%s, options ...Option) ", owner, name, args)
	call := "a.via.Call(ctx, &" + goSpec(m) + ", " + in + ", "
	switch {
	case m.content:
		fmt.Fprintf(&w.body, "(out *Download, err error) {\nerr = %s&out, options...)\nreturn out, err\n}\n\n", call)
	case m.output == nil:
		fmt.Fprintf(&w.body, "error {\nreturn %snil, options...)\n}\n\n", call)
	default:
		fmt.Fprintf(&w.body, "(out %s, err error) {\nerr = %s&out, options...)\nreturn out, err\n}\n\n", w.expr(m.output, true, name+"Output"), call)
	}
}

// goSpec returns what the transports know of an action.
func goSpec(m *method) string {
	spec := fmt.Sprintf("Spec{Name: %q, Path: %q", m.wire, m.path)
	if m.info.Idempotent {
		spec += ", Idempotent: true"
	}
	if m.info.IdempotencyKey != actionhero.KeyIgnored {
		spec += ", Keyed: true"
	}
	if m.content {
		spec += ", Content: true"
	}
	if m.info.Transports != nil {
		spec += fmt.Sprintf(", Over: %#v", m.info.Transports)
	}
	return spec + "}"
}

// events writes the functions of the events.
func (w *goWriter) events() {
	for _, e := range w.api.events {
		name := goName(e.name)
		var params, args []string
		pattern, end := "", 0
		for i, at := range roomParam.FindAllStringSubmatchIndex(e.info.Room, -1) {
			pattern += strings.ReplaceAll(e.info.Room[end:at[0]], "%", "%%") + "%v"
			param := "p" + strconv.Itoa(i+1)
			if len(e.info.Params) == 1 {
				param = "param"
			}
			params, args = append(params, param+" any"), append(args, param)
			end = at[1]
		}
		room := strconv.Quote(e.info.Room)
		if len(args) > 0 {
			w.usesFmt = true
			room = "fmt.Sprintf(" + strconv.Quote(pattern+strings.ReplaceAll(e.info.Room[end:], "%", "%%")) + ", " + strings.Join(args, ", ") + ")"
		}
		fmt.Fprintf(&w.body, "// %sRoom returns the name of a room of the event %s, which is %s with values in place of the names.\nfunc %sRoom(%s) string {\nreturn %s\n}\n\n",
			name, e.info.Name, oneLine(e.info.Room), name, strings.Join(params, ", "), room)
		w.body.WriteString(goComment("On"+name+" calls f with each value of the event "+e.info.Name+", in all rooms of the connection, one after the other. stop ends it.", e.info.Description))
		data := w.expr(&e.data, true, name+"Data")
		fmt.Fprintf(&w.body, "func On%s(c *Conn, f func(%s, Message)) (stop func()) {\nreturn onEvent(c, %q, f)\n}\n\n", name, data, e.info.Name)
	}
	for len(w.hoisted) > 0 { // values of events without a name
		h := w.hoisted[0]
		w.hoisted = w.hoisted[1:]
		w.structure(h.name, h.fields, h.output)
	}
}
