package jsonx

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the text of raw, a JSON string literal with its quotes. Bytes that are not UTF-8 and halves of
// surrogate pairs become U+FFFD. It returns a [*SyntaxError] if raw is not exactly one string literal.
func Unquote(raw []byte) (string, error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", expectedString.at(0)
	}
	end, f := scanString(raw, 0)
	if f != noFault {
		return "", f.at(end)
	}
	if end != len(raw) {
		return "", trailing.at(end)
	}
	return unquote(raw), nil
}

// Plain returns the bytes between the quotes of raw, a JSON string literal of valid syntax. It returns true if these
// bytes are already the decoded text: if they have no escapes and are valid UTF-8.
func Plain(raw []byte) ([]byte, bool) {
	if len(raw) < 2 {
		return nil, false
	}
	inner := raw[1 : len(raw)-1]
	i := asciiEnd(inner, 0)
	return inner, i == len(inner) || plainEnd(inner, i) == len(inner) && utf8.Valid(inner[i:])
}

// PlainString returns the index after the JSON string that begins at i, and true, if the string is ASCII without escapes.
// Otherwise it returns false.
func PlainString(data []byte, i int) (end int, ok bool) {
	if i >= len(data) || data[i] != '"' {
		return i, false
	}
	end = asciiEnd(data, i+1)
	return end + 1, end < len(data) && data[end] == '"'
}

// unquote returns the decoded text of raw, a JSON string literal of valid syntax.
func unquote(raw []byte) string {
	inner, plain := Plain(raw)
	if plain {
		return string(inner)
	}
	// The text is longer than inner only if inner has invalid bytes: each becomes the three bytes of U+FFFD.
	text := appendUnescaped(make([]byte, 0, len(inner)), inner)
	return ViewString(text) // no other code has the bytes
}

func appendUnescaped(dst, inner []byte) []byte {
	for i := 0; i < len(inner); {
		switch c := inner[i]; {
		case c == '\\':
			var n int
			dst, n = appendUnescapedOne(dst, inner[i:])
			i += n
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(inner[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// appendUnescapedOne decodes the escape sequence at the beginning of b and appends the decoded character to dst. It
// returns the extended dst and the length of the sequence in bytes.
func appendUnescapedOne(dst, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return dst, len(b)
	}
	r, ok := hex4(b)
	if !ok {
		return append(dst, unescaped[b[1]]), 2
	}
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(dst, r), 6
	}
	if low, ok := hex4(b[6:]); ok {
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return utf8.AppendRune(dst, both), 12
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 6
}

// hex4 decodes an escape sequence such as \u00e9 at the beginning of b. It returns ok false if b begins with anything
// else.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
