package generate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/printer"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// list is the content of one generated file: all parts of a folder and of the folders below.
type list struct {
	dir    string
	name   string   // of the package
	params []string // of the function All, such as "db *database.DB"; none: All is a variable
	parts  int
	source []byte
}

// signature returns the parameters of All in parentheses, or "" if All is a variable.
func (l list) signature() string {
	if len(l.params) == 0 {
		return ""
	}
	return "(" + strings.Join(l.params, ", ") + ")"
}

// listBuilder collects the text of a list.
type listBuilder struct {
	top     *pkg
	imports map[string]string // names of packages in the file by import path
	params  []builtParam
	lines   []string
	faults  []error
}

// builtParam is a parameter of All. Constructors that take the same thing share it.
type builtParam struct {
	name, typ, wanted string
	isBasic           bool
}

// newList makes the list of the packages of one folder; the first package is the folder itself.
func newList(k *kind, packages []*pkg) (list, error) {
	top := packages[0]
	b := &listBuilder{top: top, imports: map[string]string{Module: "actionhero"}}
	l := list{dir: top.dir, name: cmp.Or(top.name, k.folder)}
	for _, p := range packages {
		b.faults = append(b.faults, p.faults...)
	}
	b.checkNames(packages)
	for _, p := range packages {
		if len(p.parts) > 0 && p != top {
			b.checkCycle(p)
		}
		for _, found := range p.parts {
			b.add(p, found)
			l.parts++
		}
	}
	if err := errors.Join(b.faults...); err != nil {
		return l, err
	}
	for _, p := range b.params {
		l.params = append(l.params, p.name+" "+p.typ)
	}
	var err error
	l.source, err = format.Source(b.text(l))
	return l, err
}

// checkNames refuses a name of an action or a task that two folders declare.
func (b *listBuilder) checkNames(packages []*pkg) {
	seen := map[string]token.Position{}
	for _, p := range packages {
		for _, key := range slices.Sorted(maps.Keys(p.wires)) {
			kind, name, _ := strings.Cut(key, " ")
			if first, twice := seen[key]; twice {
				b.faults = append(b.faults, fmt.Errorf("%s: the name %q is taken by the %s in %s: rename one", p.wires[key], name, strings.ToLower(kind), first))
				continue
			}
			seen[key] = p.wires[key]
		}
	}
}

// checkCycle refuses a folder that imports the folder above, whose list imports it.
func (b *listBuilder) checkCycle(p *pkg) {
	for _, f := range p.files {
		for _, spec := range f.syntax.Imports {
			if full, err := strconv.Unquote(spec.Path.Value); err == nil && full == b.top.importPath {
				b.faults = append(b.faults, fmt.Errorf("%s: this file imports %s, whose %s imports this folder: move what both need into a package of its own", f.name, full, listFile))
			}
		}
	}
}

func (b *listBuilder) add(p *pkg, found part) {
	text := found.ident
	if p != b.top {
		text = b.importName(p.importPath, p.name) + "." + text
	}
	var args, types []string
	usesValues := false
	for _, in := range found.params {
		if typ := b.valueType(in, found); typ != "" {
			args, types, usesValues = append(args, ""), append(types, typ), true
			continue
		}
		args, types = append(args, b.param(in, found)), append(types, "")
	}
	switch {
	case usesValues:
		b.lines = append(b.lines, b.usingValues(p.dir+"."+found.ident, text, found.isList, args, types))
		return
	case found.isFunc:
		text += "(" + strings.Join(args, ", ") + ")"
	}
	if found.isList {
		text = "actionhero.Parts(" + text + ")"
	}
	b.lines = append(b.lines, text)
}

// valueType returns the text of T if a parameter is an actionhero.Value[T], or "".
func (b *listBuilder) valueType(in param, of part) string {
	importPath, name := in.file.qualified(in.typ)
	generic, ok := ast.Unparen(in.typ).(*ast.IndexExpr)
	if !ok || importPath != Module || name != "Value" {
		return ""
	}
	typ, err := b.typeText(param{typ: generic.Index, file: in.file})
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("%s: %s %w", of.at, of.ident, err))
	}
	return typ
}

