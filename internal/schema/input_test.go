package schema

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/google/go-cmp/cmp"
)

type ruled struct {
	Email  string            `json:"email" format:"email"`
	Age    int               `json:"age" minimum:"18" maximum:"120"`
	Color  string            `json:"color" enum:"red, green"`
	Size   uint8             `json:"size" enum:"1,2,4"`
	Name   string            `json:"name" minLength:"3" maxLength:"5" pattern:"^[a-zé]+$"`
	Ratio  float64           `json:"ratio" minimum:"0.5" maximum:"1"`
	Wait   time.Duration     `json:"wait" minimum:"1s" maximum:"60000"`
	Tags   []string          `json:"tags" minItems:"2" maxItems:"3" minLength:"2"`
	Map    map[string]string `json:"map" minItems:"1" maxItems:"2" enum:"a,b"`
	Opt    *int              `json:"opt" minimum:"5"`
	OptS   *string           `json:"optS" maxLength:"1"`
	OptL   *[]int            `json:"optL" maxItems:"1" maximum:"9"`
	Weight float32           `json:"weight" enum:"0.1,0.2"`
}

func TestRules(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   Param
		want []string
	}{
		{text("email", "a@b.example"), nil}, {text("email", "nobody"), []string{"format: email must be an email address"}},
		{text("age", "18"), nil}, {text("age", "120"), nil}, {text("age", "17"), []string{"minimum: age must be at least 18"}}, {raw("age", "121"), []string{"maximum: age must be at most 120"}},
		{text("age", ""), nil},
		{text("color", "green"), nil}, {text("color", "Green"), []string{"enum: color must be one of red, green"}},
		{text("size", "4"), nil}, {raw("size", "2.0"), nil}, {text("size", "3"), []string{"enum: size must be one of 1, 2, 4"}},
		{text("name", "éééé"), nil}, {text("name", "ab"), []string{"minLength: name must be at least 3 characters long"}},
		{text("name", "abcdéé"), []string{"maxLength: name must be at most 5 characters long"}},
		{text("name", "A!"), []string{"minLength: name must be at least 3 characters long", "pattern: name must match the pattern ^[a-zé]+$"}},
		{text("ratio", "0.5"), nil}, {text("ratio", "0.49"), []string{"minimum: ratio must be at least 0.5"}}, {raw("ratio", "1.01"), []string{"maximum: ratio must be at most 1"}},
		{text("wait", "1s"), nil}, {raw("wait", "999"), []string{"minimum: wait must be at least 1s"}}, {text("wait", "61s"), []string{"maximum: wait must be at most 60000"}},
		{text("tags", "aa,bb"), nil}, {text("tags", "aa"), []string{"minItems: tags must be a list of at least 2 items"}}, {raw("tags", "[]"), []string{"minItems: tags must be a list of at least 2 items"}},
		{raw("tags", `["aa","bb","cc",{"x":[]},"dd"]`), []string{"maxItems: tags must be a list of at most 3 items"}}, {text("tags", "aa,bb,cc,dd"), []string{"maxItems: tags must be a list of at most 3 items"}},
		{text("tags", "aa,b"), []string{"minLength: tags[1] must be at least 2 characters long"}},
		{raw("map", `{"x":"a"}`), nil}, {raw("map", `{}`), []string{"minItems: map must be an object of at least 1 member"}}, {raw("map", `{"x":"c"}`), []string{"enum: map.x must be one of a, b"}},
		{raw("map", `{"x":"a","y":"b","z":"a"}`), []string{"maxItems: map must be an object of at most 2 members"}},
		{text("opt", "5"), nil}, {text("opt", "4"), []string{"minimum: opt must be at least 5"}},
		{text("optS", ""), nil}, {text("optS", "ab"), []string{"maxLength: optS must be at most 1 character long"}},
		{raw("optL", `[9]`), nil}, {raw("optL", `[10]`), []string{"maximum: optL[0] must be at most 9"}}, {raw("optL", `[1,2]`), []string{"maxItems: optL must be a list of at most 1 item"}},
		{text("weight", "0.1"), nil}, {raw("weight", "0.3"), []string{"enum: weight must be one of 0.1, 0.2"}},
	}
	for _, c := range cases {
		_, fail := decode[ruled](t, c.in)
		if diff := cmp.Diff(c.want, messages(fail)); diff != "" {
			t.Errorf("%s %q %q: %s", c.in.Key, c.in.Value.Text(), c.in.Value.JSON(), diff)
		}
	}
}

