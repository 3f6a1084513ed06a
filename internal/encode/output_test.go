package encode

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/layout"
)

func compile[T any](t testing.TB) *Output {
	t.Helper()
	o, err := Compile(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

type answer struct {
	ID    int               `json:"id"`
	Ratio float64           `json:"ratio"`
	Bits  map[string]string `json:"bits,omitempty"`
}

func TestOutputKinds(t *testing.T) {
	t.Parallel()
	var none *answer
	cases := []struct {
		output *Output
		value  any
		want   string
	}{
		{compile[answer](t), answer{ID: 1, Ratio: 0.5}, `"id":1,"ratio":0.5`},
		{compile[*answer](t), &answer{ID: 1}, `"id":1,"ratio":0`},
		{compile[*answer](t), none, ``},
		{compile[map[string]any](t), map[string]any{"b": []int{1}, "a": "x"}, `"a":"x","b":[1]`},
		{compile[map[string]any](t), map[string]any(nil), ``},
		{compile[*map[string]answer](t), &map[string]answer{"x": {}}, `"x":{"id":0,"ratio":0}`},
		{compile[map[kindName]time.Duration](t), map[kindName]time.Duration{"x": time.Second}, `"x":"1s"`},
		{compile[onePointer](t), onePointer{new(5)}, `"P":5`},
		{compile[struct{ M map[string]int }](t), struct{ M map[string]int }{map[string]int{"a": 1}}, `"M":{"a":1}`},
		{compile[struct{}](t), struct{}{}, ``},
		{compile[byJSON](t), byJSON{1}, `"n":[1]`},
		{compile[answer](t), map[string]int{"another": 1}, `"another":1`},
		{compile[answer](t), nil, ``},
	}
	for _, c := range cases {
		got, err := c.output.AppendMembers([]byte("x"), c.value)
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("%#v: %s, %v; want x%s", c.value, got, err, c.want)
		}
	}
}

func TestOutputErrorLeavesDst(t *testing.T) {
	t.Parallel()
	dst := append(make([]byte, 0, 100), "kept"...)
	got, err := compile[answer](t).AppendMembers(dst, answer{ID: 5, Ratio: math.NaN()})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Path() != "ratio" || string(got) != "kept" {
		t.Errorf("%s %v", got, err)
	}
}

type textOnly struct{}

func (textOnly) MarshalText() ([]byte, error) { return nil, nil }

func TestOutputsThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		value any
		want  string
	}{
		{5, "the output int is not a JSON object: use a struct, a map with string keys, or a pointer to one of those"},
		{"", "is not a JSON object"}, {[]answer{}, "is not a JSON object"}, {map[int]string{}, "is not a JSON object"}, {time.Time{}, "is not a JSON object"},
		{new(&answer{}), "is not a JSON object"}, {textOnly{}, "writes itself as text, but an answer is a JSON object: put it into a struct"},
		{struct{ C chan int }{}, `field C of struct { C chan int } is or has a chan int, for which JSON has no form: leave it out with json:"-"`},
		{struct{ P *struct{ F []func() } }{}, "field F of struct { F []func() } is or has a func()"},
		{struct{ a int }{}, "has no exported fields"},
		{struct {
			A string `json:",string"`
		}{}, "has the json option string, which fits numbers only: remove it"},
	}
	for _, c := range cases {
		if _, err := Compile(reflect.TypeOf(c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v; want %s", c.value, err, c.want)
		}
	}
	misspelt := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a,omitEmpty"`}})
	if _, err := Compile(misspelt); err == nil || !strings.Contains(err.Error(), `has the json option "omitEmpty"`) {
		t.Error(err)
	}
}

func TestCompilingAtOnce(t *testing.T) {
	t.Parallel()
	type mutual struct {
		Next *mutual
		Map  map[string]*mutual
		Any  any
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := AppendMembers(nil, mutual{Any: mutual{Map: map[string]*mutual{"x": nil}}})
			if want := `"Next":null,"Map":{},"Any":{"Next":null,"Map":{"x":null},"Any":null}`; err != nil || string(got) != want {
				t.Errorf("%s %v", got, err)
			}
			compile[mutual](t)
		})
	}
	group.Wait()
}

func TestTypesBeyondTheBound(t *testing.T) {
	t.Parallel()
	plans := cache{max: 10}
	for n := range 50 {
		typ := reflect.ArrayOf(n, reflect.TypeFor[int]())
		e, err := plans.get(typ)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.append(nil, layout.New(typ), 0)
		if want := "[" + strings.TrimPrefix(strings.Repeat(",0", n), ",") + "]"; err != nil || string(got) != want {
			t.Errorf("%s %v, want %s", got, err, want)
		}
	}
	if plans.n != 10 {
		t.Errorf("%d plans are kept, want 10", plans.n)
	}
	if _, err := plans.compile(reflect.TypeFor[answer]()); err != nil {
		t.Error(err)
	}
	if _, kept := plans.plans.Load(reflect.TypeFor[answer]()); !kept {
		t.Error("a plan that Compile builds must be kept")
	}
}
