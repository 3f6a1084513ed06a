package generate

import (
	"go/ast"
	"go/token"
	"slices"
)

// partKind says whether a type is one of the parts of an app.
type partKind int

const (
	notPart    partKind = iota
	isPart              // an actionhero.Part
	isPartList          // a []actionhero.Part, which is no Part itself
)

// partTypes are the types of each package of the framework that are parts.
var partTypes = map[string][]string{
	Module:                 {"Action", "Task", "Event", "NodeCall", "Initializer", "RoomMiddleware", "ConnMiddleware", "StreamMiddleware", "Authenticator", "SecurityScheme", "Section", "Parts", "Part"},
	Module + "/cli":        {"Command"},
	Module + "/auth":       {"Sessions", "Keys"},
	Module + "/auth/oauth": {"Server"},
}

// partFuncs are the functions of each package of the framework that return a part. A part that is not in the list of an app
// has no effect: for an authenticator, or a rule, nothing would say so.
var partFuncs = map[string][]string{
	Module:                     {"DefaultAccess", "RoomAccess"},
	Module + "/auth":           {"Basic", "Bearer", "ClientCert", "NewBearer", "NewKeys", "NewSessions"},
	Module + "/auth/oauth":     {"New"},
	Module + "/auth/oidc":      {"Introspect", "JWT", "Login"},
	Module + "/mcp":            {"New"},
	Module + "/plugins/sqlite": {"File", "New"},
	Module + "/transport":      {"OwnPart", "Part"},
	Module + "/web":            {"Mount"},
}

// partMethods are the methods of the framework that return a part, on values of any package of an app.
var partMethods = []string{"LoginAction"}

// maxDepth bounds how many declarations lead from a name to its type.
const maxDepth = 10

// kindOfValue returns the kind of a variable with the declared type typ, or with the value value. Either may be nil.
func (f *sourceFile) kindOfValue(typ, value ast.Expr) partKind {
	if typ != nil {
		return f.kindOfType(typ)
	}
	return f.kindOfExpr(value, maxDepth)
}

// kindOfType returns the kind of the values of a type.
func (f *sourceFile) kindOfType(typ ast.Expr) partKind { return f.typeKind(typ, maxDepth) }

func (f *sourceFile) typeKind(typ ast.Expr, depth int) partKind {
	if depth == 0 || typ == nil {
		return notPart
	}
	switch t := ast.Unparen(typ).(type) {
	case *ast.StarExpr: // a pointer has the methods of its type
		if f.typeKind(t.X, depth-1) == isPart && !f.isInterface(t.X) {
			return isPart
		}
		return notPart
	case *ast.ArrayType:
		if t.Len == nil && f.isInterface(t.Elt) {
			return isPartList
		}
		return notPart
	}
	if pkgPath, name := f.qualified(typ); slices.Contains(partTypes[pkgPath], name) {
		return isPart
	}
	if ident, ok := baseOf(typ).(*ast.Ident); ok {
		if alias, in := f.pkg.alias(ident.Name); alias != nil {
			return in.typeKind(alias, depth-1)
		}
	}
	return notPart
}

// isInterface reports whether typ is actionhero.Part itself.
func (f *sourceFile) isInterface(typ ast.Expr) bool {
	pkgPath, name := f.qualified(typ)
	return pkgPath == Module && name == "Part"
}

// baseOf removes parentheses and type arguments: the base of Action[In, Out] is Action.
func baseOf(typ ast.Expr) ast.Expr {
	switch t := ast.Unparen(typ).(type) {
	case *ast.IndexExpr:
		return ast.Unparen(t.X)
	case *ast.IndexListExpr:
		return ast.Unparen(t.X)
	default:
		return t
	}
}

// qualified returns the import path and the name of a type or a function of another package, or "" and "".
func (f *sourceFile) qualified(expr ast.Expr) (importPath, name string) {
	switch t := baseOf(expr).(type) {
	case *ast.SelectorExpr:
		if x, ok := t.X.(*ast.Ident); ok {
			return f.imports[x.Name], t.Sel.Name
		}
	case *ast.Ident: // a dot import
		if full := f.imports["."]; full != "" && slices.Contains(partTypes[full], t.Name) {
			return full, t.Name
		}
	}
	return "", ""
}

