package setting

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type filled = Filled

type inner struct {
	filled
	Count int `json:"count" default:"3"`
}

type embedded struct {
	Limit uint8 `json:"limit" default:"200" max:"250"`
}

type settings struct {
	filled
	embedded

	Name     string        `json:"name" default:"anna" min:"1" max:"5"`
	Mode     string        `json:"mode" default:"fast" enum:"slow,fast,exact"`
	On       *bool         `json:"on" default:"true"`
	Off      *bool         `json:"off" default:"false"`
	Unknown  *bool         `json:"unknown" auto:"if it rains"`
	Timeout  time.Duration `json:"timeout" default:"1m30s" min:"1ns"`
	Size     int64         `json:"size" unit:"bytes" default:"64 KiB" min:"1"`
	Ratio    float64       `json:"ratio" default:"0.5" min:"0.25" max:"0.75"`
	Workers  int           `json:"workers" auto:"one" min:"1" max:"9"`
	Grace    time.Duration `json:"grace" default:"1s" min:"1ms" range:"1ms or more, please"`
	Plain    int           `json:"plain"`
	Inner    inner         `json:"inner"`
	Pointer  *inner        `json:"pointer"`
	Hidden   inner         `json:"-"`
	Inlined  inner         `json:",inline"`
	internal int           `default:"7"`
}

// values returns what Fill may change.
func values(s *settings) []any {
	value := func(b *bool) any {
		if b == nil {
			return nil
		}
		return *b
	}
	return []any{s.Limit, s.Name, s.Mode, value(s.On), value(s.Off), value(s.Unknown), s.Timeout, s.Size, s.Ratio, s.Workers, s.Inner.Count, s.Inlined.Count}
}

func TestFillLiteral(t *testing.T) {
	t.Parallel()
	s := settings{Pointer: &inner{}}
	shared := s.Pointer
	Fill(&s)
	want := []any{uint8(200), "anna", "fast", true, false, nil, 90 * time.Second, int64(64 << 10), 0.5, 0, 3, 3}
	if d := cmp.Diff(want, values(&s)); d != "" {
		t.Error(d)
	}
	if s.Hidden.Count != 0 || s.internal != 0 || s.Pointer.Count != 3 || shared.Count != 0 {
		t.Errorf("hidden %d, internal %d, pointer %d, and the struct that it shared %d", s.Hidden.Count, s.internal, s.Pointer.Count, shared.Count)
	}
	given := settings{Name: "b", On: new(false), Plain: 1}
	Fill(&given)
	if given.Name != "b" || *given.On || given.Plain != 1 || given.Mode != "fast" {
		t.Errorf("a field that was given has changed: %+v", given)
	}
}

func TestZerosCountOnceFilled(t *testing.T) {
	t.Parallel()
	var s settings
	if IsFilled(&s) {
		t.Error("a literal is filled")
	}
	Fill(&s)
	if !IsFilled(&s) || !IsFilled(&s.Inner) {
		t.Error("Fill does not say that it filled")
	}
	s.Limit, s.Name, s.Mode, s.Timeout, s.Size, s.Ratio, s.Inner.Count, s.Inlined.Count = 0, "", "", 0, 0, 0, 0, 0
	s.On = nil
	passedOn := s
	Fill(&passedOn)
	want := []any{uint8(0), "", "", true, false, nil, time.Duration(0), int64(0), 0.0, 0, 0, 0}
	if d := cmp.Diff(want, values(&passedOn)); d != "" {
		t.Error(d)
	}
	s.Inner = inner{}
	Fill(&s)
	if s.Inner.Count != 3 {
		t.Error("a literal inside a filled struct has no defaults")
	}
}

