package jsonx

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// broken are texts that are not JSON, and the errors for them.
var broken = []struct{ text, want string }{
	{``, "malformed JSON at offset 0: it ends too early"},
	{`  `, "malformed JSON at offset 2: it ends too early"},
	{`x`, "malformed JSON at offset 0: a value is expected"},
	{`tru`, "malformed JSON at offset 3: it ends too early"},
	{`trux`, "malformed JSON at offset 0: only true, false and null may stand without quotes"},
	{`nul1`, "malformed JSON at offset 0: only true, false and null may stand without quotes"},
	{`01`, "malformed JSON at offset 1: a number is not written as JSON wants it"},
	{`-`, "malformed JSON at offset 1: it ends too early"},
	{`-x`, "malformed JSON at offset 1: a number is not written as JSON wants it"},
	{`1.`, "malformed JSON at offset 2: it ends too early"},
	{`1.e5`, "malformed JSON at offset 2: a number is not written as JSON wants it"},
	{`1e+`, "malformed JSON at offset 3: it ends too early"},
	{`"abc`, "malformed JSON at offset 4: a string is not closed"},
	{"\"a\nb\"", "malformed JSON at offset 2: a control character in a string must be escaped"},
	{`"a\x"`, "malformed JSON at offset 2: an escape sequence is not valid"},
	{`"\u12g4"`, "malformed JSON at offset 1: an escape sequence is not valid"},
	{`"\u12`, "malformed JSON at offset 1: an escape sequence is not valid"},
	{`[1 2]`, "malformed JSON at offset 3: a comma or ] is missing"},
	{`[1,]`, "malformed JSON at offset 3: a value is expected"},
	{`[1`, "malformed JSON at offset 2: it ends too early"},
	{`{"a":1 "b":2}`, "malformed JSON at offset 7: a comma or } is missing"},
	{`{"a":1,}`, "malformed JSON at offset 7: a member name in quotes is expected"},
	{`{"a" 1}`, "malformed JSON at offset 5: a colon is missing"},
	{`{"a":}`, "malformed JSON at offset 5: a value is expected"},
	{`{"a"`, "malformed JSON at offset 4: it ends too early"},
	{`{a:1}`, "malformed JSON at offset 1: a member name in quotes is expected"},
	{`1 2`, "malformed JSON at offset 2: something follows the value"},
	{`{}}`, "malformed JSON at offset 2: something follows the value"},
	{strings.Repeat("[", 65) + strings.Repeat("]", 65), "malformed JSON at offset 64: nested deeper than 64 levels"},
}

func TestValidNamesTheFault(t *testing.T) {
	t.Parallel()
	for _, c := range broken {
		err := Valid([]byte(c.text))
		if _, ok := errors.AsType[*SyntaxError](err); !ok || err.Error() != c.want {
			t.Errorf("Valid(%q) = %v, want %s", c.text, err, c.want)
		}
	}
}

var valid = []string{
	`{}`, ` [ ] `, `null`, `true`, `false`, `0`, `-0.5e+10`, `1E9`, `""`, `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800"`,
	"\"\xff\"", "\"\u2028\"", "\t{\"a\" : [1 , {\"b\":null}]}\r\n", `["a long text without anything to escape in it"]`,
	strings.Repeat("[", 64) + strings.Repeat("]", 64),
	strings.Repeat(`{"a":`, 63) + `[]` + strings.Repeat("}", 63),
}

func TestValidAcceptsJSON(t *testing.T) {
	t.Parallel()
	for _, text := range valid {
		if err := Valid([]byte(text)); err != nil {
			t.Errorf("Valid(%q) = %v", text, err)
		}
	}
}

func TestValidOfEveryByteInAString(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		for c := range 256 {
			text := []byte(`"` + strings.Repeat("a", n) + string([]byte{byte(c)}) + strings.Repeat("b", 19-n) + `"`)
			if got, want := Valid(text) == nil, json.Valid(text); got != want {
				t.Fatalf("Valid(%q) is %v, encoding/json says %v", text, got, want)
			}
		}
	}
}

type pair struct{ Key, Raw string }

func members(data string) (list []pair, err error) {
	err = Members([]byte(data), func(key string, raw []byte) error {
		list = append(list, pair{key, string(raw)})
		return nil
	})
	return list, err
}

