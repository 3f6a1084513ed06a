package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func compileInput[T any](t testing.TB) *Input {
	t.Helper()
	in, err := CompileInput(reflect.TypeFor[T](), Options{FileType: reflect.TypeFor[upload]()})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func decode[T any](t testing.TB, params ...Param) (T, *Failure) {
	t.Helper()
	v := new(T)
	fail := compileInput[T](t).Decode(v, params)
	return *v, fail
}

func text(key string, texts ...string) Param {
	return Param{key, repeated(texts...)}
}

// repeated returns the value of a key that was sent with each of the texts.
func repeated(texts ...string) Value {
	v := TextValue(texts[0])
	for _, text := range texts[1:] {
		v.AddText(text)
	}
	return v
}

func raw(key, json string) Param { return Param{key, JSONValue([]byte(json))} }

// messages lists the messages of a failure.
func messages(f *Failure) []string {
	if f == nil {
		return nil
	}
	var list []string
	if f.Missing != "" {
		list = append(list, "missing "+f.Missing)
	}
	for _, v := range f.Violations {
		list = append(list, v.Rule+": "+v.Message)
	}
	return list
}

type upload struct{ Name string }

// shade reads its own text.
type shade struct{ level int }

func (s *shade) UnmarshalText(b []byte) error {
	s.level = map[string]int{"light": 1, "dark": 2, "3": 3}[string(b)]
	if s.level == 0 {
		return errors.New("no such shade")
	}
	return nil
}

// amount reads its own JSON, numbers only.
type amount struct{ cents int }

func (a *amount) UnmarshalJSON(b []byte) error {
	var f float64
	err := json.Unmarshal(b, &f)
	a.cents = int(f * 100)
	return err
}

// word reads its own JSON, strings only.
type word string

func (w *word) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	tok, err := dec.ReadToken()
	if err != nil || tok.Kind() != '"' {
		return errors.Join(err, errors.New("not a string"))
	}
	*w = word("<" + tok.String() + ">")
	return nil
}

type scalars struct {
	S   string
	B   bool
	I   int
	I8  int8
	U16 uint16
	U64 uint64
	F   float64
	F32 float32
	T   time.Time
	D   time.Duration
	Y   []byte
	PS  *string
	PI  *int
	Sh  shade
	Am  amount
	W   word
	Big big.Int
	IP  netip.Addr
	Any any
	R   json.RawMessage
	V   jsontext.Value
}

