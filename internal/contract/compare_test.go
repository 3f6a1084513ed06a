package contract_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/contract"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// act returns an action, which change may change.
func act[In, Out any](change ...func(*actionhero.Action[In, Out])) actionhero.Part {
	a := actionhero.Action[In, Out]{Name: "a", Description: "Does it.", Kind: actionhero.KindWrite, Run: func(context.Context, In) (out Out, err error) { return out, nil }}
	for _, fn := range change {
		fn(&a)
	}
	return a
}

type plain = actionhero.Action[actionhero.None, actionhero.None]

// with returns an action without inputs and output.
func with(change func(*plain)) actionhero.Part { return act(change) }

func takes[In any](change ...func(*actionhero.Action[In, actionhero.None])) actionhero.Part {
	return act(change...)
}

func answers[Out any]() actionhero.Part { return act[actionhero.None, Out]() }

func task[In any](name string) actionhero.Part {
	return actionhero.Task[In]{Name: name, Description: "Does it.", Run: func(context.Context, In) error { return nil }}
}

func event[T any](name, room string) actionhero.Part {
	return actionhero.Event[T]{Name: name, Room: room}
}

// at is the time of the comparisons.
var at = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

type (
	none struct{}
	tree struct {
		Name     string `json:"name"`
		Children []tree `json:"children"`
	}
	longTree struct {
		Name     string     `json:"name" maxLength:"5"`
		Children []longTree `json:"children"`
	}
)

// Each change has the verdict that clients of the app would give it.
// leaf is a recursive type, so its schema is a definition that has uses at several places.
type leaf struct {
	N    int    `json:"n"`
	More []leaf `json:"more"`
}

