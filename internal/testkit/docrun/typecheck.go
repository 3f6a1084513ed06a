package docrun

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Checker compiles blocks of Go code, up to the checks of types.
type Checker struct {
	imports map[string]string // packages by the names that blocks use
	fset    *token.FileSet
	from    types.Importer
}

// NewChecker returns a Checker for blocks that use the given packages, which the module in the folder dir can import.
// The name of a package is the last element of its path, without a major version.
func NewChecker(t testing.TB, dir string, packages ...string) *Checker {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, packages...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[name] = file
	}
	c := &Checker{imports: map[string]string{}, fset: token.NewFileSet()}
	c.from = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no block may import %s", path)
		}
		return os.Open(exports[path])
	})
	version := regexp.MustCompile(`/v\d+$`)
	for _, p := range packages {
		c.imports[path.Base(version.ReplaceAllString(p, ""))] = p
	}
	return c
}

// signature is the function around a block of statements, unless its note has another one.
const signature = "func _(ctx context.Context, api *actionhero.API, t *testing.T) error {"

var (
	ellipsis  = regexp.MustCompile(`\{ … \}`)
	lineOfGap = regexp.MustCompile(`(?m)^\s*…$`)
)

// Check reports the errors of a block of Go code. The block is a file without its imports, some declarations, or some
// statements. The note of the block may declare what the code refers to. Its last line may be the head of the function
// around statements, and "package NAME" begins the declarations of another package. In the block, … stands for code
// that is left out.
func (c *Checker) Check(b Block) error {
	text := lineOfGap.ReplaceAllString(ellipsis.ReplaceAllString(b.Text, "{ panic(0) }"), "")
	position := fmt.Sprintf("\n//line %s:%d\n", path.Base(b.File), b.Line+1)
	scope, note, err := c.others(b)
	if err != nil {
		return err
	}
	head := signature
	if i := strings.LastIndex("\n"+note, "\nfunc "); i >= 0 && strings.HasSuffix(note, "{") {
		note, head = note[:i], note[i:]
	}
	if strings.HasPrefix(text, "package ") {
		_, err := scope.check(position[1:] + text)
		return err
	}
	declarations := "package p\n" + note + position + text
	if _, err := parser.ParseFile(token.NewFileSet(), "", declarations, parser.SkipObjectResolution); err != nil {
		declarations = "package p\n" + note + "\n" + head + position + text + "\npanic(0)\n}\n"
	}
	_, err = scope.check(declarations)
	return err
}

// scope is what one block can import.
type scope struct {
	*Checker
	others map[string]*types.Package // packages that the note of the block declares
}

// Import implements types.Importer.
func (s scope) Import(name string) (*types.Package, error) {
	if p := s.others[name]; p != nil {
		return p, nil
	}
	return s.from.Import(name)
}

// others compiles the packages that the note of a block declares, and returns the rest of the note.
func (c *Checker) others(b Block) (scope, string, error) {
	s := scope{c, map[string]*types.Package{}}
	note, rest, found := strings.Cut("\n"+b.Note, "\npackage ")
	for found {
		var source string
		source, rest, found = strings.Cut(rest, "\npackage ")
		p, err := s.check("package " + source)
		if err != nil {
			return s, "", fmt.Errorf("in the comment above: %w", err)
		}
		s.others[p.Name()] = p
	}
	return s, strings.TrimSpace(note), nil
}

// check compiles one file, to which it adds imports.
func (s scope) check(source string) (*types.Package, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		return nil, err
	}
	clause := "package " + file.Name.Name
	source = strings.Replace(source, clause, clause+"; "+s.importsOf(file), 1)
	if file, err = parser.ParseFile(s.fset, "", source, parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	var problems []error
	config := types.Config{Importer: s, Error: func(err error) {
		if e := (types.Error{}); !errors.As(err, &e) || !e.Soft { // soft: an unused variable, as is usual in an example
			problems = append(problems, err)
		}
	}}
	p, _ := config.Check(file.Name.Name, s.fset, []*ast.File{file}, nil)
	return p, errors.Join(problems...)
}

// importsOf returns the imports that a file lacks, in one line.
func (s scope) importsOf(file *ast.File) string {
	var needed []string
	for _, id := range file.Unresolved {
		if s.others[id.Name] != nil {
			needed = append(needed, fmt.Sprintf("import %q; ", id.Name))
		} else if p := s.imports[id.Name]; p != "" {
			needed = append(needed, fmt.Sprintf("import %s %q; ", id.Name, p))
		}
	}
	slices.Sort(needed)
	return strings.Join(slices.Compact(needed), "")
}
