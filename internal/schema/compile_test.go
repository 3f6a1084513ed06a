package schema

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type twice struct {
	level
	Name string `json:"name"`
}

type stamped struct{ time.Time }

func TestInputsThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   any
		want string // a part of the error
	}{
		{5, "the input int is not a struct: declare one"},
		{map[string]int{}, "is not a struct"},
		{&level{}, "is not a struct"},
		{struct{ F chan int }{}, "field F of struct { F chan int } is or has a chan int, which no client can send: take another type, or leave it out with json:\"-\""},
		{struct{ F func() }{}, "is or has a func()"},
		{struct{ F complex64 }{}, "is or has a complex64"},
		{struct{ F []chan int }{}, "is or has a chan int"},
		{struct{ F fmt.Stringer }{}, "is or has the interface fmt.Stringer, which does not say what to decode into: use any"},
		{struct{ F [3]int }{}, "is or has the array [3]int: use a slice"},
		{struct{ F **int }{}, "use one pointer"},
		{struct{ F map[int]string }{}, "use a map with plain string keys"},
		{struct{ F upload }{}, "is an uploaded file by value: use *schema.upload"},
		{struct{ F struct{ G *upload } }{}, "field G of struct { G *schema.upload } has an uploaded file inside: make the file an input of its own"},
		{struct{ F map[string]*upload }{}, "make the file an input of its own"},
		{struct {
			F *upload `default:"x"`
		}{}, "is a file and has a default: remove the tag"},
		{struct {
			F *upload `minLength:"1"`
		}{}, `has minLength:"1", which fits text only: remove the tag or change the type of the field`},
		{struct{ F struct{ G chan int } }{}, "field G of struct { G chan int } is or has a chan int"},
		{struct{ a int }{}, "has no exported fields"},
		{twice{}, `has the name "name", as field Name has`},
		{struct{ *level }{}, "is in a struct that is embedded as a pointer: embed the struct itself"},
		{stamped{}, "is embedded but encodes or decodes itself: give it a name with a json tag"},
		{struct{ shadeName }{}, "is embedded but not a struct: give it a name with a json tag"},
		{struct {
			A int `json:"'a'"`
		}{}, "with a quote, a backslash or invalid UTF-8"},
		{struct {
			level `json:",omitzero"`
		}{}, "is embedded, so its json tag can have a name only"},
		{struct {
			level `json:"x"`
		}{}, "is embedded under a name but its type is not exported: export the type"},
	}
	for _, c := range cases {
		refused(t, reflect.TypeOf(c.in), c.want)
	}
	number := reflect.TypeFor[int]()
	refused(t, reflect.StructOf([]reflect.StructField{{Name: "a", PkgPath: "x", Type: number, Tag: `json:"a"`}}),
		"has a json tag but is not exported: export it or remove the tag")
	refused(t, reflect.StructOf([]reflect.StructField{{Name: "A", Type: number, Tag: `json:"x"`}, {Name: "B", Type: number, Tag: `json:"x"`}}),
		`has the name "x", as field A has: rename one of them with a json tag`)
}

func refused(t *testing.T, typ reflect.Type, want string) {
	t.Helper()
	_, err := CompileInput(typ, Options{FileType: reflect.TypeFor[upload]()})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: %v\nwant: %s", typ, err, want)
	}
}

