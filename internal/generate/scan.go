package generate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A folder is scanned by its syntax alone, without compiling anything: that takes milliseconds and works while other
// files of the app do not compile.

// part is a declaration that belongs into the list of all parts.
type part struct {
	ident  string
	at     token.Position
	isList bool    // the value is a []actionhero.Part
	isFunc bool    // a constructor, which the list calls
	params []param // of a constructor
}

// param is a parameter of a constructor.
type param struct {
	name    string
	typ     ast.Expr
	file    *sourceFile // the file that declares it, whose imports its type uses
	isBasic bool        // the type is a predeclared one: the name decides about the meaning, not the type
}

// pkg is one scanned folder.
type pkg struct {
	dir        string // relative to the app, with slashes
	importPath string
	name       string
	files      []*sourceFile
	parts      []part
	wires      map[string]token.Position // where each name of an action or a task is declared, by kind and name
	faults     []error                   // mistakes, with file and line
	notes      []string
}

type sourceFile struct {
	name    string // relative to the app, with slashes
	syntax  *ast.File
	imports map[string]string // import paths by the names of packages in this file
	pkg     *pkg
}

// scanTree scans a folder and all folders below it. The result begins with the folder itself, even if it has no files.
func scanTree(app root, dir string) ([]*pkg, error) {
	var found []*pkg
	top := filepath.Join(app.dir, filepath.FromSlash(dir))
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		base := entry.Name()
		if name != top {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if err == nil || base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
				return filepath.SkipDir
			}
		}
		below, err := filepath.Rel(app.dir, name)
		if err != nil {
			return err
		}
		p, err := scanFolder(app, filepath.ToSlash(below))
		if err == nil {
			found = append(found, p)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}

// scanFolder reads the Go files of one folder, without tests and without the file that is generated.
func scanFolder(app root, dir string) (*pkg, error) {
	p := &pkg{dir: dir, importPath: path.Join(app.module, dir), wires: map[string]token.Position{}}
	entries, err := os.ReadDir(filepath.Join(app.dir, filepath.FromSlash(dir)))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || name == listFile {
			continue
		}
		source, err := os.ReadFile(filepath.Join(app.dir, filepath.FromSlash(dir), name))
		if err != nil {
			return nil, err
		}
		p.parse(fset, path.Join(dir, name), source)
	}
	for _, f := range p.files {
		p.scanFile(fset, f)
	}
	p.noteUnexported(fset)
	return p, nil
}

func (p *pkg) parse(fset *token.FileSet, name string, source []byte) {
	syntax, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		if list, ok := errors.AsType[scanner.ErrorList](err); ok && len(list) > 0 {
			err = list[0]
		}
		p.faults = append(p.faults, err)
		return
	}
	f := &sourceFile{name: name, syntax: syntax, imports: map[string]string{}, pkg: p}
	if p.ignored(fset, f) {
		return
	}
	switch {
	case p.name == "":
		p.name = syntax.Name.Name
	case p.name != syntax.Name.Name:
		p.fault(fset, syntax.Name, "the package is %s here, and %s in the other files of the folder", syntax.Name.Name, p.name)
	}
	if syntax.Name.Name == "main" {
		p.fault(fset, syntax.Name, "a folder of parts cannot be package main: rename the package, because main.go imports it")
	}
	for _, spec := range syntax.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		local := packageName(full)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		f.imports[local] = full
	}
	p.files = append(p.files, f)
}

// packageName guesses the name of the package from its import path.
func packageName(importPath string) string {
	name := path.Base(importPath)
	if majorVersion.MatchString(name) && strings.Contains(importPath, "/") {
		name = path.Base(path.Dir(importPath))
	}
	if before, _, dotted := strings.Cut(name, "."); dotted {
		name = before
	}
	return name
}

// ignored reports whether the file is part of the program on some systems or with some tags only. Parts in it are noted,
// because a list for all systems cannot have them.
func (p *pkg) ignored(fset *token.FileSet, f *sourceFile) bool {
	var comments []string
	for _, group := range f.syntax.Comments {
		if group.Pos() > f.syntax.Package {
			break
		}
		for _, c := range group.List {
			comments = append(comments, c.Text)
		}
	}
	if !constrained(path.Base(f.name), comments) {
		return false
	}
	alone := &pkg{dir: p.dir, importPath: p.importPath, name: f.syntax.Name.Name, files: []*sourceFile{f}, wires: map[string]token.Position{}}
	for _, spec := range f.syntax.Imports {
		if full, err := strconv.Unquote(spec.Path.Value); err == nil && spec.Name == nil {
			f.imports[packageName(full)] = full
		}
	}
	f.pkg = alone
	alone.scanFile(fset, f)
	for _, found := range alone.parts {
		p.notes = append(p.notes, fmt.Sprintf("%s: All does not have %s, because this file is not part of every build: pass it to cli.Main in a file with the same build constraint", found.at, found.ident))
	}
	return true
}

func (p *pkg) fault(fset *token.FileSet, n ast.Node, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s: %s", position(fset, n), fmt.Sprintf(format, args...)))
}