// TestScalars decodes one field at a time. want is the field's value as Go writes it, or the message after "KEY must be".
func TestScalars(t *testing.T) {
	t.Parallel()
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	when := "!a date and time such as 2006-01-02T15:04:05Z"
	cases := []struct {
		in   Param
		want any // the value, or a message that begins with !
	}{
		{text("S", "x"), "x"}, {raw("S", `"x\ny"`), "x\ny"}, {raw("S", `12.50`), "12.50"}, {raw("S", `true`), "true"},
		{raw("S", `[]`), "!text"}, {raw("S", `{}`), "!text"}, {raw("S", `null`), ""}, {raw("S", `""`), ""}, {raw("S", ` "x" `), "x"},
		{text("S", "a\xffb\xfe"), "a\ufffdb\ufffd"}, {raw("S", "\"a\xffb\""), "a\ufffdb"}, {text("S", "a", "b"), "b"}, {text("S", "a", ""), ""},
		{text("B", "true"), true}, {text("B", "TRUE"), true}, {text("B", "1"), true}, {text("B", "0"), false}, {raw("B", `true`), true},
		{raw("B", `1`), true}, {raw("B", `"false"`), false}, {text("B", "ye"), "!true or false"}, {text("B", "on"), true}, {text("B", "Off"), false}, {text("B", "YES"), true}, {raw("B", `"no"`), false}, {text("B", "enabled"), "!true or false"}, {raw("B", `2`), "!true or false"},
		{text("I", "18"), 18}, {text("I", "-18"), -18}, {text("I", "+18"), 18}, {raw("I", `18`), 18}, {raw("I", `"18"`), 18}, {raw("I", `18.0`), 18},
		{raw("I", `1e3`), 1000}, {text("I", "007"), 7}, {raw("I", `1.5`), "!a whole number"}, {text("I", "x"), "!a whole number"},
		{raw("I", `true`), "!a whole number"}, {text("I", "1_000"), "!a whole number"}, {text("I", "0x10"), "!a whole number"},
		{text("I", " 1"), "!a whole number"}, {raw("I", `9223372036854775807`), 9223372036854775807},
		{raw("I", `9223372036854775808`), "!a whole number from -9223372036854775808 to 9223372036854775807"},
		{raw("I", `1e18`), 1000000000000000000},
		{raw("I", `1e19`), "!a whole number from -9223372036854775808 to 9223372036854775807"},
		{text("I8", "-128"), int8(-128)}, {text("I8", "128"), "!a whole number from -128 to 127"}, {raw("I8", `1.28e2`), "!a whole number from -128 to 127"},
		{raw("I8", `-1.28e2`), int8(-128)}, {text("U16", "65535"), uint16(65535)}, {text("U16", "65536"), "!a whole number from 0 to 65535"},
		{text("U16", "-1"), "!a whole number from 0 to 65535"}, {raw("U16", `6.5536e4`), "!a whole number from 0 to 65535"}, {text("U16", "-0"), uint16(0)},
		{raw("U64", `18446744073709551615`), uint64(18446744073709551615)}, {raw("U64", `1e3`), uint64(1000)}, {text("U64", "1.5"), "!a whole number"},
		{text("F", "1.5"), 1.5}, {raw("F", `-1e-3`), -0.001}, {raw("F", `"2"`), 2.0}, {text("F", "NaN"), "!a number"}, {text("F", "1e400"), "!a number"},
		{text("F", "0x1p4"), "!a number"}, {raw("F", `true`), "!a number"}, {text("F32", "0.1"), float32(0.1)}, {text("F32", "1e39"), "!a number"},
		{text("T", "2024-02-29T17:30:00 05:30"), noon.In(time.FixedZone("", 5*3600+30*60))}, {raw("T", `"2024-02-29T17:30:00 05:30"`), when},
		{text("T", "2024-02-29 05:30"), when}, {text("T", "2024-02-29T17:30:00 0530"), when}, {text("T", " 05:30"), when}, {text("T", "2024-02-29T17:30:00 24:00"), when},
		{text("T", "2024-02-29T12:00:00Z"), noon}, {raw("T", `"2024-02-29T12:00:00Z"`), noon}, {raw("T", `1709208000000`), noon}, {text("T", "1709208000000"), noon},
		{text("T", "2024-02-29t12:00:00z"), noon}, {raw("T", `"2024-02-29t13:00:00+01:00"`), noon.In(time.FixedZone("", 3600))}, {text("T", "2023-02-29T12:00:00Z"), when}, {text("T", "2024-02-29"), when}, {text("T", "now"), when}, {raw("T", `1e15`), when}, {raw("T", `{}`), when},
		{text("D", "1m30s"), 90 * time.Second}, {raw("D", `1500`), 1500 * time.Millisecond}, {text("D", "1500"), 1500 * time.Millisecond},
		{raw("D", `"-1.5h"`), -90 * time.Minute}, {raw("D", `0.5`), 500 * time.Microsecond},
		{text("D", "soon"), "!a duration such as 1m30s or a number of milliseconds"}, {raw("D", `1e300`), "!a duration such as 1m30s or a number of milliseconds"},
		{text("Y", "aGk="), []byte("hi")}, {raw("Y", `"aGk="`), []byte("hi")}, {text("Y", "aGk"), "!base64 text"}, {text("Y", "aG\nk="), "!base64 text"}, {raw("Y", `1`), "!base64 text"},
		{text("PS", ""), new("")}, {raw("PS", `""`), new("")}, {text("PS", "x"), new("x")}, {raw("PS", `null`), (*string)(nil)},
		{text("PI", "5"), new(5)}, {text("PI", ""), (*int)(nil)}, {raw("PI", `null`), (*int)(nil)}, {text("PI", "x"), "!a whole number"},
		{text("Sh", "dark"), shade{2}}, {raw("Sh", `"light"`), shade{1}}, {raw("Sh", `3`), shade{3}}, {text("Sh", "x"), "!a valid shade"}, {raw("Sh", `[]`), "!a valid shade"},
		{raw("Am", `1.25`), amount{125}}, {text("Am", "1.25"), amount{125}}, {text("Am", "x"), "!a valid amount"}, {raw("Am", `null`), amount{}},
		{text("W", "x"), word("<x>")}, {text("W", "5"), word("<5>")}, {raw("W", `"x"`), word("<x>")}, {raw("W", `5`), "!a valid word"},
		{text("Big", "123456789012345678901234567890"), *bigInt("123456789012345678901234567890")}, {raw("Big", `"12"`), *big.NewInt(12)}, {raw("Big", `12`), *big.NewInt(12)},
		{text("IP", "::1"), netip.MustParseAddr("::1")}, {text("IP", "x"), "!a valid Addr"},
		{text("Any", "18"), "18"}, {raw("Any", `18`), 18.0}, {raw("Any", `{"a":[null,true,"x\u0041",{}]}`), map[string]any{"a": []any{nil, true, "xA", map[string]any{}}}},
		{raw("Any", `null`), nil}, {raw("Any", `1e400`), "!a number that 64 bits can hold"}, {text("Any", "\xff"), "\ufffd"},
		{raw("R", `{"a": 1}`), json.RawMessage(`{"a": 1}`)}, {text("R", `[1]`), json.RawMessage(`[1]`)}, {text("R", `hello`), json.RawMessage(`"hello"`)},
		{raw("V", `[1,2]`), jsontext.Value(`[1,2]`)},
		{Param{"S", FileValue(&upload{})}, "!text"}, {Param{"Any", FileValue(&upload{})}, "!a JSON value"},
	}
	for _, c := range cases {
		v, fail := decode[scalars](t, c.in)
		if want, bad := c.want.(string); bad && strings.HasPrefix(want, "!") {
			message := "type: " + c.in.Key + " must be " + want[1:]
			if diff := cmp.Diff([]string{message}, messages(fail)); diff != "" {
				t.Errorf("%+v: %s", c.in, diff)
			}
			continue
		}
		got := reflect.ValueOf(v).FieldByName(c.in.Key).Interface()
		if fail != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q %q: got %#v, %v; want %#v", c.in.Key, c.in.Value.Text(), c.in.Value.JSON(), got, messages(fail), c.want)
		}
	}
}