func TestMembers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		data string
		want []pair
	}{
		{`{}`, nil},
		{" { } \n", nil},
		{`{"a":1}`, []pair{{"a", `1`}}},
		{` { "a" : "x" , "b":[1, 2],"":{"c":{}} } `, []pair{{"a", `"x"`}, {"b", `[1, 2]`}, {"", `{"c":{}}`}}},
		{`{"caf\u00e9":null,"\ud800":true}`, []pair{{"café", `null`}, {"\ufffd", `true`}}},
		{"{\"a\xffb\":0}", []pair{{"a\ufffdb", `0`}}},
		{`{"x":{"a":1,"a":2}}`, []pair{{"x", `{"a":1,"a":2}`}}},
	}
	for _, c := range cases {
		got, err := members(c.data)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("Members(%s): %v %s", c.data, err, diff)
		}
	}
}

func TestMembersErrors(t *testing.T) {
	t.Parallel()
	cases := []struct{ data, want string }{
		{``, "malformed JSON at offset 0: an object is expected"},
		{` [1]`, "malformed JSON at offset 1: an object is expected"},
		{`"a"`, "malformed JSON at offset 0: an object is expected"},
		{`{`, "malformed JSON at offset 1: it ends too early"},
		{`{"a":1,"a":2}`, `malformed JSON at offset 7: the member "a" occurs twice`},
		{`{"a":1,"\u0061":2}`, `malformed JSON at offset 7: the member "a" occurs twice`},
		{`{"a":1 "b":2}`, "malformed JSON at offset 7: a comma or } is missing"},
		{`{"a":1}x`, "malformed JSON at offset 7: something follows the value"},
		{`{"a":1,}`, "malformed JSON at offset 7: a member name in quotes is expected"},
		{`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "malformed JSON at offset 68: nested deeper than 64 levels"},
	}
	for _, c := range cases {
		if _, err := members(c.data); err == nil || err.Error() != c.want {
			t.Errorf("Members(%s) = %v, want %s", c.data, err, c.want)
		}
	}
}

func TestMembersOfManyKeys(t *testing.T) {
	t.Parallel()
	for _, n := range []int{fewKeys, fewKeys + 1, 100} {
		object := map[string]int{}
		for i := range n {
			object[strings.Repeat("k", i+1)] = i
		}
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := members(string(data)); err != nil || len(list) != n {
			t.Errorf("%d members, %v; want %d", len(list), err, n)
		}
		for _, twice := range []string{"k", strings.Repeat("k", n)} {
			doubled := string(data[:len(data)-1]) + `,"` + twice + `":0}`
			if _, err := members(doubled); err == nil || !strings.Contains(err.Error(), "occurs twice") {
				t.Errorf("a repeated key of %d: %v", n, err)
			}
		}
	}
}

func TestMembersReturnsTheErrorOfTheFunction(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	calls := 0
	err := Members([]byte(`{"a":1,"b":2}`), func(string, []byte) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("%v after %d calls, want %v after 1", err, calls, stop)
	}
}

func TestMembersAllocatesKeysOnly(t *testing.T) {
	data := []byte(`{"name":"x","age":18,"tags":[1,2,3]}`)
	got := testing.AllocsPerRun(100, func() {
		if err := Members(data, func(string, []byte) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations for 3 keys", got)
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"{": true, " \n\t\r{}": true, "": false, "  ": false, "[{}]": false, `"{"`: false} {
		if got := Object([]byte(text)); got != want {
			t.Errorf("Object(%q) = %v", text, got)
		}
	}
}

func TestSkipValue(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text     string
		from, to int
	}{
		{`[1,"a]",{}]`, 0, 11}, {`[1,"a]",{}]`, 3, 7}, {`[1,"a]",{}]`, 1, 2}, {`[1`, 0, 2}, {`x`, 0, 1}, {``, 0, 0}, {`1`, 1, 1},
	}
	for _, c := range cases {
		if got := SkipValue([]byte(c.text), c.from); got != c.to {
			t.Errorf("SkipValue(%s, %d) = %d, want %d", c.text, c.from, got, c.to)
		}
	}
}

func TestAByteOrderMarkIsIgnored(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\xef\xbb\xbf{\"a\":1}": "a", "\xef\xbb\xbf \n{\"a\":1} ": "a", "{\"a\":1}": "a", "{\"\xef\xbb\xbfa\":1}": "\ufeffa",
		"\xef\xbb\xbf": "!3", "\xef\xbb{}": "!0", "\xef\xbb\xbf\xef\xbb\xbf{}": "!3", "{\xef\xbb\xbf}": "!1",
	} {
		got := ""
		err := Members([]byte(text), func(key string, _ []byte) error {
			got += key
			return nil
		})
		var fault *SyntaxError
		if errors.As(err, &fault) {
			got = "!" + strconv.Itoa(fault.Offset)
		}
		if got != want {
			t.Errorf("%q has the member %q, want %q", text, got, want)
		}
		if Object([]byte(text)) != (text[0] == '{' || want == "a") {
			t.Errorf("%q is an object: %v", text, Object([]byte(text)))
		}
	}
}
