package actionhero_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
	"github.com/actionhero-go/actionhero/transport"
)

type welcomeInput struct {
	User     int    `json:"user" required:"true" minimum:"1"`
	Language string `json:"language" default:"en" enum:"en,de"`
	Token    string `json:"token" secret:"true"`
}

// welcome is a task that notes what it is run with.
func welcome(runs *[]welcomeInput) actionhero.Task[welcomeInput] {
	return actionhero.Task[welcomeInput]{
		Name: "welcome", Description: "Welcomes a user", Queue: "mail", Priority: 3, MaxAttempts: 7, Timeout: time.Minute,
		Run: func(_ context.Context, in welcomeInput) error {
			*runs = append(*runs, in)
			return nil
		},
	}
}

func nothing(context.Context, actionhero.None) error { return nil }

// A declaration that makes no sense is refused, with a sentence that names it and the remedy.
func TestTasksThatAreRefused(t *testing.T) {
	t.Parallel()
	type none = actionhero.Task[actionhero.None]
	type upload struct {
		File *actionhero.File `json:"file"`
	}
	for want, part := range map[string]actionhero.Part{
		"a task that takes actionhero.None has no name: set Name":                                                 none{Run: nothing},
		`task name "a b" is not allowed: use 1 to 64 letters, digits and _ . : -`:                                 none{Name: "a b", Run: nothing},
		`task "a" has no Run: set the function that does the work`:                                                none{Name: "a"},
		`task "a" has the scope 9: use Any or All`:                                                                none{Name: "a", Run: nothing, Scope: 9},
		`task "a" has MaxAttempts 2000000: use at most 1000000, or a negative number for no limit`:                none{Name: "a", Run: nothing, MaxAttempts: 2_000_000},
		`task "a" has the queue "node:x", which is a node's own: choose another name, or the scope All`:           none{Name: "a", Run: nothing, Queue: "node:x"},
		`task "a" has a queue whose name has 1025 bytes: use at most 1024`:                                        none{Name: "a", Run: nothing, Queue: strings.Repeat("q", 1025)},
		`task "a" is unique for 1s, but by nothing: say ByName, ByInput or a key`:                                 none{Name: "a", Run: nothing, Unique: actionhero.Unique{For: time.Second}},
		`task "a" is unique for -1s: use a time above zero, or 0 for until it has ended`:                          none{Name: "a", Run: nothing, Unique: actionhero.Unique{By: actionhero.ByName, For: -time.Second}},
		`task "a" is unique by 9: use ByName or ByInput`:                                                          none{Name: "a", Run: nothing, Unique: actionhero.Unique{By: 9}},
		`task "a": it has both a Frequency and a Cron: use one of them`:                                           none{Name: "a", Run: nothing, Frequency: time.Second, Cron: "* * * * *"},
		`task "a": its Frequency is 1ms: it must be a whole number of milliseconds, 10ms or more`:                 none{Name: "a", Run: nothing, Frequency: time.Millisecond},
		`task "a": its Frequency is -1s: it must be a whole number of milliseconds, 10ms or more`:                 none{Name: "a", Run: nothing, Frequency: -time.Second},
		`task "a": it has the TimeZone "UTC" but no Cron, whose it is: set Cron, or remove it`:                    none{Name: "a", Run: nothing, TimeZone: "UTC", Frequency: time.Second},
		`task "a": its TimeZone "Europe/Nowhere" is not known: use a name such as Europe/Berlin`:                  none{Name: "a", Run: nothing, TimeZone: "Europe/Nowhere", Cron: "@daily"},
		`task "a": cron "61 * * * *": `:                                                                           none{Name: "a", Run: nothing, Cron: "61 * * * *"},
		`task "a": its input file is an uploaded file, which is gone when the task runs: keep the file`:           actionhero.Task[upload]{Name: "a", Run: func(context.Context, upload) error { return nil }},
		`task "a" has a schedule, but its input user is required and scheduled runs have no input: add a default`: actionhero.Task[welcomeInput]{Name: "a", Cron: "@daily", Run: func(context.Context, welcomeInput) error { return nil }},
		`task "a": the input int is not a struct: declare one, with a field for each input`:                       actionhero.Task[int]{Name: "a", Run: func(context.Context, int) error { return nil }},
		`two tasks are named "a": rename one, or register it once`:                                                actionhero.Parts{none{Name: "a", Run: nothing}, none{Name: "a", Run: nothing}},
	} {
		api := newAPI(t, actionhero.Config{})
		if err := api.Register(part); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Register = %v\nwant      %s", err, want)
		}
		if len(api.Tasks.Registered()) > 0 {
			t.Errorf("%s: it is registered", want)
		}
	}
}

