// Package layout describes how a Go struct corresponds to a JSON object and to memory. Packages schema and encode build
// their plans from it, once per type.
//
// Begin with [Members], which lists the members of a struct's JSON object with the offsets of their fields. [Pointer] reads
// and writes those fields. The methods named after interfaces ([MarshalsJSON] and others) say which types have a JSON form
// of their own.
//
// pointer.go is the only file of packages layout, schema and encode that imports unsafe.
package layout
