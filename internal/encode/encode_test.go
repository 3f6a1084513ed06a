package encode

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/go-json-experiment/json/jsontext"
)

// These types encode themselves, each in another way, or have a method IsZero.
type (
	byJSON   struct{ N int }
	byText   string
	byPtr    struct{ N int }
	byStream []int
	zeroer   struct{ N int }
	kind     uint8
	named    map[kindName]kind
	kindName string
)

func (v byJSON) MarshalJSON() ([]byte, error) {
	return []byte(`{"n" : [` + strconv.Itoa(v.N) + `]}`), nil
}
func (v byText) MarshalText() ([]byte, error) { return []byte("text:" + string(v)), nil }
func (v *byPtr) MarshalJSON() ([]byte, error) { return []byte(strconv.Itoa(v.N)), nil }
func (v byStream) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.Int(int64(len(v))))
}

// encodableError is an error with an exported field, which encodes.
type encodableError struct{ Text string }

func (o encodableError) Error() string { return o.Text }

func (v zeroer) IsZero() bool { return v.N == 7 }

type Part struct {
	PartName string `json:"partName"`
	Hidden   int    `json:"-"`
	Count    int    `json:",omitempty"`
}

type Deeper struct {
	Part
	Level int `json:"level,omitzero"`
}

type onePointer struct{ P *int }

type withEmbeddedMap struct {
	A     int                       `json:"fixed"`
	Extra map[string]jsontext.Value `json:",embed"`
}

// allKinds has a member of every kind that encodes.
type allKinds struct {
	Bool   bool    `json:"bool"`
	Str    string  `json:"str\u2028<>"`
	Int    int     `json:"int"`
	I8     int8    `json:"i8,string"`
	U      uint    `json:",omitzero"`
	U64    uint64  `json:"u64,string,omitempty"`
	F      float64 `json:"f"`
	F32    float32
	PF     *float64      `json:"pf,string"`
	Time   time.Time     `json:"time"`
	Dur    time.Duration `json:"dur"`
	DurZ   time.Duration `json:"durZ,omitempty,omitzero"`
	Bytes  []byte        `json:"bytes"`
	Array  [3]byte
	Named  []kind            `json:"named"`
	NamedA [2]kind           `json:"namedA"`
	Strs   []string          `json:"strs,omitempty"`
	Ptrs   []*string         `json:"ptrs,omitzero"`
	Map    map[string]any    `json:"map"`
	MapS   map[string]string `json:"mapS,omitempty"`
	MapN   named
	MapI   map[int]string           `json:"mapI"`
	MapT   map[byText]int           `json:"mapT"`
	MapD   map[time.Duration]bool   `json:"mapD"`
	MapP   map[string]*Part         `json:"mapP"`
	MapM   map[string]map[int8]Part `json:"mapM,omitzero"`
	Any    any                      `json:"any"`
	AnyE   any                      `json:"anyE,omitempty"`
	Err    error                    `json:"err,omitempty"`
	Part   Part                     `json:"part"`
	PartP  *Part                    `json:"partP,omitempty"`
	One    onePointer               `json:"one"`
	Deeper
	*Pointed
	J    byJSON          `json:"j"`
	JP   *byJSON         `json:"jp"`
	T    byText          `json:"t,omitempty"`
	P    byPtr           `json:"p"`
	PP   *byPtr          `json:"pp,omitempty"`
	S    byStream        `json:"s"`
	Z    zeroer          `json:"z,omitzero"`
	ZP   *zeroer         `json:"zp,omitzero"`
	ZT   time.Time       `json:"zt,omitzero"`
	IP   netip.Addr      `json:"ip"`
	Big  *big.Int        `json:"big"`
	Raw  json.RawMessage `json:"raw"`
	Val  jsontext.Value  `json:"val"`
	L    withEmbeddedMap `json:"l"`
	None struct{}        `json:"none"`
	Arr  [2][]map[string]Part
	Self *allKinds        `json:"self"`
	All  []allKinds       `json:"all,omitempty"`
	C    complexKey       `json:"c"`
	ZI   zeroInterface    `json:"zi,omitzero"`
	ZA   any              `json:"za,omitzero"`
	DurS durationText     `json:"durS"`
	Opt  interface{ M() } `json:"opt"`
}

type complexKey struct {
	M map[[1]byte]int `json:"m,omitempty"`
}

type zeroInterface interface{ IsZero() bool }