func TestRegisteredTasks(t *testing.T) {
	t.Parallel()
	var runs []welcomeInput
	nightly := actionhero.Task[actionhero.None]{Name: "nightly", Cron: "30 2 * * MON-FRI", TimeZone: "Europe/Berlin", Scope: actionhero.ScopeAllNodes, Run: nothing}
	api := newAPI(t, actionhero.Config{}, welcome(&runs), nightly)
	infos := api.Tasks.Registered()
	if len(infos) != 2 || infos[0].Name != "nightly" || infos[1].Name != "welcome" {
		t.Fatalf("registered are %+v", infos)
	}
	if n := infos[0]; n.Schedule.String() != "30 2 * * 1-5 Europe/Berlin" || n.Scope.String() != "all" || n.Queue != "default" || n.MaxAttempts != 25 || !bridge.WorkerOf(api).Schedule("nightly").Calendar() {
		t.Errorf("nightly is %+v", n)
	}
	w := infos[1]
	if w.Schedule.String() != "" || bridge.WorkerOf(api).Schedule("welcome") != nil || w.Scope.String() != "any" || w.Queue != "mail" || w.Priority != 3 || w.MaxAttempts != 7 || w.Timeout != time.Minute {
		t.Errorf("welcome is %+v", w)
	}
	names := []string{w.Inputs[0].Name, w.Inputs[1].Name, w.Inputs[2].Name}
	if diff := cmp.Diff([]string{"user", "language", "token"}, names); diff != "" || !w.Inputs[0].Required || !w.Inputs[2].Secret {
		t.Errorf("the inputs (-want +got):\n%s", diff)
	}
	if transport.Of(api).Accepts("language") {
		t.Error("the inputs of a task are let in for actions")
	}
}

// What is enqueued is what was declared, unless the options say otherwise.
func TestEnqueue(t *testing.T) {
	t.Parallel()
	var runs []welcomeInput
	task := welcome(&runs)
	api := newAPI(t, actionhero.Config{}, task)
	ctx := t.Context()
	soon := time.Now().Add(time.Hour)
	var added [5]actionhero.Enqueued
	for i, options := range [][]actionhero.EnqueueOption{
		nil,
		{actionhero.At(soon), actionhero.InQueue("other"), actionhero.WithPriority(-5), actionhero.WithMaxAttempts(2), actionhero.WithTimeout(time.Second)},
		{actionhero.At(soon), actionhero.After(2 * time.Hour), actionhero.WithMaxAttempts(-1)}, // the last one counts
		{actionhero.At(time.Now().Add(-time.Hour))}, // at once
		{actionhero.WithTimeout(-1)},
	} {
		var err error
		if added[i], err = task.Enqueue(ctx, api, welcomeInput{User: 7, Language: "de"}, options...); err != nil {
			t.Fatal(err)
		}
	}
	jobs, err := api.Tasks.List(ctx, actionhero.JobFilter{})
	if err != nil || len(jobs) != 5 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	for i, want := range []actionhero.Job{
		{Queue: "mail", Priority: 3, State: backend.Available, MaxAttempts: 7, Timeout: time.Minute, RunAt: time.Now()},
		{Queue: "other", Priority: -5, State: backend.Scheduled, MaxAttempts: 2, Timeout: time.Second, RunAt: soon},
		{Queue: "mail", Priority: 3, State: backend.Scheduled, MaxAttempts: 0, Timeout: time.Minute, RunAt: soon.Add(time.Hour)},
		{Queue: "mail", Priority: 3, State: backend.Available, MaxAttempts: 7, Timeout: time.Minute, RunAt: time.Now()},
		{Queue: "mail", Priority: 3, State: backend.Available, MaxAttempts: 7, Timeout: -time.Millisecond, RunAt: time.Now()},
	} {
		got := jobs[i]
		if off := got.RunAt.Sub(want.RunAt).Abs(); off > time.Minute {
			t.Errorf("job %d runs %v off its time", i, off)
		}
		if got.ID != added[i].ID || got.Task != "welcome" || string(got.Params) != `{"user":7,"language":"de"}` ||
			got.Queue != want.Queue || got.Priority != want.Priority || got.State != want.State || got.MaxAttempts != want.MaxAttempts || got.Timeout != want.Timeout {
			t.Errorf("job %d is %+v", i, got)
		}
	}
	if len(runs) > 0 {
		t.Error("without a worker a task ran")
	}
}

