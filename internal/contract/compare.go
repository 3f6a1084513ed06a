package contract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/route"
)

// Verdict says what a change means for the clients of an app.
type Verdict int

// The verdicts, from the least to the worst.
const (
	Compatible Verdict = iota // each client works as before
	Risky                     // clients work, but something else happens, or a careless client fails
	Breaking                  // a client that did everything right fails
)

// String returns "compatible", "risky" or "breaking".
func (v Verdict) String() string { return [...]string{"compatible", "risky", "breaking"}[v] }

// MarshalText returns the text of String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ParseVerdict returns the verdict with this name.
func ParseVerdict(text string) (Verdict, error) {
	for _, v := range []Verdict{Compatible, Risky, Breaking} {
		if v.String() == text {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%q is no verdict: use compatible, risky or breaking", text)
}

// Change is a difference between two snapshots.
type Change struct {
	Verdict Verdict `json:"verdict"`
	Place   string  `json:"place"` // such as "action ticketCreate, input title"
	Text    string  `json:"change"`
}

// comparison collects the changes from an old snapshot to a new one.
type comparison struct {
	changes []Change
	at      time.Time
}

func (c *comparison) add(v Verdict, place, format string, args ...any) {
	c.changes = append(c.changes, Change{v, place, fmt.Sprintf(format, args...)})
}

// Compare returns the changes from the snapshot before to the snapshot after: the worst first, and those of one verdict by
// their places. At the time at, actions whose sunset has passed may be gone.
func Compare(before, after Snapshot, at time.Time) []Change {
	c := &comparison{[]Change{}, at}
	c.actions(before.Actions, after.Actions)
	c.tasks(before.Tasks, after.Tasks)
	c.events(before.Events, after.Events)
	c.schemes(before.Schemes, after.Schemes)
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Verdict, a.Verdict), cmp.Compare(a.Place, b.Place))
	})
	return c.changes
}

// named returns the place of an action, a task or another part.
func named(kind, name string, version int) string {
	if version > 0 {
		return fmt.Sprintf("%s %s, version %d", kind, name, version)
	}
	return kind + " " + name
}

// actions compares the actions. An action without versions that becomes version 1 stays the same action.
func (c *comparison) actions(before, after []Action) {
	matched := map[string]bool{}
	for i := range before {
		old := &before[i]
		now := find(after, old.Name, old.Version)
		if now == nil && old.Version == 0 {
			now = find(after, old.Name, 1)
		}
		place := named("action", old.Name, old.Version)
		if now == nil {
			if now = find(after, old.Name, 0); now == nil {
				c.gone(place, old.Deprecated)
				continue
			}
			c.add(Breaking, place, "it has no version any more: clients that ask for version %d by the path or the name fail", old.Version)
		}
		matched[fmt.Sprint(now.Version, " ", now.Name)] = true
		c.action(place, old, now)
	}
	for i := range after {
		if now := &after[i]; !matched[fmt.Sprint(now.Version, " ", now.Name)] {
			c.add(Compatible, named("action", now.Name, now.Version), "it is new")
		}
	}
	for i := range before {
		name := before[i].Name
		old, now := newest(before, name), newest(after, name)
		if i > 0 && before[i-1].Name == name || now == 0 {
			continue
		}
		if now > max(old, 1) {
			c.add(Risky, "action "+name, "a call that asks for no version runs version %d", now)
		}
	}
}

func find(actions []Action, name string, version int) *Action {
	i := slices.IndexFunc(actions, func(a Action) bool { return a.Name == name && a.Version == version })
	if i < 0 {
		return nil
	}
	return &actions[i]
}

// newest returns the greatest version of an action, or 0.
func newest(actions []Action, name string) (version int) {
	for i := range actions {
		if actions[i].Name == name {
			version = max(version, actions[i].Version)
		}
	}
	return version
}

// action compares one version of an action with itself.
func (c *comparison) action(place string, old, now *Action) {
	c.deprecated(place, old.Deprecated, now.Deprecated)
	c.kind(place, old, now)
	c.keys(place, old.IdempotencyKey, now.IdempotencyKey)
	c.access(place, old.Access, now.Access)
	c.transports(place, old.Transports, now.Transports)
	c.routes(place, old.Routes, now.Routes)
	c.limits(place, old, now)
	c.errors(place, old, now)
	switch {
	case old.RawBody && !now.RawBody:
		c.add(Breaking, place, "it does not accept each type of body any more")
	case now.RawBody && !old.RawBody:
		c.add(Risky, place, "it accepts each type of body")
	}
	switch {
	case old.Tool == now.Tool:
	case old.Tool == "":
		c.add(Compatible, place, "it is the tool %s of agents", now.Tool)
	case now.Tool == "":
		c.add(Breaking, place, "it is no tool of agents any more: %s is gone", old.Tool)
	default:
		c.add(Breaking, place, "the tool %s of agents is named %s", old.Tool, now.Tool)
	}
	c.schema(sent, place, old.Input, now.Input)
	switch {
	case (old.Output == nil) == (now.Output == nil):
		c.schema(received, place, old.Output, now.Output)
	case now.Output == nil:
		c.add(Breaking, place, "it answers with bytes, not with an object")
	default:
		c.add(Breaking, place, "it answers with an object, not with bytes")
	}
}