// TestTagsThatAreRefused makes a struct with one field F of the type of in, with the tag of the case.
func TestTagsThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in        any
		tag, want string
	}{
		{"", `json:"a,omitEmpty"`, `has the json option "omitEmpty", which is not known here: use omitempty, omitzero, string or none`},
		{"", `json:"a,omitempty,omitempty"`, `has the json option "omitempty" twice: remove one`},
		{"", `required:"yes"`, `has required:"yes", but only "true" and "false" are known: correct the tag`},
		{"", `secret:""`, `has secret:""`},
		{"", `required:"true" default:"x"`, "is required and has a default, which would never be used"},
		{"", `default:""`, "has an empty default"},
		{0, `default:"x"`, `has default:"x", but F must be a whole number: correct the tag`},
		{0, `default:"5" minimum:"6"`, `has default:"5", but F must be at least 6`},
		{0, `example:"5.5"`, `has example:"5.5", but F must be a whole number`},
		{[]int{}, `default:"1,x"`, `has default:"1,x", but F[1] must be a whole number`},
		{level{}, `default:"{}"`, `has default:"{}", but F.name must be given`},
		{level{}, `default:"x"`, `but F must be an object`},
		{"", `enum:""`, "has an empty enum tag"},
		{"", `enum:"a,,b"`, `has enum:"a,,b", which is not a list of values of its type, separated by commas`},
		{0, `enum:"1,x"`, "which is not a list of values of its type"},
		{true, `enum:"true"`, "which fits text, numbers and durations only"},
		{"", `minimum:"1"`, `has minimum:"1", which fits numbers and durations only: remove the tag or change the type of the field`},
		{time.Time{}, `minimum:"1"`, "which fits numbers and durations only"},
		{0, `minimum:"0.5"`, `has minimum:"0.5", which is not a value of its type: correct the tag`},
		{int8(0), `maximum:"128"`, "which is not a value of its type"},
		{time.Second, `minimum:"soon"`, "which is not a value of its type"},
		{0, `minimum:"5" maximum:"4"`, `has minimum:"5" and maximum:"4", which no value can keep both`},
		{"", `minLength:"5" maxLength:"4"`, "which no value can keep both"},
		{[]int{}, `minItems:"5" maxItems:"4"`, "which no value can keep both"},
		{0, `minLength:"3"`, `has minLength:"3", which fits text only`},
		{"", `minLength:"-1"`, "which is not a number of characters"},
		{"", `maxLength:"x"`, "which is not a number of characters"},
		{0, `pattern:"x"`, "which fits text only"},
		{"", `pattern:"("`, "which is not a regular expression as package regexp knows them"},
		{"", `format:"phone"`, "which is not one of date, date-time, email, hostname, ipv4, ipv6, uri, uuid"},
		{0, `format:"email"`, "which fits text only"},
		{time.Time{}, `format:"email"`, "which fits text only"},
		{"", `minItems:"1"`, "which fits lists and maps only"},
		{[]int{}, `maxItems:"x"`, "which is not a number of elements"},
		{[]int{}, `minLength:"1"`, "which fits text only"},
		{[][]int{}, `minimum:"1"`, "is a list of lists or of maps, and has a rule for single values"},
		{nest{}, `minimum:"1"`, "is a list of lists or of maps"},
		{level{}, `minLength:"1"`, "which fits text only"},
		{any(new(any)), `minLength:"1"`, "which fits text only"},
		{[]byte{}, `minLength:"1"`, "which fits text only"},
	}
	for _, c := range cases {
		typ := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.TypeOf(c.in), Tag: reflect.StructTag(c.tag)}})
		refused(t, typ, c.want)
	}
}

func TestTagsThatFit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in  any
		tag string
	}{
		{"", `required:"true" secret:"false" unknown:"tag" doc:"text"`},
		{shade{}, `format:"uuid" example:"dark"`},
		{time.Time{}, `format:"date-time"`},
		{word(""), `enum:"<a>,<b>"`},
		{new(time.Duration), `minimum:"1s" maximum:"2000" default:"1.5s" enum:"1500"`},
		{[]*float32{}, `minimum:"-1.5" maximum:"1e3" minItems:"0" maxItems:"0"`},
		{uint64(0), `maximum:"18446744073709551615"`},
		{map[string]string{}, `pattern:"^x" minItems:"1" default:"{\"a\":\"xy\"}"`},
		{new(string), `default:"" maxLength:"0"`},
		{new(any), `default:"anything" example:"1"`},
	}
	for _, c := range cases {
		typ := reflect.StructOf([]reflect.StructField{{Name: "F", Type: reflect.TypeOf(c.in), Tag: reflect.StructTag(c.tag)}})
		if _, err := CompileInput(typ, Options{}); err != nil {
			t.Error(err)
		}
	}
}

func TestRulesOfTypesThatDecodeThemselves(t *testing.T) {
	t.Parallel()
	type in struct {
		W word `enum:"<a>,<b>"`
	}
	if _, fail := decode[in](t, text("W", "a")); fail != nil {
		t.Error(messages(fail))
	}
	if _, fail := decode[in](t, text("W", "c")); len(messages(fail)) != 1 {
		t.Error(messages(fail))
	}
}

func TestNothingToDecode(t *testing.T) {
	t.Parallel()
	if _, fail := decode[struct{}](t, text("a", "b")); fail != nil {
		t.Error(messages(fail))
	}
}
