package actionhero

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/near"
)

// ownedInitializer is a registered Initializer.
type ownedInitializer struct {
	Initializer
	owner string // the initializer whose Setup or Parts registered it; empty: another caller
}

// need is a reason why an initializer starts after another one.
type need struct{ name, reason string }

// startOrder returns the initializers in the order of their start: each one after those that it needs, and otherwise in
// the order of registration. The error names each value that no initializer provides, each unknown name in
// Initializer.After, or the members of a circle.
func (r *registry) startOrder() ([]Initializer, error) {
	needs, err := r.needs()
	if err != nil {
		return nil, err
	}
	o := orderer{registry: r, needs: needs, state: map[string]int{}}
	for _, in := range r.initializers {
		if err := o.visit(in.Name); err != nil {
			return nil, err
		}
	}
	return o.order, nil
}

// needs returns the needs of each initializer by its name.
func (r *registry) needs() (map[string][]need, error) {
	needs := map[string][]need{}
	var errs []error
	for _, u := range r.uses {
		p, ok := r.providerOf(u.typ)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%v uses the type %v, which no initializer of this API provides: register an initializer whose Setup calls actionhero.Provide[%[2]v]", u, u.typ))
		case u.initializer != "":
			r.addNeed(needs, u.initializer, need{p.initializer, fmt.Sprintf("%s uses the %v of %s", u.initializer, u.typ, p.initializer)})
		}
	}
	for _, in := range r.initializers {
		for _, name := range in.After {
			n := need{name, fmt.Sprintf("%s is after %s", in.Name, name)}
			if _, ok := r.initializer(name); !ok {
				errs = append(errs, r.unknownName(in.Name, name))
			} else if name == in.Name {
				needs[name] = append(needs[name], n)
			} else {
				r.addNeed(needs, in.Name, n)
			}
		}
	}
	return needs, errors.Join(errs...)
}

func (r *registry) unknownName(of, name string) error {
	var names []string
	for _, in := range r.initializers {
		names = append(names, in.Name)
	}
	hint := ""
	if meant := near.Name(name, names); meant != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", meant)
	}
	return fmt.Errorf("initializer %q is after the initializer %q, which is not registered%s: correct its field After, or register that initializer", of, name, hint)
}

// addNeed adds n to the needs of an initializer and of the initializers that it has registered, because these may read the
// same values. A need for a value that one of these provides is not passed on: that one would
// wait for itself.
func (r *registry) addNeed(needs map[string][]need, name string, n need) {
	if n.name != name {
		needs[name] = append(needs[name], n)
	}
	if r.within(n.name, name) {
		return
	}
	for _, in := range r.initializers {
		if in.Name != name && r.within(in.Name, name) {
			needs[in.Name] = append(needs[in.Name], n)
		}
	}
}

// within reports whether an initializer is owner, or was registered by owner or by an initializer within owner.
func (r *registry) within(name, owner string) bool {
	for name != "" {
		if name == owner {
			return true
		}
		in, _ := r.initializer(name)
		name = in.owner
	}
	return false
}

func (r *registry) initializer(name string) (ownedInitializer, bool) {
	if i := slices.IndexFunc(r.initializers, func(in ownedInitializer) bool { return in.Name == name }); i >= 0 {
		return r.initializers[i], true
	}
	return ownedInitializer{}, false
}

// orderer visits initializers depth first.
type orderer struct {
	registry *registry
	needs    map[string][]need
	state    map[string]int // 1: on the path, 2: in order
	path     []need         // from the first initializer to the current one, each with the reason of its visit
	order    []Initializer
}

func (o *orderer) visit(name string) error { return o.follow(need{name: name}) }

func (o *orderer) follow(n need) error {
	switch o.state[n.name] {
	case 1:
		return o.circle(n)
	case 2:
		return nil
	}
	o.state[n.name] = 1
	o.path = append(o.path, n)
	for _, next := range o.needs[n.name] {
		if err := o.follow(next); err != nil {
			return err
		}
	}
	o.path = o.path[:len(o.path)-1]
	o.state[n.name] = 2
	in, _ := o.registry.initializer(n.name)
	o.order = append(o.order, in.Initializer)
	return nil
}

// circle returns the error for a need that leads back to an initializer of the path.
func (o *orderer) circle(last need) error {
	begin := slices.IndexFunc(o.path, func(n need) bool { return n.name == last.name })
	members := append(slices.Clone(o.path[begin:]), last)
	var names, reasons []string
	for i, n := range members {
		names = append(names, n.name)
		if i > 0 {
			reasons = append(reasons, n.reason)
		}
	}
	return fmt.Errorf("the initializers %s need each other in a circle: %s; remove one of these needs", strings.Join(names, " → "), strings.Join(reasons, ", "))
}
