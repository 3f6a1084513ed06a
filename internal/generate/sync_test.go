package generate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const emptyApp = "-- go.mod --\nmodule example.com/x\n\ngo 1.26\n"

// syncIn syncs the app in dir, and returns the list of actions.
func syncIn(t *testing.T, dir string) (list string, synced Synced, err error) {
	t.Helper()
	synced, err = Sync(dir, false)
	text, _ := os.ReadFile(filepath.Join(dir, "actions", listFile)) // a mistake leaves no file
	return string(text), synced, err
}

// Each form of a declaration that makes a part is found.
func TestSyncFindsEachFormOfAPart(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+`-- actions/a.go --
package actions

import (
	"errors"
	"net/http"

	ah "github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/web"
)

type Settings struct{}
type alias = ah.Action[ah.None, ah.None]

var Literal = ah.Action[ah.None, ah.None]{Name: "literal"}
var Pointer = &ah.Task[ah.None]{Name: "pointer"}
var Declared ah.Part = helper("declared")
var (
	First, Second = ah.Initializer{Name: "1"}, ah.ConnMiddleware{}
	Happened      = ah.Event[Settings]{Name: "happened", Room: "{room}"}
	Grouped       = (ah.NodeCall[ah.None, ah.None]{Name: "x"})
)
var Called = helper("called")
var Generic = crud[int]("generic")
var Copied = Called
var Aliased = alias{Name: "aliased"}
var Immediate = func() ah.Parts { return nil }()
var List []ah.Part
var Nested = ah.Parts{Literal}
var Mounted = web.Mount("/x", http.NotFoundHandler())
var Logins = auth.NewSessions(auth.SessionConfig{})
var Staff *auth.Sessions = Logins
var Rule = ah.DefaultAccess(ah.Authenticated)
var Passwords, Machines = auth.Basic(auth.BasicConfig{}), auth.ClientCert(nil)
var keys = auth.NewKeys(auth.KeyConfig{})
var KeyLogin = keys.LoginAction("keyLogin")
var Command = cli.Command{Name: "x"}

const Section = ah.Section[Settings]("section")

var ErrNotPart = errors.New("no part")
var Number = 7
var Text, Other = two()

type Store struct{}

func (s *Store) Method() ah.Parts { return nil }
func helper(name string) alias { return alias{Name: name} }
func crud[T any](name string) ah.Action[ah.None, ah.None] { return alias{Name: name} }
func two() (string, ah.Parts) { return "", nil }
func Helper() string { return "" }
func Handler(next ah.Handler) ah.Handler { return next }
func Exported[T any]() ah.Part { return nil }

//actionhero:skip
var Skipped = ah.Parts{}

//actionhero:skip
func SkippedToo(values ...string) ah.Part { return nil }
-- actions/b.go --
package actions

import . "github.com/actionhero-go/actionhero"

var Dotted = Parts{}
-- actions/a_test.go --
package actions

import "github.com/actionhero-go/actionhero"

var InATest = actionhero.Parts{}
-- actions/testdata/x.go --
package broken (
-- actions/_old/x.go --
package broken (
-- actions/empty/x.go --
package empty
-- actions/module/go.mod --
module example.com/other
-- actions/module/x.go --
package broken (
`)
	list, synced, err := syncIn(t, dir)
	want := strings.Fields("Literal Pointer Declared First Second Happened Grouped Called Generic Copied Aliased Immediate actionhero.Parts(List) Nested Mounted Logins Staff Rule Passwords Machines KeyLogin Command Section Dotted")
	if err != nil || synced.Parts != len(want) || len(synced.Notes) > 0 {
		t.Errorf("%d parts, %q, %v", synced.Parts, synced.Notes, err)
	}
	_, body, _ := strings.Cut(list, "actionhero.Parts{\n")
	var got []string
	for line := range strings.Lines(strings.TrimSuffix(body, "}\n")) {
		got = append(got, strings.Trim(line, "\t,\n"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list has\n%q, want\n%q", got, want)
	}
}

// Constructors of all folders share what they take.
func TestSyncCallsConstructorsWithWhatTheyTake(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+`-- actions/a.go --
package actions

import (
	"database/sql"
	"example.com/x/store"

	"github.com/actionhero-go/actionhero"
)

type Clock struct{}
type admin struct{}

func Users(db *sql.DB, key string) []actionhero.Part { return nil }
func Orders(pool *sql.DB, secret string, key string) actionhero.Parts { return nil }
func Times(*Clock, map[string][]store.Row, func(context store.Row) error) actionhero.Initializer { return actionhero.Initializer{} }
func Odd(_ admin, store *store.Store) actionhero.Part { return nil }
func None() actionhero.Part { return nil }
-- actions/admin/b.go --
package admin

import (
	db "example.com/x/other/store"
	"github.com/actionhero-go/actionhero"
)

type Guard struct{}

func Close(guard *Guard, s db.Store[db.Row]) actionhero.Part { return nil }
`)
	list, _, err := syncIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := `import (
	"database/sql"

	admin2 "example.com/x/actions/admin"
	db2 "example.com/x/other/store"
	"example.com/x/store"
	"github.com/actionhero-go/actionhero"
)

// All has the parts that this folder and the folders below declare, in the order of their files.
func All(db *sql.DB, key string, secret string, clock *Clock, row map[string][]store.Row, run func(store.Row) error, admin admin, store2 *store.Store, guard *admin2.Guard, s db2.Store[db2.Row]) actionhero.Parts {
	return actionhero.Parts{
		actionhero.Parts(Users(db, key)),
		Orders(db, secret, key),
		Times(clock, row, run),
		Odd(admin, store2),
		None(),
		admin2.Close(guard, s),
	}
}
`
	if _, got, _ := strings.Cut(list, "package actions\n\n"); got != want {
		t.Errorf("the list is\n%s", got)
	}
}