// durationText is left to Marshal because of its option.
type durationText struct {
	D time.Duration `json:"d,string"`
	T int           `json:"t,omitempty"`
}

type Pointed struct {
	FromPointer int `json:"fromPointer"`
	*PointedTwice
}

type PointedTwice struct {
	Twice string `json:"twice,omitempty"`
}

// randomizer fills variables with random values.
type randomizer struct{ *rand.Rand }

var words = []string{"", "a", "b", "key", "plain text of some length", "quote\" and \\", "\x00\n\t", "é€😀", "\u2028", "a\xffb", "<&>", "z", "10", "9"}

func (r randomizer) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(4e9), r.Int64N(1e9)).In(time.FixedZone("", r.IntN(86400)/60*60))))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{1, 2, 3, byte(r.IntN(256))})))
		return
	case *big.Int:
		v.Set(reflect.ValueOf(big.NewInt(r.Int64())))
		return
	case json.RawMessage, jsontext.Value:
		v.SetBytes([]byte([]string{`null`, ` { "a" : [1, 2.50, "\u0041"] } `, `"x"`}[r.IntN(3)]))
		return
	case map[[1]byte]int:
		return
	}
	r.fillKind(v, depth)
}

func (r randomizer) fillKind(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.String:
		v.SetString(words[r.IntN(len(words))])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1, -0.5, 1e21, 1e-7, r.NormFloat64(), math.Copysign(0, -1), float64(r.IntN(1000))}[r.IntN(8)])
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && r.IntN(4) > 0 {
				r.fill(f, depth)
			}
		}
	case reflect.Pointer:
		if depth > 0 && r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			r.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 && r.IntN(3) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
			r.fillElements(v, depth-1)
		}
	case reflect.Array:
		r.fillElements(v, depth-1)
	case reflect.Map:
		r.fillMap(v, depth)
	case reflect.Interface:
		if v.Type() == anyType {
			r.fillAny(v, depth)
		} else if z := []any{zeroer{7}, zeroer{8}, &zeroer{7}, (*zeroer)(nil)}[r.IntN(4)]; v.Type() == reflect.TypeFor[zeroInterface]() {
			v.Set(reflect.ValueOf(z))
		} else if e := reflect.ValueOf(encodableError{"x"}); e.Type().Implements(v.Type()) && r.IntN(2) == 0 {
			v.Set(e)
		}
	default:
		n := r.Int64() >> r.IntN(64)
		if v.CanInt() {
			v.SetInt(n)
		} else {
			v.SetUint(uint64(n))
		}
	}
}

func (r randomizer) fillElements(v reflect.Value, depth int) {
	for i := range v.Len() {
		r.fill(v.Index(i), depth)
	}
}

func (r randomizer) fillMap(v reflect.Value, depth int) {
	if depth <= 0 || r.IntN(4) == 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range r.IntN(25) {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		r.fill(key, 0)
		r.fill(value, depth-1)
		v.SetMapIndex(key, value)
	}
}

func (r randomizer) fillAny(v reflect.Value, depth int) {
	if depth <= 0 {
		return
	}
	choices := []any{
		"", false, 0, 0.0, int8(0), uint64(0), float32(0), []any(nil), map[string]any(nil), []string(nil), time.Second, time.Time{},
		Part{}, &Part{}, (*Part)(nil), onePointer{}, [1]*int{}, [1]map[string]int{}, named(nil), byJSON{}, byText(""), byPtr{}, &byPtr{}, byStream(nil),
		[]byte(nil), [2]byte{}, map[int]int(nil), struct{}{}, withEmbeddedMap{}, (*any)(nil), []allKinds(nil), kind(0), Deeper{}, struct{ E error }{},
	}
	box := reflect.New(reflect.TypeOf(choices[r.IntN(len(choices))])).Elem()
	r.fill(box, depth-1)
	v.Set(box)
}

// compareWithMarshal compares AppendMembers with Marshal for a random value.
func compareWithMarshal(t *testing.T, seed uint64) (encodes bool) {
	t.Helper()
	v := reflect.New(reflect.TypeFor[allKinds]())
	randomizer{rand.New(rand.NewPCG(seed, 1))}.fill(v.Elem(), 4)
	for _, value := range []any{v.Interface(), v.Elem().Interface()} {
		want, wantErr := jsonx.Marshal(value)
		got, err := AppendMembers([]byte("kept"), value)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("seed %d: %v; Marshal says %v", seed, err, wantErr)
		}
		if err == nil {
			want = append([]byte("kept"), want[1:len(want)-1]...)
		} else {
			want = []byte("kept")
		}
		if string(got) != string(want) {
			t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, want)
		}
		encodes = err == nil
	}
	return encodes
}

