package actionhero_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
)

type zeroInput struct {
	Age    int                             `json:"age" minimum:"18" default:"21"`
	Low    int                             `json:"low" minimum:"1"`
	Name   string                          `json:"name" minLength:"2"`
	At     time.Time                       `json:"at"`
	For    time.Duration                   `json:"for" default:"5s"`
	List   []int                           `json:"list" minItems:"1" default:"1,2"`
	Nested zeroNested                      `json:"nested"`
	Many   []zeroNested                    `json:"many"`
	Named  map[string]*zeroNested          `json:"named"`
	Ptr    *int                            `json:"ptr" default:"3"`
	Patch  actionhero.Optional[int]        `json:"patch"`
	Inner  actionhero.Optional[zeroNested] `json:"inner"`
}

type zeroNested struct {
	N int `json:"n" minimum:"5" default:"7"`
}

// A zero field counts as not given in a call from Go: the action sees what a client that sends nothing gives it.
func TestAZeroInputIsWhatAClientGivesThatSendsNothing(t *testing.T) {
	t.Parallel()
	var got zeroInput
	action := actionhero.Action[zeroInput, actionhero.None]{
		Name: "zero",
		Run: func(_ context.Context, in zeroInput) (n actionhero.None, err error) {
			got = in
			return n, nil
		},
	}
	task := actionhero.Task[zeroInput]{Name: "zero", Run: func(_ context.Context, in zeroInput) error { got = in; return nil }}
	api := newAPI(t, actionhero.Config{}, action, task)
	ctx := t.Context()
	if _, failure := dispatch(t, api, "zero"); failure != nil {
		t.Fatal(failure)
	}
	client := got
	if client.Age != 21 || client.Nested.N != 7 || *client.Ptr != 3 {
		t.Errorf("a client that sends nothing gives %+v", client)
	}
	for name, call := range map[string]func(in zeroInput) error{
		"Action.Call": func(in zeroInput) error { _, err := action.Call(ctx, api, in); return err },
		"Task.Call":   func(in zeroInput) error { return task.Call(ctx, api, in) },
	} {
		got = zeroInput{}
		if err := call(zeroInput{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(client, got); diff != "" {
			t.Errorf("%s (-client +call): %s", name, diff)
		}
		given := zeroInput{
			Age: 18, Low: 1, Name: "ab", At: time.Unix(0, 0).UTC(), For: 1, List: []int{0}, Nested: zeroNested{5}, Many: []zeroNested{{6}, {}},
			Named: map[string]*zeroNested{"a": {}, "b": nil, "c": {8}}, Ptr: new(0), Patch: null[int](), Inner: some(zeroNested{}),
		}
		if err := call(given); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := given
		want.Many = []zeroNested{{6}, {7}}
		want.Named = map[string]*zeroNested{"a": {7}, "b": nil, "c": {8}}
		want.Inner.Value.N = 7
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-given +got): %s", name, diff)
		}
		if err := call(zeroInput{List: []int{}}); err == nil || !strings.Contains(err.Error(), "list must be a list of at least 1 item") {
			t.Errorf("%s: an empty list that is not nil is given: %v", name, err)
		}
	}
	if _, err := task.Enqueue(ctx, api, zeroInput{}); err != nil {
		t.Errorf("Enqueue: %v", err)
	}
}

type requiredZero struct {
	Count   int       `json:"count" required:"true"`
	Yes     bool      `json:"yes" required:"true"`
	Point   zeroPoint `json:"point" required:"true"`
	Text    string    `json:"text" required:"true"`
	At      time.Time `json:"at" required:"true"`
	List    []int     `json:"list" required:"true"`
	Pointer *int      `json:"pointer" required:"true"`
}

type zeroPoint struct {
	X int `json:"x" required:"true"`
	Y int `json:"y" required:"true"`
}

// Zero and false are ordinary values of a required number or boolean; an empty text, time, list or pointer is missing.
func TestRequiredInputsThatAreZeroInACall(t *testing.T) {
	t.Parallel()
	var got requiredZero
	action := actionhero.Action[requiredZero, actionhero.None]{
		Name: "required",
		Run: func(_ context.Context, in requiredZero) (n actionhero.None, err error) {
			got = in
			return n, nil
		},
	}
	api := newAPI(t, actionhero.Config{}, action)
	given := requiredZero{Text: "x", At: time.Unix(1, 0).UTC(), List: []int{}, Pointer: new(0)}
	if _, err := action.Call(t.Context(), api, given); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Error(diff)
	}
	_, err := action.Call(t.Context(), api, requiredZero{})
	var missing []string
	for _, d := range actionhero.AsError(err).Details {
		missing = append(missing, d.Field+" "+d.Rule)
	}
	if diff := cmp.Diff([]string{"text required", "at required", "list required", "pointer required"}, missing); diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

type fileInput struct {
	File  *actionhero.File   `json:"file" required:"true"`
	Files []*actionhero.File `json:"files"`
}

// A call passes uploaded files on to the action that it calls.
func TestACallPassesFiles(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[fileInput, map[string]string]{
		Name: "files",
		Run: func(_ context.Context, in fileInput) (map[string]string, error) {
			texts := map[string]string{}
			for _, f := range append(in.Files, in.File) {
				text, err := io.ReadAll(f)
				if err != nil {
					return nil, err
				}
				texts[f.Name] = string(text)
			}
			return texts, nil
		},
	}
	api := newAPI(t, actionhero.Config{}, action)
	file := func(name string) *actionhero.File {
		return &actionhero.File{Name: name, Size: 4, ReadSeeker: strings.NewReader("text " + name)}
	}
	got, err := action.Call(t.Context(), api, fileInput{file("a"), []*actionhero.File{file("b"), file("c")}})
	if diff := cmp.Diff(map[string]string{"a": "text a", "b": "text b", "c": "text c"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err = action.Call(t.Context(), api, fileInput{}); err == nil || err.Error() != "file is a required parameter for this action" {
		t.Errorf("without a file: %v", err)
	}
}

type ring struct {
	Next *ring `json:"next"`
}

func TestACallWithAnInputThatContainsItselfFails(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[ring, actionhero.None]{Name: "ring", Run: func(context.Context, ring) (n actionhero.None, err error) { return n, nil }}
	api := newAPI(t, actionhero.Config{}, action)
	own := &ring{}
	own.Next = own
	if _, err := action.Call(t.Context(), api, *own); err == nil || !strings.Contains(err.Error(), "nests deeper than") {
		t.Error(err)
	}
}
