package contract

import (
	"slices"
	"strings"
)

// access compares two rules for callers, as actionhero.Access.String describes them.
func (c *comparison) access(place, old, now string) {
	switch before, after := parseRule(old), parseRule(now); {
	case old == now:
	case after.open():
		c.add(Risky, place, "each caller may do this, not only: %s", old)
	case before.open():
		c.add(Breaking, place, "not each caller may do this, but: %s", now)
	case after.covers(before):
		c.add(Compatible, place, "more callers may do this: %s, not only: %s", now, old)
	default:
		c.add(Breaking, place, "other callers may do this: %s, not: %s", now, old)
	}
}

// rule is a rule for callers.
type rule struct {
	known    bool       // the caller is not anonymous
	roles    [][]string // one of each list
	scopes   []string   // all of them
	hasInput bool       // the input decides, too
}

// parseRule reads the text of an actionhero.Access. An unknown part of it counts as a scope of this name.
func parseRule(text string) (r rule) {
	for part := range strings.SplitSeq(text, "; ") {
		roles, hasRoles := strings.CutPrefix(part, "roles: ")
		scopes, hasScopes := strings.CutPrefix(part, "scopes: ")
		switch {
		case part == "public" || part == "default":
		case part == "authenticated":
			r.known = true
		case part == "and a rule of the input":
			r.hasInput = true
		case hasRoles:
			r.known, r.roles = true, append(r.roles, strings.Split(roles, " or "))
		case hasScopes:
			r.known, r.scopes = true, append(r.scopes, strings.Split(scopes, " and ")...)
		default:
			r.known, r.scopes = true, append(r.scopes, part)
		}
	}
	return r
}

func (r rule) open() bool { return !r.known && !r.hasInput }

// covers reports whether each caller whom other lets in is let in by r.
func (r rule) covers(other rule) bool {
	within := func(few, many []string) bool {
		return !slices.ContainsFunc(few, func(name string) bool { return !slices.Contains(many, name) })
	}
	if r.hasInput && !other.hasInput || r.known && !other.known || !within(r.scopes, other.scopes) {
		return false
	}
	return !slices.ContainsFunc(r.roles, func(list []string) bool {
		return !slices.ContainsFunc(other.roles, func(narrower []string) bool { return within(narrower, list) })
	})
}

// tasks compares the tasks. Stored jobs and programs that enqueue are their clients.
func (c *comparison) tasks(before, after []Task) {
	for _, old := range before {
		i := slices.IndexFunc(after, func(t Task) bool { return t.Name == old.Name })
		place := named("task", old.Name, 0)
		if i < 0 {
			c.add(Breaking, place, "it is gone: its stored jobs wait for ever")
			continue
		}
		if after[i].Queue != old.Queue {
			c.add(Risky, place, "its jobs go to the queue %q, not %q: a worker must take them from there", after[i].Queue, old.Queue)
		}
		c.schema(sent, place, old.Input, after[i].Input)
	}
	for _, now := range after {
		if !slices.ContainsFunc(before, func(t Task) bool { return t.Name == now.Name }) {
			c.add(Compatible, named("task", now.Name, 0), "it is new")
		}
	}
}

// events compares the events of rooms. Clients read their values.
func (c *comparison) events(before, after []Event) {
	for _, old := range before {
		i := slices.IndexFunc(after, func(e Event) bool { return e.Name == old.Name })
		place := named("event", old.Name, 0)
		if i < 0 {
			c.add(Breaking, place, "it is gone")
			continue
		}
		now := after[i]
		if now.Room != old.Room {
			c.add(Breaking, place, "it is sent to the room %s, not %s", now.Room, old.Room)
		}
		if !slices.Equal(now.Access, old.Access) {
			c.add(c.rooms(old.Access, now.Access), place, "clients that may enter its rooms: %s, before: %s", rulesOf(now.Access), rulesOf(old.Access))
		}
		c.schema(received, place, old.Value, now.Value)
	}
	for _, now := range after {
		if !slices.ContainsFunc(before, func(e Event) bool { return e.Name == now.Name }) {
			c.add(Compatible, named("event", now.Name, 0), "it is new")
		}
	}
}

// rooms returns what new rules of rooms mean: all rules of a list must let a client in.
func (*comparison) rooms(old, now []string) Verdict {
	closed := func(rules []string) bool {
		return slices.ContainsFunc(rules, func(text string) bool { return !parseRule(text).open() })
	}
	for _, text := range now {
		if !slices.ContainsFunc(old, func(before string) bool { return parseRule(text).covers(parseRule(before)) }) && !parseRule(text).open() {
			return Breaking
		}
	}
	if closed(old) && !closed(now) {
		return Risky
	}
	return Compatible
}

func rulesOf(rules []string) string {
	if len(rules) == 0 {
		return "each client"
	}
	return strings.Join(rules, ", ")
}

// schemes compares the ways in which clients say who they are.
func (c *comparison) schemes(before, after []Scheme) {
	for _, old := range before {
		i := slices.IndexFunc(after, func(s Scheme) bool { return s.Name == old.Name })
		switch place := named("security scheme", old.Name, 0); {
		case i < 0:
			c.add(Breaking, place, "it is gone")
		case after[i] != old:
			c.add(Breaking, place, "clients must send their credentials in another way")
		}
	}
	for _, now := range after {
		if !slices.ContainsFunc(before, func(s Scheme) bool { return s.Name == now.Name }) {
			c.add(Compatible, named("security scheme", now.Name, 0), "it is new")
		}
	}
}
