package contract

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// direction says who writes the values of a schema: for an input it is the client, who may be refused, and for an output
// the server, whose values the client must understand.
type direction struct {
	name string
	// tightened and loosened are the verdicts on a schema that has fewer values than before, and on one that has more.
	tightened, loosened Verdict
}

var (
	sent     = direction{"input", Breaking, Compatible}
	received = direction{"output", Compatible, Risky}
)

// shape is a JSON Schema, as package schema writes it.
type shape struct {
	Ref             string            `json:"$ref"`
	Defs            map[string]*shape `json:"$defs"`
	Type            string            `json:"type"`
	Format          string            `json:"format"`
	ContentEncoding string            `json:"contentEncoding"`
	Pattern         string            `json:"pattern"`
	Enum            []json.RawMessage `json:"enum"`
	Default         json.RawMessage   `json:"default"`
	Minimum         json.Number       `json:"minimum"`
	Maximum         json.Number       `json:"maximum"`
	MinLength       json.Number       `json:"minLength"`
	MaxLength       json.Number       `json:"maxLength"`
	MinItems        json.Number       `json:"minItems"`
	MaxItems        json.Number       `json:"maxItems"`
	MinProperties   json.Number       `json:"minProperties"`
	MaxProperties   json.Number       `json:"maxProperties"`
	Properties      map[string]*shape `json:"properties"`
	Required        []string          `json:"required"`
	Additional      json.RawMessage   `json:"additionalProperties"`
	Items           *shape            `json:"items"`
	AnyOf           []*shape          `json:"anyOf"`
	WriteOnly       bool              `json:"writeOnly"`
	Description     string            `json:"description"`
}

// pair compares two schemas of one value.
type pair struct {
	*comparison
	direction
	old, now *shape // the documents, with the definitions
	part     string // the action, the task or the event
	seen     map[string]bool
}

// schema compares two documents of JSON Schema at a place.
func (c *comparison) schema(d direction, place string, before, after json.RawMessage) {
	var old, now shape
	if len(before) == 0 || len(after) == 0 || bytes.Equal(before, after) {
		return
	}
	if json.Unmarshal(before, &old) != nil || json.Unmarshal(after, &now) != nil {
		c.add(Breaking, place, "the schema of its %s cannot be read", d.name)
		return
	}
	p := &pair{c, d, &old, &now, place, map[string]bool{}}
	p.values("", &old, &now)
}

func (p *pair) note(v Verdict, path, format string, args ...any) {
	place := p.part + ", " + p.name
	if path != "" {
		place += " " + path
	}
	p.add(v, place, format, args...)
}

