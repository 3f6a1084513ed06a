package jsonx

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var marshalOptions = json.JoinOptions(
	json.Deterministic(true),
	jsontext.EscapeForJS(true),
	jsontext.AllowInvalidUTF8(true),
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
		return enc.WriteToken(jsontext.String(d.String()))
	})),
)

var unmarshalOptions = json.JoinOptions(
	jsontext.AllowInvalidUTF8(true),
	json.WithUnmarshalers(json.UnmarshalFromFunc(readDuration)),
)

// Marshal returns the JSON of v. It fails for what JSON cannot say: channels, functions, complex numbers, NaN and
// infinities, values that contain themselves.
func Marshal(v any) ([]byte, error) {
	return json.Marshal(v, marshalOptions)
}

// Append appends the JSON of v to dst. On an error it returns dst as it was.
func Append(dst []byte, v any) ([]byte, error) {
	s := sinks.Get().(*sink)
	s.buf = dst
	err := json.MarshalWrite(s, v, marshalOptions)
	out := s.buf
	s.buf = nil
	sinks.Put(s)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// sink is a writer that appends to a slice.
type sink struct{ buf []byte }

var sinks = sync.Pool{New: func() any { return new(sink) }}

func (s *sink) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	return len(p), nil
}

// Unmarshal decodes data, one JSON value, into the variable v points to. Member names are compared exactly, a name that
// occurs twice is an error, and members the type does not have are ignored. A [time.Duration] is read from Go text
// ("1m30s") or from a number of milliseconds. Nothing of data is kept.
func Unmarshal(data []byte, v any) error {
	return json.Unmarshal(data, v, unmarshalOptions)
}

func readDuration(dec *jsontext.Decoder, d *time.Duration) error {
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch tok.Kind() {
	case jsontext.KindNull:
		*d = 0
		return nil
	case jsontext.KindString:
		*d, err = time.ParseDuration(tok.String())
		return err
	case jsontext.KindNumber:
		var ok bool
		if *d, ok = Milliseconds(tok.String()); !ok {
			return fmt.Errorf("%s is not a number of milliseconds that a duration can hold", tok.String())
		}
		return nil
	}
	return fmt.Errorf("a duration must be text such as \"1m30s\" or a number of milliseconds")
}

// Milliseconds reads a number of milliseconds, which may have a fraction, from the text of a JSON number. It reports
// whether text is one and fits a duration.
func Milliseconds(text string) (time.Duration, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		const limit = int64(math.MaxInt64 / time.Millisecond)
		return time.Duration(n) * time.Millisecond, n <= limit && n >= -limit
	}
	f, ok := ParseFloat(text, 64)
	f = math.Round(f * float64(time.Millisecond))
	if !ok || f >= math.MaxInt64 || f <= math.MinInt64 {
		return 0, false
	}
	return time.Duration(f), true
}

// ParseFloat reads a decimal number as JSON and people write it: digits with a sign, a fraction, an exponent. Unlike
// [strconv.ParseFloat] it knows no infinities, no hexadecimal digits and no underscores. A number too large for bits
// (32 or 64) is not ok.
func ParseFloat(text string, bits int) (float64, bool) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(text, bits)
	return f, err == nil
}
