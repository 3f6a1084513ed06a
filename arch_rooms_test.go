package actionhero_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// roomQuestions are the methods of Rooms that ask whether a client may touch the room, or that only take it out of a
// room in which it is. BroadcastNode names no room.
var roomQuestions = []string{"MayEnter", "View", "Say", "Move", "Join", "Leave", "BroadcastNode"}

// What clients ask for reaches a room only through a method that asks the room middleware: a transport and a built-in
// action cannot skip the question.
func TestTransportsAskBeforeTheyTouchARoom(t *testing.T) {
	t.Parallel()
	calls := 0
	for _, folder := range []string{"tcp", "web", "websocket", "socketio", "socketio/internal/engine", "internal/wire", "internal/connloop", "builtin", "transport"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", folder, len(files), err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				calls += roomCalls(t, file)
			}
		}
	}
	if calls < 8 {
		t.Errorf("only %d uses of Rooms were found", calls)
	}
}

// roomCalls checks each use of a selector Rooms in a file, and returns their number.
func roomCalls(t *testing.T, name string) (calls int) {
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[ast.Node]bool{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		method, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if inner, ok := method.X.(*ast.SelectorExpr); ok && inner.Sel.Name == "Rooms" && slices.Contains(roomQuestions, method.Sel.Name) {
			asked[inner] = true
			calls++
		}
		if ofConn := method.Sel.Name == "Rooms" && isConn(method.X); method.Sel.Name == "Rooms" && !ofConn && !asked[method] {
			t.Errorf("%s uses Rooms without one of %v: a client could touch a room that it may not enter", files.Position(method.Pos()), roomQuestions)
		}
		return true
	})
	return calls
}

// isConn reports whether an expression is a connection by its name: Conn.Rooms returns names.
func isConn(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "conn") || x.Name == "c"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "conn")
	}
	return false
}