// usingValues returns an initializer that calls a constructor. types has the type of each argument that is a value of the
// API.
func (b *listBuilder) usingValues(name, constructor string, isList bool, args, types []string) string {
	api := unique("api", b.taken)
	for i, typ := range types {
		if typ != "" {
			args[i] = "actionhero.Use[" + typ + "](" + api + ")"
		}
	}
	spread := ""
	if isList {
		spread = "..."
	}
	return fmt.Sprintf("actionhero.Initializer{Name: %q, Setup: func(%s *actionhero.API) error {\nreturn %[2]s.Register(%[3]s(%[4]s)%[5]s)\n}}",
		name, api, constructor, strings.Join(args, ", "), spread)
}

// importName returns the name of a package in the generated file, and imports the package.
func (b *listBuilder) importName(importPath, name string) string {
	if known, ok := b.imports[importPath]; ok {
		return known
	}
	local := unique(name, func(s string) bool { return b.taken(s) || b.top.declared(s) })
	b.imports[importPath] = local
	return local
}

// taken reports whether the generated file uses the name already: a parameter must not hide a package.
func (b *listBuilder) taken(name string) bool {
	return slices.ContainsFunc(b.params, func(p builtParam) bool { return p.name == name }) ||
		slices.Contains(slices.Collect(maps.Values(b.imports)), name)
}

// unique returns name, or name with a number, that is not taken.
func unique(name string, taken func(string) bool) string {
	for i := 2; ; i++ {
		if !taken(name) {
			return name
		}
		name = strings.TrimRight(name, "0123456789") + strconv.Itoa(i)
	}
}

// param returns the argument for a parameter of a constructor. Parameters of one type are one parameter of All. Those of
// a predeclared type, such as string, must also have the same name.
func (b *listBuilder) param(in param, of part) string {
	typ, err := b.typeText(in)
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("%s: %s %w", of.at, of.ident, err))
		return ""
	}
	for _, p := range b.params {
		if p.typ == typ && (!in.isBasic || p.wanted == in.name) {
			return p.name
		}
	}
	wanted := in.name
	if wanted == "_" {
		wanted = defaultName(typ)
	}
	name := unique(wanted, b.taken)
	b.params = append(b.params, builtParam{name: name, typ: typ, wanted: in.name, isBasic: in.isBasic})
	return name
}

