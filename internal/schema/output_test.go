package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func compileOutput[T any](t testing.TB) *Output {
	t.Helper()
	o, err := CompileOutput(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

type answer struct {
	ID    int               `json:"id" example:"7" doc:"who"`
	Ratio float64           `json:"ratio"`
	Bits  map[string]string `json:"bits,omitempty"`
}

func TestOutputKinds(t *testing.T) {
	t.Parallel()
	var none *answer
	cases := []struct {
		output *Output
		value  any
		want   string
	}{
		{compileOutput[answer](t), answer{ID: 1, Ratio: 0.5}, `"id":1,"ratio":0.5`},
		{compileOutput[*answer](t), &answer{ID: 1}, `"id":1,"ratio":0`},
		{compileOutput[*answer](t), none, ``},
		{compileOutput[map[string]any](t), map[string]any{"b": []int{1}, "a": "x"}, `"a":"x","b":[1]`},
		{compileOutput[map[string]any](t), map[string]any(nil), ``},
		{compileOutput[*map[string]answer](t), &map[string]answer{"x": {}}, `"x":{"id":0,"ratio":0}`},
		{compileOutput[map[kindName]time.Duration](t), map[kindName]time.Duration{"x": time.Second}, `"x":"1s"`},
		{compileOutput[onePointer](t), onePointer{new(5)}, `"P":5`},
		{compileOutput[struct{ M map[string]int }](t), struct{ M map[string]int }{map[string]int{"a": 1}}, `"M":{"a":1}`},
		{compileOutput[struct{}](t), struct{}{}, ``},
		{compileOutput[byJSON](t), byJSON{1}, `"n":[1]`},
		{compileOutput[answer](t), map[string]int{"another": 1}, `"another":1`},
		{compileOutput[answer](t), nil, ``},
	}
	for _, c := range cases {
		got, err := c.output.AppendMembers([]byte("x"), c.value)
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("%#v: %s, %v; want x%s", c.value, got, err, c.want)
		}
	}
}

func TestOutputErrorLeavesDst(t *testing.T) {
	t.Parallel()
	dst := append(make([]byte, 0, 100), "kept"...)
	got, err := compileOutput[answer](t).AppendMembers(dst, answer{ID: 5, Ratio: math.NaN()})
	e, ok := errors.AsType[*EncodeError](err)
	if !ok || e.Path() != "ratio" || string(got) != "kept" {
		t.Errorf("%s %v", got, err)
	}
}

type noText struct{}

func (noText) MarshalText() ([]byte, error) { return nil, nil }

func TestOutputsThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value any
		want  string
	}{
		{5, "the output int is not a JSON object: use a struct, a map with string keys, or a pointer to one of those"},
		{"", "is not a JSON object"}, {[]answer{}, "is not a JSON object"}, {map[int]string{}, "is not a JSON object"}, {time.Time{}, "is not a JSON object"},
		{new(&answer{}), "is not a JSON object"}, {noText{}, "writes itself as text, but an answer is a JSON object: put it into a struct"},
		{struct{ C chan int }{}, `field C of struct { C chan int } is or has a chan int, for which JSON has no form: leave it out with json:"-"`},
		{struct{ P *struct{ F []func() } }{}, "field F of struct { F []func() } is or has a func()"},
		{struct{ a int }{}, "has no exported fields"},
		{struct {
			A string `json:",string"`
		}{}, "has the json option string, which fits numbers only: remove it"},
		{struct {
			A int `example:"x"`
		}{}, `has example:"x", which is not a int: correct the tag`},
	}
	for _, c := range cases {
		if _, err := CompileOutput(reflect.TypeOf(c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v; want %s", c.value, err, c.want)
		}
	}
	misspelt := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a,omitEmpty"`}})
	if _, err := CompileOutput(misspelt); err == nil || !strings.Contains(err.Error(), `has the json option "omitEmpty"`) {
		t.Error(err)
	}
}