// literalOf returns the composite literal of a value like Action{…} or &Action{…}, or nil.
func literalOf(value ast.Expr) *ast.CompositeLit {
	if value == nil {
		return nil
	}
	if address, ok := ast.Unparen(value).(*ast.UnaryExpr); ok && address.Op == token.AND {
		value = address.X
	}
	lit, _ := ast.Unparen(value).(*ast.CompositeLit)
	return lit
}

// kindOfExpr returns the kind of the value of an expression, as far as its syntax shows it.
func (f *sourceFile) kindOfExpr(value ast.Expr, depth int) partKind {
	if value == nil || depth == 0 {
		return notPart
	}
	if lit := literalOf(value); lit != nil {
		return f.typeKind(lit.Type, depth-1)
	}
	switch v := ast.Unparen(value).(type) {
	case *ast.CallExpr:
		return f.kindOfCall(v, depth-1)
	case *ast.Ident:
		if spec, i, in := f.pkg.variable(v.Name); spec != nil && spec.Type != nil {
			return in.typeKind(spec.Type, depth-1)
		} else if spec != nil && len(spec.Values) == len(spec.Names) {
			return in.kindOfExpr(spec.Values[i], depth-1)
		}
	}
	return notPart
}

// kindOfCall returns the kind of the result of a call, or of a conversion.
func (f *sourceFile) kindOfCall(call *ast.CallExpr, depth int) partKind {
	fun := baseOf(call.Fun)
	if kind := f.typeKind(call.Fun, depth); kind != notPart {
		return kind // a conversion such as Section[Config]("name")
	}
	switch fun := fun.(type) {
	case *ast.SelectorExpr:
		importPath, name := f.qualified(fun)
		if slices.Contains(partFuncs[importPath], name) || importPath == "" && slices.Contains(partMethods, fun.Sel.Name) {
			return isPart
		}
	case *ast.FuncLit:
		if fun.Type.Results.NumFields() == 1 {
			return f.typeKind(fun.Type.Results.List[0].Type, depth)
		}
	case *ast.Ident:
		if d, in := f.pkg.function(fun.Name); d != nil && d.Type.Results.NumFields() == 1 {
			return in.typeKind(d.Type.Results.List[0].Type, depth)
		}
	}
	return notPart
}

// alias returns the type that an alias of the package stands for, with its file.
func (p *pkg) alias(name string) (typ ast.Expr, in *sourceFile) {
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				continue
			}
			for _, spec := range d.Specs {
				if t := spec.(*ast.TypeSpec); t.Name.Name == name && t.Assign.IsValid() {
					return t.Type, f
				}
			}
		}
	}
	return nil, nil
}

// declaresType reports whether the package declares a type of this name.
func (p *pkg) declaresType(name string) bool {
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				if slices.ContainsFunc(d.Specs, func(s ast.Spec) bool { return s.(*ast.TypeSpec).Name.Name == name }) {
					return true
				}
			}
		}
	}
	return false
}

// function returns the function of the package with this name.
func (p *pkg) function(name string) (*ast.FuncDecl, *sourceFile) {
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == name {
				return d, f
			}
		}
	}
	return nil, nil
}

// variable returns the declaration of the variable of the package with this name, and its index in the declaration.
func (p *pkg) variable(name string) (spec *ast.ValueSpec, index int, in *sourceFile) {
	for _, f := range p.files {
		for _, decl := range f.syntax.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR && d.Tok != token.CONST {
				continue
			}
			for _, s := range d.Specs {
				v := s.(*ast.ValueSpec)
				if i := slices.IndexFunc(v.Names, func(n *ast.Ident) bool { return n.Name == name }); i >= 0 {
					return v, i, f
				}
			}
		}
	}
	return nil, 0, nil
}

// declared returns the place of a top-level name of the package.
func (p *pkg) declared(name string) bool {
	d, _ := p.function(name)
	v, _, _ := p.variable(name)
	return d != nil || v != nil || p.declaresType(name)
}

// isBasic reports whether typ is a predeclared type, such as string or []byte.
func isBasic(f *sourceFile, typ ast.Expr) bool {
	basic := true
	ast.Inspect(typ, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			basic = false
		case *ast.Ident:
			basic = basic && !f.pkg.declaresType(n.Name)
		}
		return basic
	})
	return basic
}
