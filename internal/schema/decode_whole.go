package schema

import (
	"math"
	"strconv"
	"strings"
)

// parseWhole parses a decimal number that may have a fraction and an exponent, like 18.0 and 1e18, if its value is a
// whole number. It returns the sign and the size, which are exact: no float64 is in between. For a number with a fraction,
// and for a text that is no number, the outcome is wrongType.
func parseWhole(s string) (negative bool, size uint64, o outcome) {
	negative, s = cutSign(s)
	exponent := 0
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		below, power := cutSign(s[e+1:])
		if s = s[:e]; !onlyDigits(power) {
			return false, 0, wrongType
		}
		// The length of a request is far below this bound, so that no fraction makes up for a larger exponent.
		if exponent, _ = strconv.Atoi(power); exponent > math.MaxInt32 {
			exponent = math.MaxInt32
		}
		if below {
			exponent = -exponent
		}
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	if !onlyDigits(digits) {
		return false, 0, wrongType
	}
	exponent -= len(fraction)
	exponent += len(digits)
	digits = strings.TrimRight(digits, "0")
	exponent -= len(digits)
	digits = strings.TrimLeft(digits, "0")
	switch { // the value is digits * 10^exponent
	case digits == "":
		return negative, 0, accepted
	case exponent < 0:
		return negative, 0, wrongType
	case len(digits)+exponent > len("18446744073709551615"):
		return negative, 0, outOfRange
	}
	size, err := strconv.ParseUint(digits+strings.Repeat("0", exponent), 10, 64)
	if err != nil {
		return negative, 0, outOfRange
	}
	return negative, size, accepted
}

// cutSign returns s without the sign at its begin, if there is one.
func cutSign(s string) (negative bool, rest string) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

// onlyDigits reports whether s has digits and nothing else.
func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// WholeNumber parses text as a whole number that fits an int, in the forms that inputs of integer types accept.
func WholeNumber(text string) (n int, ok bool) {
	i, o := parseInt(text, strconv.IntSize)
	return int(i), o == accepted
}