func TestViolationNamesFieldAndRule(t *testing.T) {
	t.Parallel()
	_, fail := decode[ruled](t, text("age", "1"), text("tags", "aa,b"))
	want := &Failure{Violations: []Violation{
		{"age", "minimum", "age must be at least 18"},
		{"tags[1]", "minLength", "tags[1] must be at least 2 characters long"},
	}}
	if diff := cmp.Diff(want, fail); diff != "" {
		t.Error(diff)
	}
}

type requiredInputs struct {
	First  string   `json:"first" required:"true"`
	Second *string  `json:"second" required:"true"`
	List   []int    `json:"list" required:"true"`
	Level  level    `json:"level" required:"true"`
	Any    any      `json:"any" required:"true"`
	File   *upload  `json:"file" required:"true"`
	Other  int      `json:"other"`
	Free   *float64 `json:"free" required:"false"`
}

func TestRequired(t *testing.T) {
	t.Parallel()
	all := []Param{text("first", "x"), text("second", "x"), raw("list", "[]"), raw("level", `{"name":"n"}`), raw("any", "0"), {"file", FileValue(&upload{})}}
	if _, fail := decode[requiredInputs](t, all...); fail != nil {
		t.Errorf("all are given: %v", messages(fail))
	}
	for i, p := range all {
		for _, absent := range []Value{TextValue(""), JSONValue([]byte(`null`)), JSONValue([]byte(`""`)), JSONValue([]byte(" null "))} {
			params := append([]Param(nil), all...)
			params[i].Value = absent
			_, fail := decode[requiredInputs](t, params...)
			want := &Failure{Missing: p.Key, Violations: []Violation{{p.Key, "required", p.Key + " must be given"}}}
			if diff := cmp.Diff(want, fail); diff != "" {
				t.Errorf("%s is %q %q: %s", p.Key, absent.Text(), absent.JSON(), diff)
			}
		}
	}
	_, fail := decode[requiredInputs](t, text("other", "x"), text("first", "x"))
	want := []string{"missing second", "required: second must be given", "required: list must be given", "required: level must be given", "required: any must be given", "required: file must be given", "type: other must be a whole number"}
	if diff := cmp.Diff(want, messages(fail)); diff != "" {
		t.Error(diff)
	}
}

type defaulted struct {
	I int            `default:"18"`
	S string         `default:"hello, world"`
	B bool           `default:"true"`
	L []string       `default:"a, b"`
	M map[string]int `default:"{\"a\":1}"`
	P *float64       `default:"0.5"`
	E *string        `default:""`
	N level          `default:"{\"name\":\"n\"}"`
	D time.Duration  `default:"1m"`
	T time.Time      `default:"2024-01-01T00:00:00Z"`
	A any            `default:"x"`
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := defaulted{18, "hello, world", true, []string{"a", "b"}, map[string]int{"a": 1}, new(0.5), new(""), level{"n", 3}, time.Minute, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), "x"}
	for _, sent := range []Value{{}, JSONValue([]byte("null"))} {
		params := []Param{{"I", sent}, {"S", sent}, {"L", sent}, {"M", sent}, {"N", sent}, {"A", sent}}
		got, fail := decode[defaulted](t, params...)
		if diff := cmp.Diff(want, got); fail != nil || diff != "" {
			t.Errorf("%v %s", messages(fail), diff)
		}
	}
	first, _ := decode[defaulted](t)
	first.L[0], first.M["a"], *first.P = "changed", 2, 1
	if again, _ := decode[defaulted](t); !reflect.DeepEqual(again, want) {
		t.Errorf("a default is shared: %+v", again)
	}
	given, fail := decode[defaulted](t, text("I", "0"), text("B", "0"), raw("L", "[]"))
	if fail != nil || given.I != 0 || given.B || len(given.L) != 0 {
		t.Errorf("defaults override what was given: %+v %v", given, messages(fail))
	}
}

func TestLaterParamWins(t *testing.T) {
	t.Parallel()
	got, fail := decode[level](t, text("name", "a"), text("rank", "x"), text("name", "b"), raw("rank", "1"))
	if fail != nil || got != (level{"b", 1}) {
		t.Errorf("%+v %v", got, messages(fail))
	}
}

func TestManyParams(t *testing.T) {
	t.Parallel()
	params := []Param{text("name", "first"), {"file", FileValue(&upload{"1"})}}
	for i := range 10_000 {
		params = append(params, text(fmt.Sprint("other", i), "x"))
	}
	params = append(params, text("name", "last"), Param{"file", FileValue(&upload{"2"})})
	type in struct {
		Name  string    `json:"name"`
		Files []*upload `json:"file"`
	}
	got, fail := decode[in](t, params...)
	if fail != nil || got.Name != "last" || len(got.Files) != 2 {
		t.Errorf("%+v %v", got, messages(fail))
	}
}

