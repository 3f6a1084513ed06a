package clientgen

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// place is where an action stands in a client: the namespaces, and its name in the innermost one.
type place struct {
	spaces []string
	name   string
}

// placeOf returns the place of an action. A dot or a colon in the name begins a namespace. Each other character that is no
// letter and no digit is left out, and the next letter is a capital.
func placeOf(action string) (p place, err error) {
	for part := range strings.FieldsFuncSeq(action, func(r rune) bool { return r == '.' || r == ':' }) {
		if word := camel(part); word != "" {
			p.spaces = append(p.spaces, word)
		}
	}
	if len(p.spaces) == 0 {
		return p, fmt.Errorf("the name has no letter and no digit, of which clients make a name: rename the action, or leave it out with --without")
	}
	last := len(p.spaces) - 1
	p.name, p.spaces = p.spaces[last], p.spaces[:last:last]
	return p, nil
}

// camel joins the words of text. The first letter stays as it is.
func camel(text string) string {
	var out strings.Builder
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if out.Len() > 0 {
			word = upperFirst(word)
		}
		out.WriteString(word)
	}
	return out.String()
}

func upperFirst(text string) string {
	for i, r := range text {
		return string(unicode.ToUpper(r)) + text[i+len(string(r)):]
	}
	return text
}

// flat returns the place as one identifier, such as ticketsCreate.
func (p place) flat() string {
	out := ""
	for _, word := range append(slices.Clip(p.spaces), p.name) {
		if out != "" {
			word = upperFirst(word)
		}
		out += word
	}
	return out
}

func (p place) String() string { return strings.Join(append(slices.Clip(p.spaces), p.name), ".") }

// node is a namespace: its methods and its namespaces, by their names in the client.
type node struct {
	name    string // as an identifier with all namespaces around it; empty for the root
	methods map[string]*method
	spaces  map[string]*node
}

// tree puts the methods into their namespaces. spell returns a name as the language of the client writes it. Two actions of
// one place, and a namespace with the name of an action, are refused.
func tree(methods []*method, spell func(string) string) (*node, error) {
	root := &node{methods: map[string]*method{}, spaces: map[string]*node{}}
	flat := map[string]*method{}
	for _, m := range methods {
		at := root
		for _, space := range m.place.spaces {
			space = spell(space)
			if at.spaces[space] == nil {
				at.spaces[space] = &node{name: at.name + upperFirst(space), methods: map[string]*method{}, spaces: map[string]*node{}}
			}
			at = at.spaces[space]
		}
		name := spell(m.place.name)
		other := at.methods[name]
		if other == nil {
			other = flat[upperFirst(m.place.flat())]
		}
		if other != nil {
			return nil, fmt.Errorf("the actions %q and %q have the same name %s in a client: rename one, or leave one out with --without", other.info.Name, m.info.Name, m.place)
		}
		at.methods[name], flat[upperFirst(m.place.flat())] = m, m
	}
	return root, root.check(flat, map[string]*node{})
}

// check returns an error if a namespace and an action have the same name, or two namespaces the same identifier, such as a.b
// and aB. spaces are those that are known already.
func (n *node) check(flat map[string]*method, spaces map[string]*node) error {
	for _, name := range sortedKeys(n.spaces) {
		space := n.spaces[name]
		if other := spaces[space.name]; other != nil {
			return fmt.Errorf("the actions %q and %q have namespaces of the same name in a client: rename one, or leave one out with --without", other.first().info.Name, space.first().info.Name)
		}
		spaces[space.name] = space
		if m := flat[space.name]; m != nil {
			return fmt.Errorf("the action %q has the name of the namespace of %q in a client: rename one, or leave one out with --without", m.info.Name, space.first().info.Name)
		}
		if err := space.check(flat, spaces); err != nil {
			return err
		}
	}
	return nil
}

// first returns the first method of the namespace or of those in it.
func (n *node) first() *method {
	for _, name := range sortedKeys(n.methods) {
		return n.methods[name]
	}
	for _, name := range sortedKeys(n.spaces) {
		return n.spaces[name].first()
	}
	return nil
}