func TestOutputExample(t *testing.T) {
	t.Parallel()
	type item struct {
		Name string `json:"name" example:"pen"`
		Next *item  `json:"next"`
	}
	type out struct {
		ID     int64          `json:"id,string" example:"12"`
		Ok     bool           `json:"ok" example:"true"`
		F      float64        `example:"0.123"`
		When   time.Time      `json:"when" example:"2024-01-01T00:00:00Z"`
		Wait   time.Duration  `json:"wait"`
		Tags   []string       `json:"tags" example:"a, b"`
		Nums   []int          `json:"nums" example:"[1, 2]"`
		Items  []*item        `json:"items"`
		Item   item           `json:"item"`
		Map    map[string]int `json:"map" example:"{ \"a\": 1 }"`
		Any    any            `json:"any" example:"{\"x\":1}"`
		Text   any            `json:"text" example:"just text"`
		None   any            `json:"none"`
		Err    error          `json:"err"`
		Self   byJSON         `json:"self"`
		Hidden chan int       `json:"-"`
	}
	want := `{"id":"12","ok":true,"F":0.123,"when":"2024-01-01T00:00:00Z","wait":"0s","tags":["a","b"],"nums":[1,2],` +
		`"items":[{"name":"pen","next":null}],"item":{"name":"pen","next":null},"map":{"a":1},"any":{"x":1},"text":"just text","none":null,"err":null,"self":{"n":[0]}}`
	if got := string(compileOutput[out](t).Example()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got := string(compileOutput[map[string]any](t).Example()); got != `{}` {
		t.Errorf("a map: %s", got)
	}
}

type endless *endless

type loopOut struct {
	End  endless            `json:"end"`
	Name string             `json:"name" doc:"a name"`
	Kids []loopOut          `json:"kids"`
	Next *loopOut           `json:"next,omitempty"`
	More map[string]*wide   `json:"more"`
	Gen  generic[loopOut]   `json:"gen"`
	Gen2 *generic[[]string] `json:"gen2"`
}

type wide struct {
	Back []wide `json:"back"`
}

type generic[T any] struct {
	Value []T         `json:"value"`
	Again *generic[T] `json:"again,omitzero"`
}

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	type in struct {
		At    time.Time `json:"at" format:"date-time"`
		Email string    `json:"email" required:"true" format:"email" doc:"where to" secret:"true" example:"a@b"`
		Age   uint8     `json:"age" minimum:"18" default:"18" enum:"18,19"`
		Tags  []string  `json:"tags" minItems:"1" minLength:"2" default:"aa,bb"`
		When  time.Time `json:"when"`
		Wait  *time.Duration
		Bytes []byte             `json:"bytes"`
		File  *upload            `json:"file"`
		Files []*upload          `json:"files" maxItems:"2"`
		Map   map[string]float64 `json:"map" maxItems:"3" maximum:"1.5"`
		Any   any                `json:"any"`
		Shade shade              `json:"shade"`
		Level *level             `json:"level"`
		Raw   json.RawMessage    `json:"raw"`
	}
	cases := []struct {
		name string
		got  []byte
		want string
	}{
		{"input", compileInput[in](t).JSONSchema(), `{"type":"object","properties":{"at":{"type":"string","format":"date-time"},` +
			`"email":{"type":"string","format":"email","description":"where to","examples":["a@b"],"writeOnly":true},` +
			`"age":{"type":"integer","enum":[18,19],"minimum":18,"default":18},` +
			`"tags":{"type":"array","items":{"type":"string","minLength":2},"minItems":1,"default":["aa","bb"]},` +
			`"when":{"type":"string","format":"date-time"},"Wait":{"type":"string","description":"a duration such as 1m30s"},` +
			`"bytes":{"type":"string","contentEncoding":"base64"},"file":{"type":"string","format":"binary"},` +
			`"files":{"type":"array","items":{"type":"string","format":"binary"},"maxItems":2},` +
			`"map":{"type":"object","additionalProperties":{"type":"number","maximum":1.5},"maxProperties":3},` +
			`"any":{},"shade":{"type":"string"},"level":{"type":"object","properties":{"name":{"type":"string"},"rank":{"type":"integer","maximum":9,"default":3}},"required":["name"]},"raw":{}},` +
			`"required":["email"]}`},
		{"recursive input", compileInput[tree](t).JSONSchema(), `{"type":"object","properties":{"name":{"type":"string","minLength":1},` +
			`"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}},"left":{"$ref":"#/$defs/tree"},"map":{"type":"object","additionalProperties":{"$ref":"#/$defs/tree"}}},` +
			`"$defs":{"tree":{"type":"object","properties":{"name":{"type":"string","minLength":1},` +
			`"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}},"left":{"$ref":"#/$defs/tree"},"map":{"type":"object","additionalProperties":{"$ref":"#/$defs/tree"}}}}}}`},
		{"recursive list", compileInput[struct{ N nest }](t).JSONSchema(), `{"type":"object","properties":{"N":{"$ref":"#/$defs/nest"}},"$defs":{"nest":{"type":"array","items":{"$ref":"#/$defs/nest"}}}}`},
		{"output", compileOutput[answer](t).JSONSchema(), `{"type":"object","properties":{"id":{"type":"integer","description":"who","examples":[7]},"ratio":{"type":"number"},"bits":{"type":"object","additionalProperties":{"type":"string"}}},"required":["id","ratio"]}`},
		{"map", compileOutput[map[string]*int](t).JSONSchema(), `{"type":"object","additionalProperties":{"anyOf":[{"type":"integer"},{"type":"null"}]}}`},
		{"by itself", compileOutput[byJSON](t).JSONSchema(), `{"type":"object"}`},
		{"array", compileOutput[struct {
			A [2]int  `json:"a"`
			B [2]byte `json:"b"`
			C uint64  `json:"c,string"`
			D *[]int  `json:"d" maxItems:"2"`
			E [1]bool `json:"e,omitempty" maxItems:"2"`
		}](t).JSONSchema(), `{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":2},"b":{"type":"string","contentEncoding":"base64"},` +
			`"c":{"type":"string"},"d":{"anyOf":[{"type":"array","items":{"type":"integer"}},{"type":"null"}],"maxItems":2},"e":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":1}},"required":["a","b","c","d"]}`},
	}
	for _, c := range cases {
		if string(c.got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// TestSchemasAreJSON also follows each reference.
func TestSchemasAreJSON(t *testing.T) {
	t.Parallel()
	for _, schema := range [][]byte{
		compileOutput[loopOut](t).JSONSchema(), compileOutput[rich](t).JSONSchema(), compileInput[compounds](t).JSONSchema(),
		compileInput[ruled](t).JSONSchema(), compileInput[scalars6](t).JSONSchema(), compileInput[wanted](t).JSONSchema(), compileInput[defaulted](t).JSONSchema(),
	} {
		var doc struct {
			Defs map[string]any `json:"$defs"`
		}
		if err := json.Unmarshal(schema, &doc); err != nil {
			t.Fatalf("%v in %s", err, schema)
		}
		if !jsontext.Value(schema).IsValid() {
			t.Errorf("a member occurs twice in %s", schema)
		}
		refs := map[string]bool{}
		for part := range bytes.SplitSeq(schema, []byte(`"$ref":"#/$defs/`)) {
			name, _, _ := strings.Cut(string(part), `"`)
			refs[name] = true
		}
		for name := range doc.Defs {
			if !refs[name] {
				t.Errorf("%s is never referred to", name)
			}
		}
		if want := len(doc.Defs) + 1; len(refs) != want {
			t.Errorf("%v are referred to, %d are there", refs, want-1)
		}
	}
}

func TestNamesOfDefinitionsAreUnique(t *testing.T) {
	t.Parallel()
	type wide struct{ Again *wide } // of the same name as another type
	type both struct {
		A wide
		B loopOut
	}
	schema := string(compileOutput[both](t).JSONSchema())
	for _, name := range []string{`"wide":{`, `"wide2":{`, `"loopOut":{`, `"generic___string_":{`} {
		if !strings.Contains(schema, name) {
			t.Errorf("%s is missing in %s", name, schema)
		}
	}
}

func TestCompilingAtOnce(t *testing.T) {
	t.Parallel()
	type mutual struct {
		Next *mutual
		Map  map[string]*mutual
		Any  any
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := AppendMembers(nil, mutual{Any: mutual{Map: map[string]*mutual{"x": nil}}})
			if want := `"Next":null,"Map":{},"Any":{"Next":null,"Map":{"x":null},"Any":null}`; err != nil || string(got) != want {
				t.Errorf("%s %v", got, err)
			}
			if diff := cmp.Diff(compileOutput[mutual](t).Example(), compileOutput[mutual](t).Example()); diff != "" {
				t.Error(diff)
			}
		})
	}
	group.Wait()
}

func TestTypesBeyondTheBound(t *testing.T) {
	t.Parallel()
	cache := encoderCache{max: 10}
	for n := range 50 {
		typ := reflect.ArrayOf(n, reflect.TypeFor[int]())
		e, err := cache.of(typ)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.append(nil, reflect.New(typ).UnsafePointer(), 0)
		if want := "[" + strings.TrimPrefix(strings.Repeat(",0", n), ",") + "]"; err != nil || string(got) != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
	if cache.n != 10 {
		t.Errorf("%d plans are kept, want 10", cache.n)
	}
	if _, err := cache.compile(reflect.TypeFor[answer]()); err != nil {
		t.Error(err)
	}
	if _, kept := cache.plans.Load(reflect.TypeFor[answer]()); !kept {
		t.Error("what is compiled at registration must be kept")
	}
}
