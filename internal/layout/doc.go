// Package layout describes how the fields of a Go struct correspond to the members of a JSON object, and where the
// fields are in memory. Packages schema and encode use package layout once per type to build their plans.
//
// Begin with [Members], which lists the members of a struct's JSON object with the memory offsets of their fields.
// [Pointer] reads and writes those fields. [MarshalsJSON] and the similar functions report whether a type has methods
// for its own JSON or text form.
//
// Of packages layout, schema and encode, only the file pointer.go of package layout imports unsafe.
package layout
