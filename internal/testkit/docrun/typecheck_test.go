package docrun

import (
	"strings"
	"testing"
)

func TestOnlyCodeThatCompilesPasses(t *testing.T) {
	t.Parallel()
	checker := NewChecker(t, "../../..", "context", "fmt", "testing", "time", "github.com/actionhero-go/actionhero")
	for _, c := range []struct{ text, note, want string }{
		{"x := 1\nfmt.Println(x)\n", "", ""},
		{"unused := time.Second\n", "", ""},
		{"err := api.Stop(ctx)\nif err != nil { … }\n", "", ""},
		{"type T struct{}\n\nfunc (T) M() int { … }\n", "", ""},
		{"return x + y.Z\n", "var x int\nfunc _() int {\npackage y\nvar Z int", ""},
		{"return x + y.Z\n", "var x int\npackage y\nvar Z int", "a.md:8: "}, // an int is no error
		{"package main\n\nfunc main() {}\n", "", ""},
		{"x := 1\nx.Stop()\n", "", "a.md:9: x.Stop undefined"},
		{"api.Stopp(ctx)\n", "", "a.md:8: api.Stopp undefined"},
		{"undefined()\n", "", "a.md:8: undefined: undefined"},
		{"os.Exit(1)\n", "", "undefined: os"}, // no package of the list
		{"x := {\n", "", "a.md:8"},
		{"y.Z()\n", "package y\nfunc Z() { nothing() }", "in the comment above"},
	} {
		err := checker.Check(Block{File: "docs/a.md", Line: 7, Kind: "go", Text: c.text, Note: c.note})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with the note %q: the error is %v, not %q", c.text, c.note, err, c.want)
		}
	}
}