// resolve follows the reference of a schema, and returns whether null is a value of it.
func resolve(root, s *shape) (resolved shape, null bool) {
	if len(s.AnyOf) == 2 && s.AnyOf[1].Type == "null" {
		outer := *s
		resolved, _ = resolve(root, s.AnyOf[0])
		resolved.Default, resolved.WriteOnly, resolved.Description = outer.Default, outer.WriteOnly, outer.Description
		return resolved, true
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok && root.Defs[name] != nil {
		resolved = *root.Defs[name]
		resolved.Ref, resolved.Default, resolved.WriteOnly, resolved.Description = s.Ref, s.Default, s.WriteOnly, s.Description
		for _, own := range []struct{ dst, src *json.Number }{
			{&resolved.MinItems, &s.MinItems}, {&resolved.MaxItems, &s.MaxItems}, {&resolved.MinProperties, &s.MinProperties}, {&resolved.MaxProperties, &s.MaxProperties},
		} {
			if *own.src != "" {
				*own.dst = *own.src
			}
		}
		return resolved, false
	}
	return *s, s.Type == "" && s.Ref == ""
}

// values compares the values of two schemas at a path.
func (p *pair) values(path string, before, after *shape) {
	old, wasNull := resolve(p.old, before)
	now, isNull := resolve(p.now, after)
	switch {
	case isNull && !wasNull && now.Type != "":
		p.note(p.worse(p.loosened), path, "it may be null")
	case wasNull && !isNull && old.Type != "":
		p.note(p.tightened, path, "it is never null")
	}
	if !p.types(path, &old, &now) {
		return
	}
	p.rules(path, &old, &now)
	p.annotations(path, &old, &now)
	if old.Ref != "" && now.Ref != "" { // each use of a type has rules of its own; its parts are those of the first use
		key := old.Ref + " " + now.Ref
		if p.seen[key] {
			return
		}
		p.seen[key] = true
	}
	switch old.Type {
	case "object":
		p.members(path, &old, &now)
	case "array":
		if old.Items != nil && now.Items != nil {
			p.values(path+"[]", old.Items, now.Items)
		}
	}
}

// worse returns the verdict on values that clients of an output cannot read at all, not only rarely expect.
func (p *pair) worse(v Verdict) Verdict {
	if v == Risky {
		return Breaking
	}
	return v
}

// types compares the types. If they differ, nothing else can be compared.
func (p *pair) types(path string, old, now *shape) (same bool) {
	before, after := typeOf(old), typeOf(now)
	switch {
	case before == after:
		return true
	case before == "any" || before == "number" && after == "integer":
		p.note(p.tightened, path, "its type is %s, not %s", after, before)
	case after == "any" || before == "integer" && after == "number":
		p.note(p.worse(p.loosened), path, "its type is %s, not %s", after, before)
	default:
		p.note(Breaking, path, "its type is %s, not %s", after, before)
	}
	return before == "integer" && after == "number" || before == "number" && after == "integer"
}

// typeOf returns the type of a value: of files, times and other texts with a form of their own, it has the format.
func typeOf(s *shape) string {
	switch {
	case s.Type == "":
		return "any"
	case s.ContentEncoding != "":
		return "text in " + s.ContentEncoding
	case s.Type == "string" && s.Format == "binary":
		return "a file"
	}
	return s.Type
}

// rules compares the keywords that refuse values.
func (p *pair) rules(path string, old, now *shape) {
	if old.Type == "string" && old.Format != now.Format {
		switch {
		case now.Format == "":
			p.note(p.loosened, path, "it may be any text, not only of the format %s", old.Format)
		case old.Format == "":
			p.note(p.tightened, path, "it must have the format %s", now.Format)
		default:
			p.note(Breaking, path, "its format is %s, not %s", now.Format, old.Format)
		}
	}
	if old.Pattern != now.Pattern {
		switch {
		case now.Pattern == "":
			p.note(p.loosened, path, "it has no pattern any more")
		case old.Pattern == "":
			p.note(p.tightened, path, "it must match the pattern %s", now.Pattern)
		default:
			p.note(max(p.tightened, p.loosened), path, "its pattern is %s, not %s", now.Pattern, old.Pattern)
		}
	}
	p.enum(path, old.Enum, now.Enum)
	for _, b := range []struct {
		name     string
		old, now json.Number
		isUpper  bool
	}{
		{"minimum", old.Minimum, now.Minimum, false}, {"maximum", old.Maximum, now.Maximum, true},
		{"minLength", old.MinLength, now.MinLength, false}, {"maxLength", old.MaxLength, now.MaxLength, true},
		{"minItems", old.MinItems, now.MinItems, false}, {"maxItems", old.MaxItems, now.MaxItems, true},
		{"minProperties", old.MinProperties, now.MinProperties, false}, {"maxProperties", old.MaxProperties, now.MaxProperties, true},
	} {
		p.bound(path, b.name, b.old, b.now, b.isUpper)
	}
}

// bound compares a bound of numbers, texts or lists.
func (p *pair) bound(path, name string, old, now json.Number, isUpper bool) {
	before, had := new(big.Rat).SetString(old.String())
	after, has := new(big.Rat).SetString(now.String())
	switch {
	case !had && !has || had && has && before.Cmp(after) == 0:
	case !has:
		p.note(p.loosened, path, "%s %s is gone", name, old)
	case !had:
		p.note(p.tightened, path, "%s is %s", name, now)
	case (before.Cmp(after) > 0) == isUpper:
		p.note(p.tightened, path, "%s is %s, not %s", name, now, old)
	default:
		p.note(p.loosened, path, "%s is %s, not %s", name, now, old)
	}
}

// enum compares the lists of values.
func (p *pair) enum(path string, old, now []json.RawMessage) {
	switch {
	case old == nil && now == nil:
	case old == nil:
		p.note(p.tightened, path, "it must be one of %s", textsOf(now))
	case now == nil:
		p.note(p.loosened, path, "it may be any value, not only one of %s", textsOf(old))
	default:
		if gone := without(old, now); len(gone) > 0 {
			p.note(p.tightened, path, "it cannot be %s any more", textsOf(gone))
		}
		if added := without(now, old); len(added) > 0 {
			p.note(p.loosened, path, "it may be %s, too", textsOf(added))
		}
	}
}

func without(values, others []json.RawMessage) (rest []json.RawMessage) {
	for _, v := range values {
		if !slices.ContainsFunc(others, func(o json.RawMessage) bool { return bytes.Equal(o, v) }) {
			rest = append(rest, v)
		}
	}
	return rest
}

func textsOf(values []json.RawMessage) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

// annotations compares what a value means besides its rules.
func (p *pair) annotations(path string, old, now *shape) {
	if !bytes.Equal(old.Default, now.Default) {
		switch {
		case now.Default == nil:
			p.note(Risky, path, "it has no default any more: it was %s", old.Default)
		case old.Default == nil:
			p.note(Risky, path, "its default is %s", now.Default)
		default:
			p.note(Risky, path, "its default is %s, not %s", now.Default, old.Default)
		}
	}
	if old.WriteOnly != now.WriteOnly {
		verdict, text := Compatible, "it is a secret"
		if old.WriteOnly {
			verdict, text = Risky, "it is no secret any more, so logs show it"
		}
		p.note(verdict, path, "%s", text)
	}
	lowWas, highWas := durationBounds(old)
	low, high := durationBounds(now)
	p.bound(path, "minimum in nanoseconds", lowWas, low, false)
	p.bound(path, "maximum in nanoseconds", highWas, high, true)
}

var aboutDuration = regexp.MustCompile(`a duration such as 1m30s(?:, (?:(?:from|at least) ([^ ),]+))?(?: to |at most )?([^ ),]+)?)?`)

// durationBounds returns the bounds of a duration in nanoseconds. They stand in its description, because a text has no
// minimum.
func durationBounds(s *shape) (low, high json.Number) {
	found := aboutDuration.FindStringSubmatch(s.Description)
	if found == nil {
		return "", ""
	}
	nanoseconds := func(text string) json.Number {
		d, err := time.ParseDuration(text)
		if err != nil {
			return ""
		}
		return json.Number(strconv.FormatInt(int64(d), 10))
	}
	return nanoseconds(found[1]), nanoseconds(found[2])
}

// members compares the members of two objects: those of structs by name, those of maps all together.
func (p *pair) members(path string, old, now *shape) {
	at := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	closed, wasClosed := string(now.Additional) == "false", string(old.Additional) == "false"
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		if after := now.Properties[name]; after != nil {
			p.presence(at(name), slices.Contains(old.Required, name), slices.Contains(now.Required, name))
			p.values(at(name), old.Properties[name], after)
			continue
		}
		switch {
		case p.name == "output":
			p.note(Breaking, at(name), "it is gone")
		case closed:
			p.note(Breaking, at(name), "it is gone, and params that the action does not take are refused")
		default:
			p.note(Risky, at(name), "it is gone: what clients send there is ignored")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now.Properties)) {
		if old.Properties[name] != nil {
			continue
		}
		if required := slices.Contains(now.Required, name); required && p.name == "input" {
			p.note(Breaking, at(name), "it is new and required")
		} else {
			p.note(Compatible, at(name), "it is new")
		}
	}
	if closed != wasClosed && p.name == "input" {
		if closed {
			p.note(Risky, path, "params that the action does not take are refused")
		} else {
			p.note(Compatible, path, "params that the action does not take are ignored")
		}
	}
	p.elements(path, old, now)
}

// presence compares whether a member is always there.
func (p *pair) presence(path string, was, is bool) {
	switch {
	case was == is:
	case p.name == "input" && is:
		p.note(Breaking, path, "it is required")
	case p.name == "input":
		p.note(Compatible, path, "it is not required any more")
	case was:
		p.note(Breaking, path, "it may be missing")
	default:
		p.note(Compatible, path, "it is always there")
	}
}

// elements compares the values of two maps.
func (p *pair) elements(path string, old, now *shape) {
	var before, after shape
	isMap := func(raw json.RawMessage, s *shape) bool {
		return len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, s) == nil
	}
	was, is := isMap(old.Additional, &before), isMap(now.Additional, &after)
	switch {
	case was && is:
		p.values(path+"{}", &before, &after)
	case was != is:
		p.note(Breaking, path, "its members are %s", map[bool]string{true: "of any name, not fixed", false: "fixed, not of any name"}[is])
	}
}
