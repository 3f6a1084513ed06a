package cookie_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/cookie"
)

// oracle returns the cookies with a name as net/http reads them.
func oracle(line, name string) (values []string) {
	r := http.Request{Header: http.Header{"Cookie": {line}}}
	for _, c := range r.CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}

func read(line, name string) (values []string) {
	for {
		found, text, rest, ok := cookie.Next(line)
		if !ok {
			return values
		}
		if len(rest) >= len(line) {
			panic("the line does not become shorter")
		}
		if value, ok := cookie.Value(text); ok && found == name {
			values = append(values, value)
		}
		line = rest
	}
}

// Any header has the cookies that net/http finds in it.
func FuzzCookies(f *testing.F) {
	for _, line := range []string{
		"", ";", "a", "=", "a=1", "a=1; b=2; a=3", ` a = "1" ;a=""`, "a;a=1", "a=\x00; a=2", "a=\"; a=\\", "a=1 2,3", "a=b=c", "\ta=\t1\t;\n", "__Host-session=x; session=y; é=1",
	} {
		f.Add(line, "a")
	}
	f.Add("session=x", "session")
	f.Fuzz(func(t *testing.T, line, name string) {
		if name == "" || !token(name) || strings.Count(line, ";") > 1000 { // net/http reads none of too many
			t.Skip()
		}
		want := oracle(line, name)
		if got := read(line, name); !slices.Equal(got, want) {
			t.Errorf("%q has the cookies %q of %q, net/http reads %q", line, got, name, want)
		}
		first := ""
		if len(want) > 0 {
			first = want[0]
		}
		if got := cookie.Get(line, name); got != first {
			t.Errorf("%q: the first %q is %q, net/http reads %q", line, name, got, first)
		}
	})
}

// token reports whether name can be the name of a cookie. Other names are not looked for.
func token(name string) bool {
	return (&http.Cookie{Name: name, Value: "x"}).Valid() == nil
}

// Reading a header needs no memory of the heap.
func TestReadingCookiesAllocatesNothing(t *testing.T) {
	const line = `theme=dark; __Host-session="abc"; session=def`
	var got string
	if n := testing.AllocsPerRun(100, func() { got = cookie.Get(line, "__Host-session") }); n != 0 || got != "abc" {
		t.Errorf("%v allocations, %q", n, got)
	}
}
