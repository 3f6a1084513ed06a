package setting

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// ErrSyntax is the error of [Parse] if the text is not a value of the class. [Expected] describes the values of the
// class.
var ErrSyntax = errors.New("the text is not a value of this type")

// Parse parses text as a scalar of class c and stores the value in v. The text has the form of an environment variable.
// The error is [ErrSyntax], or the error of the UnmarshalText method of v's type. On an error, v keeps its value.
func Parse(v reflect.Value, c Class, text string) error {
	ok := false
	switch c {
	case Text:
		fresh := reflect.New(v.Type())
		if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		v.Set(fresh.Elem())
		ok = true
	case String:
		v.SetString(text)
		ok = true
	case Bool:
		var b bool
		if b, ok = parseBool(text); ok {
			v.SetBool(b)
		}
	case Uint:
		u, parsed := parseUint(text)
		if ok = parsed && !v.OverflowUint(u); ok {
			v.SetUint(u)
		}
	case Float:
		f, parsed := parseFloat(text)
		if ok = parsed && !v.OverflowFloat(f); ok {
			v.SetFloat(f)
		}
	case Int, Duration, Size:
		i, parsed := parseSigned(text, c)
		if ok = parsed && !v.OverflowInt(i); ok {
			v.SetInt(i)
		}
	}
	if !ok {
		return ErrSyntax
	}
	return nil
}

// Expected describes the values that a type accepts. The description completes the sentence "it must be …".
func Expected(t reflect.Type, c Class) string {
	switch c {
	case String:
		return "text (in quotes)"
	case Bool:
		return "true or false"
	case Float:
		return "a number"
	case Duration:
		return `a duration with its unit, such as "15s" or "250ms"`
	case Size:
		return `a size such as 1048576, "64 KiB" or "10MB"`
	case Uint:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	}
	if t.Bits() < 64 {
		return fmt.Sprintf("a whole number from %d to %d", int64(-1)<<(t.Bits()-1), int64(1)<<(t.Bits()-1)-1)
	}
	return "a whole number"
}

func parseBool(text string) (value, ok bool) {
	switch text {
	case "on":
		return true, true
	case "off":
		return false, true
	}
	b, err := strconv.ParseBool(text)
	return b, err == nil
}

func parseSigned(text string, c Class) (int64, bool) {
	switch c {
	case Duration:
		return parseDuration(text)
	case Size:
		return parseSize(text)
	}
	return parseInt(text)
}

// parseInt parses a whole number. It also accepts forms such as 8080.0 and 1e3, up to 2^53, because a float64 holds
// whole numbers exactly up to there.
func parseInt(text string) (int64, bool) {
	if i, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
		return i, true
	}
	const exact = 1 << 53
	f, ok := parseFloat(text)
	if !ok || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, false
	}
	return int64(f), true
}

func parseUint(text string) (uint64, bool) {
	if u, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil {
		return u, true
	}
	i, ok := parseInt(text)
	return uint64(max(i, 0)), ok && i >= 0
}

// parseFloat parses a decimal number. It rejects infinities, NaN, hexadecimal forms and underscores.
func parseFloat(text string) (float64, bool) {
	if strings.ContainsAny(text, "xXpP_") { // only Go reads these forms
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// parseDuration parses a Go duration such as "1m30s" and returns nanoseconds. A number without a unit is rejected,
// because people disagree on its unit. Only 0 needs none.
func parseDuration(text string) (int64, bool) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	return int64(d), err == nil
}

// sizeUnits maps each unit of a size to its factor in bytes. The units K, M and G are missing because their factor is
// ambiguous.
var sizeUnits = map[string]int64{
	"b":  1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize parses a number of bytes, or a number with a unit such as "64 KiB". It returns bytes.
func parseSize(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	digits := strings.TrimRight(text, "bBkKmMgGtTiI ")
	if digits == text {
		return parseInt(text)
	}
	factor, ok := sizeUnits[strings.ToLower(strings.TrimSpace(text[len(digits):]))]
	if !ok {
		return 0, false
	}
	count, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || count > math.MaxInt64/factor || count < math.MinInt64/factor {
		return 0, false
	}
	return count * factor, true
}
