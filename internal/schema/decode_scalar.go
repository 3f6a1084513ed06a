package schema

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// validUTF8 returns s with the character U+FFFD in place of each byte that is not valid UTF-8.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	valid := make([]byte, 0, len(s)+utf8.UTFMax)
	for _, r := range s {
		valid = utf8.AppendRune(valid, r)
	}
	return string(valid)
}

func setText(p layout.Pointer, s string, from source) outcome {
	if from == fromText {
		s = validUTF8(s)
	} else {
		s = strings.Clone(s) // a JSON string without escapes is valid UTF-8 here
	}
	*layout.As[string](p) = s
	return accepted
}

func setBool(p layout.Pointer, s string, _ source) outcome {
	switch len(s) {
	case 1:
		if s != "0" && s != "1" {
			return wrongType
		}
		*layout.As[bool](p) = s == "1"
		return accepted
	case 2, 3, 4, 5: // "on" is what a browser sends for a checkbox without a value
		for _, word := range boolWords {
			if strings.EqualFold(s, word.text) {
				*layout.As[bool](p) = word.value
				return accepted
			}
		}
	}
	return wrongType
}

var boolWords = [...]struct {
	text  string
	value bool
}{{"true", true}, {"false", false}, {"on", true}, {"off", false}, {"yes", true}, {"no", false}}

// parseInt parses s as a whole number that fits a signed integer with the given number of bits. It also accepts forms
// such as 18.0 and 1e3; see parseWhole.
func parseInt(s string, bits int) (int64, outcome) {
	if n, ok := shortInt(s); ok && bits == 64 {
		return n, accepted
	}
	if n, err := strconv.ParseInt(s, 10, bits); err == nil {
		return n, accepted
	}
	negative, size, o := parseWhole(s)
	limit := uint64(1) << (bits - 1) // the size of the lowest value
	switch {
	case o != accepted:
		return 0, o
	case negative && size <= limit:
		return -int64(size), accepted // the lowest value is its own negation
	case !negative && size < limit:
		return int64(size), accepted
	}
	return 0, outOfRange
}

// shortInt parses a text of 1 to 18 decimal digits, a number that always fits an int64. It returns false for any other
// text.
func shortInt(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

func parseUint(s string, bits int) (uint64, outcome) {
	if n, err := strconv.ParseUint(s, 10, bits); err == nil {
		return n, accepted
	}
	negative, size, o := parseWhole(s)
	switch {
	case o != accepted:
		return 0, o
	case negative && size > 0 || size > math.MaxUint64>>(64-bits):
		return 0, outOfRange
	}
	return size, accepted
}

func setInt[T int | int8 | int16 | int32 | int64](bits int) setFunc {
	return func(p layout.Pointer, s string, _ source) outcome {
		n, o := parseInt(s, bits)
		if o == accepted {
			*layout.As[T](p) = T(n)
		}
		return o
	}
}

func setUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](bits int) setFunc {
	return func(p layout.Pointer, s string, _ source) outcome {
		n, o := parseUint(s, bits)
		if o == accepted {
			*layout.As[T](p) = T(n)
		}
		return o
	}
}

func setFloat[T float32 | float64](bits int) setFunc {
	return func(p layout.Pointer, s string, _ source) outcome {
		f, ok := jsonx.ParseFloat(s, bits)
		if !ok {
			return wrongType
		}
		*layout.As[T](p) = T(f)
		return accepted
	}
}

// The first and the last time that RFC 3339 can express, in Unix milliseconds.
var (
	firstMilli = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	lastMilli  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

func setTime(p layout.Pointer, s string, from source) outcome {
	if from == fromText {
		s = withPlus(s)
	}
	t, ok := parseTime(s)
	if !ok {
		n, o := parseInt(s, 64)
		if o != accepted || n < firstMilli || n > lastMilli {
			return wrongType
		}
		t = time.UnixMilli(n).UTC()
	}
	*layout.As[time.Time](p) = t
	return accepted
}

// withPlus returns s with a "+" in front of a zone offset like 05:30. In a query and a form, a "+" that is not escaped
// means a space, and many clients do not escape it.
func withPlus(s string) string {
	if at := len(s) - len("+00:00"); at > len("2006-01-02T") && s[at] == ' ' {
		return s[:at] + "+" + s[at+1:]
	}
	return s
}

// parseTime parses a time of RFC 3339, also with t and z in lower case. It rejects the forms that only package time accepts: a comma before the
// fraction, an hour of one digit, a zone offset of 24 hours or more (go.dev/issue/54580).
func parseTime(s string) (t time.Time, ok bool) {
	const zone = len("+00:00")
	if strings.ContainsAny(s, "tz") {
		s = strings.ToUpper(s) // no other letters are valid
	}
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[13] != ':' || s[19] == ',' || t.UnmarshalText(jsonx.ViewBytes(s)) != nil {
		return time.Time{}, false
	}
	if s[len(s)-1] != 'Z' {
		if z := s[len(s)-zone:]; z[1:3] > "23" || z[4:6] > "59" {
			return time.Time{}, false
		}
	}
	return t, true
}

func setDuration(p layout.Pointer, s string, _ source) outcome {
	d, ok := parseDuration(s)
	if !ok {
		return wrongType
	}
	*layout.As[time.Duration](p) = d
	return accepted
}

func parseDuration(s string) (time.Duration, bool) {
	if n := len(s); n > 0 && s[n-1] <= '9' {
		return jsonx.Milliseconds(s)
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// setBytes decodes the base64 text s (RFC 4648 section 4) into the []byte at p. It requires padding, and rejects line
// breaks.
func setBytes(p layout.Pointer, s string, from source) outcome {
	if from == fromNumber || from == fromBool {
		return wrongType
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(s) {
		return wrongType
	}
	*layout.As[[]byte](p) = b
	return accepted
}

// scalarPlans holds the plans of the types for which the reflect.Kind alone determines the plan.
var scalarPlans = map[reflect.Kind]typePlan{
	reflect.String:  {class: classText, set: setText, expected: "text"},
	reflect.Bool:    {class: classBool, set: setBool, expected: "true or false"},
	reflect.Int:     intPlan(setInt[int], strconv.IntSize),
	reflect.Int8:    intPlan(setInt[int8], 8),
	reflect.Int16:   intPlan(setInt[int16], 16),
	reflect.Int32:   intPlan(setInt[int32], 32),
	reflect.Int64:   intPlan(setInt[int64], 64),
	reflect.Uint:    uintPlan(setUint[uint], strconv.IntSize),
	reflect.Uint8:   uintPlan(setUint[uint8], 8),
	reflect.Uint16:  uintPlan(setUint[uint16], 16),
	reflect.Uint32:  uintPlan(setUint[uint32], 32),
	reflect.Uint64:  uintPlan(setUint[uint64], 64),
	reflect.Uintptr: uintPlan(setUint[uintptr], strconv.IntSize),
	reflect.Float32: {class: classFloat, set: setFloat[float32](32), expected: "a number"},
	reflect.Float64: {class: classFloat, set: setFloat[float64](64), expected: "a number"},
}

func intPlan(set func(bits int) setFunc, bits int) typePlan {
	low := int64(math.MinInt64) >> (64 - bits)
	expectedRange := "a whole number from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(-(low+1), 10)
	return typePlan{class: classInt, set: set(bits), expected: "a whole number", expectedRange: expectedRange}
}

func uintPlan(set func(bits int) setFunc, bits int) typePlan {
	expectedRange := "a whole number from 0 to " + strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
	return typePlan{class: classUint, set: set(bits), expected: "a whole number", expectedRange: expectedRange}
}