// defaultName returns a name for a parameter without one, from the last word of its type.
func defaultName(typ string) string {
	if strings.Contains(typ, "func(") {
		return "run"
	}
	name := typ[strings.LastIndexAny(typ, ".*]")+1:]
	words := wordsOf(strings.Map(func(r rune) rune {
		if r < 128 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, name))
	if len(words) == 0 {
		return "arg"
	}
	short := strings.ToLower(words[0]) + identOf(words[1:])
	if token.IsKeyword(short) {
		return short + "Arg"
	}
	return short
}

// typeText returns the type of a parameter as the generated file writes it.
func (b *listBuilder) typeText(in param) (string, error) {
	var failure error
	var rewrite func(e ast.Expr) ast.Expr
	rewrite = func(e ast.Expr) ast.Expr {
		switch t := e.(type) {
		case *ast.Ident:
			p := in.file.pkg
			if !p.declaresType(t.Name) || p == b.top {
				return ast.NewIdent(t.Name)
			}
			if !t.IsExported() {
				failure = fmt.Errorf("takes a %s, which the list of all parts in %s cannot name: export the type, or put %s above the function", t.Name, b.top.dir, skipDirective)
			}
			return ast.NewIdent(b.importName(p.importPath, p.name) + "." + t.Name)
		case *ast.SelectorExpr:
			if x, ok := t.X.(*ast.Ident); ok && in.file.imports[x.Name] != "" {
				return ast.NewIdent(b.importName(in.file.imports[x.Name], x.Name) + "." + t.Sel.Name)
			}
		case *ast.StarExpr:
			return &ast.StarExpr{X: rewrite(t.X)}
		case *ast.ParenExpr:
			return &ast.ParenExpr{X: rewrite(t.X)}
		case *ast.ArrayType:
			return &ast.ArrayType{Len: t.Len, Elt: rewrite(t.Elt)}
		case *ast.MapType:
			return &ast.MapType{Key: rewrite(t.Key), Value: rewrite(t.Value)}
		case *ast.ChanType:
			return &ast.ChanType{Dir: t.Dir, Value: rewrite(t.Value)}
		case *ast.IndexExpr:
			return &ast.IndexExpr{X: rewrite(t.X), Index: rewrite(t.Index)}
		case *ast.IndexListExpr:
			copied := &ast.IndexListExpr{X: rewrite(t.X)}
			for _, arg := range t.Indices {
				copied.Indices = append(copied.Indices, rewrite(arg))
			}
			return copied
		case *ast.FuncType:
			return &ast.FuncType{Params: rewriteFields(t.Params, rewrite), Results: rewriteFields(t.Results, rewrite)}
		case *ast.InterfaceType:
			if t.Methods.NumFields() == 0 {
				return ast.NewIdent("any")
			}
		}
		failure = errors.New("takes a type that the list of all parts cannot repeat: give the type a name, or put " + skipDirective + " above the function")
		return e
	}
	typ := rewrite(in.typ)
	if failure != nil {
		return "", failure
	}
	var text bytes.Buffer
	err := printer.Fprint(&text, token.NewFileSet(), typ)
	return text.String(), err
}

// rewriteFields rewrites the types of parameters or results.
func rewriteFields(fields *ast.FieldList, rewrite func(ast.Expr) ast.Expr) *ast.FieldList {
	if fields == nil {
		return nil
	}
	copied := &ast.FieldList{}
	for _, f := range fields.List {
		for range max(len(f.Names), 1) {
			copied.List = append(copied.List, &ast.Field{Type: rewrite(f.Type)})
		}
	}
	return copied
}

// text returns the generated file, not formatted yet.
func (b *listBuilder) text(l list) []byte {
	var t bytes.Buffer
	fmt.Fprintf(&t, "// Code generated by \"actionhero sync\" from the files of this folder. DO NOT EDIT.\n\npackage %s\n\n", l.name)
	t.WriteString(b.importLines())
	t.WriteString("// All has the parts that this folder and the folders below declare, in the order of their files.\n")
	open, end := "var All = actionhero.Parts{\n", "}\n"
	if len(l.params) > 0 {
		open, end = "func All"+l.signature()+" actionhero.Parts {\n\treturn actionhero.Parts{\n", "}\n}\n"
	}
	t.WriteString(open)
	for _, line := range b.lines {
		fmt.Fprintf(&t, "\t%s,\n", line)
	}
	t.WriteString(end)
	return t.Bytes()
}

// importLines returns the imports of the generated file.
func (b *listBuilder) importLines() string {
	var standard, others []string
	for _, importPath := range slices.Sorted(maps.Keys(b.imports)) {
		name := b.imports[importPath] + " "
		if name == path.Base(importPath)+" " {
			name = ""
		}
		line := "\t" + name + strconv.Quote(importPath) + "\n"
		if first, _, _ := strings.Cut(importPath, "/"); strings.Contains(first, ".") {
			others = append(others, line)
		} else {
			standard = append(standard, line)
		}
	}
	if len(standard) == 0 && len(others) == 1 {
		return "import " + strings.TrimSpace(others[0]) + "\n\n"
	}
	if len(standard) > 0 {
		standard = append(standard, "\n")
	}
	return "import (\n" + strings.Join(append(standard, others...), "") + ")\n\n"
}
