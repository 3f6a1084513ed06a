package logging

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// text is what strings and bytes have in common.
type text interface{ ~string | ~[]byte }

// plain marks the bytes that every form of line takes as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	return t
}()

// plainJSON marks the bytes that a JSON string takes as they are.
var plainJSON = func() [256]bool {
	t := plain
	t['"'], t['\\'] = false, false
	return t
}()

// visible reports whether a person sees the rune as what it is. The two joiners are let through, because emoji and several
// scripts are broken without them.
func visible(r rune) bool { return strconv.IsGraphic(r) || r == '\u200c' || r == '\u200d' }

// decode reads the first rune of s.
func decode[T text](s T) (rune, int) {
	var head [utf8.UTFMax]byte
	return utf8.DecodeRune(head[:copy(head[:], s)])
}

// appendEscaped appends a text for people: on one line, and without anything that a terminal obeys.
func appendEscaped[T text](b []byte, s T) []byte {
	done := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, n := decode(s[i:])
		if s[i] >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) && visible(r) {
			i += n
			continue
		}
		b = append(b, s[done:i]...)
		b = appendEscape(b, r, s[i], n)
		i += n
		done = i
	}
	return append(b, s[done:]...)
}

// appendEscape writes a rune, or the byte c if it is none, as a Go string literal would.
func appendEscape(b []byte, r rune, c byte, n int) []byte {
	switch {
	case r == '\n':
		return append(b, '\\', 'n')
	case r == '\r':
		return append(b, '\\', 'r')
	case r == '\t':
		return append(b, '\\', 't')
	case r < utf8.RuneSelf, r == utf8.RuneError && n <= 1:
		return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	case r > 0xffff:
		return appendHex(append(b, '\\', 'U'), uint32(r), 8)
	}
	return appendHex(append(b, '\\', 'u'), uint32(r), 4)
}

func appendHex(b []byte, v uint32, digits int) []byte {
	for shift := (digits - 1) * 4; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[v>>shift&15])
	}
	return b
}

// appendJSONString appends a text as a JSON string, invisible characters escaped and what is not UTF-8 replaced.
func appendJSONString[T text](b []byte, s T) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		if plainJSON[s[i]] {
			i++
			continue
		}
		r, n := decode(s[i:])
		if s[i] >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) && visible(r) {
			i += n
			continue
		}
		b = append(b, s[done:i]...)
		b = appendJSONEscape(b, r)
		i += n
		done = i
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}

func appendJSONEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	if r > 0xffff {
		r -= 0x10000
		b = appendHex(append(b, '\\', 'u'), 0xd800+uint32(r>>10), 4)
		return appendHex(append(b, '\\', 'u'), 0xdc00+uint32(r&0x3ff), 4)
	}
	return appendHex(append(b, '\\', 'u'), uint32(r), 4)
}

// appendJSONSafe appends valid JSON with the invisible characters in its strings escaped. Outside of strings there can be spaces
// and line ends only, which are dropped when they are more than a space.
func appendJSONSafe(b, raw []byte) []byte {
	done := 0
	for i := 0; i < len(raw); {
		if plain[raw[i]] {
			i++
			continue
		}
		r, n := decode(raw[i:])
		if raw[i] >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) && visible(r) {
			i += n
			continue
		}
		b = append(b, raw[done:i]...)
		if raw[i] > 0x20 { // DEL, or a rune
			b = appendJSONEscape(b, r)
		}
		i += n
		done = i
	}
	return append(b, raw[done:]...)
}
