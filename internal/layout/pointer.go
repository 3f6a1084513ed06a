package layout

import (
	"reflect"
	"unsafe"
)

// This file buys the speed of packages schema and encode. BenchmarkFields reads six fields and writes them in 6 ns; with
// package reflect it takes 39 ns. BenchmarkInAny takes a pointer to the struct in an interface in 1 ns; the copy that
// reflect needs takes 94 ns and an allocation for each answer.

// Pointer points to a variable. The caller knows the type of the variable, the compiler does not: a wrong type given to
// [As] or a wrong offset given to [Pointer.Field] corrupts memory. The types come from [Members] and from package
// reflect, never from a request.
type Pointer struct{ p unsafe.Pointer }

// As returns p as a pointer to a T. The variable must be a T, or of a type with T's memory layout.
func As[T any](p Pointer) *T { return (*T)(p.p) }

// To returns a Pointer to the variable that target points to.
func To[T any](target *T) Pointer { return Pointer{unsafe.Pointer(target)} }

// New returns a Pointer to a new variable of type t.
func New(t reflect.Type) Pointer { return Pointer{reflect.New(t).UnsafePointer()} }

// AddressOf returns a Pointer to the variable v, which must be addressable.
func AddressOf(v reflect.Value) Pointer { return Pointer{v.Addr().UnsafePointer()} }

// IsNil reports whether p points to nothing.
func (p Pointer) IsNil() bool { return p.p == nil }

// Field returns a Pointer to the part of the variable at p that begins after offset bytes.
func (p Pointer) Field(offset uintptr) Pointer { return Pointer{unsafe.Add(p.p, offset)} }

// Load returns the pointer that the variable at p holds.
func (p Pointer) Load() Pointer { return Pointer{*(*unsafe.Pointer)(p.p)} }

// Store sets the variable at p, which is a pointer, to target.
func (p Pointer) Store(target Pointer) { *(*unsafe.Pointer)(p.p) = target.p }

// Value returns the variable at p, which is a t, for package reflect. It is addressable and settable.
func (p Pointer) Value(t reflect.Type) reflect.Value { return reflect.NewAt(t, p.p).Elem() }

// Slice returns the first element and the length of the slice at p.
func (p Pointer) Slice() (first Pointer, n int) {
	s := *(*[]struct{})(p.p) // a slice has the same three words whatever its elements are
	return Pointer{unsafe.Pointer(unsafe.SliceData(s))}, len(s)
}

// Bytes returns the array of n bytes at p as a slice of the same memory.
func (p Pointer) Bytes(n int) []byte { return unsafe.Slice((*byte)(p.p), n) }

// eface is the memory of an interface without methods. An interface with methods has its data at the same place.
type eface struct {
	typ, data unsafe.Pointer
}

// TypeID identifies a type. Comparing two of them takes one instruction, comparing two values of reflect.Type a call.
type TypeID struct{ p unsafe.Pointer }

// TypeIDOf returns the identity of t, which is not an interface type.
func TypeIDOf(t reflect.Type) TypeID { return DynamicType(reflect.Zero(t).Interface()) }

// DynamicType returns the identity of v's type. It is the zero TypeID if v is nil.
func DynamicType(v any) TypeID { return TypeID{(*eface)(unsafe.Pointer(&v)).typ} }

// HeldDirectly reports whether an interface holds a value of type t itself in its data word, instead of a pointer to it.
// It tests a zero value and does not rely on the compiler's rule: the data word of a direct zero value is nil, the data
// word of any other zero value is a pointer.
func HeldDirectly(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	zero := reflect.Zero(t).Interface()
	return (*eface)(unsafe.Pointer(&zero)).data == nil
}

// InInterface returns a Pointer to the value that the interface at p holds. direct is [HeldDirectly] of its type.
func (p Pointer) InInterface(direct bool) Pointer {
	held := (*eface)(p.p)
	if direct {
		return Pointer{unsafe.Pointer(&held.data)}
	}
	return Pointer{held.data}
}

// InAny returns a Pointer to the value that v holds. direct is [HeldDirectly] of its type. The value must only be read.
func InAny(v any, direct bool) Pointer {
	data := (*eface)(unsafe.Pointer(&v)).data
	if !direct {
		return Pointer{data}
	}
	box := new(unsafe.Pointer)
	*box = data
	return Pointer{unsafe.Pointer(box)}
}

// Target returns v, which must hold a pointer, as a Pointer.
func Target(v any) Pointer { return Pointer{(*eface)(unsafe.Pointer(&v)).data} }