func TestEachChangeHasItsVerdict(t *testing.T) {
	t.Parallel()
	type parts = actionhero.Parts
	authenticator := actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (who actionhero.Identity, err error) { return who, nil })
	ruled := func(access actionhero.Access) parts {
		return parts{authenticator, actionhero.DefaultAccess(actionhero.Public), with(func(a *plain) { a.Access = access })}
	}
	version := func(n int) actionhero.Part { return with(func(a *plain) { a.Version = n }) }
	tool := func(name string) actionhero.Part {
		return with(func(a *plain) { a.Tool = &actionhero.Tool{Name: name} })
	}
	plainPart := with(func(*plain) {})
	old := func(sunset string) actionhero.Part {
		return with(func(a *plain) { a.Deprecated = &actionhero.Deprecation{Since: "2026-01-01", Sunset: sunset} })
	}
	for name, test := range map[string]struct {
		before, after parts
		want          string // verdict place: text; of the worst change
	}{
		"an action is new":              {parts{}, parts{plainPart}, "compatible action a: it is new"},
		"an action is gone":             {parts{plainPart}, parts{}, "breaking action a: it is gone"},
		"deprecated":                    {parts{plainPart}, parts{old("")}, "compatible action a: it is deprecated since 2026-01-01"},
		"gone after its sunset":         {parts{old("2026-12-01")}, parts{}, "risky action a: it is gone, as announced for 2026-12-01"},
		"gone before its sunset":        {parts{old("2026-12-02")}, parts{}, "breaking action a: it is gone before its sunset, 2026-12-02"},
		"an earlier sunset":             {parts{old("2026-12-02")}, parts{old("2026-12-01")}, "risky action a: its sunset is 2026-12-01, before: 2026-12-02"},
		"a later sunset":                {parts{old("2026-12-02")}, parts{old("2027-12-01")}, "compatible action a: its sunset is 2027-12-01"},
		"a first sunset":                {parts{old("")}, parts{old("2027-12-01")}, "risky action a: its sunset is 2027-12-01, before: not known"},
		"another description":           {parts{plainPart}, parts{with(func(a *plain) { a.Description = "Does that." })}, ""},
		"a version is added":            {parts{version(1)}, parts{version(1), version(2)}, "risky action a: a call that asks for no version runs version 2"},
		"a first version":               {parts{plainPart}, parts{version(1)}, ""},
		"two first versions":            {parts{plainPart}, parts{version(1), version(2)}, "risky action a: a call that asks for no version runs version 2"},
		"a version is gone":             {parts{version(1), version(2)}, parts{version(2)}, "breaking action a, version 1: it is gone"},
		"no version any more":           {parts{version(1)}, parts{plainPart}, "breaking action a, version 1: it has no version any more"},
		"an old version comes back":     {parts{version(9)}, parts{version(9), version(2)}, "compatible action a, version 2: it is new"},
		"it writes now":                 {parts{with(func(a *plain) { a.Kind = actionhero.KindRead })}, parts{plainPart}, "breaking action a: it may change something"},
		"it reads now":                  {parts{plainPart}, parts{with(func(a *plain) { a.Kind = actionhero.KindRead })}, "compatible action a: it only reads"},
		"it destroys now":               {parts{plainPart}, parts{with(func(a *plain) { a.Kind = actionhero.KindDestructive })}, "risky action a: it may destroy something"},
		"it is not idempotent any more": {parts{with(func(a *plain) { a.Idempotent = true })}, parts{plainPart}, "breaking action a: a second equal call"},
		"keys are required":             {parts{plainPart}, parts{with(func(a *plain) { a.IdempotencyKey = actionhero.KeyRequired })}, "breaking action a: a call must have an idempotency key"},
		"keys are optional":             {parts{plainPart}, parts{with(func(a *plain) { a.IdempotencyKey = actionhero.KeyOptional })}, "compatible action a: a call may have an idempotency key"},
		"keys are ignored":              {parts{with(func(a *plain) { a.IdempotencyKey = actionhero.KeyOptional })}, parts{plainPart}, "breaking action a: idempotency keys are ignored"},
		"closed to strangers":           {ruled(actionhero.Public), ruled(actionhero.Authenticated), "breaking action a: not each caller may do this, but: authenticated"},
		"open to all":                   {ruled(actionhero.Roles("x")), ruled(actionhero.Public), "risky action a: each caller may do this"},
		"one role more":                 {ruled(actionhero.Roles("x")), ruled(actionhero.Roles("y", "x")), "compatible action a: more callers may do this"},
		"one role less":                 {ruled(actionhero.Roles("x", "y")), ruled(actionhero.Roles("x")), "breaking action a: other callers may do this"},
		"a scope":                       {ruled(actionhero.Authenticated), ruled(actionhero.Scopes("s")), "breaking action a: other callers may do this"},
		"a transport less":              {parts{plainPart}, parts{with(func(a *plain) { a.Transports = []string{actionhero.TransportWeb} })}, "breaking action a: it can be called over web only"},
		"all transports":                {parts{with(func(a *plain) { a.Transports = []string{actionhero.TransportWeb} })}, parts{plainPart}, "compatible action a: it can be called over all"},
		"a route is gone":               {parts{with(func(a *plain) { a.Route = "POST /a" })}, parts{plainPart}, "breaking action a: the route POST /a is gone"},
		"a route is new":                {parts{plainPart}, parts{with(func(a *plain) { a.Route = "POST /a" })}, "compatible action a: the route POST /a is new"},
		"a name in a route": {parts{takes(func(a *actionhero.Action[struct {
			ID string `json:"id"`
		}, actionhero.None]) {
			a.Route = "POST /a/{id}"
		})}, parts{takes(func(a *actionhero.Action[struct {
			ID string `json:"id"`
		}, actionhero.None]) {
			a.Route = "POST /a/{id}/"
		})}, ""},
		"a smaller body":         {parts{with(func(a *plain) { a.MaxBody = 9 })}, parts{with(func(a *plain) { a.MaxBody = 8 })}, "breaking action a: a body may have 8 bytes only"},
		"a limit of bodies":      {parts{plainPart}, parts{with(func(a *plain) { a.MaxBody = 8 })}, "risky action a: a body may have 8 bytes"},
		"less time":              {parts{with(func(a *plain) { a.Timeout = 2 * time.Second })}, parts{with(func(a *plain) { a.Timeout = time.Second })}, "risky action a: a call may take 1s only"},
		"no limit of time":       {parts{plainPart}, parts{with(func(a *plain) { a.Timeout = -1 })}, "compatible action a: a call may take longer: without a limit"},
		"no tool any more":       {parts{tool("a")}, parts{plainPart}, "breaking action a: it is no tool of agents any more"},
		"a tool":                 {parts{plainPart}, parts{tool("a")}, "compatible action a: it is the tool a of agents"},
		"another name of a tool": {parts{tool("a")}, parts{tool("b")}, "breaking action a: the tool a of agents is named b"},
		"bytes":                  {parts{answers[none]()}, parts{answers[*actionhero.Content]()}, "breaking action a: it answers with bytes"},
		"a task is gone":         {parts{task[none]("t")}, parts{}, "breaking task t: it is gone"},
		"a task is new":          {parts{}, parts{task[none]("t")}, "compatible task t: it is new"},
		"an input of a task": {parts{task[none]("t")}, parts{task[struct {
			N int `json:"n" required:"true"`
		}]("t")}, "breaking task t, input n: it is new and required"},
		"an event is gone": {parts{event[none]("e", "r")}, parts{}, "breaking event e: it is gone"},
		"another room":     {parts{event[none]("e", "r")}, parts{event[none]("e", "s")}, "breaking event e: it is sent to the room s, not r"},
		"a member of an event": {parts{event[struct {
			N int `json:"n"`
		}]("e", "r")}, parts{event[none]("e", "r")}, "breaking event e, output n: it is gone"},
		"a security scheme is gone":       {parts{actionhero.SecurityScheme{Name: "s", Type: "http", Scheme: "basic"}}, parts{}, "breaking security scheme s: it is gone"},
		"another header of credentials":   {parts{actionhero.SecurityScheme{Name: "s", Type: "apiKey", In: "header", Key: "A"}}, parts{actionhero.SecurityScheme{Name: "s", Type: "apiKey", In: "header", Key: "B"}}, "breaking security scheme s: clients must send"},
		"a rule deep in a recursive type": {parts{takes[tree]()}, parts{takes[longTree]()}, "breaking action a, input children[].name: maxLength is 5"},
	} {
		t.Run(name, func(t *testing.T) { checkWorst(t, test.before, test.after, test.want) })
	}
}

