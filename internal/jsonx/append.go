package jsonx

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s to dst as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD. U+2028 and U+2029
// are escaped because JavaScript treats them as line ends.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	b := ViewBytes(s)
	i := asciiEnd(b, 0)
	if i == len(b) {
		dst = append(dst, s...)
		return append(dst, '"')
	}
	return append(appendEscaped(dst, b, i), '"')
}

// IsPlain reports whether s is ASCII without characters that JSON escapes, so that AppendString only adds the quotes.
func IsPlain(s string) bool { return asciiEnd(ViewBytes(s), 0) == len(s) }

// appendEscaped appends b with JSON escapes. The caller has found that the first i bytes of b need no escape.
func appendEscaped(dst, b []byte, i int) []byte {
	start := 0 // of the bytes that are not copied yet
	for i < len(b) {
		c := b[i]
		if c < utf8.RuneSelf {
			dst = append(dst, b[start:i]...)
			dst = appendEscape(dst, c)
			start = i + 1
			i = asciiEnd(b, start)
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, b[start:i]...), "\ufffd"...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, b[start:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
			start = i + n
		}
		if i += n; i < len(b) && b[i] < utf8.RuneSelf {
			i = asciiEnd(b, i)
		}
	}
	return append(dst, b[start:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// asciiEnd returns the index of the first byte at or after i that is a quote, a backslash, a control character or not
// ASCII. It returns len(b) if there is no such byte.
func asciiEnd(b []byte, i int) int {
	for ; len(b)-i >= 32; i += 32 { // four words with one branch
		w := b[i : i+32]
		if (special(w[:8])|special(w[8:16])|special(w[16:24])|special(w[24:]))&highBits != 0 {
			break
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		if marked := special(b[i:]) & highBits; marked != 0 {
			return i + bits.TrailingZeros64(marked)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// special finds the bytes at which asciiEnd must stop. word holds eight bytes. In the result, a byte has its high bit set
// if asciiEnd must stop at that byte. The first marked byte is always correct. Later bytes may be marked by mistake.
func special(word []byte) uint64 {
	x := binary.LittleEndian.Uint64(word)
	control := x - eachByte*' '
	quote := (x ^ eachByte*'"') - eachByte
	slash := (x ^ eachByte*'\\') - eachByte
	return control | quote | slash | x
}

// AppendFloat appends f in the number format of JavaScript: plain digits, or an exponent if |f| is below 1e-6 or at
// least 1e21. f must not be NaN or infinite, which JSON cannot express.
func AppendFloat(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// AppendFloat32 appends f in the format of [AppendFloat]. It writes fewer digits, because a float32 needs
// fewer digits than a float64.
func AppendFloat32(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	low, high := 1e-6, 1e21
	if bits == 32 {
		low, high = float64(float32(1e-6)), float64(float32(1e21))
	}
	if abs := math.Abs(f); abs == 0 || abs >= low && abs < high {
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if n := len(dst); dst[n-2] == '0' && dst[n-3] == '-' { // e-07 is e-7 in JavaScript
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// AppendRaw appends raw, a JSON value of valid syntax, on one line: it removes the white space between tokens. It
// replaces and escapes the same characters as [AppendString]. Use AppendRaw to write JSON that a client sent.
func AppendRaw(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case '"':
			end := SkipString(raw, i)
			dst = appendClean(dst, raw[i:end])
			i = end
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// appendClean appends a JSON string literal of valid syntax. It keeps the existing escapes, replaces bytes that are not
// UTF-8 with U+FFFD, and escapes U+2028 and U+2029.
func appendClean(dst, literal []byte) []byte {
	start := 0
	for i := 0; i < len(literal); {
		if literal[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(literal[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, literal[start:i]...), "\ufffd"...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, literal[start:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
			start = i + n
		}
		i += n
	}
	return append(dst, literal[start:]...)
}