// position returns the file and the line of a node. A line has one declaration, so the column is left out.
func position(fset *token.FileSet, n ast.Node) token.Position {
	at := fset.Position(n.Pos())
	at.Column = 0
	return at
}

// scanFile finds the parts that the file declares.
func (p *pkg) scanFile(fset *token.FileSet, f *sourceFile) {
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.GenDecl:
			if d.Tok != token.VAR && d.Tok != token.CONST || skipped(d.Doc) {
				continue
			}
			for _, spec := range d.Specs {
				p.scanValues(fset, f, spec.(*ast.ValueSpec))
			}
		case *ast.FuncDecl:
			if d.Recv == nil && !skipped(d.Doc) {
				p.scanFunc(fset, f, d)
			}
		}
	}
}

// skipDirective keeps a declaration out of the list of all parts.
const skipDirective = "//actionhero:skip"

func skipped(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.TrimSpace(c.Text) == skipDirective })
}

func (p *pkg) scanValues(fset *token.FileSet, f *sourceFile, spec *ast.ValueSpec) {
	if skipped(spec.Doc) {
		return
	}
	for i, ident := range spec.Names {
		if ident.Name == "All" {
			p.fault(fset, ident, "All is declared here, but %s declares it: rename it", listFile)
		}
		var value ast.Expr
		if len(spec.Values) == len(spec.Names) {
			value = spec.Values[i]
		}
		kind := f.kindOfValue(spec.Type, value)
		if kind == notPart || !ident.IsExported() || ident.Name == "All" {
			continue
		}
		p.parts = append(p.parts, part{ident: ident.Name, at: position(fset, ident), isList: kind == isPartList})
		p.noteWire(fset, f, spec.Type, value)
	}
}

func (p *pkg) scanFunc(fset *token.FileSet, f *sourceFile, d *ast.FuncDecl) {
	if d.Name.Name == "All" {
		p.fault(fset, d.Name, "All is declared here, but %s declares it: rename it", listFile)
		return
	}
	results := d.Type.Results
	if !d.Name.IsExported() || results.NumFields() == 0 || d.Type.TypeParams != nil {
		return
	}
	kind := f.kindOfType(results.List[0].Type)
	if kind == notPart {
		return
	}
	if results.NumFields() > 1 {
		p.fault(fset, d.Name, "%s returns a part and more, but the list of all parts needs one result: return the part alone (an initializer can fail at the start), or put %s above it", d.Name.Name, skipDirective)
		return
	}
	constructor := part{ident: d.Name.Name, at: position(fset, d.Name), isList: kind == isPartList, isFunc: true}
	for _, field := range d.Type.Params.List {
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			p.fault(fset, field, "%s takes any number of arguments, which the list of all parts cannot pass: take a slice, or put %s above it", d.Name.Name, skipDirective)
			return
		}
		names := field.Names
		if len(names) == 0 {
			names = []*ast.Ident{ast.NewIdent("_")}
		}
		for _, name := range names {
			constructor.params = append(constructor.params, param{name: name.Name, typ: field.Type, file: f, isBasic: isBasic(f, field.Type)})
		}
	}
	p.parts = append(p.parts, constructor)
}

// noteWire records the name that an action or a task declares. A second one of that name is a mistake.
func (p *pkg) noteWire(fset *token.FileSet, f *sourceFile, typ, value ast.Expr) {
	lit := literalOf(value)
	if lit == nil {
		return
	}
	if lit.Type != nil {
		typ = lit.Type
	}
	_, sel := f.qualified(typ)
	for _, element := range lit.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isIdent := pair.Key.(*ast.Ident)
		text, isText := pair.Value.(*ast.BasicLit)
		if !isIdent || key.Name != "Name" || !isText || text.Kind != token.STRING {
			continue
		}
		name, err := strconv.Unquote(text.Value)
		if err != nil {
			continue
		}
		where := position(fset, text)
		if first, twice := p.wires[sel+" "+name]; twice {
			p.fault(fset, text, "the name %q is taken by the %s in %s: rename one", name, strings.ToLower(sel), first)
			continue
		}
		p.wires[sel+" "+name] = where
	}
}

// noteUnexported notes parts that no code uses because their names are not exported.
func (p *pkg) noteUnexported(fset *token.FileSet) {
	uses := map[string]int{}
	for _, f := range p.files {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if ident, ok := n.(*ast.Ident); ok {
				uses[ident.Name]++
			}
			return true
		})
	}
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR || skipped(d.Doc) {
				continue
			}
			for _, spec := range d.Specs {
				spec := spec.(*ast.ValueSpec)
				for i, ident := range spec.Names {
					if len(spec.Values) != len(spec.Names) || ident.IsExported() || ident.Name == "_" || uses[ident.Name] > 1 || skipped(spec.Doc) {
						continue
					}
					if f.kindOfValue(spec.Type, spec.Values[i]) != notPart {
						p.notes = append(p.notes, fmt.Sprintf("%s: All does not have %s, because its name begins with a small letter", position(fset, ident), ident.Name))
					}
				}
			}
		}
	}
}
