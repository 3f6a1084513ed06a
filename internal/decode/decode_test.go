package decode

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// same decodes data with Unmarshal and with jsonx.Unmarshal, and fails unless both give the same value and the same error.
func same[T any](t *testing.T, data []byte) {
	t.Helper()
	input := string(data)
	got, err := Unmarshal[T](data)
	var want T
	wantErr := jsonx.Unmarshal(data, &want)
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("%T from %.200q: the error is %v, want %v", want, data, err, wantErr)
	}
	if !reflect.DeepEqual(got, want) && got2(got) != got2(want) {
		t.Errorf("%T from %.200q: got %+v, want %+v", want, data, got, want)
	}
	if string(data) != input {
		t.Errorf("%T from %.200q: the JSON was changed", want, input)
	}
}

// got2 tells values apart that reflect.DeepEqual calls different although they are not: NaN does not occur in JSON, but two
// zones of time with one name and offset do.
func got2(v any) string {
	data, err := encode.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return reflect.TypeOf(v).String() + string(data)
}

type (
	name  string
	level int8
	point struct {
		X, Y float64
	}
	tree struct {
		Value    int    `json:"value"`
		Children []tree `json:"children"`
		Left     *tree  `json:"left,omitempty"`
	}
	embedded struct {
		point
		ID uint32 `json:"id"`
	}
	shout struct{ text string }
	all   struct {
		Bool     bool              `json:"bool"`
		Int      int               `json:"int"`
		Level    level             `json:"level"`
		Uint64   uint64            `json:"uint64"`
		Float    float64           `json:"float"`
		Float32  float32           `json:"float32"`
		Name     name              `json:"name"`
		Text     string            `json:"text,omitempty"`
		Bytes    []byte            `json:"bytes"`
		Time     time.Time         `json:"time"`
		Zero     time.Time         `json:"zero,omitzero"`
		Duration time.Duration     `json:"duration"`
		Names    []name            `json:"names"`
		Texts    []string          `json:"texts"`
		Ints     []int             `json:"ints,omitempty"`
		Points   []point           `json:"points"`
		Pointer  *point            `json:"pointer"`
		Far      **int             `json:"far"`
		Map      map[string]int    `json:"map"`
		Any      any               `json:"any"`
		Array    [2]int            `json:"array"`
		Shout    shout             `json:"shout"`
		Shouts   []shout           `json:"shouts"`
		Tree     tree              `json:"tree"`
		Skipped  int               `json:"-"`
		Odd      int               `json:"a <\u2028> b"`
		Nested   map[string][]name `json:"nested"`
		Embedded embedded          `json:"embedded"`
		Quoted   struct {
			N int `json:",string"`
		} `json:"quoted"`
	}
)

func (s shout) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(s.text)), nil }
func (s *shout) UnmarshalText(b []byte) error {
	s.text = strings.ToLower(string(b))
	return nil
}

func fullValue() all {
	n := 7
	far := &n
	v := all{
		Bool: true, Int: -42, Level: -128, Uint64: math.MaxUint64, Float: 1e300, Float32: 0.1, Name: "Zoë \u2028 \"x\"\n", Text: "text",
		Bytes: []byte{0, 255}, Time: time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600)), Duration: 90 * time.Second,
		Names: []name{"a", "", "ü"}, Texts: []string{"one", strings.Repeat("long ", 30)}, Ints: []int{0, -1, math.MaxInt64, math.MinInt64},
		Points: []point{{1, -2.5}, {}}, Pointer: &point{3, 4}, Far: &far, Map: map[string]int{"k": 1}, Any: map[string]any{"a": []any{1.5, nil}},
		Array: [2]int{1, 2}, Shout: shout{"hey"}, Shouts: []shout{{"a"}, {"b"}}, Odd: 5, Nested: map[string][]name{"n": {"x"}},
		Tree: tree{1, []tree{{2, nil, &tree{Value: 9}}}, nil}, Embedded: embedded{point{1, 2}, 3},
	}
	v.Quoted.N = 12
	return v
}

func TestUnmarshalReadsWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	for _, v := range []all{{}, fullValue()} {
		data, err := encode.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		same[all](t, data)
		same[*all](t, data)
		same[map[string]any](t, data)
		same[any](t, data)
		// The JSON of a type of yesterday's program, with fewer or more members.
		same[tree](t, data)
		same[session](t, data)
		const odd = "\" 09-.e,]}n\\\xff"
		for i := range data { // each beginning, and each byte missing or changed
			same[all](t, data[:i])
			same[all](t, append(append([]byte(nil), data[:i]...), data[i+1:]...))
			changed := append([]byte(nil), data...)
			changed[i] = odd[i%len(odd)]
			same[all](t, changed)
		}
	}
}

