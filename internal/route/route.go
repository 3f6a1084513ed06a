// Package route matches requests with the HTTP routes that actions declare: a method and a path whose segments are words
// or {names}. Begin with [Parse] and [Table].
//
// It does not use the ServeMux of net/http, because routes come from declarations in all parts of an app: ServeMux panics
// if two patterns overlap. Here the routes have an order of precedence: segment by segment, a word wins over a name.
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
	text   string // the literal, or the name of a value
	isName bool
}

var (
	methods  = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parse reads "METHOD /path/{name}". The error is a sentence with the fault and the remedy.
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
		s := segment{text: word}
		if inner, ok := strings.CutPrefix(word, "{"); ok {
			s.text, s.isName = strings.TrimSuffix(inner, "}"), true
			if inner == s.text || !nameForm.MatchString(s.text) {
				return fail(fmt.Sprintf("has %q, which is not a {name} of letters, digits and _", word))
			}
			if slices.Contains(p.Names(), s.text) {
				return fail(fmt.Sprintf("has {%s} twice", s.text))
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
		if s.isName {
			names = append(names, s.text)
		}
	}
	return names
}

// String returns the route as it was written.
func (p Pattern) String() string { return p.text }

// Table finds the route of a request. The zero value is empty. Match may be called concurrently, but not with Add.
type Table[T any] struct {
	root node[T]
	size int
}

type node[T any] struct {
	words  map[string]*node[T]
	name   *node[T]
	routes map[string]entry[T] // of the paths that end here, by method
}

type entry[T any] struct {
	pattern Pattern
	value   T
}

// Add adds a route. It returns an error if an earlier route matches the same requests.
func (t *Table[T]) Add(p Pattern, value T) error {
	n := &t.root
	for _, s := range p.segments {
		next := n.name
		if !s.isName {
			next = n.words[s.text]
		}
		if next == nil {
			next = new(node[T])
			if s.isName {
				n.name = next
			} else {
				if n.words == nil {
					n.words = map[string]*node[T]{}
				}
				n.words[s.text] = next
			}
		}
		n = next
	}
	if n.routes == nil {
		n.routes = map[string]entry[T]{}
	}
	if other, taken := n.routes[p.Method]; taken {
		return fmt.Errorf("routes %q and %q match the same requests: change one", other.pattern, p)
	}
	n.routes[p.Method] = entry[T]{p, value}
	t.size++
	return nil
}

// Len returns the number of routes.
func (t *Table[T]) Len() int { return t.size }

// Match finds the route for a method and an escaped path ([url.URL.EscapedPath]). If several routes match, the route with
// a word in the first different segment wins. Match calls value with each name and its unescaped text. HEAD also finds GET
// routes. If the path has routes for other methods only, other lists these methods, sorted.
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
		if s.isName {
			value(s.text, segments[i])
		}
	}
	return e.value, nil, true
}

func (n *node[T]) find(method string, segments []string, other *[]string) *entry[T] {
	if len(segments) == 0 {
		for _, m := range []string{method, "GET"} {
			if e, ok := n.routes[m]; ok && (m == method || method == "HEAD") {
				return &e
			}
		}
		for m := range n.routes {
			*other = append(*other, m)
		}
		return nil
	}
	if next := n.words[segments[0]]; next != nil {
		if e := next.find(method, segments[1:], other); e != nil {
			return e
		}
	}
	if n.name != nil && segments[0] != "" {
		return n.name.find(method, segments[1:], other)
	}
	return nil
}
