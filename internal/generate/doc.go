// Package generate writes the files of an app: a whole app into a folder ([App]), a further action, task, initializer,
// middleware or room ([Part]), and the lists of the parts of an app ([Sync]).
//
// An existing file is never overwritten, because it belongs to the user. The only exceptions are the files all.gen.go,
// whose first line says that they are generated: Sync writes them anew whenever the declarations change.
package generate

// Module is the path of the module of the framework.
const Module = "github.com/actionhero-go/actionhero"

// modules are the folders of the modules of the framework that an extra uses.
var modules = map[string]string{"mcp": "mcp", "sqlite": "plugins/sqlite"}
