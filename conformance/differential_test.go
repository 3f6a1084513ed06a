package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// perAction is the number of generated inputs of each action.
const perAction = 1000

// seed chooses the generated inputs; the same seed makes the same inputs.
var seed = flag.Uint64("seed", 1, "seed of the generated inputs")

// compile returns the validator of a schema, which also asserts formats, those of numbers included.
func compile(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for name, bits := range map[string]uint{"int32": 31, "int64": 63, "uint64": 64} {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error { return inRange(v, bits, name[0] == 'u') }})
	}
	if err := c.AddResource("mem:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("mem:///schema.json")
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return compiled
}

func inRange(v any, bits uint, unsigned bool) error {
	n, ok := v.(json.Number)
	if !ok {
		return nil
	}
	exact, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return errors.New("not a number")
	}
	high := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), bits))
	low := new(big.Rat).Neg(high)
	if unsigned {
		low = new(big.Rat)
	}
	if exact.Cmp(low) < 0 || exact.Cmp(high) >= 0 {
		return errors.New("out of range")
	}
	return nil
}

// TestTheSchemaAndTheServerJudgeInputsAlike has three laws. The server takes each input that the schema finds valid. The
// input that the action then gets is valid by the schema, too. And the server takes an input that the schema refuses only
// for the reasons that the documents name: the value has another type that the server converts, or is empty or null and
// so counts as not given.
func TestTheSchemaAndTheServerJudgeInputsAlike(t *testing.T) {
	h := newHarness(t)
	for _, info := range h.api.Describe().Actions {
		t.Run(info.Name, func(t *testing.T) {
			validator := compile(t, info.InputSchema)
			g := newGenerator(t, info.InputSchema, *seed)
			valid, refused := 0, 0
			for i := range perAction {
				text := g.input(i)
				doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
				if err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				schemaErr := validator.Validate(doc)
				ok, answer := h.call(info.Name, text)
				if schemaErr == nil {
					valid++
				}
				if !ok {
					refused++
				}
				switch {
				case schemaErr == nil && !ok:
					t.Errorf("the schema finds %s valid, but the server says %s", text, answer)
				case schemaErr != nil && ok && !explained(schemaErr, doc):
					t.Errorf("the server takes %s, but the schema says %v", text, schemaErr)
				}
				if ok {
					canonical, err := jsonschema.UnmarshalJSON(bytes.NewReader(h.last.canonical))
					if err == nil {
						err = validator.Validate(canonical)
					}
					if err != nil {
						t.Errorf("the server has read %s as %s, which the schema refuses: %v", text, h.last.canonical, err)
					}
				}
			}
			if valid < perAction/10 || refused < perAction/10 {
				t.Errorf("of %d inputs, %d are valid and the server refuses %d: the test says little", perAction, valid, refused)
			}
			t.Logf("%d valid by the schema, %d refused by the server", valid, refused)
		})
	}
}

// call sends an input to an action over HTTP.
func (h *harness) call(name string, body []byte) (ok bool, answer string) {
	h.last = &judged{}
	r := httptest.NewRequest(http.MethodPost, "/api/"+name, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.api.Web.ServeHTTP(w, r)
	if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
		panic(fmt.Sprintf("%s: status %d: %s", body, w.Code, w.Body))
	}
	_, failure, _ := strings.Cut(w.Body.String(), `"error":`)
	return w.Code == http.StatusOK, failure
}

// explained reports whether each fault that the schema has found is one that the server mends.
func explained(err error, doc any) bool {
	failure, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return false
	}
	converted := map[string]bool{} // the places with a value of another type
	var leaves []*jsonschema.ValidationError
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			leaves = append(leaves, e)
		}
		if k, is := e.ErrorKind.(*kind.Type); is && !slices.Equal(k.Want, []string{"null"}) {
			converted[strings.Join(e.InstanceLocation, "\x00")] = true
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(failure)
	for _, leaf := range leaves {
		if k, is := leaf.ErrorKind.(*kind.Type); is && slices.Equal(k.Want, []string{"null"}) {
			continue // the other branch says more
		}
		switch value := at(doc, leaf.InstanceLocation); {
		case converted[strings.Join(leaf.InstanceLocation, "\x00")], value == nil, value == "":
		case isTime(leaf, value):
		default:
			return false
		}
	}
	return true
}