// gone notes an action that is gone, which clients could expect once its sunset has passed.
func (c *comparison) gone(place string, d *Deprecated) {
	if d == nil || d.Sunset == "" {
		c.add(Breaking, place, "it is gone")
		return
	}
	declared := actionhero.Deprecation{Since: d.Since, Sunset: d.Sunset}
	if _, sunset := declared.Times(); sunset.IsZero() || c.at.Before(sunset) {
		c.add(Breaking, place, "it is gone before its sunset, %s", d.Sunset)
	} else {
		c.add(Risky, place, "it is gone, as announced for %s", d.Sunset)
	}
}

func (c *comparison) deprecated(place string, old, now *Deprecated) {
	switch {
	case now == nil && old != nil:
		c.add(Compatible, place, "it is not deprecated any more")
	case now == nil:
	case old == nil:
		c.add(Compatible, place, "it is deprecated since %s", now.Since)
	case old.Sunset != now.Sunset:
		before, after := actionhero.Deprecation{Since: old.Since, Sunset: old.Sunset}, actionhero.Deprecation{Since: now.Since, Sunset: now.Sunset}
		_, was := before.Times()
		if _, is := after.Times(); !was.IsZero() && (is.IsZero() || is.After(was)) {
			c.add(Compatible, place, "its sunset is %s, before: %s", cmp.Or(now.Sunset, "not known"), old.Sunset)
		} else {
			c.add(Risky, place, "its sunset is %s, before: %s", now.Sunset, cmp.Or(old.Sunset, "not known"))
		}
	}
}

func (c *comparison) kind(place string, old, now *Action) {
	switch {
	case old.Kind == now.Kind:
	case now.Kind == "read":
		c.add(Compatible, place, "it only reads")
	case old.Kind == "read":
		c.add(Breaking, place, "it may change something (%s): pages of other sites may not run it, and clients must not repeat it automatically", now.Kind)
	case now.Kind == "destructive":
		c.add(Risky, place, "it may destroy something: agents ask first")
	default:
		c.add(Compatible, place, "it does not destroy anything")
	}
	if old.Idempotent && !now.Idempotent && old.Kind != "read" {
		c.add(Breaking, place, "a second equal call changes something more, so clients that try again do it twice")
	} else if now.Idempotent && !old.Idempotent {
		c.add(Compatible, place, "a second equal call changes nothing more")
	}
}

func (c *comparison) keys(place, old, now string) {
	switch {
	case old == now:
	case now == "required":
		c.add(Breaking, place, "a call must have an idempotency key")
	case now == "ignored":
		c.add(Breaking, place, "idempotency keys are ignored, so clients that try again do it twice")
	default:
		c.add(Compatible, place, "a call may have an idempotency key")
	}
}

func (c *comparison) transports(place string, old, now []string) {
	for _, name := range old {
		if now != nil && !slices.Contains(now, name) {
			c.add(Breaking, place, "it cannot be called over %s any more", name)
		}
	}
	switch {
	case old == nil && now != nil:
		c.add(Breaking, place, "it can be called over %s only", strings.Join(now, ", "))
	case now == nil && old != nil:
		c.add(Compatible, place, "it can be called over all transports")
	}
	for _, name := range now {
		if old != nil && !slices.Contains(old, name) {
			c.add(Compatible, place, "it can be called over %s", name)
		}
	}
}

// routes compares routes by the requests that they match, whatever the names in their paths.
func (c *comparison) routes(place string, old, now []string) {
	keys := func(routes []string) (keys []string) {
		for _, text := range routes {
			if pattern, err := route.Parse(text); err == nil {
				text = pattern.Key()
			}
			keys = append(keys, text)
		}
		return keys
	}
	before, after := keys(old), keys(now)
	for i, key := range before {
		if !slices.Contains(after, key) {
			c.add(Breaking, place, "the route %s is gone", old[i])
		}
	}
	for i, key := range after {
		if !slices.Contains(before, key) {
			c.add(Compatible, place, "the route %s is new", now[i])
		}
	}
}

// limits compares the limits of a call: 0 is the limit of the transport, or no time limit.
func (c *comparison) limits(place string, old, now *Action) {
	switch {
	case now.MaxBody == old.MaxBody:
	case now.MaxBody == 0 || old.MaxBody == 0:
		c.add(Risky, place, "a body may have %s", cmp.Or(bytesOf(now.MaxBody), "as many bytes as the transport permits"))
	case now.MaxBody < old.MaxBody:
		c.add(Breaking, place, "a body may have %s only", bytesOf(now.MaxBody))
	default:
		c.add(Compatible, place, "a body may have %s", bytesOf(now.MaxBody))
	}
	switch {
	case now.Timeout == old.Timeout:
	case now.Timeout == 0 || old.Timeout != 0 && now.Timeout > old.Timeout:
		c.add(Compatible, place, "a call may take longer: %s", cmp.Or(durationOf(now.Timeout), "without a limit"))
	default:
		c.add(Risky, place, "a call may take %s only", now.Timeout)
	}
}

func bytesOf(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes", n)
}

func durationOf(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// ownChanges are the codes of errors whose cause is a change of its own: an input, a rule of access or a key.
var ownChanges = []string{"invalidInput", "unauthenticated", "permissionDenied", "conflict"}

func (c *comparison) errors(place string, old, now *Action) {
	for _, code := range now.Errors {
		ofKeys := code == "resourceExhausted" && old.IdempotencyKey != now.IdempotencyKey
		if !slices.Contains(old.Errors, code) && !slices.Contains(ownChanges, code) && !ofKeys {
			c.add(Risky, place, "a call may fail with the code %s", code)
		}
	}
	for _, code := range old.Errors {
		if !slices.Contains(now.Errors, code) && !slices.Contains(ownChanges, code) {
			c.add(Compatible, place, "no call fails with the code %s", code)
		}
	}
}
