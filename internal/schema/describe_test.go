package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/go-json-experiment/json/jsontext"
)

// describeOutput also checks that encode accepts the type, on which OutputSchema relies.
func describeOutput[T any](t testing.TB) (o struct{ JSONSchema, Example []byte }) {
	t.Helper()
	typ := reflect.TypeFor[T]()
	if _, err := encode.Compile(typ); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.Example, err = OutputExample(typ); err != nil {
		t.Fatal(err)
	}
	o.JSONSchema = OutputSchema(typ)
	return o
}

type answer struct {
	ID    int               `json:"id" example:"7" doc:"who"`
	Ratio float64           `json:"ratio"`
	Bits  map[string]string `json:"bits,omitempty"`
}

// ownJSON writes its own JSON.
type ownJSON struct{ N int }

func (v ownJSON) MarshalJSON() ([]byte, error) {
	return []byte(`{"n" : [` + strconv.Itoa(v.N) + `]}`), nil
}

func TestOutputWithAWrongExample(t *testing.T) {
	t.Parallel()
	_, err := OutputExample(reflect.TypeFor[struct {
		A int `example:"x"`
	}]())
	if err == nil || !strings.Contains(err.Error(), `has example:"x", which is not a int: correct the tag`) {
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
		Self   ownJSON        `json:"self"`
		Hidden chan int       `json:"-"`
	}
	want := `{"id":"12","ok":true,"F":0.123,"when":"2024-01-01T00:00:00Z","wait":"0s","tags":["a","b"],"nums":[1,2],` +
		`"items":[{"name":"pen","next":null}],"item":{"name":"pen","next":null},"map":{"a":1},"any":{"x":1},"text":"just text","none":null,"err":null,"self":{"n":[0]}}`
	if got := string(describeOutput[out](t).Example); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got := string(describeOutput[map[string]any](t).Example); got != `{}` {
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

// unusualOutput has members that an input cannot or hardly ever has.
type unusualOutput struct {
	I8    int8     `json:"i8,string"`
	PF    *float64 `json:"pf,string"`
	Array [3]byte  `json:"array"`
	Lists [2][]map[string]answer
	Ints  map[int]string
	Times map[time.Duration]bool `json:",omitempty"`
	Own   ownJSON                `json:"own"`
	OwnP  *ownJSON               `json:"ownP"`
	Loose struct {
		A     int                       `json:"fixed"`
		Extra map[string]jsontext.Value `json:",embed"`
	}
	None struct{} `json:"none"`
	Err  error    `json:"err,omitempty"`
	Opt  interface{ M() }
	*Embedded
}

type Embedded struct {
	Level int `json:"level,omitzero"`
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
			`"email":{"type":"string","format":"email","minLength":1,"description":"where to","examples":["a@b"],"writeOnly":true},` +
			`"age":{"type":"integer","enum":[18,19],"minimum":18,"maximum":255,"default":18},` +
			`"tags":{"type":"array","items":{"type":"string","minLength":2},"minItems":1,"default":["aa","bb"]},` +
			`"when":{"type":"string","format":"date-time"},"Wait":{"type":"string","pattern":"^(?:0|[+-]?(?:(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$","description":"a duration such as 1m30s"},` +
			`"bytes":{"type":"string","contentEncoding":"base64","pattern":"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"},"file":{"type":"string","format":"binary"},` +
			`"files":{"type":"array","items":{"type":"string","format":"binary"},"maxItems":2},` +
			`"map":{"type":"object","additionalProperties":{"type":"number","maximum":1.5},"maxProperties":3},` +
			`"any":{},"shade":{"type":"string"},"level":{"type":"object","properties":{"name":{"type":"string","minLength":1},"rank":{"type":"integer","format":"int64","maximum":9,"default":3}},"required":["name"]},"raw":{}},` +
			`"required":["email"]}`},
		{"recursive input", compileInput[tree](t).JSONSchema(), `{"type":"object","properties":{"name":{"type":"string","minLength":1},` +
			`"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}},"left":{"$ref":"#/$defs/tree"},"map":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}}},` +
			`"$defs":{"tree":{"type":"object","properties":{"name":{"type":"string","minLength":1},` +
			`"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}},"left":{"$ref":"#/$defs/tree"},"map":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}}}}}}`},
		{"recursive list", compileInput[struct{ N nest }](t).JSONSchema(), `{"type":"object","properties":{"N":{"$ref":"#/$defs/nest"}},"$defs":{"nest":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/nest"},{"type":"null"}]}}}}`},
		{"output", describeOutput[answer](t).JSONSchema, `{"type":"object","properties":{"id":{"type":"integer","format":"int64","description":"who","examples":[7]},"ratio":{"type":"number"},"bits":{"type":"object","additionalProperties":{"type":"string"}}},"required":["id","ratio"]}`},
		{"map", describeOutput[map[string]*int](t).JSONSchema, `{"type":"object","additionalProperties":{"anyOf":[{"type":"integer","format":"int64"},{"type":"null"}]}}`},
		{"type with its own JSON", describeOutput[ownJSON](t).JSONSchema, `{"type":"object"}`},
		{"array", describeOutput[struct {
			A [2]int  `json:"a"`
			B [2]byte `json:"b"`
			C uint64  `json:"c,string"`
			D *[]int  `json:"d" maxItems:"2"`
			E [1]bool `json:"e,omitempty" maxItems:"2"`
		}](t).JSONSchema, `{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer","format":"int64"},"minItems":2,"maxItems":2},"b":{"type":"string","contentEncoding":"base64"},` +
			`"c":{"type":"string"},"d":{"anyOf":[{"type":"array","items":{"type":"integer","format":"int64"},"maxItems":2},{"type":"null"}]},"e":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":1}},"required":["a","b","c","d"]}`},
	}
	for _, c := range cases {
		if string(c.got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// TestSchemasAreJSON also checks that each reference has a definition and each definition a reference.
func TestSchemasAreJSON(t *testing.T) {
	t.Parallel()
	for _, schema := range [][]byte{
		describeOutput[loopOut](t).JSONSchema, describeOutput[unusualOutput](t).JSONSchema, compileInput[compounds](t).JSONSchema(),
		compileInput[ruled](t).JSONSchema(), compileInput[scalars](t).JSONSchema(), compileInput[requiredInputs](t).JSONSchema(), compileInput[defaulted](t).JSONSchema(),
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
	schema := string(describeOutput[both](t).JSONSchema)
	for _, name := range []string{`"wide":{`, `"wide2":{`, `"loopOut":{`, `"generic___string_":{`} {
		if !strings.Contains(schema, name) {
			t.Errorf("%s is missing in %s", name, schema)
		}
	}
}
