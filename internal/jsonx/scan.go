package jsonx

import "encoding/binary"

// Valid returns nil if data is exactly one JSON value, nested at most [MaxDepth] levels. White space around the value is
// allowed. The error is a [*SyntaxError]. Valid does not search for repeated member names.
func Valid(data []byte) error {
	i := SkipSpace(data, 0)
	i, f := scanValue(data, i, 0)
	if f != noFault {
		return f.at(i)
	}
	if i = SkipSpace(data, i); i < len(data) {
		return trailing.at(i)
	}
	return nil
}

// Object reports whether the first byte of data that is not white space is an opening brace.
func Object(data []byte) bool {
	i := SkipSpace(data, 0)
	return i < len(data) && data[i] == '{'
}

// SkipSpace returns the index of the first byte at or after i that is not JSON white space, len(data) if there is none.
func SkipSpace(data []byte, i int) int {
	for i < len(data) {
		switch data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// SkipValue returns the index behind the value that begins at i. The value must have been checked before. For any other
// data the index has no meaning, but is at most len(data).
func SkipValue(data []byte, i int) int {
	next, f := scanValue(data, i, 0)
	if f != noFault {
		return len(data)
	}
	return next
}

// SkipString is [SkipValue] for a string.
func SkipString(data []byte, i int) int {
	next, f := scanString(data, i)
	if f != noFault {
		return len(data)
	}
	return next
}

// scanValue checks the value that begins at i, inside depth arrays and objects. It returns the index behind the value, or
// the index of a fault.
func scanValue(data []byte, i, depth int) (int, fault) {
	if i >= len(data) {
		return i, endsEarly
	}
	switch c := data[i]; {
	case c == '"':
		return scanString(data, i)
	case c == '{':
		return scanObject(data, i, depth+1)
	case c == '[':
		return scanArray(data, i, depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return scanNumber(data, i)
	case c == 't':
		return scanLiteral(data, i, "true")
	case c == 'f':
		return scanLiteral(data, i, "false")
	case c == 'n':
		return scanLiteral(data, i, "null")
	}
	return i, expectedValue
}

func scanObject(data []byte, i, depth int) (int, fault) {
	if depth > MaxDepth {
		return i, tooDeep
	}
	i = SkipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return i + 1, noFault
	}
	for {
		var f fault
		if i, f = scanName(data, i); f != noFault {
			return i, f
		}
		if i, f = scanColon(data, i); f != noFault {
			return i, f
		}
		if i, f = scanValue(data, i, depth); f != noFault {
			return i, f
		}
		var more bool
		if i, more, f = scanNext(data, i, '}', expectedCommaOrBrace); !more {
			return i, f
		}
	}
}

func scanArray(data []byte, i, depth int) (int, fault) {
	if depth > MaxDepth {
		return i, tooDeep
	}
	i = SkipSpace(data, i+1)
	if i < len(data) && data[i] == ']' {
		return i + 1, noFault
	}
	for {
		var f fault
		if i, f = scanValue(data, i, depth); f != noFault {
			return i, f
		}
		var more bool
		if i, more, f = scanNext(data, i, ']', expectedCommaOrBracket); !more {
			return i, f
		}
	}
}

// scanName checks a member name and returns the index behind its closing quote.
func scanName(data []byte, i int) (int, fault) {
	if i >= len(data) {
		return i, endsEarly
	}
	if data[i] != '"' {
		return i, expectedName
	}
	return scanString(data, i)
}

// scanColon moves from behind a name to the beginning of its value.
func scanColon(data []byte, i int) (int, fault) {
	if i < len(data) && data[i] != ':' {
		i = SkipSpace(data, i)
	}
	if i >= len(data) {
		return i, endsEarly
	}
	if data[i] != ':' {
		return i, expectedColon
	}
	return SkipSpace(data, i+1), noFault
}

// scanNext moves from behind a member or element to the beginning of the next one, or behind end if there is none. It
// reports whether there is a next one.
func scanNext(data []byte, i int, end byte, missing fault) (int, bool, fault) {
	if i = SkipSpace(data, i); i >= len(data) {
		return i, false, endsEarly
	}
	switch data[i] {
	case ',':
		return SkipSpace(data, i+1), true, noFault
	case end:
		return i + 1, false, noFault
	}
	return i, false, missing
}

func scanLiteral(data []byte, i int, word string) (int, fault) {
	for j := range len(word) {
		if i+j >= len(data) {
			return i + j, endsEarly
		}
		if data[i+j] != word[j] {
			return i, badLiteral
		}
	}
	return i + len(word), noFault
}

func scanNumber(data []byte, i int) (int, fault) {
	if data[i] == '-' {
		i++
	}
	var f fault
	if i < len(data) && data[i] == '0' {
		i++
	} else if i, f = scanDigits(data, i); f != noFault {
		return i, f
	}
	if i < len(data) && data[i] == '.' {
		if i, f = scanDigits(data, i+1); f != noFault {
			return i, f
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, f = scanDigits(data, i); f != noFault {
			return i, f
		}
	}
	if i < len(data) && data[i] >= '0' && data[i] <= '9' {
		return i, badNumber // a leading zero
	}
	return i, noFault
}

// scanDigits moves behind one or more digits.
func scanDigits(data []byte, i int) (int, fault) {
	start := i
	for i < len(data) && data[i] >= '0' && data[i] <= '9' {
		i++
	}
	switch {
	case i > start:
		return i, noFault
	case i >= len(data):
		return i, endsEarly
	}
	return i, badNumber
}

// scanString checks the string whose opening quote is at i.
func scanString(data []byte, i int) (int, fault) {
	i++
	for {
		i = plainEnd(data, i)
		if i >= len(data) {
			return i, openString
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, noFault
		case c < ' ':
			return i, badControl
		}
		n := escapeLen(data[i:])
		if n == 0 {
			return i, badEscape
		}
		i += n
	}
}

// escapeLen returns the length of the escape sequence at the beginning of b, 0 if there is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b); ok {
			return 6
		}
	}
	return 0
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plainEnd returns the index of the first quote, backslash or control character at or after i, len(b) if there is none.
// It tests eight bytes at a time: for bytes below 0x80, x-y has the high bit of a byte set if the byte is less than y. A
// borrow from another byte can only end this loop too early, and the loop for single bytes continues.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		control := x - eachByte*' '
		quote := (x ^ eachByte*'"') - eachByte
		slash := (x ^ eachByte*'\\') - eachByte
		if (control|quote|slash)&^x&highBits != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