func TestEncodesAsMarshalDoes(t *testing.T) {
	t.Parallel()
	const all = 200
	good := 0
	for seed := range uint64(all) {
		if compareWithMarshal(t, seed) {
			good++
		}
	}
	if good < all/2 {
		t.Errorf("only %d of %d values encode, so the test compares little", good, all)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { compareWithMarshal(t, seed) })
}

func TestAppendMembers(t *testing.T) {
	t.Parallel()
	var none *Part
	cases := []struct {
		value any
		want  string // or an error that begins with !
	}{
		{nil, ``}, {none, ``}, {struct{}{}, ``}, {Part{PartName: "x"}, `"partName":"x","Count":0`}, {&Part{Count: 1}, `"partName":"","Count":1`},
		{map[string]any{"b": 1, "a": nil}, `"a":null,"b":1`}, {map[string]int(nil), ``}, {map[int]bool{2: true, 1: false}, `"1":false,"2":true`},
		{&map[string]string{"x": "y"}, `"x":"y"`}, {byJSON{3}, `"n":[3]`}, {&byJSON{3}, `"n":[3]`}, {new(any(Part{})), `"partName":"","Count":0`}, {new(&Part{}), `"partName":"","Count":0`},
		{json.RawMessage(`{"a":1}`), `"a":1`}, {onePointer{new(5)}, `"P":5`}, {[1]map[string]int{}, "!not a JSON object"},
		{json.RawMessage(`[1]`), "!not a JSON object"}, {5, "!not a JSON object"}, {"{}", "!not a JSON object"}, {byPtr{}, "!not a JSON object"}, {time.Time{}, "!not a JSON object"},
		{[]int{}, "!not a JSON object"}, {make(chan int), "!is or has a chan int, for which JSON has no form"}, {struct{ F func() }{}, "!field F of struct { F func() } is or has a func()"},
		{struct{ X any }{make(chan int)}, "!the output field X does not encode as JSON: is or has a chan int"},
		{struct{ X map[string][]float64 }{map[string][]float64{"a b": {0, math.NaN()}}}, "!the output field X.a b[1] does not encode as JSON: NaN is not a number that JSON knows"},
		{struct{ Part struct{ R float32 } }{struct{ R float32 }{float32(math.Inf(-1))}}, "!the output field Part.R does not encode as JSON: -Inf is not"},
		{map[string]any{"t": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "!the output field t does not encode as JSON"},
		{map[string]int{"\xff": 1, "\xfe": 2}, "!duplicate"}, {map[string]int{"\xff": 1}, "\"\ufffd\":1"},
	}
	for _, c := range cases {
		got, err := AppendMembers([]byte("kept"), c.value)
		if want, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), want) || string(got) != "kept" {
				t.Errorf("AppendMembers(%#v) = %s, %v; want an error about %s", c.value, got, err, want)
			}
		} else if err != nil || string(got) != "kept"+want {
			t.Errorf("AppendMembers(%#v) = %s, %v; want kept%s", c.value, got, err, want)
		}
	}
}

type ring struct {
	Next *ring  `json:"next"`
	List []*any `json:"list"`
}

func TestCyclesAreErrors(t *testing.T) {
	t.Parallel()
	loop := &ring{}
	loop.Next = loop
	self := map[string]any{}
	self["self"] = self
	list := []any{nil}
	list[0] = list
	var ptr any
	ptr = &ptr
	for _, v := range []any{loop, self, map[string]any{"list": list}, struct{ P any }{ptr}} {
		_, err := AppendMembers(nil, v)
		e, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, errTooDeep) || len(err.Error()) > 400 {
			t.Errorf("%v", e)
		}
	}
}

func TestDeepValuesThatEnd(t *testing.T) {
	t.Parallel()
	var v any = "end"
	for range 300 {
		v = []any{v}
	}
	got, err := AppendMembers(nil, map[string]any{"v": v})
	if want := `"v":` + strings.Repeat("[", 300) + `"end"` + strings.Repeat("]", 300); err != nil || string(got) != want {
		t.Errorf("%v %s", err, got)
	}
}