func bigInt(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

type level struct {
	Name string `json:"name" required:"true"`
	Rank int    `json:"rank" default:"3" maximum:"9"`
}

type compounds struct {
	Tags   []string                  `json:"tags"`
	Nums   []int8                    `json:"nums"`
	Deep   [][]int                   `json:"deep"`
	Ptrs   []*int                    `json:"ptrs"`
	Any    []any                     `json:"any"`
	Shades []shade                   `json:"shades"`
	Levels []level                   `json:"levels"`
	Level  level                     `json:"level"`
	LevelP *level                    `json:"levelP"`
	Map    map[string]int            `json:"map"`
	MapL   map[string]level          `json:"mapL"`
	Named  map[shadeName][]time.Time `json:"named"`
	Raws   []json.RawMessage         `json:"raws"`
}

type shadeName string

func TestCompounds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   Param
		want compounds
	}{
		{raw("tags", `["a","b\n",3,true,""]`), compounds{Tags: []string{"a", "b\n", "3", "true", ""}}},
		{raw("tags", `[]`), compounds{Tags: []string{}}},
		{raw("tags", `null`), compounds{}}, {raw("tags", `""`), compounds{}}, {text("tags", ""), compounds{}},
		{text("tags", "a, b ,c"), compounds{Tags: []string{"a", "b", "c"}}},
		{raw("tags", `"a,b"`), compounds{Tags: []string{"a", "b"}}},
		{text("tags", "a,b", "c"), compounds{Tags: []string{"a,b", "c"}}},
		{text("tags", ` ["a,b"] `), compounds{Tags: []string{"a,b"}}},
		{text("nums", "1,2"), compounds{Nums: []int8{1, 2}}}, {text("nums", "1", "-2"), compounds{Nums: []int8{1, -2}}}, {raw("nums", ` [ 1 , "2" ] `), compounds{Nums: []int8{1, 2}}},
		{raw("deep", `[[1],[],[2,3]]`), compounds{Deep: [][]int{{1}, {}, {2, 3}}}}, {text("deep", `[1]`, `2,3`), compounds{Deep: [][]int{{1}, {2, 3}}}},
		{raw("ptrs", `[1,null]`), compounds{Ptrs: []*int{new(1), nil}}},
		{raw("any", `[1,"x",null,{"a":1}]`), compounds{Any: []any{1.0, "x", nil, map[string]any{"a": 1.0}}}}, {text("any", "1,x"), compounds{Any: []any{"1", "x"}}},
		{raw("any", `["",{"a":""}]`), compounds{Any: []any{"", map[string]any{"a": ""}}}}, {text("any", "1,,x"), compounds{Any: []any{"1", "", "x"}}},
		{text("shades", "dark,light"), compounds{Shades: []shade{{2}, {1}}}},
		{raw("levels", `[{"name":"a"},{"name":"b","rank":"5","more":{"x":[1]}}]`), compounds{Levels: []level{{"a", 3}, {"b", 5}}}},
		{text("levels", `{"name":"a"}`), compounds{Levels: []level{{"a", 3}}}}, {text("levels", `{"name":"a"}`, `{"name":"b"}`), compounds{Levels: []level{{"a", 3}, {"b", 3}}}},
		{raw("level", `{"name":"a","rank":null}`), compounds{Level: level{"a", 3}}}, {text("level", `{"name":"a"}`), compounds{Level: level{"a", 3}}},
		{raw("level", `"{\"name\":\"a\"}"`), compounds{Level: level{"a", 3}}}, {raw("level", `{"n\u0061me":"a"}`), compounds{Level: level{"a", 3}}},
		{raw("levelP", `{"name":"a"}`), compounds{LevelP: &level{"a", 3}}}, {raw("levelP", `null`), compounds{}},
		{raw("map", `{"a":1,"":2,"b\u0041":3}`), compounds{Map: map[string]int{"a": 1, "": 2, "bA": 3}}}, {text("map", `{"a":"1"}`), compounds{Map: map[string]int{"a": 1}}}, {raw("map", `{}`), compounds{Map: map[string]int{}}},
		{raw("mapL", `{"x":{"name":"a"},"y":{"name":"b","rank":1}}`), compounds{MapL: map[string]level{"x": {"a", 3}, "y": {"b", 1}}}},
		{raw("named", `{"x":[0]}`), compounds{Named: map[shadeName][]time.Time{"x": {time.UnixMilli(0).UTC()}}}},
		{raw("raws", `[1,{"a":2}]`), compounds{Raws: []json.RawMessage{json.RawMessage(`1`), json.RawMessage(`{"a":2}`)}}},
		{raw("raws", `[""]`), compounds{Raws: []json.RawMessage{json.RawMessage(`""`)}}},
	}
	for _, c := range cases {
		got, fail := decode[compounds](t, c.in)
		if c.in.Key != "level" {
			c.want.Level.Rank = 3 // the default of a member of a struct that is not given
		}
		if fail != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q %q: %v\n got %+v\nwant %+v", c.in.Key, c.in.Value.Text(), c.in.Value.JSON(), messages(fail), got, c.want)
		}
	}
}