// Values of the API are no parameters of the list: an initializer gets them.
func TestSyncGetsTheValuesThatConstructorsTake(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+`-- actions/a.go --
package actions

import (
	"database/sql"

	ah "github.com/actionhero-go/actionhero"
)

type Clock struct{}

func Users(db ah.Value[*sql.DB]) []ah.Part { return nil }
func Orders(key string, db ah.Value[*sql.DB], clock (ah.Value[Clock]), api *Clock) ah.Parts { return nil }
-- actions/admin/b.go --
package admin

import "github.com/actionhero-go/actionhero"

type Guard struct{}

func Close(_ actionhero.Value[*Guard]) actionhero.Part { return nil }
`)
	list, _, err := syncIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := `func All(key string, api *Clock) actionhero.Parts {
	return actionhero.Parts{
		actionhero.Initializer{Name: "actions.Users", Setup: func(api *actionhero.API) error {
			return api.Register(Users(actionhero.Use[*sql.DB](api))...)
		}},
		actionhero.Initializer{Name: "actions.Orders", Setup: func(api2 *actionhero.API) error {
			return api2.Register(Orders(key, actionhero.Use[*sql.DB](api2), actionhero.Use[Clock](api2), api))
		}},
		actionhero.Initializer{Name: "actions/admin.Close", Setup: func(api2 *actionhero.API) error {
			return api2.Register(admin.Close(actionhero.Use[*admin.Guard](api2)))
		}},
	}
}
`
	if _, got, _ := strings.Cut(list, "in the order of their files.\n"); got != want {
		t.Errorf("the list is\n%s", got)
	}
}

