package encode

import (
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

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
	out := compile[T](b)
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

// BenchmarkEncodeSixByMarshal is the baseline for BenchmarkEncodeSix: the same value without a plan of our own.
func BenchmarkEncodeSixByMarshal(b *testing.B) {
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonx.Append(dst, &six); err != nil {
			b.Fatal(err)
		}
	}
}