func TestCompoundViolations(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	cases := []struct {
		in   Param
		want []string
	}{
		{raw("tags", `{}`), []string{"type: tags must be a list"}},
		{raw("tags", `[["a"],null,{}]`), []string{"type: tags[0] must be text", "type: tags[1] must be text", "type: tags[2] must be text"}},
		{raw("nums", `[1,300,"x",""]`), []string{"type: nums[1] must be a whole number from -128 to 127", "type: nums[2] must be a whole number", "type: nums[3] must be a whole number"}},
		{text("nums", "1,,x"), []string{"type: nums[1] must be a whole number", "type: nums[2] must be a whole number"}},
		{text("nums", "[1,"), []string{"type: nums must be a list"}},
		{raw("deep", `[[1],2,[["x"]]]`), []string{"type: deep[1] must be a list", "type: deep[2][0] must be a whole number"}},
		{text("deep", "", "x"), []string{"type: deep[0] must be a list", "type: deep[1][0] must be a whole number"}},
		{raw("levels", `[{"rank":10},{"name":"","rank":"x"},null,5]`), []string{
			"maximum: levels[0].rank must be at most 9", "required: levels[0].name must be given", "required: levels[1].name must be given",
			"type: levels[1].rank must be a whole number", "type: levels[2] must be an object", "type: levels[3] must be an object"}},
		{raw("level", `{"name":"a","name":"b"}`), []string{"type: level.name must be given once"}},
		{raw("level", `[]`), []string{"type: level must be an object"}}, {text("level", `name`), []string{"type: level must be an object"}},
		{text("level", `{"name":`), []string{"type: level must be an object"}}, {raw("levelP", `{"name":{}}`), []string{"type: levelP.name must be text"}},
		{raw("map", `{"a":"x","b":null}`), []string{"type: map.a must be a whole number", "type: map.b must be a whole number"}}, {raw("map", `{"a":1,"a":2}`), []string{"type: map.a must be given once"}},
		{raw("map", `{"`+strings.Repeat("k", 100)+`":"x"}`), []string{"type: map." + strings.Repeat("k", 64) + "… must be a whole number"}},
		{raw("mapL", `{"x":{}}`), []string{"required: mapL.x.name must be given"}},
		{raw("any", `[{"a":1,"a":2}]`), []string{"type: any[0].a must be given once"}},
		{raw("any", deep), []string{"type: any" + strings.Repeat("[0]", 64) + " must be nested at most 64 levels deep"}},
	}
	for _, c := range cases {
		_, fail := decode[compounds](t, c.in)
		if diff := cmp.Diff(c.want, messages(fail)); diff != "" {
			t.Errorf("%s %q %q: %s", c.in.Key, c.in.Value.Text(), c.in.Value.JSON(), diff)
		}
	}
}

