package route

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// table returns a table whose values are the routes themselves.
func table(t testing.TB, routes ...string) *Table[string] {
	t.Helper()
	var routed Table[string]
	for _, text := range routes {
		if err := routed.Add(parse(t, text), text); err != nil {
			t.Fatal(err)
		}
	}
	return &routed
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, names := range map[string][]string{
		"GET /":                             nil,
		"GET /users":                        nil,
		"POST /users/{id}":                  {"id"},
		"DELETE /users/{id}/posts/{post_2}": {"id", "post_2"},
		"OPTIONS /a-b/c.d/ü":                nil,
		"GET /docs/{path...}":               {"path"},
		"GET /{all...}":                     {"all"},
	} {
		p := parse(t, text)
		if diff := cmp.Diff(names, p.Names()); diff != "" {
			t.Errorf("%s: the names (-want +got):\n%s", text, diff)
		}
		if p.String() != text || p.Method != strings.Fields(text)[0] {
			t.Errorf("%s became %s of method %s", text, p, p.Method)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"":                  "does not begin with one of GET, POST",
		"/users":            "does not begin with one of GET, POST",
		"get /users":        "does not begin with one of GET, POST",
		"CONNECT /users":    "does not begin with one of GET, POST",
		"GET users":         "has a path that does not begin with /",
		"GET /users?x=1":    "contains ?, # or a space",
		"GET /users#x":      "contains ?, # or a space",
		"GET /users x":      "contains ?, # or a space",
		"GET /users//x":     "has a segment that is empty, . or ..",
		"GET /users/../x":   "has a segment that is empty, . or ..",
		"GET /users/{id":    `has "{id", which is not a {name}`,
		"GET /users/{}":     `has "{}", which is not a {name}`,
		"GET /users/{i d}":  "contains ?, # or a space",
		"GET /users/{1}":    `has "{1}", which is not a {name}`,
		"GET /{id...}/x":    `has "{id...}" before its end`,
		"GET /{id..}":       `has "{id..}", which is not a {name}`,
		"GET /{...}":        `has "{...}", which is not a {name}`,
		"GET /x{id...}":     `has "x{id...}": a {name} must be a whole segment`,
		"GET /{id}/{id...}": "has {id} twice",
		"GET /users/x{id}":  `has "x{id}": a {name} must be a whole segment`,
		"GET /users/id}":    `has "id}": a {name} must be a whole segment`,
		"GET /{id}/{id}":    "has {id} twice",
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%q was accepted", text)
			continue
		}
		if got := err.Error(); !strings.Contains(got, why) || !strings.Contains(got, `write it like "POST /users/{id}"`) {
			t.Errorf("%q: %s\nlacks %q, or the remedy", text, got, why)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	routed := table(t,
		"GET /", "GET /users", "POST /users", "GET /users/{id}", "PUT /users/{id}", "GET /users/me", "GET /users/{id}/posts/{post}",
		"GET /users/me/avatar", "GET /{kind}/{id}/avatar", "HEAD /only", "GET /both", "HEAD /both",
		"GET /docs/{path...}", "GET /docs/{chapter}/first", "PUT /docs/{path...}", "DELETE /docs/old", "GET /{kind}/list/{path...}",
	)
	for request, want := range map[string]string{
		"GET /":                     "GET /",
		"GET ":                      "GET /",
		"GET /users":                "GET /users",
		"GET /users/":               "GET /users",
		"POST /users":               "POST /users",
		"GET /users/7":              "GET /users/{id} id=7",
		"PUT /users/7":              "PUT /users/{id} id=7",
		"GET /users/me":             "GET /users/me",
		"GET /users/7/posts/9":      "GET /users/{id}/posts/{post} id=7 post=9",
		"GET /users/me/posts/9":     "GET /users/{id}/posts/{post} id=me post=9", // the search returns from the word to the name
		"GET /users/me/avatar":      "GET /users/me/avatar",
		"GET /users/7/avatar":       "GET /{kind}/{id}/avatar kind=users id=7",
		"GET /users/a%2Fb":          "GET /users/{id} id=a/b",
		"GET /users/a%20b":          "GET /users/{id} id=a b",
		"GET /us%65rs":              "GET /users",
		"GET /users/..":             "GET /users/{id} id=..",
		"HEAD /users":               "GET /users", // HEAD finds GET
		"HEAD /both":                "HEAD /both",
		"GET /both":                 "GET /both",
		"GET /only":                 "other: HEAD",
		"DELETE /users":             "other: GET, POST",
		"DELETE /users/7":           "other: GET, PUT",
		"DELETE /users/me":          "other: GET, PUT", // the methods of /users/{id}
		"GET /users/7/posts":        "none",
		"GET /users/7/posts/":       "none",
		"GET /nothing":              "none",
		"GET /users//posts/9":       "none", // a value is never empty
		"GET /users/%zz":            "none",
		"GET /users/7/posts/9/more": "none",
		"GET /docs":                 "GET /docs/{path...} path=",
		"GET /docs/a/b%20c/d":       "GET /docs/{path...} path=a/b c/d",
		"GET /docs/a/":              "GET /docs/{path...} path=a",
		"GET /docs/a/first":         "GET /docs/{chapter}/first chapter=a",
		"GET /docs/a/first/b":       "GET /docs/{path...} path=a/first/b",
		"GET /docs/old":             "GET /docs/{path...} path=old", // the word has other methods only
		"POST /docs/old":            "other: DELETE, GET, PUT",
		"GET /docs/list/x":          "GET /docs/{path...} path=list/x", // a word in an earlier segment wins
		"GET /x/list/y/z":           "GET /{kind}/list/{path...} kind=x path=y/z",
		"GET /docs/../x":            "none",
		"GET /docs/%2e%2e/x":        "none",
		"GET /docs/..%2fx":          "none",
		"GET /docs/a%5c..":          "none",
		"GET /docs/a%00":            "none",
		"GET /docs/a//b":            "none",
	} {
		method, path, _ := strings.Cut(request, " ")
		var values []string
		got, other, ok := routed.Match(method, path, false, func(name, text string) { values = append(values, name+"="+text) })
		switch {
		case ok:
			got = strings.Join(append([]string{got}, values...), " ")
		case len(other) > 0:
			got = "other: " + strings.Join(other, ", ")
		default:
			got = "none"
		}
		if got != want {
			t.Errorf("%s matches %q, want %q", request, got, want)
		}
	}
}

func TestRoutesForTheSameRequests(t *testing.T) {
	t.Parallel()
	routed := table(t, "GET /users/{id}")
	err := routed.Add(parse(t, "GET /users/{name}"), "x")
	const want = `routes "GET /users/{id}" and "GET /users/{name}" match the same requests: change one`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for other, equal := range map[string]bool{
		"GET /users/{name}": true, "POST /users/{name}": false, "GET /users/me": false, "GET /users/{id...}": false, "GET /users": false, "GET /users/{id}/x": false,
	} {
		if got := parse(t, "GET /users/{id}").Equal(parse(t, other)); got != equal {
			t.Errorf("%s is equal: %v", other, got)
		}
	}
	if routed.Len() != 1 {
		t.Errorf("Len counts a rejected route: %d", routed.Len())
	}
	if err := routed.Add(parse(t, "PUT /users/{name}"), "x"); err != nil {
		t.Errorf("another method: %v", err)
	}
	got, _, ok := routed.Match("PUT", "/users/7", false, func(name, text string) {
		if name != "name" || text != "7" {
			t.Errorf("the value is %s=%s: it must have the name of the route that matched", name, text)
		}
	})
	if !ok || got != "x" {
		t.Errorf("PUT matches %q, %v", got, ok)
	}
}

// A literal match finds the same route as any other, unless the path of the route begins with a name.
func TestALiteralMatchPassesRoutesThatBeginWithAName(t *testing.T) {
	t.Parallel()
	routed := table(t, "GET /", "GET /{a}", "PUT /{a}/{b}", "GET /{all...}", "POST /users/{id}", "GET /users/me", "GET /users/{rest...}")
	for request, want := range map[string]string{
		"GET /": "GET /", "GET /x": "none", "PUT /x/y": "none", "GET /x/y/z": "none", "DELETE /x": "none", "POST /users/7": "POST /users/{id}",
		"GET /users/me": "GET /users/me", "GET /users/7": "GET /users/{rest...}", "PUT /users/7": "other: GET, POST", "GET /users": "GET /users/{rest...}",
	} {
		method, path, _ := strings.Cut(request, " ")
		got, other, ok := routed.Match(method, path, true, func(string, string) {})
		if got == "" {
			got = "none"
		}
		if !ok && len(other) > 0 {
			got = "other: " + strings.Join(other, ", ")
		}
		if got != want {
			t.Errorf("%s matches %q, want %q", request, got, want)
		}
	}
}

// The search of a route allocates nothing; t.Parallel would count the allocations of other tests.
func TestAMatchAllocatesNothing(t *testing.T) {
	routed := table(t, "GET /users/{id}", "PUT /users/{id}", "GET /users/{id}/posts/{post}", "GET /users/me")
	for _, path := range []string{"/users/7", "/users/me", "/users/7/posts/9"} {
		n := 0
		if allocs := testing.AllocsPerRun(100, func() { routed.Match("GET", path, false, func(_, text string) { n += len(text) }) }); allocs != 0 {
			t.Errorf("%s: %v allocations", path, allocs)
		}
	}
}

func TestEmptyTable(t *testing.T) {
	t.Parallel()
	var routed Table[int]
	if _, other, ok := routed.Match("GET", "/", false, nil); ok || other != nil || routed.Len() != 0 {
		t.Errorf("an empty table matches: %v, %v", other, ok)
	}
}

// Every accepted pattern matches a path that is built from it, and no path makes Match panic.
func FuzzRoute(f *testing.F) {
	f.Add("GET /users/{id}", "/users/7")
	f.Add("PUT /a/{b}/c", "/a/%2e%2e/c")
	f.Add("GET /%41", "//%")
	f.Add("GET /docs/{path...}", "/docs/a/..")
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		var routed Table[bool]
		if err := routed.Add(p, true); err != nil {
			t.Fatal(err)
		}
		routed.Match(p.Method, path, false, func(string, string) {})
		var own strings.Builder
		for _, s := range p.segments {
			if s.isName {
				s.text = "a/b"
			}
			if s.isRest {
				own.WriteString("/a/b")
				continue
			}
			own.WriteString("/" + url.PathEscape(s.text))
		}
		values := 0
		_, _, ok := routed.Match(p.Method, own.String(), false, func(_, text string) {
			if values++; text != "a/b" {
				t.Errorf("%q: a value is %q", p, text)
			}
		})
		if !ok || values != len(p.Names()) {
			t.Errorf("%q does not match %q, or not with all of its values: %d", p, &own, values)
		}
	})
}

func TestKeysAreEqualIfTheRoutesMatchTheSameRequests(t *testing.T) {
	t.Parallel()
	routes := []string{
		"GET /", "GET /users", "POST /users", "GET /users/{id}", "GET /users/{name}", "GET /users/{all...}", "GET /{x}", "GET /{x...}",
		"GET /users/{id}/posts", "GET /{a}/{b}", "GET /usersposts", "GET /users/posts",
	}
	for _, a := range routes {
		for _, b := range routes {
			p, q := parse(t, a), parse(t, b)
			if got, want := p.Key() == q.Key(), p.Equal(q); got != want {
				t.Errorf("%s and %s: the keys are equal: %v, want %v", a, b, got, want)
			}
		}
	}
}