// Inputs are checked when a task is enqueued, and when it is run in place, with the rules of an action's.
func TestInputsOfTasks(t *testing.T) {
	t.Parallel()
	var runs []welcomeInput
	task := welcome(&runs)
	api := newAPI(t, actionhero.Config{}, task)
	for name, tt := range map[string]struct {
		params any
		code   actionhero.Code
		text   string
	}{
		"missing":     {nil, actionhero.CodeInvalidInput, "user is a required parameter for this task"},
		"wrong":       {map[string]any{"user": "x"}, actionhero.CodeInvalidInput, "user must be a whole number"},
		"breaks rule": {map[string]any{"user": 1, "language": "fr"}, actionhero.CodeInvalidInput, `language must be one of`},
		"unknown":     {map[string]any{"user": 1, "langage": "de"}, actionhero.CodeInvalidInput, "langage is not an input of this task; did you mean language?"},
		"no object":   {[]int{1}, actionhero.CodeInvalidInput, "malformed JSON at offset 0: an object is expected"},
		"cannot be":   {map[string]any{"user": func() {}}, actionhero.CodeInvalidInput, "the params of task welcome do not encode as JSON"},
		"right":       {map[string]any{"user": 1}, 0, ""},
	} {
		_, err := api.Tasks.Enqueue(t.Context(), "welcome", tt.params)
		run := api.Tasks.Run(t.Context(), "welcome", tt.params)
		for what, err := range map[string]error{"Enqueue": err, "Run": run} {
			if e := actionhero.AsError(err); (e == nil) != (tt.text == "") || e != nil && (e.Code != tt.code || !strings.HasPrefix(e.Message, tt.text)) {
				t.Errorf("%s: %s = %v, want %s", name, what, err, tt.text)
			}
		}
	}
	for _, call := range []func() error{
		func() error { _, err := api.Tasks.Enqueue(t.Context(), "none", nil); return err },
		func() error { return api.Tasks.Run(t.Context(), "none", nil) },
	} {
		if err := call(); err == nil || actionhero.AsError(err).Code != actionhero.CodeNotFound || err.Error() != "none is not a known task." {
			t.Errorf("an unknown task: %v", err)
		}
	}
	for _, option := range []actionhero.EnqueueOption{actionhero.UniqueFor(time.Second), actionhero.UniqueBy(9), actionhero.InQueue("node:x"), actionhero.UniqueKey(strings.Repeat("k", 1025)), actionhero.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))} {
		if _, err := task.Enqueue(t.Context(), api, welcomeInput{User: 1}, option); err == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
			t.Errorf("an option that makes no sense: %v", err)
		}
	}
	if _, err := task.Enqueue(t.Context(), api, welcomeInput{}); err == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("by type: %v", err)
	}
}