func TestMistakesPanic(t *testing.T) {
	t.Parallel()
	for name, ptr := range map[string]any{
		"no pointer": settings{},
		"nil":        (*settings)(nil),
		"no number": &struct {
			A int `default:"x"`
		}{},
		"too large": &struct {
			A int8 `default:"200"`
		}{},
		"list": &struct {
			A []int `default:"1"`
		}{},
		"size with words": &struct {
			A int `unit:"bytes" default:"much"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("Fill accepts it")
				}
			}()
			Fill(ptr)
		})
	}
}

func TestMistakesAreNamedWithTheirRemedies(t *testing.T) {
	t.Parallel()
	type nested struct {
		B time.Duration `default:"4"`
	}
	type chain struct{ Next *chain }
	for want, v := range map[string]any{
		`field A of struct`: struct {
			A int `default:"x"`
		}{},
		`has default:"x", but it must be a whole number: correct the tag`: struct {
			A *int `default:"x"`
		}{},
		`has default:"a.b", but it must be a text that netip.Addr parses`: struct {
			A netip.Addr `default:"a.b"`
		}{},
		`field B of setting.nested has default:"4", but it must be a duration with its unit`: struct{ A *nested }{},
		`has a default, which only single values can have`: struct {
			A []int `default:"1"`
		}{},
		`has the tag minimum, which has no meaning for a setting: did you mean min?`: struct {
			A int `minimum:"1"`
		}{},
		`has the type chan int, which no setting can have`:  struct{ A chan int }{},
		`has the type *setting.chain, which no setting can`: chain{},
		`has the bound "1h", but it must be a whole number`: struct {
			A []string `max:"1h"`
		}{},
		`has the bound "1", which only numbers, durations,`: struct {
			A bool `min:"1"`
		}{},
	} {
		if err := Mistake(reflect.TypeOf(v)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	malformed := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[string](), Tag: "secret:true"}})
	if err := Mistake(malformed); err == nil || !strings.Contains(err.Error(), `has the tag "secret:true", which is not of the form`) {
		t.Errorf("a malformed tag: %v", err)
	}
	if err := Mistake(reflect.TypeFor[settings]()); err != nil {
		t.Errorf("the settings of the other tests: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*settings){
		"": func(s *settings) { s.Workers, s.Unknown = 0, nil },
		"test.limit is 251: it must be at most 250":                               func(s *settings) { s.Limit = 251 },
		`test.name is "": it must be a text of 1 to 5 bytes`:                      func(s *settings) { s.Name = "" },
		`test.name is "abcdef": it must be a text of 1 to 5 bytes`:                func(s *settings) { s.Name = "abcdef" },
		`test.mode is "": it must be slow, fast or exact`:                         func(s *settings) { s.Mode = "" },
		"test.timeout is 0s: it must be above zero":                               func(s *settings) { s.Timeout = 0 },
		"test.size is -1: it must be above zero":                                  func(s *settings) { s.Size = -1 },
		"test.ratio is 0.8: it must be from 0.25 to 0.75":                         func(s *settings) { s.Ratio = 0.8 },
		"test.workers is 10: it must be from 1 to 9, or 0 for the default":        func(s *settings) { s.Workers = 10 },
		"test.grace is 1ns: it must be 1ms or more, please":                       func(s *settings) { s.Grace = 1 },
		"test.size is 0: it must be above zero\ntest.grace is 0s: it must be 1ms": func(s *settings) { s.Size, s.Grace = 0, 0 },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var s settings
			Fill(&s)
			change(&s)
			err := Check("test", &s)
			if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Check looks into lists, maps and pointers, hides secrets, and reports a setting that two structs share once.
func TestCheckElements(t *testing.T) {
	t.Parallel()
	type item struct {
		Count int `json:"count" default:"1" min:"1"`
	}
	type shared struct {
		Limit int `json:"limit" min:"1"`
	}
	type config struct {
		Key     string            `json:"key" secret:"true" min:"12"`
		Keys    map[string]string `json:"keys" secret:"true" enum:"a,b"`
		Long    string            `json:"long" min:"12"`
		Port    int               `json:"port" min:"1" max:"9" also:"-1"`
		List    []item            `json:"list"`
		Map     map[string]*item  `json:"map"`
		Waits   [][]time.Duration `json:"waits" min:"1s"`
		Pointer *item             `json:"pointer"`
		A       shared            `json:",inline"`
		B       shared            `json:",inline"`
	}
	good := func() config {
		return config{Key: "hunter222222", Long: "long enough.", Port: -1, A: shared{1}, B: shared{2}, Map: map[string]*item{"none": nil}}
	}
	for want, change := range map[string]func(*config){
		"": func(*config) {},
		"key must be a text of 12 bytes or more; its value is not shown because it is a secret": func(c *config) { c.Key = "hunter2" },
		"keys.x must be a or b; its value is not shown because it is a secret":                  func(c *config) { c.Keys = map[string]string{"x": "hunter2"} },
		`long is "short": it must be a text of 12 bytes or more`:                                func(c *config) { c.Long = "short" },
		"port is 0: it must be from 1 to 9":                                                     func(c *config) { c.Port = 0 },
		"list[1].count is 0: it must be above zero":                                             func(c *config) { c.List = []item{{1}, {0}} },
		"map.x.count is 0: it must be above zero\nmap.y.count is -1: it must be above zero":     func(c *config) { c.Map = map[string]*item{"y": {-1}, "x": {}} },
		"waits[0][1] is 1ns: it must be 1s or more":                                             func(c *config) { c.Waits = [][]time.Duration{{time.Second, 1}} },
		"pointer.count is 0: it must be above zero":                                             func(c *config) { c.Pointer = &item{} },
		"limit is 0: it must be above zero":                                                     func(c *config) { c.A.Limit, c.B.Limit = 0, 0 },
		"limit is -1: it must be above zero\nlimit is -2: it must be above zero":                func(c *config) { c.A.Limit, c.B.Limit = -1, -2 },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := good()
			change(&c)
			got := ""
			if err := Check("", &c); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range Fields(reflect.TypeFor[settings]()) {
		names = append(names, f.Name)
		if f.Inline != (f.Name == "count") {
			t.Errorf("%s is inline: %v", f.Name, f.Inline)
		}
	}
	want := []string{"limit", "name", "mode", "on", "off", "unknown", "timeout", "size", "ratio", "workers", "grace", "plain", "inner", "pointer", "count"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

func TestBools(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"true": "true", "on": "true", "1": "true", "TRUE": "true", "false": "false", "off": "false", "0": "false",
		"yes": "refused", "": "refused", "On": "refused", "2": "refused",
	} {
		got := "refused"
		if b, ok := parseBool(text); ok {
			got = map[bool]string{true: "true", false: "false"}[b]
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
