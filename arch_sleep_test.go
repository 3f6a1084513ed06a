package actionhero_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// maySleep lists the functions of tests that may call time.Sleep in real time, by folder, each with its reason. An entry
// that nothing uses fails the test.
var maySleep = map[string]string{
	". TestOutcomesOfDispatch":                                   "an action of the table polls its context; a bubble runs the table",
	"backend/local/internal/queue TestFailingWritesConcurrently": "the disk fails every 250 µs while others write",
	"internal/http1 TestContextEndsWithClient":                   "a handler polls its context, as a loop of a user does",
	"server TestIdle":                                            "it measures the processor time of two real seconds",
}

// sleeper is a function or variable declared in test files.
type sleeper struct {
	name, folder string
	body         ast.Node
	bubble       bool // it calls synctest.Test, or a function that does: its function arguments run in a bubble
	inside       bool // all calls of it come from a bubble
}

// TestNoSleep looks for time.Sleep in the tests of each folder. It may be called only where time is virtual: inside a
// function literal that is passed to synctest.Test or to a function of the tests that leads to it, or inside a function
// that is called from nowhere else. Functions differ by their names alone.
func TestNoSleep(t *testing.T) {
	t.Parallel()
	folders := map[string][]*sleeper{}
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || len(entry.Name()) > 1 && entry.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				folders[dir] = append(folders[dir], &sleeper{name: d.Name.Name, folder: dir, body: d.Body})
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						folders[dir] = append(folders[dir], &sleeper{name: v.Names[0].Name, folder: dir, body: v})
					}
				}
			}
		}
		return nil
	})
	if err != nil || len(folders) < 20 {
		t.Fatalf("%d folders were read: %v", len(folders), err)
	}
	used := map[string]bool{}
	for _, functions := range folders {
		findBubbles(functions)
		for _, f := range functions {
			if f.inside {
				continue
			}
			inRealTime(functions, f, func(n ast.Node) {
				if call, ok := n.(*ast.CallExpr); !ok || callee(call) != "time.Sleep" {
					return
				}
				key := f.folder + " " + f.name
				used[key] = true
				if maySleep[key] == "" {
					t.Errorf("%s: %s sleeps in real time: wait for an event, or with testkit.Eventually", files.Position(n.Pos()), f.name)
				}
			})
		}
	}
	for key := range maySleep {
		if !used[key] {
			t.Errorf("the entry of maySleep for %q is not needed any more: delete it", key)
		}
	}
}

// findBubbles finds the functions that lead to synctest.Test, and then those that only bubbles call.
func findBubbles(functions []*sleeper) {
	for changed := true; changed; {
		changed = false
		for _, f := range functions {
			ast.Inspect(f.body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && !f.bubble && startsBubble(functions, call) {
					f.bubble, changed = true, true
				}
				return true
			})
		}
	}
	for changed := true; changed; {
		changed = false
		outside, all := map[string]bool{}, map[string]bool{}
		for _, f := range functions {
			ast.Inspect(f.body, named(f, all))
			if !f.inside {
				inRealTime(functions, f, func(n ast.Node) { named(f, outside)(n) })
			}
		}
		for _, f := range functions {
			if !f.inside && all[f.name] && !outside[f.name] {
				f.inside, changed = true, true
			}
		}
	}
}

// named returns a function that notes each identifier but the name of f.
func named(f *sleeper, names map[string]bool) func(ast.Node) bool {
	return func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name != f.name {
			names[id.Name] = true
		}
		return true
	}
}

// inRealTime visits the nodes of a function that do not run in a bubble.
func inRealTime(functions []*sleeper, f *sleeper, visit func(ast.Node)) {
	ast.Inspect(f.body, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		visit(n)
		if call, ok := n.(*ast.CallExpr); ok && startsBubble(functions, call) {
			ast.Inspect(call.Fun, func(n ast.Node) bool {
				if n != nil {
					visit(n)
				}
				return true
			})
			return false
		}
		return true
	})
}

// callee returns the name of the function that a call calls: "f", "m" of a method, "pkg.F".
func callee(call *ast.CallExpr) string {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok {
			return x.Name + "." + fun.Sel.Name
		}
		return fun.Sel.Name
	}
	return ""
}

// startsBubble reports whether the function arguments of a call run in a bubble.
func startsBubble(functions []*sleeper, call *ast.CallExpr) bool {
	name := callee(call)
	if name == "synctest.Test" {
		return true
	}
	name = name[strings.LastIndex(name, ".")+1:]
	for _, f := range functions {
		if f.bubble && f.name == name {
			return true
		}
	}
	return false
}
