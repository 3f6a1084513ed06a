package actionhero_test

import (
	"bytes"
	"encoding/json"
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
	"slices"
	"strings"
	"testing"
)

// No exported name of a public package shows a type of a third party: users of this module depend on it alone, and
// its libraries can be replaced.
func TestNoForeignTypes(t *testing.T) {
	t.Parallel()
	exports, public := listPackages(t)
	if len(public) < 8 || !slices.Contains(public, module) || !slices.Contains(public, module+"/web") {
		t.Fatalf("the public packages are %v", public)
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, path := range public {
		pkg, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, foreign := range foreignTypes(pkg) {
			t.Errorf("%s: %s", path, foreign)
		}
	}
}

// listPackages has the go command compile the module. It returns the file with the types of each package, and which
// packages others may import.
func listPackages(t *testing.T) (exports map[string]string, public []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Export,Module", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	exports = map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Export string
			Module                   *struct{ Path string }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return exports, public
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		own := p.Module != nil && p.Module.Path == module
		if own && p.Name != "main" && !strings.Contains(p.ImportPath, "/internal/") && !strings.Contains(p.ImportPath, "/examples/") {
			public = append(public, p.ImportPath)
		}
	}
}

// foreignTypes names the exported names of a package that show a type of a third party, and that type.
func foreignTypes(pkg *types.Package) []string {
	w := walker{seen: map[types.Type]bool{}}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			w.path = []string{name}
			w.object(obj)
		}
	}
	return w.found
}

// walker walks everything that a user of a package can reach through a type.
type walker struct {
	path  []string
	seen  map[types.Type]bool
	found []string
}

func (w *walker) object(obj types.Object) {
	if name, ok := obj.(*types.TypeName); ok && name.IsAlias() {
		w.walk("", types.Unalias(name.Type()))
		return
	}
	w.walk("", obj.Type())
}

// walk walks a type, which is what step leads to.
func (w *walker) walk(step string, typ types.Type) {
	if w.seen[typ] {
		return
	}
	w.seen[typ] = true
	if step != "" {
		w.path = append(w.path, step)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	switch typ := typ.(type) {
	case *types.Alias:
		w.walk("", types.Unalias(typ))
	case *types.Named:
		w.named(typ)
	case *types.TypeParam:
		w.walk("constraint", typ.Constraint())
	case *types.Signature:
		for p := range typ.TypeParams().TypeParams() {
			w.walk("", p)
		}
		w.walk("parameters", typ.Params())
		w.walk("results", typ.Results())
	case *types.Tuple:
		for v := range typ.Variables() {
			w.walk("", v.Type())
		}
	case *types.Struct:
		for f := range typ.Fields() {
			if f.Exported() || f.Embedded() {
				w.walk(f.Name(), f.Type())
			}
		}
	case *types.Interface:
		for m := range typ.Methods() {
			if m.Exported() {
				w.walk(m.Name(), m.Type())
			}
		}
		for e := range typ.EmbeddedTypes() {
			w.walk("", e)
		}
	case *types.Union:
		for term := range typ.Terms() {
			w.walk("", term.Type())
		}
	case *types.Map:
		w.walk("", typ.Key())
		w.walk("", typ.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		w.walk("", typ.Elem())
	}
}

// named walks a type with a name. Into one of the standard library there is no need to look.
func (w *walker) named(typ *types.Named) {
	for arg := range typ.TypeArgs().Types() {
		w.walk("", arg)
	}
	pkg := typ.Obj().Pkg()
	first := ""
	if pkg != nil {
		first, _, _ = strings.Cut(pkg.Path(), "/")
	}
	switch {
	case !strings.Contains(first, "."):
		return
	case pkg.Path() != module && !strings.HasPrefix(pkg.Path(), module+"/"):
		w.found = append(w.found, fmt.Sprintf("%s shows %s", strings.Join(w.path, "."), typ))
		return
	}
	for p := range typ.TypeParams().TypeParams() {
		w.walk("", p)
	}
	for m := range typ.Methods() {
		if m.Exported() {
			w.walk(m.Name(), m.Type())
		}
	}
	w.walk("", typ.Underlying())
}

// The check finds a foreign type wherever a user can reach it, and nowhere else.
func TestForeignTypesAreFound(t *testing.T) {
	t.Parallel()
	third := types.NewPackage("example.com/third", "third")
	third.Scope().Insert(types.NewTypeName(token.NoPos, third, "T", nil))
	types.NewNamed(third.Scope().Lookup("T").(*types.TypeName), types.NewStruct(nil, nil), nil)
	third.MarkComplete()
	for source, want := range map[string]string{
		`var V third.T`:          "V shows example.com/third.T",
		`func F(...*third.T) {}`: "F.parameters shows example.com/third.T",
		`func F() (error, map[string][]third.T) { panic(0) }`: "F.results shows example.com/third.T",
		`type A = third.T`:                                  "A shows example.com/third.T",
		`type S struct { F chan third.T }`:                  "S.F shows example.com/third.T",
		`type S struct { third.T }`:                         "S.T shows example.com/third.T",
		`type S struct { f t }; type t struct{ F third.T }`: "",
		`type S struct { t }; type t struct{ F third.T }`:   "S.t.F shows example.com/third.T",
		`type S struct{}; func (*S) M(third.T) {}`:          "S.M.parameters shows example.com/third.T",
		`type S struct{}; func (*S) m(third.T) {}`:          "",
		`type I interface { M() third.T }`:                  "I.M.results shows example.com/third.T",
		`type G[P interface{ third.T | int }] struct{}`:     "G.constraint shows example.com/third.T",
		`type G[P any] struct{}; var V G[third.T]`:          "V shows example.com/third.T",
		`func F[P interface{ M(third.T) }]() {}`:            "F.constraint.M.parameters shows example.com/third.T",
		`var v third.T; func f(third.T) {}`:                 "",
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nimport \"example.com/third\"\nvar _ third.T\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		cfg := types.Config{Importer: importerOf{third}}
		pkg, err := cfg.Check(module+"/x", fset, []*ast.File{file}, nil)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if got := strings.Join(foreignTypes(pkg), "; "); got != want {
			t.Errorf("%s: found %q, want %q", source, got, want)
		}
	}
}

// importerOf imports one package.
type importerOf struct{ pkg *types.Package }

func (i importerOf) Import(string) (*types.Package, error) { return i.pkg, nil }
