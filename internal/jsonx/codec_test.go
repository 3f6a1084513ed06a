package jsonx

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Name  string         `json:"name"`
	Wait  time.Duration  `json:"wait"`
	List  []string       `json:"list"`
	Map   map[string]int `json:"map"`
	Other any
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value any
		want  string
	}{
		{sample{}, `{"name":"","wait":"0s","list":[],"map":{},"Other":null}`},
		{sample{"a\u2028\xff", 90 * time.Second, []string{"x"}, map[string]int{"b": 2, "a": 1}, time.Minute},
			`{"name":"a\u2028` + "\ufffd" + `","wait":"1m30s","list":["x"],"map":{"a":1,"b":2},"Other":"1m0s"}`},
		{map[time.Duration]bool{time.Second: true}, `{"1s":true}`},
		{[]time.Duration{1}, `["1ns"]`},
		{nil, `null`},
	}
	for _, c := range cases {
		got, err := Marshal(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("Marshal(%v) = %s, %v; want %s", c.value, got, err, c.want)
		}
		if got, err = Append([]byte("x"), c.value); err != nil || string(got) != "x"+c.want {
			t.Errorf("Append(%v) = %s, %v; want x%s", c.value, got, err, c.want)
		}
	}
}

func TestAppendLeavesDstOnError(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 20_000) // longer than the buffer of an encoder
	for _, v := range []any{math.NaN(), []any{long, math.Inf(1)}, make(chan int)} {
		dst := append(make([]byte, 0, 1<<20), "kept"...)
		if got, err := Append(dst, v); err == nil || string(got) != "kept" {
			t.Errorf("Append(%.20v) = %.20q, %v", v, got, err)
		}
	}
}

func TestUnmarshalKnown(t *testing.T) {
	t.Parallel()
	var got sample
	if err := UnmarshalKnown([]byte(`{"name":"a","wait":1500}`), &got); err != nil || got.Wait != 1500*time.Millisecond {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := UnmarshalKnown([]byte(`{"name":"a","waitt":1}`), &got); err == nil || err.Error() != `unknown member "waitt"` {
		t.Errorf("an unknown member: %v", err)
	}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	cases := []struct {
		data string
		want sample
		err  string
	}{
		{data: `{"name":"a","NAME":"b","unknown":1}`, want: sample{Name: "a"}},
		{data: `{"wait":"1m30s"}`, want: sample{Wait: 90 * time.Second}},
		{data: `{"wait":1500}`, want: sample{Wait: 1500 * time.Millisecond}},
		{data: `{"wait":0.5}`, want: sample{Wait: 500 * time.Microsecond}},
		{data: `{"wait":null}`},
		{data: "{\"name\":\"\xff\"}", want: sample{Name: "\ufffd"}},
		{data: `{"name":"a","name":"b"}`, err: "duplicate"},
		{data: `{"wait":"soon"}`, err: "soon"},
		{data: `{"wait":1e300}`, err: "milliseconds"},
		{data: `{"wait":9223372036854775807}`, err: "milliseconds"},
		{data: `{"wait":true}`, err: "1m30s"},
		{data: `{"name":1}`, err: "name"},
		{data: `{} x`, err: "invalid character"},
	}
	for _, c := range cases {
		var got sample
		err := Unmarshal([]byte(c.data), &got)
		switch {
		case c.err == "" && (err != nil || !cmp.Equal(got, c.want)):
			t.Errorf("Unmarshal(%s): %v %s", c.data, err, cmp.Diff(c.want, got))
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("Unmarshal(%s) = %v, want an error about %s", c.data, err, c.err)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true}, {"1", time.Millisecond, true}, {"-2.5", -2500 * time.Microsecond, true}, {"1e3", time.Second, true},
		{"9223372036854", 9223372036854 * time.Millisecond, true}, {"9223372036855", 0, false}, {"-9223372036855", 0, false},
		{"1e19", 0, false}, {"", 0, false}, {"x", 0, false}, {"0x10", 0, false}, {"NaN", 0, false}, {"Inf", 0, false},
	}
	for _, c := range cases {
		if got, ok := Milliseconds(c.text); ok != c.ok || ok && got != c.want {
			t.Errorf("Milliseconds(%s) = %v, %v", c.text, got, ok)
		}
	}
}

func TestParseFloat(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "NaN", "inf", "0x1p4", "1_0", "1e400", ".", "1 "} {
		if f, ok := ParseFloat(text, 64); ok {
			t.Errorf("ParseFloat(%s) = %v, want none", text, f)
		}
	}
	if f, ok := ParseFloat("-1.25e2", 64); !ok || f != -125 {
		t.Errorf("ParseFloat = %v, %v", f, ok)
	}
	if _, ok := ParseFloat("1e39", 32); ok {
		t.Error("1e39 fits no float32")
	}
}

func TestSyntaxErrorIsAType(t *testing.T) {
	t.Parallel()
	e, ok := errors.AsType[*SyntaxError](Valid([]byte(`[1,,2]`)))
	if !ok || e.Offset != 3 {
		t.Errorf("%v, want a SyntaxError at 3", e)
	}
}
