package jsonx

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestUnquote(t *testing.T) {
	t.Parallel()
	cases := []struct{ raw, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"caf\u00e9 \u20AC"`, "café €"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ud83dx"`, "\ufffdx"},
		{`"\ude00\ud83d"`, "\ufffd\ufffd"},
		{`"\ud83d\u0041"`, "\ufffdA"},
		{"\"a\xff\xfeb\"", "a\ufffd\ufffdb"},
		{"\"\xff\xff\xff\xff\\n\"", "\ufffd\ufffd\ufffd\ufffd\n"},
	}
	for _, c := range cases {
		if got, err := Unquote([]byte(c.raw)); got != c.want || err != nil {
			t.Errorf("Unquote(%s) = %q, %v; want %q", c.raw, got, err, c.want)
		}
	}
	for _, raw := range []string{``, `"`, `abc`, `"a`, `"a"b`, `"\"`, `"\x"`, "\"\x00\"", `null`} {
		if got, err := Unquote([]byte(raw)); err == nil {
			t.Errorf("Unquote(%s) = %q, want an error", raw, got)
		}
	}
}

func TestUnquoteAllocatesOnce(t *testing.T) {
	for _, raw := range []string{`"a text without escapes"`, `"one\nwith \u00e9scapes"`} {
		b := []byte(raw)
		if n := testing.AllocsPerRun(100, func() { _, _ = Unquote(b) }); n > 1 {
			t.Errorf("Unquote(%s): %v allocations", raw, n)
		}
	}
}

var texts = []string{
	"", "a", "plain ASCII text, longer than a word of eight bytes", "\"quotes\" and \\ slashes", "\x00\x01\b\f\n\r\t\x1f\x7f",
	"caf\u00e9 \u20ac \U0001f600", "\u2028 and \u2029", "\xff", "a\xffb\xc3", "<html>&", "ends with a quote\"", "12345678\"", "1234567\u2028",
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		want := quotedByMarshal(t, text)
		if got := string(AppendString([]byte("x"), text)); got != "x"+want {
			t.Errorf("AppendString(%q) = %s, want x%s", text, got, want)
		}
	}
}

func quotedByMarshal(t *testing.T, text string) string {
	t.Helper()
	b, err := Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{
		0, 1, -1, 0.1, 1.5e-6, 1e-6, 9.99e-7, 1e-7, 1e-10, 1e-100, 1e20, 1e21, 123456789012345680000, 1e300, math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1.0 / 3, 0.000001234,
	} {
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendFloat(nil, f)); got != string(want) {
			t.Errorf("AppendFloat(%v) = %s, want %s", f, got, want)
		}
		want, err = json.Marshal(float32(f))
		if err != nil {
			continue
		}
		if got := string(AppendFloat32(nil, float32(f))); got != string(want) {
			t.Errorf("AppendFloat32(%v) = %s, want %s", f, got, want)
		}
	}
}

func TestAppendRaw(t *testing.T) {
	t.Parallel()
	cases := []struct{ raw, want string }{
		{"{ \"a\" :\t[1,\n 2.50 ,\"x  y\"] , \"b\":null}", `{"a":[1,2.50,"x  y"],"b":null}`},
		{`"\u0041\n"`, `"\u0041\n"`},
		{"\"a\xffb\"", "\"a\ufffdb\""},
		{"[\"\u2028\",\"\u2029é\"]", `["\u2028","\u2029é"]`},
		{`true`, `true`},
	}
	for _, c := range cases {
		if got := string(AppendRaw([]byte("="), []byte(c.raw))); got != "="+c.want {
			t.Errorf("AppendRaw(%s) = %s, want =%s", c.raw, got, c.want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	cases := []struct {
		raw, inner string
		plain      bool
	}{{`"abc"`, "abc", true}, {`""`, "", true}, {`"a\n"`, `a\n`, false}, {"\"\xff\"", "\xff", false}, {`"é"`, "é", true}, {`"`, "", false}}
	for _, c := range cases {
		if inner, plain := Plain([]byte(c.raw)); string(inner) != c.inner || plain != c.plain {
			t.Errorf("Plain(%s) = %q, %v", c.raw, inner, plain)
		}
	}
}

func FuzzStrings(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := AppendString(nil, text)
		if want := quotedByMarshal(t, text); string(quoted) != want {
			t.Fatalf("AppendString(%q) = %s, want %s", text, quoted, want)
		}
		if !jsontext.Value(quoted).IsValid() {
			t.Fatalf("AppendString(%q) = %s, which is not strict JSON", text, quoted)
		}
		if back, err := Unquote(quoted); err != nil || back != string([]rune(text)) {
			t.Fatalf("Unquote(AppendString(%q)) = %q, %v", text, back, err)
		}
		checkUnquote(t, text)
		checkUnquote(t, `"`+text+`"`)
	})
}

// checkUnquote compares Unquote with encoding/json, for any text.
func checkUnquote(t *testing.T, raw string) {
	t.Helper()
	got, err := Unquote([]byte(raw))
	var want string
	wantErr := json.Unmarshal([]byte(raw), &want)
	if strings.TrimSpace(raw) != raw || raw == "null" {
		return // encoding/json also accepts white space around a string, and null
	}
	if (err == nil) != (wantErr == nil) || err == nil && got != want {
		t.Fatalf("Unquote(%q) = %q, %v; encoding/json says %q, %v", raw, got, err, want, wantErr)
	}
}

// TestAppendStringFindsSpecialBytes puts one byte that needs an escape, or is not ASCII, at each position of texts of up to
// 69 bytes: more than two of the blocks that asciiEnd tests at once.
func TestAppendStringFindsSpecialBytes(t *testing.T) {
	t.Parallel()
	for special, want := range map[string]string{`"`: `\"`, `\`: `\\`, "\n": `\n`, "\x00": `\u0000`, "\x1f": `\u001f`, "\xff": "\ufffd", "\x80": "\ufffd"} {
		for n := range 70 {
			for at := range n {
				text := strings.Repeat("~", at) + special + strings.Repeat(" ", n-1-at)
				if got := string(AppendString(nil, text)); got != `"`+strings.Replace(text, special, want, 1)+`"` {
					t.Fatalf("AppendString(%q) = %s", text, got)
				}
			}
		}
	}
}