// isTime reports whether the schema refuses a text because the same duration can be written in several ways, or because
// the text is a number of milliseconds.
func isTime(leaf *jsonschema.ValidationError, value any) bool {
	text, _ := value.(string)
	_, err := strconv.ParseFloat(text, 64)
	switch k := leaf.ErrorKind.(type) {
	case *kind.Enum:
		return text == "60s" || text == "1.5s"
	case *kind.Pattern:
		return strings.Contains(k.Want, "ns|us") && err == nil
	case *kind.Format:
		return k.Want == "date-time" && err == nil
	}
	return false
}

func at(doc any, path []string) any {
	for _, key := range path {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[key]
		case []any:
			var i int
			_, _ = fmt.Sscan(key, &i)
			doc = v[i]
		}
	}
	return doc
}

// generator makes inputs from a schema: most are valid or nearly so.
type generator struct {
	*rand.Rand
	root, defs map[string]any
	wrong      int // one of so many values breaks its schema
}

func newGenerator(t testing.TB, text []byte, seed uint64) *generator {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, seed))}
	if err := json.Unmarshal(text, &g.root); err != nil {
		t.Fatal(err)
	}
	g.defs, _ = g.root["$defs"].(map[string]any)
	return g
}

// input returns the input number i. Every third one has no intended fault.
func (g *generator) input(i int) []byte {
	g.wrong = [...]int{0, 30, 6}[i%3]
	text, err := json.Marshal(g.object(g.root, 0))
	if err != nil {
		panic(err)
	}
	return text
}

func (g *generator) breaks() bool { return g.wrong > 0 && g.IntN(g.wrong) == 0 }