// TestUnmarshalOfOddJSON reads JSON that package encode never writes, but an app that stores its own JSON may.
func TestUnmarshalOfOddJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, ` `, `null`, ` null `, `true`, `false`, `0`, `-0`, `00`, `01`, `-`, `1.0`, `1e2`, `128`, `-128`, `-129`, `255`, `256`, `9223372036854775807`,
		`-9223372036854775808`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`, `1e400`, `1e39`, `0.1`, `.5`, `+1`, `1 `, `"`, `""`,
		`"a`, `"a\"`, `"\u00e9"`, `"\ud800"`, "\"\xff\"", "\"a\nb\"", `"1"`, `"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123456789+02:00"`, `"2026-1-2T03:04:05Z"`,
		`"2026-01-02t03:04:05Z"`, `"2026-01-02T24:00:00Z"`, `"2026-01-02T03:04:05,5Z"`, `[]`, `[ ]`, `[null]`, `[1,2]`, `[1,]`, `[,1]`, `["a","b"]`, `["a" ,"b"]`, `[[1],[]]`, `[`, `[1`, `]`,
		`{}`, `{ }`, `{"X":1}`, `{"X":1,"Y":2}`, `{"Y":2,"X":1}`, `{"X":1,"X":2}`, `{"x":1,"Y":2}`, `{"X":1,"Y":2,"Z":3}`, `{"X":1,"Y":2}x`, `{"X":null,"Y":2}`,
		`{"user":1,"name":"a","roles":null,"expires":2,"data":"b"}`, `{"user":1,"name":"a","roles":["x"],"expires":2,"data":"b"}`, `{"value":1,"children":[],"left":null}`,
	} {
		data := []byte(text)
		same[bool](t, data)
		same[int](t, data)
		same[int8](t, data)
		same[int64](t, data)
		same[uint8](t, data)
		same[uint64](t, data)
		same[float32](t, data)
		same[float64](t, data)
		same[string](t, data)
		same[name](t, data)
		same[time.Time](t, data)
		same[time.Duration](t, data)
		same[[]string](t, data)
		same[[]int](t, data)
		same[[]name](t, data)
		same[[]uint8](t, data)
		same[[][]int](t, data)
		same[[2]int](t, data)
		same[*int](t, data)
		same[**point](t, data)
		same[map[string]int](t, data)
		same[any](t, data)
		same[point](t, data)
		same[[]point](t, data)
		same[tree](t, data)
		same[embedded](t, data)
		same[session](t, data)
		same[struct{}](t, data)
		same[struct{ unexported int }](t, data)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, v := range []all{{}, fullValue()} {
		data, err := encode.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same[all](t, data)
		same[session](t, data)
		same[[]string](t, data)
		same[time.Time](t, data)
	})
}

// TestASmallTextKeepsOnlyItself looks at the memory of the texts of a value.
func TestASmallTextKeepsOnlyItself(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	data, err := encode.Marshal(session{Name: "Evan", Roles: []string{strings.Repeat("r", 60), "b"}, Data: long})
	if err != nil {
		t.Fatal(err)
	}
	within := func(text string) bool {
		from, at := uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(unsafe.StringData(text)))
		return at >= from && at < from+uintptr(len(data))
	}
	v, err := Unmarshal[session](data)
	if err != nil || v.Data != long || v.Name != "Evan" {
		t.Fatalf("%+v, %v", v, err)
	}
	if within(v.Name) || within(v.Roles[0]) || within(v.Roles[1]) {
		t.Error("a small text shares the memory of the whole JSON")
	}
	if !within(v.Data) {
		t.Error("a text that is most of the JSON is copied")
	}
}

// TestValuesAreIndependent changes everything that one decoded value points to, and decodes the JSON again.
func TestValuesAreIndependent(t *testing.T) {
	t.Parallel()
	want := fullValue()
	data, err := encode.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	first, err := Unmarshal[all](data)
	if err != nil {
		t.Fatal(err)
	}
	before := got2(first)
	first.Bytes[0], first.Names[0], first.Texts[0], first.Ints[0] = 9, "changed", "changed", 9
	first.Points[0].X, first.Pointer.X, **first.Far, first.Map["k"] = 9, 9, 9, 9
	first.Any.(map[string]any)["a"] = 9
	first.Shouts[0].text, first.Tree.Children[0].Value, first.Nested["n"][0] = "changed", 9, "changed"
	first.Texts = append(first.Texts[:1], "changed")
	second, err := Unmarshal[all](data)
	if err != nil || got2(second) != before {
		t.Errorf("after a change of the first value, the second is %s, want %s: %v", got2(second), before, err)
	}
}
