package schema

import (
	"encoding"
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// planCustom completes the plan of a type that has its own Unmarshal method for JSON or for text.
func (c *typePlan) planCustom() {
	c.class, c.expected = classCustom, "valid"
	if name := c.t.Name(); name != "" {
		c.expected = "a valid " + name
	}
	if layout.IsDate(c.t) {
		c.expected = aDate
	}
	if !layout.UnmarshalsJSON(c.t) {
		c.set = setByMethod(c.t)
		return
	}
	c.nullable = true
	custom := customPlan{plan: c, readsText: layout.UnmarshalsText(c.t)}
	c.json, c.text = custom.json, custom.text
}

// setByMethod returns a setFunc that passes the text to the UnmarshalText method of type t.
func setByMethod(t reflect.Type) setFunc {
	return func(p layout.Pointer, s string, _ source) outcome {
		if unmarshalText(t, p, s) {
			return accepted
		}
		return wrongType
	}
}

func unmarshalText(t reflect.Type, p layout.Pointer, s string) bool {
	return p.Value(t).Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)) == nil
}

// customPlan decodes values of a type with its own Unmarshal method for JSON.
type customPlan struct {
	plan      *typePlan
	readsText bool // the type also has the method UnmarshalText
}

func (c *customPlan) json(d *decodeState, p layout.Pointer) bool {
	raw := d.value()
	if c.unmarshal(p, raw) {
		return true
	}
	if len(raw) > 0 && raw[0] == '"' && c.readsText {
		if s, err := jsonx.Unquote(raw); err == nil && c.unmarshalText(p, s) {
			return true
		}
	}
	d.wrongType(c.plan)
	return false
}

func (c *customPlan) text(d *decodeState, p layout.Pointer, v *Value) bool {
	if c.unmarshalText(p, v.LastText()) {
		return true
	}
	d.wrongType(c.plan)
	return false
}

// unmarshal decodes raw, a JSON value, into the variable at p and returns true. On an error it sets the variable to its
// zero value and returns false.
func (c *customPlan) unmarshal(p layout.Pointer, raw []byte) bool {
	v := p.Value(c.plan.t)
	if jsonx.Unmarshal(raw, v.Addr().Interface()) == nil {
		return true
	}
	v.SetZero()
	return false
}

func (c *customPlan) unmarshalText(p layout.Pointer, s string) bool {
	if c.readsText {
		return unmarshalText(c.plan.t, p, s)
	}
	// Only the type knows whether its JSON is a string: unmarshal gets the text as JSON first, then as a JSON string.
	return jsonx.Valid(jsonx.ViewBytes(s)) == nil && c.unmarshal(p, []byte(s)) || c.unmarshal(p, jsonx.AppendString(nil, s))
}

// planRaw completes the plan of a type that stores JSON as sent, such as json.RawMessage. If a client sends text that
// is not valid JSON, the plan stores the text as a JSON string.
func (c *typePlan) planRaw() {
	c.class, c.expected, c.nullable = classRaw, "JSON", true
	c.json = func(d *decodeState, p layout.Pointer) bool {
		*layout.As[[]byte](p) = slices.Clone(d.value())
		return true
	}
	c.text = func(_ *decodeState, p layout.Pointer, v *Value) bool {
		s := v.LastText()
		if raw := trim(jsonx.ViewBytes(s)); jsonx.Valid(raw) == nil {
			*layout.As[[]byte](p) = slices.Clone(raw)
		} else {
			*layout.As[[]byte](p) = jsonx.AppendString(nil, s)
		}
		return true
	}
}
