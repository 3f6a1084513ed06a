package generate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The list of parts knows each function of the framework that makes a part of an app. A missing one would leave an
// authenticator or a rule out of the app without a word.
func TestTheListKnowsEachFunctionThatMakesAPart(t *testing.T) {
	t.Parallel()
	folders := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch base := entry.Name(); {
		case name == root:
		case strings.HasPrefix(base, "."), slices.Contains([]string{"internal", "testdata", "examples", "bench", "site", "docs", "actionherotest", "server", "vendor"}, base):
			return filepath.SkipDir
		}
		folders[name] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for folder := range folders {
		below, err := filepath.Rel(root, folder)
		if err != nil {
			t.Fatal(err)
		}
		importPath := path.Join(Module, filepath.ToSlash(below))
		for _, d := range exportedFuncs(t, folder) {
			if !returnsPart(d, importPath) {
				continue
			}
			found++
			if name := d.Name.Name; d.Recv == nil && !slices.Contains(partFuncs[importPath], name) {
				t.Errorf("%s.%s returns a part, but is not in partFuncs", importPath, name)
			} else if d.Recv != nil && !slices.Contains(partMethods, name) {
				t.Errorf("the method %s of %s returns a part, but is not in partMethods", name, importPath)
			}
		}
	}
	known := len(partMethods)
	for _, names := range partFuncs {
		known += len(names)
	}
	if found != known {
		t.Errorf("%d functions return a part, but %d are known: remove those that are gone", found, known)
	}
}

// It also knows each type of a part, which has a method register.
func TestTheListKnowsEachTypeOfAPart(t *testing.T) {
	t.Parallel()
	found := 0
	for _, d := range funcs(t, filepath.Join("..", "..")) {
		if d.Name.Name != "register" || d.Recv == nil {
			continue
		}
		receiver, ok := baseOf(d.Recv.List[0].Type).(*ast.Ident)
		if !ok || !receiver.IsExported() {
			continue
		}
		if found++; !slices.Contains(partTypes[Module], receiver.Name) {
			t.Errorf("the type %s is a part, but is not in partTypes", receiver.Name)
		}
	}
	if found+1 != len(partTypes[Module]) { // Part itself has no method of its own
		t.Errorf("%d types are parts, but partTypes has %q", found, partTypes[Module])
	}
}

// exportedFuncs returns the exported functions and methods of a folder.
func exportedFuncs(t *testing.T, folder string) []*ast.FuncDecl {
	t.Helper()
	return slices.DeleteFunc(funcs(t, folder), func(d *ast.FuncDecl) bool { return !d.Name.IsExported() || d.Type.TypeParams != nil })
}

// funcs returns the functions and methods of a folder.
func funcs(t *testing.T, folder string) (list []*ast.FuncDecl) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok {
				list = append(list, d)
			}
		}
	}
	return list
}

// returnsPart reports whether the only result is a part.
func returnsPart(d *ast.FuncDecl, importPath string) bool {
	if d.Type.Results.NumFields() != 1 {
		return false
	}
	typ := d.Type.Results.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	switch typ := typ.(type) {
	case *ast.Ident:
		return slices.Contains(partTypes[importPath], typ.Name)
	case *ast.SelectorExpr:
		pkg, ok := typ.X.(*ast.Ident)
		return ok && pkg.Name == "actionhero" && slices.Contains(partTypes[Module], typ.Sel.Name)
	}
	return false
}
