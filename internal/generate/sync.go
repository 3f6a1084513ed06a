package generate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// listFile is the name of the generated files.
const listFile = "all.gen.go"

var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// Synced is the outcome of [Sync].
type Synced struct {
	Files []File
	Parts int      // in all lists
	Notes []string // facts that the user should know, with file and line where there is one
}

// Sync writes the file all.gen.go of each folder of parts of the app that the folder dir belongs to. A mistake in a folder
// is an error with its file and line; the lists of the other folders are written nevertheless. A dry run writes nothing.
func Sync(dir string, dry bool) (Synced, error) {
	app, err := findApp(dir)
	if err != nil {
		return Synced{}, err
	}
	return syncApp(app, dry)
}

// HasLists reports whether the app in the folder dir has a list that [Sync] writes. An app without one lists its parts
// itself.
func HasLists(dir string) bool {
	for _, k := range kinds {
		if source, err := os.ReadFile(filepath.Join(dir, k.folder, listFile)); err == nil && generatedMark.Match(source) {
			return true
		}
	}
	return false
}

func syncApp(app root, dry bool) (Synced, error) {
	w, err := openWriter(app.dir, dry)
	if err != nil {
		return Synced{}, err
	}
	defer w.close()
	if !dry {
		defer lock(app.dir)() // before the files are read, or an older list would replace a newer one
	}
	var out Synced
	var failed []error
	var lists []list
	for _, k := range kinds {
		packages, err := scanTree(app, k.folder)
		if err != nil {
			return out, err
		}
		if packages == nil {
			continue
		}
		for _, p := range packages {
			out.Notes = append(out.Notes, p.notes...)
		}
		l, err := newList(k, packages)
		if err == nil {
			err = w.renew(l)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out.Parts += l.parts
		lists = append(lists, l)
	}
	out.Files = w.files
	if len(lists)+len(failed) == 0 {
		return out, fmt.Errorf("%s has none of the folders of parts: make one of %s", app.dir, strings.Join(folders(), ", "))
	}
	out.Notes = append(out.Notes, unused(app, lists)...)
	return out, errors.Join(failed...)
}

// renew writes the generated file of a list. A file of that name that is not generated belongs to the user.
func (w *writer) renew(l list) error {
	name := path.Join(l.dir, listFile)
	before, err := w.read(name)
	if err == nil && !generatedMark.Match(before) {
		return fmt.Errorf("%s:1: this file is not generated, but its name is for the list of all parts: rename it", name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return w.replace(name, l.source)
}

// unused returns a note for each list that no main package uses, and for each use that does not fit to the parameters of
// the list. main is looked for in the folder of the app and in cmd/.
func unused(app root, lists []list) (notes []string) {
	files := mainFiles(app)
	if len(files) == 0 {
		return nil
	}
	for _, l := range lists {
		if l.parts == 0 {
			continue
		}
		want := l.name + ".All" + l.signature()
		found := false
		for _, f := range files {
			for _, u := range f.uses(path.Join(app.module, l.dir)) {
				found = true
				if u.args != len(l.params) {
					notes = append(notes, fmt.Sprintf("%s:%d: write %s, because the constructors of %s/ take that", f.name, u.line, want, l.dir))
				}
			}
		}
		if !found {
			notes = append(notes, fmt.Sprintf("%s: no part of %s/ is used: pass %s to cli.Main", files[0].name, l.dir, want))
		}
	}
	return notes
}

// mainFile is a file of a main package of the app.
type mainFile struct {
	name   string
	fset   *token.FileSet
	syntax *ast.File
}

func mainFiles(app root) (found []mainFile) {
	for _, pattern := range []string{"*.go", "cmd/*/*.go"} {
		names, _ := filepath.Glob(filepath.Join(globSafe(app.dir), filepath.FromSlash(pattern))) // the pattern is correct
		for _, name := range names {
			below, err := filepath.Rel(app.dir, name)
			if err != nil || strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				continue
			}
			fset := token.NewFileSet()
			syntax, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
			if err == nil && syntax.Name.Name == "main" {
				found = append(found, mainFile{filepath.ToSlash(below), fset, syntax})
			}
		}
	}
	return found
}

// globSafe escapes a folder for a pattern of filepath.Glob.
func globSafe(dir string) string {
	return strings.NewReplacer("[", "\\[", "*", "\\*", "?", "\\?", "\\", string(filepath.Separator)).Replace(dir)
}

// use is one use of the list of a folder, with the number of arguments of the call; 0: it is no call, or has none.
type use struct{ line, args int }

func (f mainFile) uses(importPath string) (found []use) {
	local := ""
	for _, spec := range f.syntax.Imports {
		if full, err := strconv.Unquote(spec.Path.Value); err == nil && full == importPath {
			local = packageName(full)
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return nil
	}
	isAll := func(e ast.Expr) bool {
		sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "All" {
			return false
		}
		x, ok := sel.X.(*ast.Ident)
		return ok && x.Name == local
	}
	called := map[ast.Expr]bool{}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if isAll(n.Fun) {
				called[ast.Unparen(n.Fun)] = true
				found = append(found, use{f.fset.Position(n.Pos()).Line, len(n.Args)})
			}
		case *ast.SelectorExpr:
			if isAll(n) && !called[n] {
				found = append(found, use{f.fset.Position(n.Pos()).Line, 0})
			}
		}
		return true
	})
	return found
}

func folders() (names []string) {
	for _, k := range kinds {
		names = append(names, k.folder+"/")
	}
	return names
}

// existing returns the packages of a kind in the app, without their mistakes.
func existing(app root, k *kind) ([]*pkg, error) {
	packages, err := scanTree(app, k.folder)
	return slices.DeleteFunc(packages, func(p *pkg) bool { return len(p.files) == 0 }), err
}
