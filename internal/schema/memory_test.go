package schema

import (
	"runtime"
	"strings"
	"testing"
)

type hungry struct {
	Any      any              `json:"any"`
	Anys     []any            `json:"anys"`
	Maps     []map[string]int `json:"maps"`
	Pointers []*spacious      `json:"pointers"`
	Structs  []spacious       `json:"structs"`
	Map      map[string]*spacious
	Texts    []string
	Numbers  []*int
}

// spacious is large, but its JSON may be short.
type spacious struct {
	A [32]string `json:"-"`
	B *spacious
	X string
}

// A few bytes of JSON cannot take much memory, whatever the type of the input is.
func TestAnInputOfAnyTypeTakesBoundedMemory(t *testing.T) {
	in := compileInput[hungry](t)
	const bytes = 2 << 20
	repeated := func(key, before, entry, after string) Param {
		return raw(key, before+strings.TrimSuffix(strings.Repeat(entry+",", bytes/(len(entry)+1)), ",")+after)
	}
	for _, c := range []struct {
		name  string
		param Param
	}{
		{"objects", repeated("any", "[", `{"a":0}`, "]")},
		{"empty objects", repeated("any", "[", `{}`, "]")},
		{"lists", repeated("any", "[", `[0]`, "]")},
		{"empty lists", repeated("any", "[", `[]`, "]")},
		{"numbers", repeated("any", "[", `0`, "]")},
		{"texts", repeated("any", "[", `"a"`, "]")},
		{"empty texts", repeated("any", "[", `""`, "]")},
		{"nested objects", repeated("any", "[", strings.Repeat(`{"a":`, 50)+"0"+strings.Repeat("}", 50), "]")},
		{"objects in a list of any", repeated("anys", "[", `{"a":0}`, "]")},
		{"maps", repeated("maps", "[", `{"a":0}`, "]")},
		{"empty maps", repeated("maps", "[", `{}`, "]")},
		{"pointers to large structs", repeated("pointers", "[", `{}`, "]")},
		{"nested pointers", repeated("pointers", "[", strings.Repeat(`{"B":`, 50)+"{}"+strings.Repeat("}", 50), "]")},
		{"large structs", repeated("structs", "[", `{}`, "]")},
		{"members that are pointers to large structs", repeated("Map", "{", `"a":{}`, "}")},
		{"pointers to numbers", repeated("Numbers", "[", `0`, "]")},
		{"invalid UTF-8", text("any", strings.Repeat("\xff", bytes))},
		{"list of empty texts", text("Texts", strings.Repeat(",", bytes))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			fail := in.Decode(new(hungry), []Param{c.param})
			runtime.ReadMemStats(&after)
			const most = 3 * maxDecoded // a list that grows leaves its older arrays to the collector
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%d MB are allocated, want at most %d; %v", got>>20, most>>20, messages(fail))
			}
			if len(messages(fail)) > maxViolations {
				t.Errorf("%d messages", len(messages(fail)))
			}
		})
	}
}

// The limit of memory refuses the input; it does not shorten it.
func TestAnAnyInputOverItsBudgetIsRefused(t *testing.T) {
	t.Parallel()
	got, fail := decode[hungry](t, raw("any", "["+strings.Repeat(`{"a":0},`, 1<<19)+"0]"))
	if fail == nil || fail.Violations[0].Field == "" || !strings.Contains(fail.Violations[0].Message, "must be a smaller value") {
		t.Errorf("%d entries, %v", len(got.Any.([]any)), messages(fail))
	}
	if _, fail = decode[hungry](t, raw("any", "["+strings.Repeat(`{"a":0},`, 1<<16)+"0]")); fail != nil {
		t.Errorf("65,537 entries are refused: %v", messages(fail))
	}
}

// A text is a list with one element, so for a list of itself each level would have a further one.
func TestATextForAListOfItselfIsRefused(t *testing.T) {
	t.Parallel()
	type pointers []*pointers
	type in struct {
		N nest     `json:"n"`
		P pointers `json:"p"`
	}
	input := compileInput[in](t)
	for _, v := range []Value{TextValue("x"), JSONValue([]byte(`"x"`)), JSONValue([]byte(`["x"]`))} {
		for _, key := range []string{"n", "p"} {
			if fail := input.Decode(new(in), []Param{{key, v}}); fail == nil || !strings.Contains(fail.Violations[0].Message, "must be nested at most") {
				t.Errorf("%s %+v: %v", key, v, fail)
			}
		}
	}
	if fail := input.Decode(new(in), []Param{{"n", TextValue("[[],[[]]]")}}); fail != nil {
		t.Error(fail)
	}
}
