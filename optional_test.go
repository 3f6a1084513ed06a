package actionhero_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/schema"
	"github.com/actionhero-go/actionhero/transport"
)

type patchInput struct {
	Name  actionhero.Optional[string]          `json:"name" maxLength:"5"`
	Age   actionhero.Optional[int]             `json:"age" minimum:"18"`
	Tags  actionhero.Optional[[]string]        `json:"tags" maxItems:"2"`
	Color actionhero.Optional[string]          `json:"color" enum:"red,green"`
	Inner actionhero.Optional[patchInner]      `json:"inner"`
	List  []actionhero.Optional[int]           `json:"list"`
	Born  actionhero.Optional[actionhero.Date] `json:"born"`
	Any   actionhero.Optional[any]             `json:"any"`
}

type patchInner struct {
	Text  string                      `json:"text" required:"true"`
	Token actionhero.Optional[string] `json:"token" secret:"true"`
}

func some[T any](v T) actionhero.Optional[T] { return actionhero.Optional[T]{Set: true, Value: v} }

func null[T any]() actionhero.Optional[T] { return actionhero.Optional[T]{Set: true, Null: true} }

// An optional input tells an absent member from null and from a value.
func TestAnOptionalInputTellsNullFromAbsent(t *testing.T) {
	t.Parallel()
	var got patchInput
	api := newAPI(t, actionhero.Config{}, actionhero.Action[patchInput, actionhero.None]{
		Name: "patch",
		Run: func(_ context.Context, in patchInput) (n actionhero.None, err error) {
			got = in
			return n, nil
		},
	})
	for _, c := range []struct {
		params string
		want   patchInput
		fault  string
	}{
		{params: `{}`},
		{params: `{"name":null,"age":null,"tags":null,"inner":null,"any":null,"born":null,"color":null}`, want: patchInput{
			Name: null[string](), Age: null[int](), Tags: null[[]string](), Inner: null[patchInner](), Any: null[any](), Born: null[actionhero.Date](), Color: null[string]()}},
		{params: `{"name":"","age":"18","tags":[],"inner":{"text":"x","token":null},"any":0,"born":"2026-12-01","color":"red"}`, want: patchInput{
			Name: some(""), Age: some(18), Tags: some([]string{}), Inner: some(patchInner{Text: "x", Token: null[string]()}), Any: some[any](0.0),
			Born: some(actionhero.Date{Year: 2026, Month: 12, Day: 1}), Color: some("red")}},
		{params: `{"list":[1,null,"2"]}`, want: patchInput{List: []actionhero.Optional[int]{some(1), null[int](), some(2)}}},
		{params: `{"name":"long text"}`, fault: "name must be at most 5 characters long"},
		{params: `{"age":17}`, fault: "age must be at least 18"},
		{params: `{"age":[]}`, fault: "age must be a whole number"},
		{params: `{"tags":["a","b","c"]}`, fault: "tags must be a list of at most 2 items"},
		{params: `{"color":"blue"}`, fault: "color must be one of red, green"},
		{params: `{"inner":{}}`, fault: "inner.text must be given"},
		{params: `{"born":"2026-02-30"}`, fault: "born must be a date such as 2026-12-01"},
	} {
		got = patchInput{}
		req := transport.Of(api).NewRequest("test")
		req.Action = "patch"
		req.Err = transport.ParamsOf(&req.Params).AddObject([]byte(c.params))
		_, err := transport.Of(api).Dispatch(t.Context(), req)
		if c.fault != "" {
			if err == nil || err.Error() != c.fault {
				t.Errorf("%s: %v, want %s", c.params, err, c.fault)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.params, err, diff)
		}
	}
}

func TestAnOptionalInputInTheSchema(t *testing.T) {
	t.Parallel()
	in, err := schema.CompileInput(reflect.TypeFor[patchInput](), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(in.JSONSchema())
	for _, want := range []string{
		`"name":{"anyOf":[{"type":"string","maxLength":5},{"type":"null"}]}`, `"age":{"anyOf":[{"type":"integer","format":"int64","minimum":18},{"type":"null"}]}`,
		`"color":{"anyOf":[{"type":"string","enum":["red","green"]},{"type":"null"}]}`, `"born":{"anyOf":[{"type":"string","format":"date"},{"type":"null"}]}`,
		`"list":{"type":"array","items":{"anyOf":[{"type":"integer","format":"int64"},{"type":"null"}]}}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	shown := string(in.Fields()[4].Secrets.AppendJSON(nil, []byte(`{"text":"x","token":"hunter2"}`)))
	if shown != `{"text":"x","token":"[FILTERED]"}` {
		t.Errorf("a secret within an optional value is shown as %s", shown)
	}
	for _, c := range []any{
		struct {
			A actionhero.Optional[int] `required:"true"`
		}{}, struct {
			A actionhero.Optional[int] `default:"1"`
		}{},
	} {
		if _, err := schema.CompileInput(reflect.TypeOf(c), schema.Options{}); err == nil || !strings.Contains(err.Error(), "is an Optional and is required or has a default") {
			t.Errorf("%T: %v", c, err)
		}
	}
}

// An optional output is null unless it is set, or absent with the option omitzero, also within other values.
func TestAnOptionalOutput(t *testing.T) {
	t.Parallel()
	type inner struct {
		A actionhero.Optional[string] `json:"a"`
		B actionhero.Optional[int]    `json:"b,omitzero"`
		C any                         `json:"c"`
	}
	api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, inner]{
		Name: "answer",
		Run: func(context.Context, actionhero.None) (inner, error) {
			return inner{B: null[int](), C: []any{some(1), inner{A: some("x")}, &actionhero.Date{Year: 2026, Month: 1, Day: 2}, actionhero.Date{}}}, nil
		},
	})
	req := transport.Of(api).NewRequest("test")
	req.Action = "answer"
	out, err := transport.Of(api).Dispatch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := transport.AppendOutput(nil, req, out)
	if want := `"a":null,"b":null,"c":[1,{"a":"x","c":null},"2026-01-02",""]`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	again, err := json.Marshal(out)
	if err != nil || string(again) != "{"+string(got)+"}" {
		t.Errorf("package json writes %s, %v", again, err)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	d := actionhero.Date{Year: 2024, Month: time.February, Day: 29}
	if got, err := actionhero.ParseDate("2024-02-29"); got != d || err != nil || d.String() != "2024-02-29" {
		t.Errorf("%v, %v", got, err)
	}
	if got := actionhero.DateOf(d.Time(time.Local).Add(23 * time.Hour)); got != d {
		t.Errorf("the day of a time on it is %v", got)
	}
	if next := actionhero.DateOf(d.Time(time.UTC).AddDate(0, 0, 1)); d.Compare(next) != -1 || next.Compare(d) != 1 || d.Compare(d) != 0 {
		t.Errorf("%v compares wrongly with %v", d, next)
	}
	for _, text := range []string{"2023-02-29", "2024-2-29", "x", "2024-02-29T00:00:00Z", "02024-02-29"} {
		if got, err := actionhero.ParseDate(text); err == nil {
			t.Errorf("%q is the date %v", text, got)
		}
	}
	if _, err := json.Marshal(actionhero.Date{Year: 2023, Month: 2, Day: 29}); err == nil {
		t.Error("a day that does not exist is written")
	}
	if text, err := json.Marshal(actionhero.Date{}); err != nil || string(text) != `""` {
		t.Errorf("the zero date is %s, %v", text, err)
	}
}
