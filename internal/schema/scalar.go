package schema

import (
	"encoding"
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// validUTF8 returns s with each byte that is not UTF-8 replaced by U+FFFD.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func setText(p unsafe.Pointer, s string, from source) verdict {
	if from == fromText {
		s = validUTF8(s)
	} else {
		s = strings.Clone(s) // JSON, and plain, so it is valid
	}
	*(*string)(p) = s
	return good
}

func setBool(p unsafe.Pointer, s string, _ source) verdict {
	switch {
	case s == "1" || strings.EqualFold(s, "true"):
		*(*bool)(p) = true
	case s == "0" || strings.EqualFold(s, "false"):
		*(*bool)(p) = false
	default:
		return wrongType
	}
	return good
}

// exactFloat is up to where every whole number is a float64.
const exactFloat = 1 << 53

// parseInt reads a whole number, which may be written as 18.0 or 1e3.
func parseInt(s string, bits int) (int64, verdict) {
	if n, ok := shortInt(s); ok && bits == 64 {
		return n, good
	}
	n, err := strconv.ParseInt(s, 10, bits)
	switch {
	case err == nil:
		return n, good
	case errors.Is(err, strconv.ErrRange):
		return 0, outOfRange
	}
	f, ok := jsonx.ParseFloat(s, 64)
	if !ok || math.Trunc(f) != f {
		return 0, wrongType
	}
	if n = int64(f); math.Abs(f) > exactFloat || n>>(bits-1) != n>>63 {
		return 0, outOfRange
	}
	return n, good
}

// shortInt reads up to 18 plain digits, which fit an int64 in any case.
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

func parseUint(s string, bits int) (uint64, verdict) {
	n, err := strconv.ParseUint(s, 10, bits)
	if err == nil {
		return n, good
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, outOfRange
	}
	i, v := parseInt(s, 64)
	switch {
	case v != good:
		return 0, v
	case i < 0 || bits < 64 && i>>bits != 0:
		return 0, outOfRange
	}
	return uint64(i), good
}

func setInt[T int | int8 | int16 | int32 | int64](p unsafe.Pointer, s string, _ source) verdict {
	n, v := parseInt(s, int(unsafe.Sizeof(T(0)))*8)
	if v == good {
		*(*T)(p) = T(n)
	}
	return v
}

func setUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](p unsafe.Pointer, s string, _ source) verdict {
	n, v := parseUint(s, int(unsafe.Sizeof(T(0)))*8)
	if v == good {
		*(*T)(p) = T(n)
	}
	return v
}

func setFloat[T float32 | float64](p unsafe.Pointer, s string, _ source) verdict {
	f, ok := jsonx.ParseFloat(s, int(unsafe.Sizeof(T(0)))*8)
	if !ok {
		return wrongType
	}
	*(*T)(p) = T(f)
	return good
}

// Years that RFC 3339 can write, in Unix milliseconds.
var (
	firstMilli = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	lastMilli  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

func setTime(p unsafe.Pointer, s string, _ source) verdict {
	t, ok := parseTime(s)
	if !ok {
		n, v := parseInt(s, 64)
		if v != good || n < firstMilli || n > lastMilli {
			return wrongType
		}
		t = time.UnixMilli(n).UTC()
	}
	*(*time.Time)(p) = t
	return good
}

// parseTime reads RFC 3339. Package time lets some things pass that are not in it: a comma before the fraction, an hour
// of one digit, a zone a day or more away (go.dev/issue/54580).
func parseTime(s string) (t time.Time, ok bool) {
	const zone = len("+00:00")
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[13] != ':' || s[19] == ',' || t.UnmarshalText(bytesOf(s)) != nil {
		return time.Time{}, false
	}
	if s[len(s)-1] != 'Z' {
		if z := s[len(s)-zone:]; z[1:3] > "23" || z[4:6] > "59" {
			return time.Time{}, false
		}
	}
	return t, true
}

func setDuration(p unsafe.Pointer, s string, _ source) verdict {
	d, ok := parseDuration(s)
	if !ok {
		return wrongType
	}
	*(*time.Duration)(p) = d
	return good
}

func parseDuration(s string) (time.Duration, bool) {
	if n := len(s); n > 0 && s[n-1] <= '9' {
		return jsonx.Milliseconds(s)
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// setBytes reads base64 with padding and without line ends (RFC 4648 section 4).
func setBytes(p unsafe.Pointer, s string, from source) verdict {
	if from == fromNumber || from == fromBool {
		return wrongType
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(s) {
		return wrongType
	}
	*(*[]byte)(p) = b
	return good
}

// setByMethod lets a type read its own text.
func setByMethod(t reflect.Type) setFunc {
	return func(p unsafe.Pointer, s string, _ source) verdict {
		if reflect.NewAt(t, p).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)) != nil {
			return wrongType
		}
		return good
	}
}

// scalarCodecs are the plans of the kinds that need nothing but their kind.
var scalarCodecs = map[reflect.Kind]codec{
	reflect.String:  {class: classText, set: setText, wants: "text"},
	reflect.Bool:    {class: classBool, set: setBool, wants: "true or false"},
	reflect.Int:     intCodec(setInt[int], strconv.IntSize),
	reflect.Int8:    intCodec(setInt[int8], 8),
	reflect.Int16:   intCodec(setInt[int16], 16),
	reflect.Int32:   intCodec(setInt[int32], 32),
	reflect.Int64:   intCodec(setInt[int64], 64),
	reflect.Uint:    uintCodec(setUint[uint], strconv.IntSize),
	reflect.Uint8:   uintCodec(setUint[uint8], 8),
	reflect.Uint16:  uintCodec(setUint[uint16], 16),
	reflect.Uint32:  uintCodec(setUint[uint32], 32),
	reflect.Uint64:  uintCodec(setUint[uint64], 64),
	reflect.Uintptr: uintCodec(setUint[uintptr], strconv.IntSize),
	reflect.Float32: {class: classFloat, set: setFloat[float32], wants: "a number"},
	reflect.Float64: {class: classFloat, set: setFloat[float64], wants: "a number"},
}

func intCodec(set setFunc, bits int) codec {
	low := int64(math.MinInt64) >> (64 - bits)
	ranges := "a whole number from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(-(low+1), 10)
	return codec{class: classInt, set: set, wants: "a whole number", ranges: ranges}
}

func uintCodec(set setFunc, bits int) codec {
	ranges := "a whole number from 0 to " + strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
	return codec{class: classUint, set: set, wants: "a whole number", ranges: ranges}
}
