package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// wantError says what a setting must be, to go on in a sentence.
type wantError struct{ want string }

func (e *wantError) Error() string { return "must be " + e.want }

// setScalar reads a scalar into v. The error is a *wantError, or what the type's own UnmarshalText returned.
func setScalar(v reflect.Value, n *node, c class) error {
	ok := false
	switch c {
	case textClass:
		return setText(v, n)
	case stringClass:
		if ok = n.kind == textKind || n.kind == anyKind; ok {
			v.SetString(n.text)
		}
	case boolClass:
		var b bool
		if b, ok = parseBool(n); ok {
			v.SetBool(b)
		}
	case uintClass:
		u, parsed := parseUint(n)
		if ok = parsed && !v.OverflowUint(u); ok {
			v.SetUint(u)
		}
	case floatClass:
		f, parsed := parseFloat(n)
		if ok = parsed && !v.OverflowFloat(f); ok {
			v.SetFloat(f)
		}
	default:
		i, parsed := parseSigned(n, c)
		if ok = parsed && !v.OverflowInt(i); ok {
			v.SetInt(i)
		}
	}
	if !ok {
		return &wantError{expected(v.Type(), c)}
	}
	return nil
}

// expected tells a person what to write.
func expected(t reflect.Type, c class) string {
	switch c {
	case stringClass:
		return "text (in quotes)"
	case boolClass:
		return "true or false"
	case floatClass:
		return "a number"
	case durationClass:
		return `a duration such as "15s", or a number of milliseconds`
	case sizeClass:
		return `a size such as 1048576, "64 KiB" or "10MB"`
	case uintClass:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	}
	if t.Bits() < 64 {
		return fmt.Sprintf("a whole number from %d to %d", int64(-1)<<(t.Bits()-1), int64(1)<<(t.Bits()-1)-1)
	}
	return "a whole number"
}

// setText gives the text of a scalar to a type that reads it itself; the old value stays as it is when the type refuses.
func setText(v reflect.Value, n *node) error {
	if n.kind == listKind || n.kind == objectKind {
		return &wantError{"a single value"}
	}
	fresh := reflect.New(v.Type())
	if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text)); err != nil {
		return err
	}
	v.Set(fresh.Elem())
	return nil
}

func parseBool(n *node) (value, ok bool) {
	if n.kind != boolKind && n.kind != anyKind {
		return false, false
	}
	switch n.text {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	if n.kind == boolKind { // YAML also knows True and TRUE
		return strings.EqualFold(n.text, "true"), true
	}
	switch n.text {
	case "1":
		return true, true
	case "0":
		return false, true
	}
	return false, false
}

// decimal is the text of a number, or empty for what is none.
func (n *node) decimal() string {
	switch n.kind {
	case numberKind:
		return n.number
	case anyKind:
		return strings.TrimSpace(n.text)
	}
	return ""
}

func parseSigned(n *node, c class) (int64, bool) {
	switch c {
	case durationClass:
		return parseDuration(n)
	case sizeClass:
		return parseSize(n)
	}
	return parseInt(n)
}

// parseInt also takes 8080.0 and 1e3, as far as a float holds whole numbers exactly.
func parseInt(n *node) (int64, bool) {
	if i, err := strconv.ParseInt(n.decimal(), 10, 64); err == nil {
		return i, true
	}
	const exact = 1 << 53
	f, ok := parseFloat(n)
	if !ok || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, false
	}
	return int64(f), true
}

func parseUint(n *node) (uint64, bool) {
	if u, err := strconv.ParseUint(n.decimal(), 10, 64); err == nil {
		return u, true
	}
	i, ok := parseInt(n)
	return uint64(max(i, 0)), ok && i >= 0
}

// parseFloat takes finite numbers in decimal.
func parseFloat(n *node) (float64, bool) {
	text := n.decimal()
	if strings.ContainsAny(text, "xXpP_") { // forms that Go alone knows
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// parseDuration takes Go's form and plain milliseconds.
func parseDuration(n *node) (int64, bool) {
	if n.kind == textKind || n.kind == anyKind {
		if d, err := time.ParseDuration(strings.TrimSpace(n.text)); err == nil {
			return int64(d), true
		}
		n = &node{kind: anyKind, text: n.text}
	}
	ms, ok := parseFloat(n)
	ns := ms * float64(time.Millisecond)
	return int64(math.Round(ns)), ok && math.Abs(ns) < math.MaxInt64
}

// sizeUnits are the factors behind a size; K, M and G alone are refused because nobody knows which of the two they mean.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize takes a number of bytes, alone or with a unit.
func parseSize(n *node) (int64, bool) {
	if n.kind == numberKind {
		return parseInt(n)
	}
	if n.kind != textKind && n.kind != anyKind {
		return 0, false
	}
	text := strings.TrimSpace(n.text)
	digits := strings.TrimRight(text, "bBkKmMgGtTiI ")
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
