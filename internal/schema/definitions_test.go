package schema

import (
	"image"
	"reflect"
	"slices"
	"testing"
)

// Point has the name of a type of another package.
type Point struct{ A int }

func TestTypesOfTheSameNameAreToldApart(t *testing.T) {
	t.Parallel()
	type both struct {
		One   Point
		Other image.Point
		Size  image.Rectangle
		Gen   generic[Point]
		Again []wide
	}
	type problem struct{ Text string }
	uses := []Use{{Type: reflect.TypeFor[both]()}, {Type: reflect.TypeFor[both](), Output: true}, {Type: reflect.TypeFor[*problem](), Output: true}}
	namesOf := func(uses ...Use) (names []string) {
		d := NewDocument("#/x/", []Use{uses[0], uses[1], uses[2]}, nil, "problem")
		for _, u := range uses[3:] {
			_ = d.Schema(u)
		}
		for name := range d.Definitions() {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	want := []string{"RectangleInput", "bothInput", "generic_Point_Input", "image_PointInput", "schema_PointInput", "wideInput"}
	if got := namesOf(append(uses, uses[0])...); !slices.Equal(got, want) {
		t.Errorf("input: %v", got)
	}
	want = []string{"Rectangle", "both", "generic_Point_", "image_Point", "schema_Point", "wide"}
	if got := namesOf(append(uses, uses[1])...); !slices.Equal(got, want) {
		t.Errorf("output: %v", got)
	}
	if got := namesOf(append(uses, uses[2])...); !slices.Equal(got, []string{"problem2"}) {
		t.Errorf("a reserved name: %v", got)
	}
	if got := namesOf(uses[2], uses[1], uses[0], uses[1]); !slices.Equal(got, want) {
		t.Errorf("in another order: %v", got)
	}
}