type filed struct {
	One  *upload   `json:"one"`
	Many []*upload `json:"many" minItems:"2" maxItems:"3"`
}

func TestFiles(t *testing.T) {
	t.Parallel()
	a, b, c := &upload{"a"}, &upload{"b"}, &upload{"c"}
	got, fail := decode[filed](t, Param{"one", FileValue(a)}, Param{"many", FileValue(b)}, Param{"many", FileValue([]*upload{a, c})})
	if fail != nil || got.One != a || !reflect.DeepEqual(got.Many, []*upload{b, a, c}) {
		t.Errorf("%+v %v", got, messages(fail))
	}
	cases := []struct {
		in   Param
		want []string
	}{
		{text("one", ""), nil}, {raw("one", "null"), nil}, {raw("one", `""`), nil},
		{text("one", "x"), []string{"type: one must be a file"}}, {raw("one", "{}"), []string{"type: one must be a file"}},
		{Param{"one", FileValue(upload{})}, []string{"type: one must be a file"}}, {Param{"one", FileValue(5)}, []string{"type: one must be a file"}},
		{Param{"many", FileValue(a)}, []string{"minItems: many must be a list of at least 2 items"}},
		{Param{"many", FileValue(5)}, []string{"type: many must be a file or several"}},
		{Param{"many", FileValue([]*upload{a, a, a, a})}, []string{"maxItems: many must be a list of at most 3 items"}},
	}
	for _, c := range cases {
		_, fail := decode[filed](t, c.in)
		if diff := cmp.Diff(c.want, messages(fail)); diff != "" {
			t.Errorf("%+v: %s", c.in, diff)
		}
	}
}

type base struct {
	ID    int `json:"id"`
	inner     // an embedded type need not be exported
}

type inner struct {
	Note   string `json:"note" minLength:"2"`
	hidden int
	Skip   func() `json:"-"`
}

type embedding struct {
	Before string
	base
	Named base `json:"named"`
	After string
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	in := compileInput[embedding](t)
	var names []string
	for _, f := range in.Fields() {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"Before", "id", "note", "named", "After"}, names); diff != "" {
		t.Error(diff)
	}
	got, fail := decode[embedding](t, text("id", "1"), text("note", "ab"), raw("named", `{"id":2,"note":"x","hidden":9}`))
	if got.ID != 1 || got.Note != "ab" || got.Named.ID != 2 || got.hidden != 0 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"minLength: named.note must be at least 2 characters long"}, messages(fail)); diff != "" {
		t.Error(diff)
	}
}

