package jsonx

import (
	"encoding/binary"
	"math/bits"
)

// Valid returns nil if data is exactly one JSON value, nested at most [MaxDepth] levels. It allows white space around
// the value. For other data it returns a [*SyntaxError]. Valid does not search objects for repeated member names.
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

// SkipBOM returns the length of the UTF-8 byte order mark at the beginning of data, which some editors and clients write.
// It returns 0 if data does not begin with a byte order mark.
func SkipBOM(data []byte) int {
	if len(data) >= 3 && data[0] == 0xef && data[1] == 0xbb && data[2] == 0xbf {
		return 3
	}
	return 0
}

// Object reports whether the first byte of data, after a byte order mark and white space, is an opening brace.
func Object(data []byte) bool {
	i := SkipSpace(data, SkipBOM(data))
	return i < len(data) && data[i] == '{'
}

// SkipSpace returns the index of the first byte at or after i that is not JSON white space. It returns len(data) if
// there is no such byte.
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

// SkipValue returns the index after the JSON value that begins at i. The syntax of the value must be valid. For any
// other data, the index has no meaning but is at most len(data).
func SkipValue(data []byte, i int) int {
	next, f := scanValue(data, i, 0)
	if f != noFault {
		return len(data)
	}
	return next
}

// SkipString returns the index after the JSON string that begins at i. The syntax of the string must be valid. For any
// other data, the index has no meaning but is at most len(data).
func SkipString(data []byte, i int) int {
	next, f := scanString(data, i)
	if f != noFault {
		return len(data)
	}
	return next
}

// scanValue checks the syntax of the JSON value that begins at i. depth is the number of arrays and objects that
// enclose the value. It returns the index after the value, or the index and the kind of the first fault.
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

// scanName checks the syntax of the member name that begins at i. It returns the index after the closing quote.
func scanName(data []byte, i int) (int, fault) {
	if i >= len(data) {
		return i, endsEarly
	}
	if data[i] != '"' {
		return i, expectedName
	}
	return scanString(data, i)
}

// scanColon skips the colon between a member name and its value. i is the index after the name. It returns the index of
// the value, or a fault if the colon is missing.
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

// scanNext skips the comma or the closing bracket after a member or element. After a comma, it returns the index of the
// next member or element, and true. After the closing bracket, which is the byte end, it returns the index after the
// bracket, and false. For any other byte, it returns the argument missing as the fault.
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

// scanDigits returns the index after the digits that begin at i. It returns a fault if there is no digit at i.
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

// scanString checks the syntax of the JSON string whose opening quote is at i. It returns the index after the closing
// quote.
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

// escapeLen returns the length of the escape sequence at the beginning of b. It returns 0 if b does not begin with a
// valid escape sequence.
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

// plainEnd returns the index of the first quote, backslash or control character at or after i. It returns len(b) if
// there is no such byte.
//
// plainEnd tests eight bytes at a time. For a byte b below 0x80, b - n has its high bit set exactly if b < n. A borrow
// from another byte can cause a false match. A false match is harmless: the loop for eight bytes ends early, and the loop
// for single bytes continues the search.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		control := x - eachByte*' '
		quote := (x ^ eachByte*'"') - eachByte
		slash := (x ^ eachByte*'\\') - eachByte
		if marked := (control | quote | slash) &^ x & highBits; marked != 0 {
			return i + bits.TrailingZeros64(marked)/8 // the first mark is always correct
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}
