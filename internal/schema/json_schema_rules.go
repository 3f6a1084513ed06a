package schema

import (
	"bytes"
	"math"
	"reflect"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// number appends the JSON Schema of a number: its type, the rules, and the range of the Go type.
func (w *schemaWriter) number(dst []byte, t reflect.Type, r rules, name string) []byte {
	dst = append(append(append(dst, `"type":"`...), name...), '"')
	low, high, format := rangeOf(t.Kind())
	if format != "" {
		dst = append(append(append(dst, `,"format":"`...), format...), '"')
	}
	dst = w.enum(dst, t, r)
	for _, bound := range [][3]string{{"minimum", r.minimum, low}, {"maximum", r.maximum, high}} {
		value := []byte(bound[2])
		if bound[1] != "" {
			value, _ = appendTagNumber(nil, t, bound[1])
		}
		if len(value) > 0 {
			dst = append(append(append(dst, `,"`+bound[0]...), `":`...), value...)
		}
	}
	return dst
}

// rangeOf returns the range of a kind of numbers. The format names the range of 64 bits, whose bounds many readers of JSON
// cannot hold.
func rangeOf(k reflect.Kind) (low, high, format string) {
	switch bits := bitsOf[k]; {
	case k == reflect.Float64:
		return "", "", ""
	case k == reflect.Float32:
		high = strconv.FormatFloat(math.MaxFloat32, 'g', -1, 32)
		return "-" + high, high, ""
	case k >= reflect.Uint && bits == 64:
		return "0", "", "uint64"
	case k >= reflect.Uint:
		return "0", strconv.FormatUint(math.MaxUint64>>(64-bits), 10), ""
	case bits == 64:
		return "", "", "int64"
	default:
		lowest := int64(math.MinInt64) >> (64 - bits)
		if bits == 32 {
			format = "int32"
		}
		return strconv.FormatInt(lowest, 10), strconv.FormatInt(-(lowest + 1), 10), format
	}
}

var bitsOf = map[reflect.Kind]int{
	reflect.Int: strconv.IntSize, reflect.Int8: 8, reflect.Int16: 16, reflect.Int32: 32, reflect.Int64: 64,
	reflect.Uint: strconv.IntSize, reflect.Uint8: 8, reflect.Uint16: 16, reflect.Uint32: 32, reflect.Uint64: 64, reflect.Uintptr: strconv.IntSize,
}

const (
	base64Pattern   = `^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
	durationPattern = `^(?:0|[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$`
)

// IsOfType reports whether the keyword pattern comes from the type of an input, not from its tag.
func IsOfType(pattern string) bool { return pattern == base64Pattern || pattern == durationPattern }

// IsDuration reports whether the keyword pattern belongs to an input of the type time.Duration.
func IsDuration(pattern string) bool { return pattern == durationPattern }

// text appends the JSON Schema of a value that is a string in JSON: its format and its rules. format is the one of the
// type itself.
func (w *schemaWriter) text(dst []byte, t reflect.Type, r rules, format string, at place) []byte {
	dst = append(dst, `"type":"string"`...)
	if format == "" {
		format = r.format
	}
	if format != "" {
		dst = jsonx.AppendString(append(dst, `,"format":`...), format)
	}
	pattern := ""
	switch {
	case t == durationType && !w.Output:
		pattern = durationPattern
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !w.opaque(t):
		dst = append(dst, `,"contentEncoding":"base64"`...)
		if !w.Output {
			pattern = base64Pattern
		}
	case r.pattern != "":
		pattern = scriptPattern(r.pattern)
	}
	dst = w.enum(dst, t, r)
	least, hasLeast := parseCount(r.minLength)
	if at == placeGiven && format != "binary" && least < 1 {
		least, hasLeast = 1, true // an empty text counts as not given
	}
	if hasLeast {
		dst = strconv.AppendInt(append(dst, `,"minLength":`...), int64(least), 10)
	}
	if most, ok := parseCount(r.maxLength); ok {
		dst = strconv.AppendInt(append(dst, `,"maxLength":`...), int64(most), 10)
	}
	if pattern != "" {
		dst = jsonx.AppendString(append(dst, `,"pattern":`...), pattern)
	}
	return dst
}

// enum appends the rule enum. It appends nothing for a number that decodes itself: its texts are known to the type alone.
func (w *schemaWriter) enum(dst []byte, t reflect.Type, r rules) []byte {
	if r.enum == "" || layout.DecodesItself(t) && t.Kind() != reflect.String {
		return dst
	}
	texts := splitList(r.enum)
	values, ok := appendTagList(nil, t, texts)
	if !ok {
		return dst
	}
	if t == durationType { // the form in which the server writes the same duration is valid, too
		for _, text := range texts {
			if d, ok := parseDuration(text); ok && !bytes.Contains(values, jsonx.AppendString(nil, d.String())) {
				values = append(jsonx.AppendString(append(values[:len(values)-1], ','), d.String()), ']')
			}
		}
	}
	return append(append(dst, `,"enum":`...), values...)
}