func TestFlatInputsAllocateLittle(t *testing.T) {
	type in struct {
		Name string  `json:"name" required:"true" minLength:"1" pattern:"^[a-z]+$"`
		Age  int     `json:"age" minimum:"1"`
		F    float64 `json:"f" default:"1.5"`
		B    bool    `json:"b"`
	}
	plan := compileInput[in](t)
	params := []Param{text("name", "bob"), raw("age", "18"), raw("b", "true")}
	v := new(in)
	if n := testing.AllocsPerRun(100, func() {
		if plan.Decode(v, params) != nil {
			t.Error("it fails")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	type in struct {
		A string         `json:"a" required:"true" doc:"the a" example:"x" pattern:"^x" secret:"true"`
		B []time.Time    `default:"2024-01-01T00:00:00Z"`
		C int            `enum:"1, 2" example:"2"`
		D string         `format:"uuid"`
		E *upload        `json:"e"`
		F []*upload      `json:"f"`
		G any            `json:"g"`
		H map[string]int `json:"h"`
		I *time.Time     `json:"i"`
		J time.Duration  `json:"j"`
		K amount         `json:"k"`
		L []byte         `json:"l"`
	}
	want := []Field{
		{Name: "a", Doc: "the a", Type: "string", Example: "x", Pattern: "^x", Required: true, Secret: true, Secrets: AllSecret},
		{Name: "B", Type: "array", Items: "string", Format: "date-time", Default: "2024-01-01T00:00:00Z"},
		{Name: "C", Type: "integer", Enum: []string{"1", "2"}, Example: "2"},
		{Name: "D", Type: "string", Format: "uuid"},
		{Name: "e", Type: "string", Format: "binary", File: true},
		{Name: "f", Type: "array", Items: "string", Format: "binary", File: true},
		{Name: "g"},
		{Name: "h", Type: "object"},
		{Name: "i", Type: "string", Format: "date-time"},
		{Name: "j", Type: "string"},
		{Name: "k"},
		{Name: "l", Type: "string"},
	}
	if diff := cmp.Diff(want, compileInput[in](t).Fields(), cmp.AllowUnexported(secretPart{})); diff != "" {
		t.Error(diff)
	}
}

func TestPathsAreUTF8(t *testing.T) {
	t.Parallel()
	_, fail := decode[compounds](t, raw("map", `{"`+strings.Repeat("é", 40)+`":"x","a`+"\xff"+`":"x"}`))
	for _, v := range fail.Violations {
		if strings.ToValidUTF8(v.Message, "") != v.Message {
			t.Errorf("%q is not UTF-8", v.Message)
		}
	}
	if len(fail.Violations) != 2 {
		t.Errorf("%d violations", len(fail.Violations))
	}
}

func TestDecodeRefusesAnotherType(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), "schema: Decode needs a *schema.level, not a *schema.tree"; got != want {
			t.Errorf("panic: %v, want %s", got, want)
		}
	}()
	compileInput[level](t).Decode(new(tree), nil)
}

// The defaults of a struct that the client has not given do not make the struct given: it would miss its required members.
func TestADecodedInputCanBeSentAgain(t *testing.T) {
	t.Parallel()
	type place struct {
		Street string   `json:"street" required:"true"`
		No     int      `json:"no" default:"1"`
		Tags   []string `json:"tags" default:"a,b"`
	}
	type order struct {
		To    place  `json:"to"`
		From  place  `json:"from" required:"true"`
		Via   *place `json:"via"`
		Other struct {
			At place `json:"at"`
		} `json:"other"`
	}
	in := compileInput[order](t)
	for _, sent := range []string{
		`{"from":{"street":"s","no":1,"tags":["a","b"]}}`,
		`{"to":{"street":"t","no":2,"tags":["a","b"]},"from":{"street":"s","no":1,"tags":[]},"via":{"street":"v","no":1,"tags":["a","b"]}}`,
	} {
		var first, second order
		var params []Param
		if err := jsonx.Members([]byte(sent), func(key string, raw []byte) error {
			params = append(params, Param{key, JSONValue(raw)})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if fail := in.Decode(&first, params); fail != nil {
			t.Fatal(fail)
		}
		again, err := in.Params(&first)
		if err != nil {
			t.Fatal(err)
		}
		if fail := in.Decode(&second, again); fail != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%s was sent again as %v: %v", sent, again, fail)
		}
		if text, err := in.AppendObject(nil, &first); err != nil || string(text) != sent {
			t.Errorf("%s is %s: %v", sent, text, err)
		}
	}
}

func TestAReleasedInputDescribesItsFieldsAnew(t *testing.T) {
	t.Parallel()
	type address struct {
		Street string `json:"street" secret:"true"`
		Number int    `json:"number" default:"1"`
	}
	type in struct {
		Name    string  `json:"name" required:"true" doc:"who" example:"Ann" pattern:"^[A-Z]"`
		Color   string  `json:"color" enum:"red,green" default:"red"`
		Address address `json:"address"`
	}
	input := compileInput[in](t)
	want := input.Fields()
	input.Release()
	if diff := cmp.Diff(want, input.Fields(), cmp.AllowUnexported(secretPart{})); diff != "" || len(want) != 3 {
		t.Errorf("the fields after Release (-want +got):\n%s", diff)
	}
	var got in
	if fail := input.Decode(&got, []Param{text("name", "Ann")}); fail != nil || got != (in{"Ann", "red", address{Number: 1}}) {
		t.Errorf("a released input decodes to %+v, %v", got, fail)
	}
	if fail := input.Decode(&got, []Param{text("name", "ann")}); fail == nil || fail.Violations[0].Rule != "pattern" {
		t.Errorf("a name that does not match the pattern: %+v", fail)
	}
}

func TestInputsWithTheSamePatternShareIt(t *testing.T) {
	t.Parallel()
	type first struct {
		Code string `json:"code" pattern:"^shared-[0-9]+$"`
	}
	type second struct {
		Codes []string `json:"codes" pattern:"^shared-[0-9]+$"`
	}
	one, other := compileInput[first](t), compileInput[second](t)
	shared, ok := sharedPatterns.Load("^shared-[0-9]+$")
	if !ok || shared.(*pattern).re != nil {
		t.Fatalf("the pattern before its first use is %+v", shared)
	}
	var wg sync.WaitGroup
	for range 8 { // the first use compiles it
		wg.Go(func() {
			if fail := one.Decode(new(first), []Param{text("code", "shared-7")}); fail != nil {
				t.Errorf("a code that matches: %+v", fail)
			}
			if fail := other.Decode(new(second), []Param{text("codes", "shared-7,x")}); fail == nil || fail.Violations[0].Field != "codes[1]" {
				t.Errorf("a list with a code that does not match: %+v", fail)
			}
		})
	}
	wg.Wait()
}
