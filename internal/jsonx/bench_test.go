package jsonx

import (
	"strings"
	"testing"
)

var request = []byte(`{"action":"createUser","params":{"email":"someone@example.com","age":42,"tags":["red","green"]},"id":17}`)

func BenchmarkMembers(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		if err := Members(request, func(string, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValid(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		if err := Valid(request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendString(b *testing.B) {
	for name, text := range map[string]string{
		"short": "someone@example.com", "long": strings.Repeat("plain text ", 100), "unicode": strings.Repeat("naïve café ", 10), "escapes": "say \"hi\"\n",
	} {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendString(dst[:0], text)
			}
		})
	}
}

func BenchmarkUnquote(b *testing.B) {
	for name, raw := range map[string]string{"plain": `"someone@example.com"`, "escapes": `"say \"hi\"\n"`} {
		b.Run(name, func(b *testing.B) {
			literal := []byte(raw)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Unquote(literal); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	v := map[string]any{"a": 1, "b": "two"}
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Append(dst, v); err != nil {
			b.Fatal(err)
		}
	}
}
