// Package route finds the action for the method and path of an HTTP request. Actions declare routes such as "GET
// /users/{id}": a method, and a path whose segments are literal words or names in braces. A last segment such as
// {path...} stands for any number of segments, also none. Begin with [Parse] and [Table].
//
// Package route does not use the ServeMux of net/http, because ServeMux panics if two patterns overlap, and routes come
// from declarations in all parts of an app. In package route, the routes have an order of precedence: segment by
// segment, a literal word wins over a name in braces, and both win over a {path...}.
package route

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Pattern is one parsed route, such as "GET /users/{id}". [Parse] returns a Pattern.
type Pattern struct {
	Method   string
	segments []segment
	text     string
}

// segment is the part of a route's path between two slashes: a literal word, or the name of a value in braces.
type segment struct {
	text   string // the literal, or the name of a value
	isName bool
	isRest bool // the name stands for the rest of the path; only in the last segment, whose isName is true
}

var (
	methods  = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parse parses a route such as "GET /users/{id}": an HTTP method, a space and a path. It returns an error that names
// the fault and the remedy if the text is not a valid route.
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
	words := appendSegments(nil, path)
	for i, word := range words {
		s := segment{text: word}
		if inner, ok := strings.CutPrefix(word, "{"); ok {
			s.text, s.isName = strings.TrimSuffix(inner, "}"), true
			closed := s.text != inner
			s.text, s.isRest = strings.CutSuffix(s.text, "...")
			switch {
			case !closed || !nameForm.MatchString(s.text):
				return fail(fmt.Sprintf("has %q, which is not a {name} of letters, digits and _", word))
			case slices.Contains(p.Names(), s.text):
				return fail(fmt.Sprintf("has {%s} twice", s.text))
			case s.isRest && i < len(words)-1:
				return fail(fmt.Sprintf("has %q before its end", word))
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

// appendSegments appends the segments of path to dst.
func appendSegments(dst []string, path string) []string {
	for path = strings.Trim(path, "/"); path != ""; {
		i := strings.IndexByte(path, '/')
		if i < 0 {
			return append(dst, path)
		}
		dst, path = append(dst, path[:i]), path[i+1:]
	}
	return dst
}

// Names returns the names of the values in the path, in order: for "/users/{id}/posts/{post}", it returns "id" and
// "post".
func (p Pattern) Names() []string {
	var names []string
	for _, s := range p.segments {
		if s.isName {
			names = append(names, s.text)
		}
	}
	return names
}

// String returns the text that was given to [Parse].
func (p Pattern) String() string { return p.text }

// Key returns a text that p and another Pattern have in common if, and only if, they match the same requests.
func (p Pattern) Key() string {
	key := []byte(p.Method)
	for _, s := range p.segments {
		key = append(key, '/')
		switch {
		case s.isRest:
			key = append(key, "{...}"...) // no literal has braces
		case s.isName:
			key = append(key, "{}"...)
		default:
			key = append(key, s.text...)
		}
	}
	return string(key)
}

// Equal reports whether p and q match the same requests.
func (p Pattern) Equal(q Pattern) bool {
	return p.Method == q.Method && slices.EqualFunc(p.segments, q.segments, func(a, b segment) bool {
		return a.isName == b.isName && a.isRest == b.isRest && (a.isName || a.text == b.text)
	})
}

// Table maps HTTP methods and paths to the values of their routes. The zero value is an empty table. Goroutines may
// call Match concurrently, but not during a call of Add.
type Table[T any] struct {
	root node[T]
	size int
}

// node is the tree node of one path prefix. It holds the routes whose path ends at the prefix, and the nodes of the
// longer paths.
type node[T any] struct {
	words  map[string]*node[T]
	name   *node[T]
	rest   *node[T]   // the node of a {path...}, which has only routes
	routes []entry[T] // the routes whose path ends here, one for each HTTP method
}

type entry[T any] struct {
	pattern Pattern
	value   T
}

// Add adds the route p with its value to the table. It returns an error if an earlier route matches the same requests.
func (t *Table[T]) Add(p Pattern, value T) error {
	n := &t.root
	for _, s := range p.segments {
		n = n.next(s)
	}
	if other := n.route(p.Method); other != nil {
		return fmt.Errorf("routes %q and %q match the same requests: change one", other.pattern, p)
	}
	n.routes = append(n.routes, entry[T]{p, value})
	t.size++
	return nil
}

// route returns the route with this method whose path ends at n, or nil.
func (n *node[T]) route(method string) *entry[T] {
	for i := range n.routes {
		if n.routes[i].pattern.Method == method {
			return &n.routes[i]
		}
	}
	return nil
}

// next returns the node below n for the segment s. If there is none, next adds one.
func (n *node[T]) next(s segment) *node[T] {
	place := &n.name
	switch {
	case s.isRest:
		place = &n.rest
	case !s.isName:
		if n.words == nil {
			n.words = map[string]*node[T]{}
		}
		if n.words[s.text] == nil {
			n.words[s.text] = new(node[T])
		}
		return n.words[s.text]
	}
	if *place == nil {
		*place = new(node[T])
	}
	return *place
}

// Len returns the number of routes in the table.
func (t *Table[T]) Len() int { return t.size }

// Match returns the value of the route for an HTTP method and an escaped path ([url.URL.EscapedPath]). If several
// routes match, the first segment in which they differ decides: a literal word wins over a name, and a name over the rest
// of a path. For each name in the path of the found route, Match calls value with the name and the unescaped text of the
// segment, or of all further segments with slashes between them. No name matches an empty segment. The rest of a path
// matches no segment . or .. either, and none with a slash, a backslash or a NUL. A HEAD request also
// matches GET routes. If the path matches only routes with other methods, Match returns ok false, and other lists these
// methods, sorted. If isLiteral is true, no route matches whose path begins with a name.
func (t *Table[T]) Match(method, path string, isLiteral bool, value func(name, text string)) (found T, other []string, ok bool) {
	if t.size == 0 {
		return found, nil, false
	}
	var space [16]string // of nearly all paths
	segments := appendSegments(space[:0], path)
	if strings.IndexByte(path, '%') >= 0 {
		for i, s := range segments {
			plain, err := url.PathUnescape(s)
			if err != nil {
				return found, nil, false
			}
			segments[i] = plain
		}
	}
	e := t.root.find(method, segments, isLiteral, &other)
	if e == nil {
		slices.Sort(other)
		return found, slices.Compact(other), false
	}
	for i, s := range e.pattern.segments {
		switch {
		case s.isRest:
			value(s.text, strings.Join(segments[i:], "/"))
		case s.isName:
			value(s.text, segments[i])
		}
	}
	return e.value, nil, true
}

// find returns the route for a method and the segments of a path below n. If isLiteral is true, the first segment must match a
// word.
func (n *node[T]) find(method string, segments []string, isLiteral bool, other *[]string) *entry[T] {
	if len(segments) == 0 {
		if e := n.end(method, other); e != nil || n.rest == nil || isLiteral {
			return e
		}
		return n.rest.end(method, other)
	}
	if next := n.words[segments[0]]; next != nil {
		if e := next.find(method, segments[1:], false, other); e != nil {
			return e
		}
	}
	if isLiteral {
		return nil
	}
	if n.name != nil && segments[0] != "" {
		if e := n.name.find(method, segments[1:], false, other); e != nil {
			return e
		}
	}
	if n.rest != nil && !slices.ContainsFunc(segments, isUnsafe) {
		return n.rest.end(method, other)
	}
	return nil
}

// isUnsafe reports whether a segment would change the meaning of the path that it becomes part of.
func isUnsafe(segment string) bool {
	return segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "/\\\x00")
}

// end returns the route with this method whose path ends at n. If there is none, end adds the methods of the other routes
// to other.
func (n *node[T]) end(method string, other *[]string) *entry[T] {
	e := n.route(method)
	if e == nil && method == "HEAD" {
		e = n.route("GET")
	}
	for i := 0; e == nil && i < len(n.routes); i++ {
		*other = append(*other, n.routes[i].pattern.Method)
	}
	return e
}