func TestSyncReportsMistakesWithFileAndLine(t *testing.T) {
	t.Parallel()
	const imports = "package actions\n\nimport \"github.com/actionhero-go/actionhero\"\n\n"
	for want, files := range map[string]string{
		"actions/a.go:3:5: expected": "-- actions/a.go --\npackage actions\n\nvar\n",
		"actions/a.go:5: Users returns a part and more, but the list of all parts needs one result: return the part alone": "-- actions/a.go --\n" + imports + "func Users() (actionhero.Part, error) { return nil, nil }\n",
		"actions/a.go:5: Users takes any number of arguments":                                                              "-- actions/a.go --\n" + imports + "func Users(names ...string) actionhero.Part { return nil }\n",
		"actions/a.go:3: All is declared here, but all.gen.go declares it: rename it":                                      "-- actions/a.go --\npackage actions\n\nvar All = 1\n",
		"actions/a.go:5: All is declared here, but all.gen.go declares it: rename it":                                      "-- actions/a.go --\n" + imports + "func All() actionhero.Parts { return nil }\n",
		"actions/b.go:5: the name \"x\" is taken by the action in actions/a.go:5: rename one":                              "-- actions/a.go --\n" + imports + "var A = actionhero.Action[int, int]{Name: \"x\"}\n-- actions/b.go --\n" + imports + "var B = actionhero.Action[int, int]{Name: \"x\"}\n",
		"actions/sub/b.go:5: the name \"x\" is taken by the action in actions/a.go:5: rename one":                          "-- actions/a.go --\n" + imports + "var A = actionhero.Action[int, int]{Name: \"x\"}\n-- actions/sub/b.go --\n" + strings.Replace(imports, "actions", "sub", 1) + "var B = actionhero.Action[int, int]{Name: \"x\"}\n",
		"actions/b.go:1: the package is deeds here, and actions in the other files of the folder":                          "-- actions/a.go --\npackage actions\n-- actions/b.go --\npackage deeds\n",
		"actions/sub/a.go:1: a folder of parts cannot be package main":                                                     "-- actions/sub/a.go --\npackage main\n",
		"actions/all.gen.go:1: this file is not generated, but its name is for the list of all parts: rename it":           "-- actions/all.gen.go --\npackage actions\n",
		"actions/sub/a.go: this file imports example.com/x/actions, whose all.gen.go imports this folder":                  "-- actions/sub/a.go --\npackage sub\n\nimport (\n\t\"example.com/x/actions\"\n\t\"github.com/actionhero-go/actionhero\"\n)\n\nvar A = actionhero.Parts{actions.X}\n",
		"actions/sub/a.go:7: A takes a store, which the list of all parts in actions cannot name: export the type":         "-- actions/sub/a.go --\npackage sub\n\nimport \"github.com/actionhero-go/actionhero\"\n\ntype store struct{}\n\nfunc A(s *store) actionhero.Part { return nil }\n",
		"actions/a.go:5: B takes a type that the list of all parts cannot repeat: give the type a name":                    "-- actions/a.go --\n" + imports + "func B(s actionhero.Value[struct{ x int }]) actionhero.Part { return nil }\n",
		"actions/a.go:5: A takes a type that the list of all parts cannot repeat: give the type a name":                    "-- actions/a.go --\n" + imports + "func A(s struct{ x int }) actionhero.Part { return nil }\n",
		"has none of the folders of parts: make one of actions/, tasks/, initializers/, middleware/, rooms/":               "",
	} {
		dir := write(t, emptyApp+files)
		before := tree(t, dir)["actions/all.gen.go"]
		list, _, err := syncIn(t, dir)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
		if list != before {
			t.Errorf("after the mistake %s, the list is %s", want, list)
		}
	}
}

// A mistake in one folder does not keep the lists of the others from being written.
func TestAMistakeConcernsItsFolderAlone(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+"-- actions/a.go --\npackage actions (\n-- tasks/a.go --\npackage tasks\n")
	if _, err := Sync(dir, false); err == nil {
		t.Error("the mistake is not reported")
	}
	contains(t, "the list of tasks", tree(t, dir)["tasks/all.gen.go"], "var All = actionhero.Parts{}")
}

