package layout

import (
	"reflect"
	"testing"
)

type sample struct {
	A byte
	B string
	C *int
	D []int32
	E [3]byte
	F any
}

func TestPointerReadsAndWritesFields(t *testing.T) {
	t.Parallel()
	s := sample{B: "b", C: new(5), D: []int32{1, 2}, E: [3]byte{7, 8, 9}, F: "held"}
	typ := reflect.TypeFor[sample]()
	field := func(name string) Pointer {
		f, _ := typ.FieldByName(name)
		return To(&s).Field(f.Offset)
	}
	if got := *As[string](field("B")); got != "b" {
		t.Errorf("B is %q", got)
	}
	*As[byte](field("A")) = 3
	if s.A != 3 {
		t.Errorf("A is %d", s.A)
	}
	if got := *As[int](field("C").Load()); got != 5 {
		t.Errorf("C points to %d", got)
	}
	field("C").Store(Pointer{})
	if s.C != nil || !field("C").Load().IsNil() {
		t.Errorf("C is %v", s.C)
	}
	first, n := field("D").Slice()
	if n != 2 || *As[int32](first.Field(4)) != 2 {
		t.Errorf("D has %d elements, the second is %d", n, *As[int32](first.Field(4)))
	}
	if got := field("E").Bytes(3); string(got) != "\x07\x08\x09" {
		t.Errorf("E is %v", got)
	}
	if got := *As[string](field("F").InInterface(HeldDirectly(reflect.TypeFor[string]()))); got != "held" {
		t.Errorf("F holds %q", got)
	}
	if got := To(&s).Value(typ).Interface(); !reflect.DeepEqual(got, s) {
		t.Errorf("Value is %+v", got)
	}
}

func TestValuesInInterfaces(t *testing.T) {
	t.Parallel()
	type onePointer struct{ P *int }
	for _, c := range []struct {
		name   string
		value  any
		direct bool
	}{
		{"int", 5, false}, {"string", "x", false}, {"struct", sample{B: "b"}, false}, {"pointer", new(5), true}, {"map", map[string]int{"a": 1}, true},
		{"struct of one pointer", onePointer{new(5)}, true}, {"array of one pointer", [1]*int{new(5)}, true}, {"empty struct", struct{}{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			typ := reflect.TypeOf(c.value)
			if got := HeldDirectly(typ); got != c.direct {
				t.Errorf("HeldDirectly is %v, want %v", got, c.direct)
			}
			if got := InAny(c.value, c.direct).Value(typ).Interface(); !reflect.DeepEqual(got, c.value) {
				t.Errorf("InAny leads to %v, want %v", got, c.value)
			}
			if DynamicType(c.value) != TypeIDOf(typ) {
				t.Error("the identity of the value's type is not that of its type")
			}
		})
	}
	if DynamicType(nil) == TypeIDOf(reflect.TypeFor[int]()) || DynamicType(int8(1)) == DynamicType(1) {
		t.Error("different types have the same identity")
	}
}
