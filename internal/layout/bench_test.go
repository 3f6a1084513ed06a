package layout

import (
	"reflect"
	"testing"
)

type sixFields struct {
	ID     int64
	Name   string
	Score  float64
	Active bool
	Rank   int
	Title  string
}

var (
	six     = sixFields{ID: 42, Name: "someone", Score: 0.75, Active: true, Rank: 3, Title: "x"}
	sixType = reflect.TypeFor[sixFields]()
	offsets = fieldOffsets(sixType)
)

func fieldOffsets(t reflect.Type) (list []uintptr) {
	for f := range t.Fields() {
		list = append(list, f.Offset)
	}
	return list
}

// BenchmarkFields reads the six fields of a struct in an interface, as an answer is encoded, and writes them to a new one,
// as an input is decoded: through a Pointer, and without unsafe through package reflect.
func BenchmarkFields(b *testing.B) {
	b.Run("Pointer", func(b *testing.B) {
		var v any = six
		b.ReportAllocs()
		for b.Loop() {
			dst := new(sixFields)
			from, to := InAny(v, false), To(dst)
			*As[int64](to.Field(offsets[0])) = *As[int64](from.Field(offsets[0]))
			*As[string](to.Field(offsets[1])) = *As[string](from.Field(offsets[1]))
			*As[float64](to.Field(offsets[2])) = *As[float64](from.Field(offsets[2]))
			*As[bool](to.Field(offsets[3])) = *As[bool](from.Field(offsets[3]))
			*As[int](to.Field(offsets[4])) = *As[int](from.Field(offsets[4]))
			*As[string](to.Field(offsets[5])) = *As[string](from.Field(offsets[5]))
		}
	})
	b.Run("reflect", func(b *testing.B) {
		var v any = six
		b.ReportAllocs()
		for b.Loop() {
			dst := new(sixFields)
			from, to := reflect.ValueOf(v), reflect.ValueOf(dst).Elem()
			to.Field(0).SetInt(from.Field(0).Int())
			to.Field(1).SetString(from.Field(1).String())
			to.Field(2).SetFloat(from.Field(2).Float())
			to.Field(3).SetBool(from.Field(3).Bool())
			to.Field(4).SetInt(from.Field(4).Int())
			to.Field(5).SetString(from.Field(5).String())
		}
	})
}

// BenchmarkInAny takes a pointer to a struct in an interface, and copies the struct, which reflect needs to do the same.
func BenchmarkInAny(b *testing.B) {
	var v any = six
	b.Run("Pointer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if *As[int64](InAny(v, false)) != 42 {
				b.Fatal("a wrong value")
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := reflect.New(sixType)
			p.Elem().Set(reflect.ValueOf(v))
			if p.Interface().(*sixFields).ID != 42 {
				b.Fatal("a wrong value")
			}
		}
	})
}