func TestNestedDefaults(t *testing.T) {
	t.Parallel()
	type sub struct {
		L []int  `json:"l" default:"1,2"`
		S *level `json:"s" default:"{\"name\":\"n\"}"`
		T []tree `json:"t"`
	}
	got, fail := decode[struct{ Sub, Absent sub }](t, raw("Sub", `{"l":null}`))
	both := sub{L: []int{1, 2}, S: &level{"n", 3}}
	want := struct{ Sub, Absent sub }{both, both}
	if diff := cmp.Diff(want, got); fail != nil || diff != "" {
		t.Errorf("%v %s", messages(fail), diff)
	}
}

func TestDepthOfUncheckedJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ open, shut string }{{`{"left":`, `}`}, {`{"map":{"x":`, `}}`}, {`{"kids":[`, `]}`}} {
		_, fail := decode[tree](t, raw("left", strings.Repeat(c.open, 100)+"null"+strings.Repeat(c.shut, 100)))
		if n := len(messages(fail)); n != 1 || !strings.HasSuffix(fail.Violations[0].Message, " must be nested at most 64 levels deep") {
			t.Errorf("%s: %v", c.open, messages(fail))
		}
	}
	_, fail := decode[struct{ N nest }](t, raw("N", strings.Repeat("[", 100)+strings.Repeat("]", 100)))
	if len(messages(fail)) != 1 {
		t.Error(messages(fail))
	}
}

func TestMemoryOfMapsIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(`"` + strconv.Itoa(i) + `":"x",`)
	}
	_, fail := decode[struct{ M map[string]blob }](t, raw("M", "{"+b.String()+`"last":"x"}`))
	if diff := cmp.Diff([]string{"maxItems: M must be a smaller object"}, messages(fail)); diff != "" {
		t.Error(diff)
	}
}

func TestViolationsAreCapped(t *testing.T) {
	t.Parallel()
	_, fail := decode[compounds](t, raw("nums", "["+strings.Repeat(`"x",`, 1000)+`1]`))
	if n := len(fail.Violations); n != 64 {
		t.Errorf("%d violations, want 64", n)
	}
}

type tree struct {
	Name string           `json:"name" minLength:"1"`
	Kids []tree           `json:"kids"`
	Left *tree            `json:"left"`
	Map  map[string]*tree `json:"map"`
}

type nest []nest

