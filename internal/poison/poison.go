// Package poison finds memory that is used after its release. A build with the tag "poison" overwrites each buffer when
// the buffer goes back to its pool. A reader of released memory then sees the byte [Fill] instead of the bytes of
// another client, so that every test can notice the fault. Other builds contain nothing of it. `make test` runs all
// tests with the tag.
//
// Invariant: every pool, free list and reused scratch buffer of bytes in this module calls [Bytes] on release.
package poison

// Fill is the value of each byte of a released buffer in a build with the tag "poison". It is not part of any valid
// UTF-8 text, and not a digit or a letter of a protocol.
const Fill = 0xDB

// Bytes overwrites all bytes of the released buffer b, up to its capacity. In a build without the tag "poison", Bytes
// does nothing.
func Bytes(b []byte) {
	if On {
		b = b[:cap(b)]
		for i := range b {
			b[i] = Fill
		}
	}
}
