// Package route matches the HTTP routes that actions declare: a method and a path whose segments are words or {names}.
//
// It is not net/http's ServeMux because routes come from declarations all over an app: ServeMux panics on two patterns
// that overlap, where a plain order of precedence (a word beats a name, segment by segment) is what people expect.
package route

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Pattern is one parsed route.
type Pattern struct {
	Method   string
	segments []segment
	text     string
}

type segment struct {
	word string // the literal, or the name of a value
	name bool
}

var (
	methods  = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parse reads "METHOD /path/{name}". The error says what is wrong with it in a full sentence.
func Parse(text string) (Pattern, error) {
	fail := func(why string) (Pattern, error) {
		return Pattern{}, fmt.Errorf("route %q %s: write it like \"POST /users/{id}\"", text, why)
	}
	method, path, ok := strings.Cut(text, " ")
	if !ok || !slices.Contains(methods, method) {
		return fail("does not begin with one of " + strings.Join(methods, ", ") + " and a space")
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# ") {
		return fail("has a path that does not begin with / or that contains ?, # or a space")
	}
	p := Pattern{Method: method, text: text}
	for _, word := range split(path) {
		s := segment{word: word}
		if inner, ok := strings.CutPrefix(word, "{"); ok {
			s.word, s.name = strings.TrimSuffix(inner, "}"), true
			if inner == s.word || !nameForm.MatchString(s.word) {
				return fail(fmt.Sprintf("has %q, which is not a {name} of letters, digits and _", word))
			}
			if slices.Contains(p.Names(), s.word) {
				return fail(fmt.Sprintf("has {%s} twice", s.word))
			}
		} else if strings.ContainsAny(word, "{}") {
			return fail(fmt.Sprintf("has %q: a {name} must be a whole segment", word))
		} else if word == "" || word == "." || word == ".." {
			return fail("has a segment that is empty, . or ..")
		}
		p.segments = append(p.segments, s)
	}
	return p, nil
}

func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// Names returns the names of the values in the path, in order.
func (p Pattern) Names() []string {
	var names []string
	for _, s := range p.segments {
		if s.name {
			names = append(names, s.word)
		}
	}
	return names
}

// String returns the route as it was written.
func (p Pattern) String() string { return p.text }

// Table finds the route of a request. The zero value is empty; it is built before it is used and not changed after.
type Table[T any] struct {
	root node[T]
	size int
}

type node[T any] struct {
	words map[string]*node[T]
	any   *node[T]
	ends  map[string]end[T] // by method
}

type end[T any] struct {
	pattern Pattern
	value   T
}

// Add adds a route. It refuses one that can never be told from another.
func (t *Table[T]) Add(p Pattern, value T) error {
	n := &t.root
	for _, s := range p.segments {
		next := n.any
		if !s.name {
			next = n.words[s.word]
		}
		if next == nil {
			next = new(node[T])
			if s.name {
				n.any = next
			} else {
				if n.words == nil {
					n.words = map[string]*node[T]{}
				}
				n.words[s.word] = next
			}
		}
		n = next
	}
	if n.ends == nil {
		n.ends = map[string]end[T]{}
	}
	if other, taken := n.ends[p.Method]; taken {
		return fmt.Errorf("routes %q and %q match the same requests: change one", other.pattern, p)
	}
	n.ends[p.Method] = end[T]{p, value}
	t.size++
	return nil
}

// Len returns how many routes there are.
func (t *Table[T]) Len() int { return t.size }

// Match finds the route for a method and an escaped path ([url.URL.EscapedPath]). Where several match, the one with a
// word in the first segment that differs wins. It calls value with each name and its text, unescaped; HEAD finds GET
// routes. other lists the methods that the path has when this one is not among them.
func (t *Table[T]) Match(method, path string, value func(name, text string)) (found T, other []string, ok bool) {
	if t.size == 0 {
		return found, nil, false
	}
	segments := split(path)
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			return found, nil, false
		}
		segments[i] = plain
	}
	e := t.root.find(method, segments, &other)
	if e == nil {
		slices.Sort(other)
		return found, slices.Compact(other), false
	}
	for i, s := range e.pattern.segments {
		if s.name {
			value(s.word, segments[i])
		}
	}
	return e.value, nil, true
}

func (n *node[T]) find(method string, segments []string, other *[]string) *end[T] {
	if len(segments) == 0 {
		for _, m := range []string{method, "GET"} {
			if e, ok := n.ends[m]; ok && (m == method || method == "HEAD") {
				return &e
			}
		}
		for m := range n.ends {
			*other = append(*other, m)
		}
		return nil
	}
	if next := n.words[segments[0]]; next != nil {
		if e := next.find(method, segments[1:], other); e != nil {
			return e
		}
	}
	if n.any != nil && segments[0] != "" {
		return n.any.find(method, segments[1:], other)
	}
	return nil
}
