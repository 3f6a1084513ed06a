package decode

import (
	"reflect"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// scalars holds the functions of the types for which the reflect.Kind alone determines the JSON form.
var scalars = map[reflect.Kind]readFunc{
	reflect.Bool: readBool, reflect.String: readString,
	reflect.Int: readInt[int], reflect.Int8: readInt[int8], reflect.Int16: readInt[int16],
	reflect.Int32: readInt[int32], reflect.Int64: readInt[int64],
	reflect.Uint: readUint[uint], reflect.Uint8: readUint[uint8], reflect.Uint16: readUint[uint16],
	reflect.Uint32: readUint[uint32], reflect.Uint64: readUint[uint64], reflect.Uintptr: readUint[uintptr],
	reflect.Float32: readFloat32, reflect.Float64: readFloat64,
}

func readBool(r *reader, p layout.Pointer) bool {
	if r.skip("true") {
		*layout.As[bool](p) = true
		return true
	}
	return r.skip("false")
}

// shareOf is the part of the JSON that a text must have to share its memory. A smaller text is copied: an app that keeps
// it would else keep all of the JSON.
const shareOf = 4

func readString(r *reader, p layout.Pointer) bool {
	text := layout.As[string](p)
	start := r.i
	if end, ok := jsonx.PlainString(r.data, start); ok {
		r.i = end
		*text = r.text(r.data[start+1 : end-1])
		return true
	}
	if r.next() != '"' {
		return false
	}
	r.i = jsonx.SkipString(r.data, start)
	var err error
	*text, err = jsonx.Unquote(r.data[start:r.i])
	return err == nil
}

// maxSmall is the length up to which a text is copied together with others. roomForTexts is the size of that copy, so one
// text that an app keeps does not keep much more.
const (
	maxSmall     = 16
	roomForTexts = 64
)

// text returns a part of r.data as a text.
func (r *reader) text(part []byte) string {
	switch {
	case len(part) == 0:
		return ""
	case len(part) >= (len(r.data)+shareOf-1)/shareOf:
		return jsonx.ViewString(part)
	case len(part) > maxSmall:
		return string(part)
	case cap(r.texts)-len(r.texts) < len(part):
		r.texts = make([]byte, 0, roomForTexts)
	}
	n := len(r.texts)
	r.texts = append(r.texts, part...)
	return jsonx.ViewString(r.texts[n:])
}

// digits reads the digits of a whole number. It returns false if there are none, if the number has a leading zero, or a
// fraction or an exponent, or does not fit.
func (r *reader) digits() (n uint64, ok bool) {
	data, start := r.data, r.i
	i := start
	for ; i < len(data) && data[i] >= '0' && data[i] <= '9'; i++ {
		if i-start >= 18 { // 19 digits may not fit into an int64
			return 0, false
		}
		n = n*10 + uint64(data[i]-'0')
	}
	if r.i = i; i == start || data[start] == '0' && i > start+1 || i < len(data) && (data[i] == '.' || data[i]|0x20 == 'e') {
		return 0, false
	}
	return n, true
}

func readUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](r *reader, p layout.Pointer) bool {
	n, ok := r.digits()
	*layout.As[T](p) = T(n)
	return ok && uint64(T(n)) == n
}

func readInt[T int | int8 | int16 | int32 | int64](r *reader, p layout.Pointer) bool {
	negative := r.take('-')
	n, ok := r.digits()
	signed := int64(n)
	if negative {
		signed = -signed
	}
	*layout.As[T](p) = T(signed)
	return ok && int64(T(signed)) == signed
}

func readFloat64(r *reader, p layout.Pointer) bool {
	f, ok := r.float(64)
	*layout.As[float64](p) = f
	return ok
}

func readFloat32(r *reader, p layout.Pointer) bool {
	f, ok := r.float(32)
	*layout.As[float32](p) = float32(f)
	return ok
}

func (r *reader) float(bits int) (f float64, ok bool) {
	if c := r.next(); c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	start := r.i
	r.i = jsonx.SkipValue(r.data, start)
	number := r.data[start:r.i]
	if jsonx.Valid(number) != nil { // strconv.ParseFloat accepts leading zeros
		return 0, false
	}
	return jsonx.ParseFloat(jsonx.ViewString(number), bits)
}

func readTime(r *reader, p layout.Pointer) bool {
	end, ok := jsonx.PlainString(r.data, r.i)
	if !ok {
		return false
	}
	text := r.data[r.i+1 : end-1]
	r.i = end
	t := layout.As[time.Time](p)
	if t.UnmarshalText(text) != nil {
		return false
	}
	var room [64]byte // for the longest form, with nanoseconds and a zone
	written, err := t.AppendText(room[:0])
	return err == nil && string(written) == string(text) // UnmarshalText also accepts other forms, which jsonx.Unmarshal refuses
}