func TestSyncNotesWhatTheUserMayHaveMissed(t *testing.T) {
	t.Parallel()
	const part = "import \"github.com/actionhero-go/actionhero\"\n\n"
	dir := write(t, emptyApp+`-- main.go --
package main

import (
	"example.com/x/actions"
	"example.com/x/tasks"
)

var all, constructed = actions.All, tasks.All
-- cmd/tool/main.go --
package main

import mw "example.com/x/middleware"

func main() { run(mw.All) }
-- actions/a.go --
package actions

`+part+`func Users(key string) actionhero.Part { return nil }
-- actions/b.go --
package actions

`+part+`var hidden = actionhero.Parts{}
var used = actionhero.Parts{}
var Both = actionhero.Parts{used}
-- actions/c_linux.go --
package actions

`+part+`var OnLinux = actionhero.Parts{}
-- actions/d.go --
//go:build never

package actions

`+part+`var Never = actionhero.Parts{}
-- tasks/a.go --
package tasks

`+part+`var A = actionhero.Parts{}
-- middleware/a.go --
package middleware

`+part+`var A = actionhero.Parts{}
-- rooms/a.go --
package rooms

`+part+`var A = actionhero.Parts{}
`)
	list, synced, err := syncIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"actions/c_linux.go:5: All does not have OnLinux, because this file is not part of every build: pass it to cli.Main in a file with the same build constraint",
		"actions/d.go:7: All does not have Never, because this file is not part of every build: pass it to cli.Main in a file with the same build constraint",
		"actions/b.go:5: All does not have hidden, because its name begins with a small letter",
		"main.go:8: write actions.All(key string), because the constructors of actions/ take that",
		"main.go: no part of rooms/ is used: pass rooms.All to cli.Main",
	}
	if !slices.Equal(synced.Notes, want) {
		t.Errorf("the notes are\n%s", strings.Join(synced.Notes, "\n"))
	}
	if strings.Contains(list, "OnLinux") || strings.Contains(list, "Never") {
		t.Errorf("the list has parts that are not part of every build: %s", list)
	}
}

// A second run changes nothing. A list that is out of date is exchanged.
func TestSyncIsIdempotent(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+"-- actions/a.go --\npackage actions\n\nimport \"github.com/actionhero-go/actionhero\"\n\nvar A = actionhero.Parts{}\n")
	if _, synced, err := syncIn(t, dir); err != nil || !slices.Equal(outcomes(synced.Files), []string{"wrote actions/all.gen.go"}) {
		t.Errorf("first: %+v, %v", synced, err)
	}
	name := filepath.Join(dir, "actions", listFile)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, synced, err := syncIn(t, dir); err != nil || !slices.Equal(outcomes(synced.Files), []string{"kept actions/all.gen.go"}) {
		t.Errorf("second: %+v, %v", synced, err)
	}
	if after, err := os.Stat(name); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a list that is right was written again: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "actions", "a.go")); err != nil {
		t.Fatal(err)
	}
	if synced, err := Sync(dir, true); err != nil || !slices.Equal(outcomes(synced.Files), []string{"renewed actions/all.gen.go"}) {
		t.Errorf("dry: %+v, %v", synced, err)
	}
	list, synced, err := syncIn(t, dir)
	if err != nil || synced.Parts != 0 || !strings.Contains(list, "var All = actionhero.Parts{}") || len(tree(t, dir)) != 2 {
		t.Errorf("third: %s %+v, %v", list, synced, err)
	}
}

// An app in a folder of a larger module has the import paths of that module.
func TestAnAppMayBeAFolderOfAModule(t *testing.T) {
	t.Parallel()
	dir := write(t, emptyApp+"-- services/api/actions/admin/a.go --\npackage admin\n\nimport \"github.com/actionhero-go/actionhero\"\n\nvar A = actionhero.Parts{}\n")
	if _, err := Sync(filepath.Join(dir, "services", "api", "actions", "admin"), false); err != nil {
		t.Fatal(err)
	}
	contains(t, "the list", tree(t, dir)["services/api/actions/all.gen.go"], `"example.com/x/services/api/actions/admin"`)
}
