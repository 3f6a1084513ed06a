package actionhero_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/actionhero-go/actionhero"

// mayImport lists the packages of the module that each package may import, except in tests: imports run one way only. A
// folder stands for all folders below it. A package without a row may import only internal packages.
var mayImport = map[string][]string{
	"":                        {"backend", "internal/appbody", "internal/bridge", "internal/bytebudget", "internal/command", "internal/cookie", "internal/cron", "internal/decode", "internal/encode", "internal/envelope", "internal/gcra", "internal/jsonx", "internal/logstyle", "internal/near", "internal/poison", "internal/route", "internal/schema", "internal/sendqueue", "internal/setting", "internal/signals"},
	"auth":                    {"", "backend", "web", "limit", "internal"},
	"auth/oauth":              {"", "auth", "backend", "limit", "web", "internal"},
	"auth/oidc":               {"", "auth", "limit", "web"}, // a module of its own
	"backend":                 {},
	"backend/internal":        {"backend"},
	"backend/local":           {"backend", "internal/gcra", "internal/jsonx", "internal/poison", "internal/setting"},
	"backend/redis":           {"backend", "backend/local", "internal/chaos/probe", "internal/setting"},
	"backendtest":             {"backend"},
	"transport":               {"", "internal/appbody", "internal/bridge", "internal/bytebudget", "internal/mediatype", "internal/sendqueue"},
	"web":                     {"", "transport", "internal"},
	"tcp":                     {"", "transport", "internal"},
	"websocket":               {"", "transport", "internal"},
	"socketio":                {"", "transport", "internal", "socketio"},
	"worker":                  {"", "backend", "internal/bridge", "internal/setting"},
	"builtin":                 {"", "transport", "internal/command", "internal/jsonx"},
	"server":                  {"", "transport", "web", "tcp", "websocket", "socketio", "worker", "builtin", "backend", "backend/local", "backend/redis", "clients", "internal"},
	"clients":                 {},
	"actionherotest":          {"", "transport", "backend/local", "server", "worker"},
	"cli":                     {"", "transport", "server", "backend", "backend/local", "backend/redis", "internal"},
	"cmd":                     {"", "cli", "builtin", "web", "server", "internal/dev", "internal/generate", "internal/near", "internal/terminal"},
	"examples":                {"", "cli", "builtin", "examples"},
	"examples/desk":           {"", "auth", "cli", "examples/desk", "limit", "plugins", "web"}, // a module of its own
	"limit":                   {"", "backend", "internal/gcra"},
	"mcp":                     {"", "cli", "server", "transport", "web"}, // a module of its own
	"mcp/conformance":         {"", "cli", "mcp", "server", "web"},
	"mcp/examples":            {"", "builtin", "cli", "mcp"},
	"plugins":                 {"", "transport"}, // modules of their own
	"plugins/sqlite/examples": {"", "plugins"},
	"internal":                {"internal"},
	"internal/attack":         {"", "cli", "builtin", "web"},
	"internal/bridge":         {"backend"},
	"internal/clientgen":      {"", "clients", "internal"},
	"internal/contract":       {"", "internal/route", "internal/schema"},
	"internal/control":        {"backend", "internal/jsonx", "internal/netlisten"},
	"internal/gcra":           {"backend"},
	"internal/inplace":        {"", "transport"},
	"internal/testkit":        {"", "server", "web", "builtin", "backend", "backend/local", "internal/testkit"},
	"internal/wire":           {"", "transport", "internal/jsonx", "internal/netlisten"},
}

