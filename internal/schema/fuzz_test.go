package schema

import (
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// allClasses has inputs of every class, with rules.
type allClasses struct {
	compounds
	Scalars scalars  `json:"scalars"`
	Ruled   ruled    `json:"ruled"`
	Tree    *tree    `json:"tree"`
	File    *upload  `json:"file"`
	Email   string   `json:"email" format:"email" maxLength:"9"`
	URI     *string  `json:"uri" format:"uri"`
	Host    []string `json:"host" format:"hostname" maxItems:"3"`
	Any     any      `json:"anything"`
}

// FuzzDecode sends the same text and the same bytes to every input. Bytes that are not JSON must not make Decode panic.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "18", "-1.5e3", "a,b", "true", "null", `"x"`, `[1,"2",null,[3]]`, `{"a":{"name":"x"},"level":[{}]}`, `{"name":"a","name":"b"}`,
		`{"F":1,"T":"2024-01-01T00:00:00Z","kids":[{"kids":[]}]}`, `{"a`, `[1,`, `"\u00`, `{"":`, `{"a":1 "b"}`, "[[[[[[[[", "\"\xff\"", `{"\ud800":"\"[1]\""}`,
		`"[\"[\\\"[1]\\\"]\"]"`, "1m30s", "aGk=", "a@b", "http://x", "\x00", "1709208000000", `{"age":"17","tags":"a","map":{"k":"c"}}`,
	} {
		f.Add(s, []byte(s))
	}
	in, err := CompileInput(reflect.TypeFor[allClasses](), Options{FileType: reflect.TypeFor[upload]()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string, raw []byte) {
		kept := string(raw)
		for _, value := range []Value{TextValue(s), repeated(s, s, kept), JSONValue(raw)} {
			var params []Param
			for _, field := range in.Fields() {
				params = append(params, Param{field.Name, value})
			}
			var v allClasses
			fail := in.Decode(&v, params)
			checkFailure(t, fail)
			if fail == nil || jsonx.Valid(raw) == nil {
				checkRoundTrip(t, in, &v, fail)
			}
		}
		if string(raw) != kept {
			t.Fatal("the bytes were changed")
		}
	})
}

func checkFailure(t *testing.T, fail *Failure) {
	t.Helper()
	if fail == nil {
		return
	}
	if len(fail.Violations) == 0 && fail.Missing == "" || len(fail.Violations) > maxViolations {
		t.Fatalf("%d violations", len(fail.Violations))
	}
	for _, v := range fail.Violations {
		if v.Field == "" || v.Rule == "" || !utf8.ValidString(v.Message) {
			t.Fatalf("%+v", v)
		}
	}
}

// checkRoundTrip encodes the decoded value, as an action does that calls another one.
func checkRoundTrip(t *testing.T, in *Input, v *allClasses, fail *Failure) {
	t.Helper()
	if fail != nil {
		return
	}
	data, err := jsonx.Marshal(v)
	if err != nil {
		return // a type that decodes itself need not encode
	}
	if _, err := encode.AppendMembers(nil, v); err != nil {
		t.Fatalf("Marshal does it, but AppendMembers says %v", err)
	}
	var params []Param
	if err := jsonx.Members(data, func(key string, raw []byte) error {
		params = append(params, Param{Key: key, Value: JSONValue(raw)})
		return nil
	}); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}