func TestRecursiveTypes(t *testing.T) {
	t.Parallel()
	got, fail := decode[tree](t, raw("kids", `[{"name":"a","kids":[{"name":"b"}]}]`), raw("left", `{"left":{"left":{"name":"c"}}}`), raw("map", `{"x":{"name":"d"}}`))
	want := tree{Kids: []tree{{Name: "a", Kids: []tree{{Name: "b"}}}}, Left: &tree{Left: &tree{Left: &tree{Name: "c"}}}, Map: map[string]*tree{"x": {Name: "d"}}}
	if diff := cmp.Diff(want, got); fail != nil || diff != "" {
		t.Errorf("%v %s", messages(fail), diff)
	}
	list, fail := decode[struct{ N nest }](t, raw("N", `[[],[[]]]`))
	if diff := cmp.Diff(nest{{}, {{}}}, list.N); fail != nil || diff != "" {
		t.Errorf("%v %s", messages(fail), diff)
	}
}

func TestMemoryOfListsIsBounded(t *testing.T) {
	t.Parallel()
	type wide struct{ Room blob }
	type in struct{ L []wide }
	got, fail := decode[in](t, raw("L", "["+strings.Repeat("{},", 5000)+"{}]"))
	if diff := cmp.Diff([]string{"maxItems: L must be a shorter list"}, messages(fail)); diff != "" {
		t.Error(diff)
	}
	if n := cap(got.L) * int(reflect.TypeFor[wide]().Size()); n > 2*maxDecoded {
		t.Errorf("%d bytes for a list", n)
	}
}

// blob is large, and decodes itself because an array cannot be an input.
type blob [32 << 10]byte

func (*blob) UnmarshalText([]byte) error { return nil }

func TestNothingOfRawIsKept(t *testing.T) {
	t.Parallel()
	buffers := [][]byte{[]byte(`"text"`), []byte(`["a","b"]`), []byte(`{"k":{"deep":["x"]}}`), []byte(`[{"n":1}]`), []byte(`{"k":"v"}`)}
	type in struct {
		S string
		L []string
		A any
		R []json.RawMessage
		M map[string]string
	}
	var params []Param
	for i, key := range []string{"S", "L", "A", "R", "M"} {
		params = append(params, Param{key, JSONValue(buffers[i])})
	}
	got, fail := decode[in](t, params...)
	for _, b := range buffers {
		copy(b, bytes.Repeat([]byte("#"), len(b)))
	}
	want := in{"text", []string{"a", "b"}, map[string]any{"k": map[string]any{"deep": []any{"x"}}}, []json.RawMessage{json.RawMessage(`{"n":1}`)}, map[string]string{"k": "v"}}
	if diff := cmp.Diff(want, got); fail != nil || diff != "" {
		t.Errorf("%v %s", messages(fail), diff)
	}
}

// The defaults of the members of a struct apply when the struct is not given: at every level, and in list entries. They do
// not apply below a pointer, which stays nil, and not in a struct that has a default of its own.
func TestDefaultsWithinAStructThatIsNotGiven(t *testing.T) {
	t.Parallel()
	type inner struct {
		N int      `json:"n" default:"7"`
		L []string `json:"l" default:"a,b"`
		R string   `json:"r" required:"true"`
	}
	type outer struct {
		Inner inner  `json:"inner"`
		Own   inner  `json:"own" default:"{\"n\":1,\"r\":\"x\"}"`
		Nil   *inner `json:"nil"`
		Plain struct{ X int }
	}
	type in struct {
		Outer outer   `json:"outer"`
		List  []outer `json:"list"`
	}
	absent := outer{Inner: inner{7, []string{"a", "b"}, ""}, Own: inner{1, []string{"a", "b"}, "x"}}
	for _, params := range [][]Param{{}, {raw("outer", "null")}, {raw("outer", "{}")}, {raw("outer", `{"inner":null}`)}, {text("outer", "")}} {
		got, fail := decode[in](t, params...)
		if diff := cmp.Diff(in{Outer: absent}, got); fail != nil || diff != "" {
			t.Errorf("%v: %v %s", params, messages(fail), diff)
		}
	}
	got, fail := decode[in](t, raw("list", `[{},{"inner":{"n":2,"r":"y"}}]`))
	second := absent
	second.Inner = inner{2, []string{"a", "b"}, "y"}
	if diff := cmp.Diff([]outer{absent, second}, got.List); fail != nil || diff != "" {
		t.Errorf("%v %s", messages(fail), diff)
	}
}