func pick[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

func (g *generator) value(s map[string]any, depth int) any {
	if ref, ok := s["$ref"].(string); ok {
		def := g.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		merged := map[string]any{}
		for _, part := range []map[string]any{def, s} {
			for k, v := range part {
				merged[k] = v
			}
		}
		delete(merged, "$ref")
		s = merged
	}
	if g.breaks() {
		return g.oddity()
	}
	if anyOf, ok := s["anyOf"].([]any); ok {
		if g.IntN(5) == 0 {
			return nil
		}
		return g.value(anyOf[0].(map[string]any), depth)
	}
	if enum, ok := s["enum"].([]any); ok && !g.breaks() {
		return pick(g, enum...)
	}
	switch s["type"] {
	case "object":
		return g.object(s, depth+1)
	case "array":
		return g.list(s, depth+1)
	case "string":
		return g.text(s)
	case "integer", "number":
		return g.number(s)
	case "boolean":
		return g.IntN(2) == 0
	}
	return pick[any](g, "x", json.Number("1"), true, []any{nil, "a"}, map[string]any{"a": 1})
}

// oddity returns a value that hardly any schema expects.
func (g *generator) oddity() any {
	return pick[any](g, nil, "", "x", "12", "1.5", "true", "[1]", `{"street":"s"}`, "a,b", true, false, json.Number("0"), json.Number("-7"), json.Number("3.5"),
		json.Number("1e3"), json.Number("5.0"), json.Number("300"), json.Number("1e30"), []any{}, []any{"a"}, []any{nil}, map[string]any{}, map[string]any{"name": "a"})
}

func (g *generator) object(s map[string]any, depth int) any {
	out := map[string]any{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		needed := slices.Contains(required, any(name))
		if needed && g.breaks() || !needed && (depth > 3 || g.IntN(2) == 0) {
			continue
		}
		out[name] = g.value(properties[name].(map[string]any), depth)
	}
	if g.breaks() {
		out["unknown"] = json.Number("1")
	}
	if element, ok := s["additionalProperties"].(map[string]any); ok && depth < 5 {
		for i := range g.count(s, "minProperties", "maxProperties") {
			out[fmt.Sprint("k", i)] = g.value(element, depth)
		}
	}
	return out
}

func (g *generator) list(s map[string]any, depth int) any {
	out := []any{}
	element, _ := s["items"].(map[string]any)
	for range g.count(s, "minItems", "maxItems") {
		if depth < 6 || len(out) < bound(s, "minItems", 0) {
			out = append(out, g.value(element, depth))
		}
	}
	return out
}

func bound(s map[string]any, key string, otherwise int) int {
	if v, ok := s[key].(float64); ok {
		return int(v)
	}
	return otherwise
}

// count returns a number within two bounds, or next to them.
func (g *generator) count(s map[string]any, least, most string) int {
	low := bound(s, least, 0)
	high := bound(s, most, low+2)
	if g.breaks() {
		return max(0, pick(g, low-1, high+1))
	}
	return low + g.IntN(high-low+1)
}

var samples = map[any][]string{
	"email":     {"a@b.c", "very.common+tag@example.com", "x", "a@", "a b@c.d"},
	"uri":       {"https://example.com/x?y=z", "mailto:a@b.c", "urn:isbn:1", "x", "/a/b", "://", "http://a b"},
	"uuid":      {"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "123e4567", "123e4567-e89b-12d3-a456-42661417400g"},
	"date":      {"2026-12-01", "2024-02-29", "2023-02-29", "2026-13-01", "2026-1-1", "x"},
	"date-time": {"2026-12-01T10:00:00Z", "2026-12-01T10:00:00.25+05:30", "2026-12-01t10:00:00z", "2026-12-01T24:00:00Z", "2026-12-01 10:00:00", "2026-12-01", "x"},
	"ipv4":      {"127.0.0.1", "255.255.255.255", "256.1.1.1", "1.1.1", "::1", "01.1.1.1"},
	"ipv6":      {"::1", "2001:db8::1", "::ffff:1.2.3.4", "1.2.3.4", "::1%eth0", ":::"},
	"hostname":  {"example.com", "a", "a-b.c", "-a.b", "a..b", "a_b", strings.Repeat("a", 64)},
}

func (g *generator) text(s map[string]any) any {
	if list := samples[s["format"]]; list != nil {
		if g.wrong == 0 {
			return pick(g, list[:2]...)
		}
		return pick(g, list...)
	}
	pattern, _ := s["pattern"].(string)
	switch {
	case s["contentEncoding"] != nil:
		return pick(g, "QQ==", "QUI=", "QUJD", "QUJDRA==", g.fault("QQ"), g.fault("Q==="), g.fault("Q Q="), g.fault("-_=="))
	case strings.Contains(pattern, "ns|us"):
		return pick(g, "1s", "1h2m3.5s", "-5ms", "0", ".5s", "1.s", "+2us", g.fault("x"), g.fault("1"), g.fault("s"), g.fault("1 s"), g.fault("60s"), g.fault("1d"))
	case pattern != "":
		return pick(g, "a1", "A12", "a1 ", g.fault("a"), g.fault("b1"), g.fault("a1  "))
	}
	return strings.Repeat(pick(g, "a", "é", "𝒜"), g.count(s, "minLength", "maxLength"))
}

// fault returns text, or a text that is always valid if no fault is intended.
func (g *generator) fault(text string) string {
	if g.wrong > 0 {
		return text
	}
	return map[bool]string{true: "QQ=="}[strings.ContainsAny(text, "Q-")] + map[bool]string{true: "a1"}[text == "a" || text == "b1" || text == "a1  "] +
		map[bool]string{true: "1s"}[slices.Contains([]string{"x", "1", "s", "1 s", "60s", "1d"}, text)]
}

func (g *generator) number(s map[string]any) any {
	low, hasLow := s["minimum"].(float64)
	high, hasHigh := s["maximum"].(float64)
	steps := []string{"0", "1", "2", "5"}
	if hasLow {
		steps = []string{show(low), show(low + 1)}
	}
	if hasHigh {
		steps = append(steps[:min(len(steps), 2)], show(high), show(high-1))
		if !hasLow {
			steps = []string{show(high), show(high - 1), show(high - 5)}
		}
	}
	if g.breaks() {
		steps = []string{show(low - 1), show(high + 1), "0.25", "1e2", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
			"18446744073709551615", "18446744073709551616", "1e39", "1.0", "100e-2"}
	}
	return json.Number(pick(g, steps...))
}

func show(f float64) string {
	text, _ := json.Marshal(f)
	return string(text)
}
