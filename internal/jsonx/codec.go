package jsonx

import (
	"errors"
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

// Marshal returns the JSON of v. It returns an error if JSON cannot express a part of v: channels, functions, complex
// numbers, NaN, infinities. An interface that holds a pointer to itself overflows the stack, and a Marshal method may
// panic. For values of an app, use package encode, which returns errors.
func Marshal(v any) ([]byte, error) {
	return json.Marshal(v, marshalOptions)
}

// Append appends the JSON of v to dst and returns the extended slice. It follows the rules of [Marshal]. On an error it
// returns dst unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	w := writers.Get().(*sliceWriter)
	w.buf = dst
	err := json.MarshalWrite(w, v, marshalOptions)
	out := w.buf
	w.buf = nil
	writers.Put(w)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// sliceWriter is an io.Writer that appends to the slice buf.
type sliceWriter struct{ buf []byte }

var writers = sync.Pool{New: func() any { return new(sliceWriter) }}

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// Unmarshal decodes data, one JSON value, into the variable that v points to. It compares member names exactly, returns
// an error if a name occurs twice, and ignores members that the Go type does not have. It decodes a [time.Duration]
// from Go text ("1m30s") or from a number of milliseconds. The decoded value does not share the bytes of data.
func Unmarshal(data []byte, v any) error {
	return json.Unmarshal(data, v, unmarshalOptions)
}

// UnmarshalKnown is [Unmarshal], but returns an error that names the first member that the Go type does not have.
func UnmarshalKnown(data []byte, v any) error {
	err := json.Unmarshal(data, v, unmarshalOptions, json.RejectUnknownMembers(true))
	if unknown, ok := errors.AsType[*json.SemanticError](err); ok && unknown.Err == json.ErrUnknownName {
		return fmt.Errorf("unknown member %q", unknown.JSONPointer.LastToken())
	}
	return err
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

// Milliseconds parses text as a JSON number of milliseconds, which may have a fraction. It returns false if text is not
// a JSON number or does not fit a time.Duration.
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

// ParseFloat parses a decimal number: digits with an optional sign, fraction and exponent. Unlike [strconv.ParseFloat],
// it rejects infinities, hexadecimal digits and underscores. It returns false if text is not a number or is too large
// for a float of the given bits (32 or 64).
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