func snapshot(t *testing.T, parts actionhero.Parts) contract.Snapshot {
	t.Helper()
	text, err := contract.NewSnapshot(testkit.NewAPI(t, parts).Describe()).JSON()
	if err != nil {
		t.Fatal(err)
	}
	s, err := contract.ReadSnapshot(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkWorst checks the first change between two apps, and that an app does not differ from itself.
func checkWorst(t *testing.T, before, after actionhero.Parts, want string) {
	t.Helper()
	old, now := snapshot(t, before), snapshot(t, after)
	if same := contract.Compare(now, now, at); len(same) > 0 {
		t.Errorf("an app differs from itself: %v", same)
	}
	changes := contract.Compare(old, now, at)
	got := ""
	if len(changes) > 0 {
		got = fmt.Sprintf("%v %s: %s", changes[0].Verdict, changes[0].Place, changes[0].Text)
	}
	if want == "" && got != "" || !strings.HasPrefix(got, want) {
		t.Errorf("the changes are %v, want first %q", changes, want)
	}
}

// A change of an input is judged by what clients may send, and the same change of an output by what they may read.
func TestInputsAndOutputsAreJudgedByWhoWritesThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after func(*testing.T) [2]contract.Snapshot // of an input and of an output
		input, output string                                // the worst change
	}{
		"a new member": {both[none], both[struct {
			N int `json:"n"`
		}], "compatible n: it is new", "compatible n: it is new"},
		"a required one": {both[none], both[struct {
			N int `json:"n" required:"true"`
		}], "breaking n: it is new and required", "compatible n: it is new"},
		"a member is gone": {both[struct {
			N int `json:"n"`
		}], both[none], "risky n: it is gone: what clients send there is ignored", "breaking n: it is gone"},
		"it may be absent": {both[struct {
			N int `json:"n"`
		}], both[struct {
			N int `json:"n,omitempty"`
		}], "", "breaking n: it may be missing"},
		"another type": {both[struct {
			N int `json:"n"`
		}], both[struct {
			N string `json:"n"`
		}], "breaking n: its type is string, not integer", "breaking n: its type is string, not integer"},
		"a wider number": {both[struct {
			N int `json:"n"`
		}], both[struct {
			N float64 `json:"n"`
		}], "compatible n: its type is number", "breaking n: its type is number"},
		"more bits": {both[struct {
			N int32 `json:"n"`
		}], both[struct {
			N int64 `json:"n"`
		}], "compatible n: minimum -2147483648 is gone", "risky n: minimum -2147483648 is gone"},
		"fewer bits": {both[struct {
			N int64 `json:"n"`
		}], both[struct {
			N int32 `json:"n"`
		}], "breaking n: minimum is -2147483648", "compatible n: minimum is -2147483648"},
		"a shorter text": {both[struct {
			S string `json:"s" maxLength:"9"`
		}], both[struct {
			S string `json:"s" maxLength:"8"`
		}], "breaking s: maxLength is 8, not 9", "compatible s: maxLength is 8, not 9"},
		"a longer text": {both[struct {
			S string `json:"s" maxLength:"8"`
		}], both[struct {
			S string `json:"s" maxLength:"9"`
		}], "compatible s: maxLength is 9, not 8", "risky s: maxLength is 9, not 8"},
		"a lower minimum": {both[struct {
			N int `json:"n" minimum:"2"`
		}], both[struct {
			N int `json:"n" minimum:"1"`
		}], "compatible n: minimum is 1, not 2", "risky n: minimum is 1, not 2"},
		"a pattern": {both[struct {
			S string `json:"s"`
		}], both[struct {
			S string `json:"s" pattern:"^a$"`
		}], "breaking s: it must match the pattern", "compatible s: it must match the pattern"},
		"another pattern": {both[struct {
			S string `json:"s" pattern:"^b$"`
		}], both[struct {
			S string `json:"s" pattern:"^a$"`
		}], "breaking s: its pattern is", "risky s: its pattern is"},
		"a format": {both[struct {
			S string `json:"s"`
		}], both[struct {
			S string `json:"s" format:"email"`
		}], "breaking s: it must have the format email", "compatible s: it must have the format email"},
		"a value more": {both[struct {
			S string `json:"s" enum:"a"`
		}], both[struct {
			S string `json:"s" enum:"a,b"`
		}], `compatible s: it may be "b", too`, `risky s: it may be "b", too`},
		"a value less": {both[struct {
			S string `json:"s" enum:"a,b"`
		}], both[struct {
			S string `json:"s" enum:"a"`
		}], `breaking s: it cannot be "b" any more`, `compatible s: it cannot be "b" any more`},
		"no values": {both[struct {
			S string `json:"s" enum:"a"`
		}], both[struct {
			S string `json:"s"`
		}], `compatible s: it may be any value`, `risky s: it may be any value`},
		"another default": {both[struct {
			N int `json:"n" default:"1"`
		}], both[struct {
			N int `json:"n" default:"2"`
		}], "risky n: its default is 2, not 1", ""},
		"a first default": {both[struct {
			N int `json:"n"`
		}], both[struct {
			N int `json:"n" default:"2"`
		}], "risky n: its default is 2", ""},
		"no secret": {both[struct {
			S string `json:"s" secret:"true"`
		}], both[struct {
			S string `json:"s"`
		}], "risky s: it is no secret any more", ""},
		"null": {both[struct {
			N int `json:"n"`
		}], both[struct {
			N *int `json:"n"`
		}], "", "breaking n: it may be null"},
		"null at the second use of a type": {both[struct {
			A leaf `json:"a"`
			B leaf `json:"b"`
		}], both[struct {
			A leaf  `json:"a"`
			B *leaf `json:"b"`
		}], "", "breaking b: it may be null"},
		"never null": {both[struct {
			N *int `json:"n"`
		}], both[struct {
			N int `json:"n"`
		}], "", "compatible n: it is never null"},
		"in a list": {both[struct {
			L []int `json:"l"`
		}], both[struct {
			L []string `json:"l"`
		}], "breaking l[]: its type is string", "breaking l[]: its type is string"},
		"in a map": {both[struct {
			M map[string]int `json:"m"`
		}], both[struct {
			M map[string]bool `json:"m"`
		}], "breaking m{}: its type is boolean", "breaking m{}: its type is boolean"},
		"more elements": {both[struct {
			L []int `json:"l" maxItems:"2"`
		}], both[struct {
			L []int `json:"l" maxItems:"3"`
		}], "compatible l: maxItems is 3, not 2", "risky l: maxItems is 3, not 2"},
		"a map": {both[struct {
			M struct{ A int } `json:"m"`
		}], both[struct {
			M map[string]int `json:"m"`
		}], "breaking m: its members are of any name", "breaking m: its members are of any name"},
		"bytes": {both[struct {
			B string `json:"b"`
		}], both[struct {
			B []byte `json:"b"`
		}], "breaking b: its type is text in base64", "breaking b: its type is text in base64"},
		"a moment": {both[struct {
			T string `json:"t"`
		}], both[struct {
			T time.Time `json:"t"`
		}], "breaking t: it must have the format date-time", "compatible t: it must have the format date-time"},
		"bounds of a time": {both[struct {
			D time.Duration `json:"d" maximum:"2m"`
		}], both[struct {
			D time.Duration `json:"d" maximum:"1m"`
		}], "breaking d: maximum in nanoseconds is 60000000000, not 120000000000", "compatible d: maximum in nanoseconds"},
		"a longer time": {both[struct {
			D time.Duration `json:"d" minimum:"1s" maximum:"1m"`
		}], both[struct {
			D time.Duration `json:"d" minimum:"1s" maximum:"2m"`
		}], "compatible d: maximum", "risky d: maximum"},
		"a lower bound": {both[struct {
			D time.Duration `json:"d"`
		}], both[struct {
			D time.Duration `json:"d" minimum:"1s"`
		}], "breaking d: minimum in nanoseconds is 1000000000", "compatible d: minimum"},
		"any value": {both[struct {
			A any `json:"a"`
		}], both[struct {
			A int `json:"a"`
		}], "breaking a: its type is integer, not any", "compatible a: "},
		"a nested member": {both[struct {
			A struct{ B string } `json:"a"`
		}], both[struct {
			A struct {
				B string `required:"true"`
			} `json:"a"`
		}], "breaking a.B: it is required", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := test.before(t), test.after(t)
			for i, want := range []string{test.input, test.output} {
				got := ""
				changes := contract.Compare(before[i], after[i], at)
				if len(changes) > 0 {
					_, place, _ := strings.Cut(changes[0].Place, "put ")
					got = fmt.Sprintf("%v %s: %s", changes[0].Verdict, place, changes[0].Text)
				}
				if want == "" && got != "" || !strings.HasPrefix(got, want) {
					t.Errorf("%s: the changes are %v, want first %q", []string{"input", "output"}[i], changes, want)
				}
			}
		})
	}
}

