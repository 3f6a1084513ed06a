package logging

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// text is the constraint for functions that accept a string or a byte slice.
type text interface{ ~string | ~[]byte }

// plain[c] is true if the byte c is a printable ASCII character, which needs no escape.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	return t
}()

// visible reports whether a terminal shows the rune r as a character. The joiners U+200C and U+200D count as visible,
// because emoji and several scripts need them.
func visible(r rune) bool { return strconv.IsGraphic(r) || r == '\u200c' || r == '\u200d' }

// decode returns the first rune of s and the length of this rune in bytes.
func decode[T text](s T) (rune, int) {
	var head [utf8.UTFMax]byte
	return utf8.DecodeRune(head[:copy(head[:], s)])
}

// appendVisible appends s to b and replaces each invisible rune, and each byte that is not UTF-8, with an escape. The
// function escape appends the escape of the rune r. If r is [utf8.RuneError], the function escapes the byte c, which is
// not UTF-8.
func appendVisible[T text](b []byte, s T, escape func(b []byte, r rune, c byte) []byte) []byte {
	done := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, n := decode(s[i:])
		if n > 1 && visible(r) {
			i += n
			continue
		}
		b = append(b, s[done:i]...)
		b = escape(b, r, s[i])
		i += n
		done = i
	}
	return append(b, s[done:]...)
}

// appendEscaped appends s for the human format: it escapes line breaks, control characters and other invisible
// characters, so that s stays on one line.
func appendEscaped[T text](b []byte, s T) []byte { return appendVisible(b, s, escapeGo) }

// appendField appends s for the human format, as one message, key or value. If s has the character that separates fields,
// or begins like a quoted text, appendField quotes s like a string in Go. A client can therefore not write a value that
// looks like several fields.
func appendField[T text](b []byte, s T) []byte {
	if len(s) == 0 || s[0] != '"' && !hasByte(s, '|') {
		return appendEscaped(b, s)
	}
	b = append(b, '"')
	for {
		i := 0
		for i < len(s) && s[i] != '"' && s[i] != '\\' {
			i++
		}
		b = appendEscaped(b, s[:i])
		if i == len(s) {
			return append(b, '"')
		}
		b = append(b, '\\', s[i])
		s = s[i+1:]
	}
}

// appendString is appendField for a string. Nearly all strings are ordinary, and need one look.
func appendString(b []byte, s string) []byte {
	if isOrdinary(s) {
		return append(b, s...)
	}
	return appendField(b, s)
}

// isOrdinary reports whether appendField appends s as it is, because all its bytes are printable ASCII characters but the
// separator, and it begins with no quote. It looks at eight bytes at a time.
func isOrdinary(s string) bool {
	if len(s) > 0 && s[0] == '"' {
		return false
	}
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		bars := v ^ '|'*ones // a zero byte for each separator
		if (v|(v+ones)|(v-' '*ones)|(bars-ones))&highs != 0 {
			return false
		}
	}
	for i := range len(s) {
		if !plain[s[i]] || s[i] == '|' {
			return false
		}
	}
	return true
}

func hasByte[T text](s T, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

// appendJSONEscaped appends line, a line of JSON, with JSON escapes in place of the invisible characters.
func appendJSONEscaped(b, line []byte) []byte { return appendVisible(b, line, escapeJSON) }

// escapeGo appends the escape of the rune r, or of the invalid byte c, in the form of a Go string literal.
func escapeGo(b []byte, r rune, c byte) []byte {
	switch {
	case r == '\n':
		return append(b, '\\', 'n')
	case r == '\r':
		return append(b, '\\', 'r')
	case r == '\t':
		return append(b, '\\', 't')
	case r < utf8.RuneSelf, r == utf8.RuneError:
		return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	case r > 0xffff:
		return appendHex(append(b, '\\', 'U'), uint32(r), 8)
	}
	return appendHex(append(b, '\\', 'u'), uint32(r), 4)
}

// escapeJSON appends the escape of the rune r in the form of a JSON string. A rune above U+FFFF becomes a surrogate
// pair.
func escapeJSON(b []byte, r rune, _ byte) []byte {
	if r > 0xffff {
		r -= 0x10000
		b = appendHex(append(b, '\\', 'u'), 0xd800+uint32(r>>10), 4)
		r = 0xdc00 + r&0x3ff
	}
	return appendHex(append(b, '\\', 'u'), uint32(r), 4)
}

func appendHex(b []byte, v uint32, digits int) []byte {
	for shift := (digits - 1) * 4; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[v>>shift&15])
	}
	return b
}
