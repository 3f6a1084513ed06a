package schema

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Filtered is the JSON that stands in place of a secret value.
const Filtered = `"[FILTERED]"`

// Secrets names the parts of an input that logs and answers must not show. If several declarations share a name, their
// Secrets are appended to each other, and a part is secret if one of the declarations says so. An empty Secrets hides
// nothing.
type Secrets []*secretPart

// AllSecret hides a whole input.
var AllSecret = Secrets{{all: true}}

// secretPart is a value with secret parts, and the shape that the value has if it is valid. Parts of recursive types
// refer to each other.
type secretPart struct {
	all     bool
	list    bool               // elem is the part of each element of a list; otherwise of each member of a map
	elem    Secrets            // of lists and maps
	members map[string]Secrets // of structs: all members, with an empty Secrets for those without secret parts
}

// secretCompiler finds the secret parts of complete plans.
type secretCompiler struct {
	parts map[*typePlan]Secrets
}

// field returns the secret parts of a member of a struct.
func (c *secretCompiler) field(f *inputField) Secrets {
	if f.secret {
		return AllSecret
	}
	return c.plan(f.plan)
}

func (c *secretCompiler) plan(plan *typePlan) Secrets {
	if plan == nil || !hasSecrets(plan, map[*typePlan]bool{}) {
		return nil
	}
	if plan.t.Kind() == reflect.Pointer || plan.null != nil {
		return c.plan(plan.elem)
	}
	if known, ok := c.parts[plan]; ok {
		return known
	}
	part := &secretPart{list: plan.t.Kind() == reflect.Slice}
	c.parts[plan] = Secrets{part}
	if plan.members == nil {
		part.elem = c.plan(plan.elem)
		return c.parts[plan]
	}
	part.members = make(map[string]Secrets, len(plan.members.fields))
	for i := range plan.members.fields {
		f := &plan.members.fields[i]
		part.members[f.name] = c.field(f)
	}
	return c.parts[plan]
}

// hasSecrets reports whether a member with the tag secret can be reached from plan. seen holds the plans that are
// examined already, because recursive types reach themselves.
func hasSecrets(plan *typePlan, seen map[*typePlan]bool) bool {
	if plan == nil || seen[plan] {
		return false
	}
	seen[plan] = true
	if hasSecrets(plan.elem, seen) {
		return true
	}
	if plan.members == nil {
		return false
	}
	for i := range plan.members.fields {
		if f := &plan.members.fields[i]; f.secret || hasSecrets(f.plan, seen) {
			return true
		}
	}
	return false
}

// AppendJSON appends raw, a JSON value of valid syntax that a client sent, to dst, with [Filtered] in place of the secret
// parts. A part that does not have the shape of a valid value may be a secret in the wrong place. AppendJSON therefore
// hides it, as it hides the members that no declaration has.
func (s Secrets) AppendJSON(dst, raw []byte) []byte {
	d := decodeState{data: raw, pos: jsonx.SkipSpace(raw, 0)}
	return d.appendShown(dst, s)
}

// AppendText appends text, a value that a client sent as text, to dst as a JSON string. If the text is the JSON of an
// object or a list, AppendText hides the secret parts of the JSON. If it is not, AppendText hides the whole text.
func (s Secrets) AppendText(dst []byte, text string) []byte {
	raw := trim(jsonx.ViewBytes(text))
	switch {
	case len(s) == 0, text == "" && !s.Whole():
		return jsonx.AppendString(dst, text)
	case len(raw) == 0 || raw[0] != '{' && raw[0] != '[' || jsonx.Valid(raw) != nil || s.Whole():
		return append(dst, Filtered...)
	}
	return jsonx.AppendString(dst, jsonx.ViewString(s.AppendJSON(nil, raw)))
}

// Whole reports whether the whole input is secret.
func (s Secrets) Whole() bool {
	for _, part := range s {
		if part.all {
			return true
		}
	}
	return false
}

// appendShown appends the JSON value at the cursor to dst without its secret parts, and moves the cursor behind the
// value.
func (d *decodeState) appendShown(dst []byte, s Secrets) []byte {
	kind := d.peek()
	switch {
	case len(s) == 0:
		return jsonx.AppendRaw(dst, d.value())
	case s.Whole():
	case kind == 'n':
		return append(dst, d.value()...)
	case kind == '"':
		text, _ := jsonx.Unquote(d.value())
		return s.AppendText(dst, text)
	case kind == '[' && s.lists():
		return d.appendShownList(dst, s)
	case kind == '{' && s.objects():
		return d.appendShownObject(dst, s)
	}
	d.value()
	return append(dst, Filtered...)
}

func (d *decodeState) appendShownList(dst []byte, s Secrets) []byte {
	var elem Secrets
	for _, part := range s {
		elem = append(elem, part.elem...)
	}
	dst = append(dst, '[')
	start := len(dst)
	for more := d.open(']'); more; more = d.next(']') {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = d.appendShown(dst, elem)
	}
	return append(dst, ']')
}

func (d *decodeState) appendShownObject(dst []byte, s Secrets) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for more := d.open('}'); more; more = d.next('}') {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		key := d.key()
		dst = append(jsonx.AppendString(dst, key), ':')
		dst = d.appendShown(dst, s.member(key))
	}
	return append(dst, '}')
}

// lists reports whether a list is a valid value in all declarations.
func (s Secrets) lists() bool {
	for _, part := range s {
		if !part.list {
			return false
		}
	}
	return true
}

// objects reports whether an object is a valid value in all declarations.
func (s Secrets) objects() bool {
	for _, part := range s {
		if part.list {
			return false
		}
	}
	return true
}

// member returns the secret parts of the member with this key. If no declaration has the member, the whole member is
// secret: the client may have misspelt the key of a secret.
func (s Secrets) member(key string) (out Secrets) {
	known := false
	for _, part := range s {
		if part.members == nil {
			known, out = true, append(out, part.elem...)
			continue
		}
		parts, ok := part.members[key]
		known, out = known || ok, append(out, parts...)
	}
	if !known {
		return AllSecret
	}
	return out
}
