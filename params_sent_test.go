package actionhero_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

type sentInput struct {
	ID    int                                    `json:"id" required:"true"`
	Name  actionhero.Optional[string]            `json:"name"`
	Due   actionhero.Optional[string]            `json:"due"`
	Times int                                    `json:"times" default:"3" minimum:"1"`
	Wait  time.Duration                          `json:"wait"`
	Inner *sentInner                             `json:"inner"`
	List  []sentInner                            `json:"list"`
	Map   map[string]sentInner                   `json:"map"`
	Notes map[string]actionhero.Optional[string] `json:"notes"`
	Any   any                                    `json:"any"`
}

type sentInner struct {
	Text  actionhero.Optional[string] `json:"text"`
	Count int                         `json:"count" default:"7"`
}

// sentAlike has the inputs of sentInput in another type.
type sentAlike sentInput

// Every way by which a Go value becomes params gives the same inputs: an Optional that is not set is absent, and a field
// with its zero value has its default.
func TestEveryWayToGiveParamsAgrees(t *testing.T) {
	t.Parallel()
	var got sentInput
	task := actionhero.Task[sentInput]{Name: "task", Run: func(_ context.Context, in sentInput) error { got = in; return nil }}
	action := actionhero.Action[sentInput, actionhero.None]{Name: "action", Run: func(_ context.Context, in sentInput) (n actionhero.None, err error) {
		got = in
		return n, nil
	}}
	api := actionherotest.New(t, task, action)
	ctx := t.Context()
	in := sentInput{
		Due: null[string](), Wait: time.Second, Inner: &sentInner{}, List: []sentInner{{}, {Count: 1}}, Map: map[string]sentInner{"a": {}},
		Notes: map[string]actionhero.Optional[string]{"unset": {}, "null": null[string](), "set": some("x")},
		Any:   map[string]any{"inner": sentInner{Text: some("y")}, "pointer": &sentInner{}, "unset": actionhero.Optional[int]{}},
	}
	want := sentInput{
		Due: null[string](), Times: 3, Wait: time.Second, Inner: &sentInner{Count: 7}, List: []sentInner{{Count: 7}, {Count: 1}},
		Map:   map[string]sentInner{"a": {Count: 7}},
		Notes: map[string]actionhero.Optional[string]{"null": null[string](), "set": some("x")},
		Any:   map[string]any{"inner": map[string]any{"text": "y"}, "pointer": map[string]any{}},
	}
	asMap := map[string]any{
		"id": 0, "name": in.Name, "due": in.Due, "wait": in.Wait, "inner": in.Inner, "list": in.List, "map": in.Map, "notes": in.Notes, "any": in.Any,
	}
	stored := func(job actionhero.Enqueued, err error) error {
		if err != nil {
			return err
		}
		stored, err := api.Tasks.Get(ctx, job.ID)
		return errors.Join(err, api.Tasks.Run(ctx, "task", json.RawMessage(stored.Params)))
	}
	for way, give := range map[string]func() error{
		"Action.Call":            func() error { _, err := action.Call(ctx, api, in); return err },
		"Task.Call":              func() error { return task.Call(ctx, api, in) },
		"Task.Enqueue":           func() error { return stored(task.Enqueue(ctx, api, in)) },
		"Tasks.Run, struct":      func() error { return api.Tasks.Run(ctx, "task", in) },
		"Tasks.Run, pointer":     func() error { return api.Tasks.Run(ctx, "task", &in) },
		"Tasks.Run, other type":  func() error { return api.Tasks.Run(ctx, "task", sentAlike(in)) },
		"Tasks.Run, map":         func() error { return api.Tasks.Run(ctx, "task", asMap) },
		"Tasks.Enqueue, struct":  func() error { return stored(api.Tasks.Enqueue(ctx, "task", in)) },
		"Tasks.Enqueue, pointer": func() error { return stored(api.Tasks.Enqueue(ctx, "task", &in)) },
		"Tasks.Enqueue, map":     func() error { return stored(api.Tasks.Enqueue(ctx, "task", asMap)) },
		"actionherotest, struct": func() error { _, err := actionherotest.Run(t, api, "action", in); return err },
		"actionherotest, map":    func() error { _, err := actionherotest.Run(t, api, "action", asMap); return err },
		"actionherotest, task":   func() error { return actionherotest.RunTask(t, api, "task", in) },
	} {
		got = sentInput{}
		if err := give(); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the input is not as given (-want +got):\n%s", way, diff)
		}
	}
}

// Params that are nothing are an empty object, and params that are no object or no inputs are refused.
func TestParamsWithoutMembersAndParamsThatAreRefused(t *testing.T) {
	t.Parallel()
	type optional struct {
		Name actionhero.Optional[string] `json:"name"`
	}
	type upload struct {
		Name *actionhero.File `json:"name"`
	}
	runs := 0
	api := actionherotest.New(t, actionhero.Task[optional]{Name: "task", Run: func(_ context.Context, in optional) error {
		if runs++; in.Name.Set {
			return errors.New("name is set")
		}
		return nil
	}})
	type loop struct {
		Next *loop `json:"name"`
	}
	round := &loop{}
	round.Next = round
	none := []any{nil, (*optional)(nil), (*sentInner)(nil), map[string]any(nil), optional{}, &optional{}, json.RawMessage("{}"), struct{}{}}
	for _, params := range none {
		if err := api.Tasks.Run(t.Context(), "task", params); err != nil {
			t.Errorf("%T: %v", params, err)
		}
	}
	if runs != len(none) {
		t.Errorf("the task has run %d times, want %d", runs, len(none))
	}
	for _, params := range []any{7, "text", []int{1}, make(chan int), upload{&actionhero.File{Name: "a", ReadSeeker: strings.NewReader("")}}, round, map[string]any{"name": round}, json.RawMessage("{")} {
		_, err := api.Tasks.Enqueue(t.Context(), "task", params)
		if failure := actionhero.AsError(err); failure == nil || failure.Code != actionhero.CodeInvalidInput {
			t.Errorf("Enqueue of a %T = %v, want an error of CodeInvalidInput", params, err)
		}
	}
}

// A job that gives null is not equal to a job that leaves the input out.
func TestAJobThatGivesNullIsNotEqualToOneThatGivesNothing(t *testing.T) {
	t.Parallel()
	task := actionhero.Task[sentInner]{Name: "task", Unique: actionhero.Unique{By: actionhero.ByInput}, Run: func(context.Context, sentInner) error { return nil }}
	api := actionherotest.New(t, task)
	ids := map[uint64]bool{}
	for _, in := range []sentInner{{}, {Text: null[string]()}, {Text: some("")}, {Count: 7}} {
		job, err := task.Enqueue(t.Context(), api, in)
		if err != nil {
			t.Fatal(err)
		}
		ids[job.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("there are %d jobs, want 3: the last one gives what the first one gives", len(ids))
	}
	if jobs, err := api.Tasks.List(t.Context(), actionhero.JobFilter{}); err != nil || len(jobs) != 3 {
		t.Errorf("%d jobs wait, %v", len(jobs), err)
	}
}
