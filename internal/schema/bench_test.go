package schema

import (
	"testing"
	"time"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

type twoInputs struct {
	Name string `json:"name" required:"true" minLength:"1"`
	Age  int    `json:"age" minimum:"1"`
}

func benchmarkDecode[T any](b *testing.B, params ...Param) {
	in := compileInput[T](b)
	b.ReportAllocs()
	for b.Loop() {
		v := new(T)
		if fail := in.Decode(unsafe.Pointer(v), params); fail != nil {
			b.Fatal(messages(fail))
		}
	}
}

func BenchmarkDecodeTwoTexts(b *testing.B) {
	benchmarkDecode[twoInputs](b, text("name", "someone"), text("age", "42"))
}

func BenchmarkDecodeTwoJSON(b *testing.B) {
	benchmarkDecode[twoInputs](b, raw("name", `"someone"`), raw("age", `42`))
}

func BenchmarkDecodeTwoAmongOthers(b *testing.B) {
	benchmarkDecode[twoInputs](b, text("name", "someone"), text("age", "42"), text("action", "x"), raw("limit", "100"), raw("offset", "0"))
}

func BenchmarkDecodeNested(b *testing.B) {
	benchmarkDecode[compounds](b, raw("levels", `[{"name":"a","rank":1},{"name":"b","rank":2},{"name":"c"}]`), raw("tags", `["red","green","blue"]`))
}

func BenchmarkDecodeViolation(b *testing.B) {
	in := compileInput[twoInputs](b)
	params := []Param{text("name", "someone"), text("age", "x")}
	b.ReportAllocs()
	for b.Loop() {
		if in.Decode(unsafe.Pointer(new(twoInputs)), params) == nil {
			b.Fatal("it passes")
		}
	}
}

type sixFields struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	Score   float64  `json:"score"`
	Active  bool     `json:"active"`
	Tags    []string `json:"tags"`
	Address struct {
		City string `json:"city"`
	} `json:"address"`
}

func benchmarkEncode[T any](b *testing.B, value T) {
	out := compileOutput[T](b)
	var v any = value
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := out.AppendMembers(dst, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeOne(b *testing.B) {
	benchmarkEncode(b, struct {
		RandomNumber float64 `json:"randomNumber"`
	}{0.123456789})
}

var six = sixFields{ID: 42, Name: "someone", Score: 0.75, Active: true, Tags: []string{"red", "green"}}

func BenchmarkEncodeSix(b *testing.B) { benchmarkEncode(b, six) }

func BenchmarkEncodeTime(b *testing.B) {
	benchmarkEncode(b, struct{ T time.Time }{time.Unix(1.7e9, 123456789).UTC()})
}

func BenchmarkEncodeMap(b *testing.B) {
	benchmarkEncode(b, map[string]any{"id": 42, "name": "someone", "score": 0.75, "active": true, "tags": []any{"red", "green"}})
}

func BenchmarkEncodeMapOfStructs(b *testing.B) {
	benchmarkEncode(b, map[string]sixFields{"a": six, "b": six})
}

// BenchmarkEncodeSixByJSONX is what BenchmarkEncodeSix is measured against.
func BenchmarkEncodeSixByJSONX(b *testing.B) {
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonx.Append(dst, &six); err != nil {
			b.Fatal(err)
		}
	}
}