// Packages that only transports which speak them may import.
var onlyFor = map[string][]string{
	"internal/bridge":                           {"", "transport", "worker"},
	"internal/wire":                             {"tcp", "websocket", "socketio"},
	"internal/sendqueue":                        {"", "transport", "tcp", "websocket", "socketio", "internal/ws"},
	"internal/connloop":                         {"tcp", "websocket", "socketio"},
	"internal/ws":                               {"websocket", "socketio"},
	"internal/control":                          {"server", "cli", "internal/supervise"},
	"internal/dev":                              {"cmd"},
	"internal/generate":                         {"cmd", "internal/dev"},
	"internal/inplace":                          {"server", "cli"},
	"internal/supervise":                        {"cli", "internal/dev"},
	"internal/testkit":                          {"internal/testkit"}, // and tests
	"github.com/fsnotify/fsnotify":              {"internal/dev"},
	"github.com/redis/rueidis":                  {"backend/redis"},
	"github.com/spf13/cobra":                    {"cli"},
	"github.com/spf13/pflag":                    {"cli"},
	"github.com/peterh/liner":                   {"cli", "cmd"},
	"github.com/mattn/go-runewidth":             {"cli"},
	"golang.org/x/crypto":                       {"auth"},
	"golang.org/x/sys":                          {"internal/nonblock", "internal/terminal"},
	"github.com/klauspost/compress":             {"web", "internal/ws", "internal/logging"},
	"github.com/rs/cors":                        {"web"},
	"github.com/go-json-experiment/json":        {"internal/jsonx", "internal/layout", "internal/schema", "internal/encode", "internal/config", "mcp"},
	"github.com/BurntSushi/toml":                {"internal/config"},
	"go.yaml.in/yaml/v3":                        {"internal/config"},
	"github.com/DeRuina/timberjack":             {"internal/logging"},
	"github.com/go-jose/go-jose/v4":             {"auth/oidc"},
	"github.com/modelcontextprotocol/go-sdk":    {"mcp"},
	"modernc.org/sqlite":                        {"plugins/sqlite"},
	"github.com/actionhero-go/actionhero/bench": {},
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "bench" || entry.Name() == "site" || entry.Name() == "testdata" || len(entry.Name()) > 1 && entry.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if dir == "." {
			dir = ""
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, path, dir, name)
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Fatalf("%d files were read: %v", files, err)
	}
}

func checkImport(t *testing.T, path, dir, name string) {
	own, isOwn := strings.CutPrefix(name, module)
	own = strings.TrimPrefix(own, "/")
	for guarded, users := range onlyFor {
		if (below(name, guarded) || isOwn && below(own, guarded)) && !slices.ContainsFunc(users, func(u string) bool { return below(dir, u) }) {
			t.Errorf("%s imports %s, which only %v may", path, name, users)
		}
	}
	if dir == "" && !isOwn && strings.Contains(strings.Split(name, "/")[0], ".") {
		t.Errorf("%s imports %s: the root imports the standard library, backend and internal only", path, name)
	}
	if !isOwn {
		return
	}
	allowed := slices.ContainsFunc(rule(dir), func(a string) bool { return own == a || a != "" && below(own, a) })
	if !allowed {
		t.Errorf("%s imports %q, which it may not", path, own)
	}
}

// A program that uses only package server does not link the command line.
func TestServerLinksNoCommandLine(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./server").Output()
	if err != nil || !strings.Contains(string(out), module+"/web\n") {
		t.Fatalf("go list: %v: %s", err, out)
	}
	for name := range strings.Lines(string(out)) {
		if strings.Contains(name, "spf13") || below(strings.TrimSpace(name), module+"/cli") {
			t.Errorf("package server links %s", name)
		}
	}
}

// A program that builds its API without package server does not link a client of Redis.
func TestOnlyTheBackendForRedisLinksItsClient(t *testing.T) {
	t.Parallel()
	deps := func(packages ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, packages...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	const client = "github.com/redis/rueidis\n"
	if !strings.Contains(deps("./backend/redis"), client) {
		t.Error("package backend/redis links no client: the test looks for the wrong one")
	}
	if strings.Contains(deps(".", "./backend/local", "./transport", "./web", "./tcp", "./websocket", "./socketio", "./worker", "./builtin"), client) {
		t.Error("a program without package server links the client of Redis")
	}
}

// Each file that imports unsafe is in the list of decision 2.
func TestUnsafeIsWhereTheDecisionSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/decisions/0002-types-are-compiled-once.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (path == "bench" || path == filepath.FromSlash("internal/chaos")) {
			return fs.SkipDir // a module of its own; for tests only
		}
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if spec.Path.Value != strconv.Quote("unsafe") {
				continue
			}
			if found++; !strings.Contains(string(page), "`"+filepath.ToSlash(path)+"`") {
				t.Errorf("%s imports unsafe, but decision 2 does not name it: use package layout, or add the file to the decision", path)
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d files, %v", found, err)
	}
}

// rule returns the row of the longest folder that contains the package.
func rule(dir string) []string {
	if strings.HasSuffix(dir, "backendtest") {
		return mayImport["backendtest"]
	}
	for d := dir; d != "." && d != ""; d = filepath.ToSlash(filepath.Dir(d)) {
		if r, ok := mayImport[d]; ok {
			return r
		}
	}
	if dir == "" {
		return mayImport[""]
	}
	return []string{"internal"}
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
