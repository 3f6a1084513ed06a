package history

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is one line of a history. The fields that a kind uses stand next to the constant of the kind.
type Event struct {
	At      time.Duration // CLOCK_MONOTONIC
	Inc     uint64        // the incarnation of the node at that time, 0 if none
	Call    uint64        // the number that an intent and its outcome share within a process
	Number  uint64
	ID      uint64
	Fence   uint64
	Epoch   uint64
	Seq     uint64
	Time    int64
	Count   int64
	Subject string
	Object  string
	Numbers []uint64
	IDs     []uint64
	Names   []string
	Proc    int32 // the index of the process in Source.Processes
	Line    int32 // the line in the file of the process, from 1
	Kind    Kind
	Outcome Outcome
	Result  Result
}

// Clone returns a copy that shares no slice with e.
func (e *Event) Clone() Event {
	c := *e
	c.Numbers, c.IDs, c.Names = append([]uint64(nil), e.Numbers...), append([]uint64(nil), e.IDs...), append([]string(nil), e.Names...)
	return c
}

// String returns the line of the event, without its end.
func (e *Event) String() string {
	return string(bytes.TrimSuffix(e.appendLine(nil), []byte("\n")))
}

// appendLine appends the line: the time in nanoseconds, the incarnation in hexadecimal, the kind, then each field that
// is not zero as key=value.
func (e *Event) appendLine(b []byte) []byte {
	b = strconv.AppendInt(b, int64(e.At), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, e.Inc, 16)
	b = append(b, ' ')
	b = append(b, e.Kind.String()...)
	for _, f := range [...]struct {
		key   string
		value uint64
	}{{"c", e.Call}, {"n", e.Number}, {"id", e.ID}, {"f", e.Fence}, {"e", e.Epoch}, {"s", e.Seq}} {
		if f.value != 0 {
			b = strconv.AppendUint(appendKey(b, f.key), f.value, 10)
		}
	}
	if e.Time != 0 {
		b = strconv.AppendInt(appendKey(b, "t"), e.Time, 10)
	}
	if e.Count != 0 {
		b = strconv.AppendInt(appendKey(b, "k"), e.Count, 10)
	}
	b = appendText(b, "a", e.Subject)
	b = appendText(b, "b", e.Object)
	if e.Outcome != 0 {
		b = append(appendKey(b, "o"), e.Outcome.String()...)
	}
	if e.Result != 0 {
		b = append(appendKey(b, "r"), e.Result.String()...)
	}
	b = appendList(b, "ns", e.Numbers)
	b = appendList(b, "ids", e.IDs)
	for _, name := range e.Names {
		b = appendEscaped(appendKey(b, "m"), name)
	}
	return append(b, '\n')
}

func appendKey(b []byte, key string) []byte {
	return append(append(append(b, ' '), key...), '=')
}

func appendText(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendEscaped(appendKey(b, key), value)
}

func appendList(b []byte, key string, list []uint64) []byte {
	for i, v := range list {
		if i == 0 {
			b = appendKey(b, key)
		} else {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, v, 10)
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendEscaped writes each byte that would end a field or a line, and the percent sign, as %xx.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '%' || c == 0x7f {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q has a wrong escape", s)
		}
		b.WriteByte(byte(v))
		i += 2
	}
	return b.String(), nil
}
