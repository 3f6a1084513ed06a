package actionhero_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var notPublic = regexp.MustCompile(`(^|/)(internal|cmd|conformance|examples|bench|site)(/|$)`)

// TestEveryPackageHasExamples requires an example in each public package. Examples are in files of their own, which
// import what a user can import.
func TestEveryPackageHasExamples(t *testing.T) {
	t.Parallel()
	examples := map[string]int{}
	for _, file := range wordFiles(t) {
		folder := path.Dir(file)
		if path.Ext(file) != ".go" || notPublic.MatchString(folder) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") {
				found++
			}
		}
		examples[folder] += found
		isExample := strings.HasPrefix(path.Base(file), "example_")
		if found > 0 && !isExample {
			t.Errorf("%s has examples: move them to a file example_*_test.go", file)
		}
		for _, spec := range parsed.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); isExample && (err != nil || strings.Contains(name, "/internal/")) {
				t.Errorf("%s imports %s, which a user cannot", file, name)
			}
		}
	}
	for folder, n := range examples {
		if n == 0 {
			t.Errorf("%s has no example", folder)
		}
	}
	if len(examples) < 13 {
		t.Errorf("%d public packages were found", len(examples))
	}
}
