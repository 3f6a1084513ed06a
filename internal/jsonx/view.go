package jsonx

import "unsafe"

// ViewString returns b as text without a copy. The text is valid until b changes.
func ViewString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// ViewBytes returns s as bytes without a copy. The caller must not change them.
func ViewBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