// both returns the snapshots of an app with a type as an input, and of one with it as an output.
func both[T any](t *testing.T) [2]contract.Snapshot {
	t.Helper()
	return [2]contract.Snapshot{snapshot(t, actionhero.Parts{takes[T]()}), snapshot(t, actionhero.Parts{answers[T]()})}
}

// A strict action refuses what a client sent before.
func TestAStrictActionRefusesMembersThatAreGone(t *testing.T) {
	t.Parallel()
	type named struct {
		N int `json:"n"`
	}
	strict := func(a *actionhero.Action[none, actionhero.None]) { a.Strict = true }
	checkWorst(t, actionhero.Parts{takes[named]()}, actionhero.Parts{takes(strict)}, "breaking action a, input n: it is gone, and params")
	checkWorst(t, actionhero.Parts{takes[none]()}, actionhero.Parts{takes(strict)}, "risky action a, input: params that the action does not take are refused")
}

// The changes are sorted, and a file that no app has written is refused with a reason.
func TestSnapshotsAreChecked(t *testing.T) {
	t.Parallel()
	changes := contract.Compare(snapshot(t, actionhero.Parts{with(func(*plain) {}), task[none]("t")}), snapshot(t, actionhero.Parts{task[none]("u"), event[none]("e", "r")}), at)
	if !slices.IsSortedFunc(changes, func(a, b contract.Change) int { return int(b.Verdict - a.Verdict) }) || len(changes) != 4 {
		t.Errorf("the changes are %v", changes)
	}
	for text, want := range map[string]string{"": "unexpected end", "[]": "cannot unmarshal", `{"openapi":"3.1.0"}`: `no member "contract"`, `{"contract":99}`: "update this program"} {
		if _, err := contract.ReadSnapshot([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
