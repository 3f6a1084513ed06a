package schema

import "testing"

type twoInputs struct {
	Name string `json:"name" required:"true" minLength:"1"`
	Age  int    `json:"age" minimum:"1"`
}

func benchmarkDecode[T any](b *testing.B, params ...Param) {
	in := compileInput[T](b)
	b.ReportAllocs()
	for b.Loop() {
		v := new(T)
		if fail := in.Decode(v, params); fail != nil {
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
		if in.Decode(new(twoInputs), params) == nil {
			b.Fatal("it passes")
		}
	}
}