// The function Check refuses inputs that the tags allow, and params of no input are passed on if OtherParams is set.
func TestCheckAndOtherParams(t *testing.T) {
	t.Parallel()
	type input struct {
		Name string `json:"name" default:"x"`
	}
	var seen []string
	it := actionhero.Task[input]{
		Name: "it", OtherParams: true,
		Check: func(_ *actionhero.API, in input) error {
			switch in.Name {
			case "coded":
				return actionhero.Errorf(actionhero.CodeNotFound, "there is no coded")
			case "plain":
				return errors.New("a secret cause")
			}
			return nil
		},
		Run: func(ctx context.Context, in input) error {
			seen = append(seen, in.Name, actionhero.RequestFrom(ctx).Params.Get("other"))
			return nil
		},
	}
	api := newAPI(t, actionhero.Config{}, it)
	for name, want := range map[string]actionhero.Code{"coded": actionhero.CodeNotFound, "plain": actionhero.CodeInternal} {
		for what, enqueue := range map[string]func() (actionhero.Enqueued, error){
			"by name": func() (actionhero.Enqueued, error) {
				return api.Tasks.Enqueue(t.Context(), "it", map[string]any{"name": name})
			},
			"by type": func() (actionhero.Enqueued, error) { return it.Enqueue(t.Context(), api, input{Name: name}) },
		} {
			if _, err := enqueue(); err == nil || actionhero.AsError(err).Code != want {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	if stats, err := api.Tasks.Stats(t.Context()); err != nil || len(stats.Tasks) > 0 {
		t.Errorf("refused jobs are stored: %+v, %v", stats, err)
	}
	if _, err := api.Tasks.Enqueue(t.Context(), "it", map[string]any{"other": 1}); err != nil {
		t.Error(err)
	}
	if err := api.Tasks.Run(t.Context(), "it", map[string]any{"other": "o"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"x", "o"}, seen); diff != "" {
		t.Errorf("it ran with (-want +got):\n%s", diff)
	}
}

// A task that is run in place goes through the same chain, keeps nothing, and its caller learns how it ended.
func TestRunInPlace(t *testing.T) {
	t.Parallel()
	var runs []welcomeInput
	task := welcome(&runs)
	failing := actionhero.Task[actionhero.None]{Name: "fails", Run: func(context.Context, actionhero.None) error { return errors.New("secret") }}
	panics := actionhero.Task[actionhero.None]{Name: "panics", Run: func(context.Context, actionhero.None) error { panic("secret") }}
	coded := actionhero.Task[actionhero.None]{Name: "coded", Run: func(context.Context, actionhero.None) error {
		return actionhero.Errorf(actionhero.CodeConflict, "not now")
	}}
	api := newAPI(t, actionhero.Config{}, task, failing, panics, coded)
	var seen []string
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			seen = append(seen, req.Transport+" "+req.Action+" "+req.Job.Task)
			return next(ctx, req)
		}
	})
	if err := task.Call(t.Context(), api, welcomeInput{User: 7}); err != nil {
		t.Error(err)
	}
	if err := api.Tasks.Run(t.Context(), "welcome", map[string]any{"user": "8"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]welcomeInput{{User: 7, Language: "en"}, {User: 8, Language: "en"}}, runs); diff != "" {
		t.Errorf("it ran with (-want +got):\n%s", diff)
	}
	for name, want := range map[string]*actionhero.Error{
		"fails":  {Code: actionhero.CodeInternal, Message: "The server experienced an internal error"},
		"panics": {Code: actionhero.CodeInternal, Message: "The server experienced an internal error"},
		"coded":  {Code: actionhero.CodeConflict, Message: "not now"},
	} {
		err := api.Tasks.Run(t.Context(), name, nil)
		if e := actionhero.AsError(err); e == nil || e.Code != want.Code || e.Message != want.Message {
			t.Errorf("%s = %v", name, err)
		}
	}
	if len(seen) != 5 || seen[0] != "task welcome welcome" {
		t.Errorf("the middleware saw %v", seen)
	}
	if stats, err := api.Tasks.Stats(t.Context()); err != nil || len(stats.Tasks) > 0 {
		t.Errorf("kept are %+v, %v", stats, err)
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []welcomeInput
		task := welcome(&runs)
		task.Unique = actionhero.Unique{By: actionhero.ByInput}
		other := actionhero.Task[welcomeInput]{Name: "other", Run: task.Run}
		api := newAPI(t, actionhero.Config{}, task, other)
		add := func(name string, params map[string]any, existing bool, options ...actionhero.EnqueueOption) uint64 {
			t.Helper()
			added, err := api.Tasks.Enqueue(t.Context(), name, params, options...)
			if err != nil || added.Existing != existing {
				t.Errorf("%s %v = %+v, %v, want existing %t", name, params, added, err, existing)
			}
			return added.ID
		}
		// The input counts, in whichever form it came.
		first := add("welcome", map[string]any{"user": 1}, false)
		if same := add("welcome", map[string]any{"language": "en", "user": "1"}, true); same != first {
			t.Errorf("the same input is job %d, not %d", same, first)
		}
		if same, err := task.Enqueue(t.Context(), api, welcomeInput{User: 1, Language: "en"}); err != nil || !same.Existing || same.ID != first {
			t.Errorf("by type: %+v, %v", same, err)
		}
		add("welcome", map[string]any{"user": 2}, false)
		add("other", map[string]any{"user": 1}, false)
		add("other", map[string]any{"user": 1}, false)
		// Options go before the declaration.
		add("welcome", map[string]any{"user": 1}, false, actionhero.UniqueBy(actionhero.NotUnique))
		add("other", map[string]any{"user": 1}, false, actionhero.UniqueBy(actionhero.ByName))
		add("other", map[string]any{"user": 9}, true, actionhero.UniqueBy(actionhero.ByName))
		add("other", map[string]any{"user": 1}, false, actionhero.UniqueKey("k"), actionhero.UniqueFor(time.Hour))
		kept := add("other", map[string]any{"user": 2}, true, actionhero.UniqueKey("k"))
		add("welcome", map[string]any{"user": 2}, false, actionhero.UniqueKey("k"))
		// An end frees the key, unless it is taken for a time.
		for _, id := range []uint64{first, kept} {
			if _, err := api.Tasks.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		add("welcome", map[string]any{"user": 1}, false)
		add("other", map[string]any{"user": 1}, true, actionhero.UniqueKey("k"))
		time.Sleep(time.Hour)
		add("other", map[string]any{"user": 1}, false, actionhero.UniqueKey("k"))
	})
}

// What cannot be done to a job is refused with a code.
func TestJobs(t *testing.T) {
	t.Parallel()
	var runs []welcomeInput
	api := newAPI(t, actionhero.Config{}, welcome(&runs))
	ctx := t.Context()
	added, err := api.Tasks.Enqueue(ctx, "welcome", map[string]any{"user": 1}, actionhero.UniqueKey("k"))
	if err != nil {
		t.Fatal(err)
	}
	if job, err := api.Tasks.Cancel(ctx, added.ID); err != nil || job.State != backend.Cancelled {
		t.Errorf("Cancel = %v, %v", job.State, err)
	}
	if job, err := api.Tasks.Retry(ctx, added.ID); err != nil || job.State != backend.Available {
		t.Errorf("Retry = %v, %v", job.State, err)
	}
	code := func(what string, err error, want actionhero.Code) {
		t.Helper()
		if e := actionhero.AsError(err); e == nil || e.Code != want {
			t.Errorf("%s = %v, want %v", what, err, want)
		}
	}
	if _, err := api.Config().Backend.Queue().Fetch(ctx, backend.FetchRequest{Node: "n", Queues: []string{"mail"}, Max: 1}); err != nil {
		t.Fatal(err)
	}
	_, err = api.Tasks.Retry(ctx, added.ID)
	code("Retry of a running job", err, actionhero.CodeConflict)
	code("Delete of a running job", api.Tasks.Delete(ctx, added.ID), actionhero.CodeConflict)
	_, err = api.Tasks.Get(ctx, 99)
	code("Get of no job", err, actionhero.CodeNotFound)
	if err == nil || !strings.HasPrefix(err.Error(), "there is no job 99") {
		t.Errorf("Get of no job = %v", err)
	}
	if err := api.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = api.Tasks.Enqueue(ctx, "welcome", map[string]any{"user": 1})
	code("Enqueue after the stop", err, actionhero.CodeUnavailable)
	code("Run after the stop", api.Tasks.Run(ctx, "welcome", map[string]any{"user": 1}), actionhero.CodeUnavailable)
}

// The default waits double from a second to six hours, and differ, so that what failed together does not come back
// together.
func TestExponential(t *testing.T) {
	t.Parallel()
	backoff := actionhero.Exponential(time.Second, 6*time.Hour)
	for attempt, want := range map[int]time.Duration{-1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 10: 512 * time.Second, 15: 16384 * time.Second, 16: 6 * time.Hour, 1_000_000: 6 * time.Hour} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := backoff(attempt)
			if d < want*3/4 || d > min(want*5/4, 6*time.Hour) {
				t.Errorf("after attempt %d it waits %v, want about %v", attempt, d, want)
			}
			seen[d] = true
		}
		if len(seen) < 50 {
			t.Errorf("after attempt %d it waits one of %d times", attempt, len(seen))
		}
	}
	if d := actionhero.Exponential(time.Hour, 1<<63-1)(1000); d < 0 {
		t.Errorf("the longest wait is %v", d)
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, actionhero.Task[actionhero.None]{Name: "a", Frequency: 90 * time.Second, Run: nothing})
	s := bridge.WorkerOf(api).Schedule("a")
	at := func(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)) }
	for after, want := range map[float64]float64{0: 90, 89.999: 90, 90: 180, -1: 0, -90: 0, -91: -90} {
		if got := s.Next(at(after)); !got.Equal(at(want)) {
			t.Errorf("Next(%v) = %v, want %v", after, got.UnixMilli(), want)
		}
	}
	if got := s.Latest(at(90), at(400)); !got.Equal(at(360)) {
		t.Errorf("Latest = %v", got)
	}
	if got := s.Latest(at(360), at(400)); !got.IsZero() {
		t.Errorf("Latest when nothing is due = %v", got)
	}
	if text := api.Tasks.Registered()[0].Schedule.String(); text != "every 1m30s" || s.Calendar() {
		t.Errorf("the schedule is %v", text)
	}
	if text := (actionhero.Schedule{}).String(); text != "" || bridge.WorkerOf(api).Schedule("none") != nil {
		t.Errorf("the zero schedule is %q", text)
	}
}

// Tell reaches the clients of this node with the very object.
func TestTellRefuses(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	for _, notice := range []any{"text", 1, []int{1}, map[string]int{}, func() {}, nil} {
		if _, err := api.Rooms.BroadcastNode(t.Context(), notice); err == nil {
			t.Errorf("Tell of %v works", notice)
		}
	}
}
