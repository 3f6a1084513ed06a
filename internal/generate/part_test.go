package generate

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parts are new parts of each kind, with all their options.
var parts = []Part{
	{Kind: "action", Name: "hello", Inputs: "name:string!"},
	{Kind: "action", Name: "ping"},
	{Kind: "action", Name: "admin/users:create", Route: "POST /users", Effect: "destructive", Description: "Creates a user.",
		Inputs: "name!, age:int, tags:[]string, mails:[]email, at:time, day:date, wait:duration, waits:[]duration, photo:file!, photos:[]file, on:bool, ok:[]bool, ratio:float, id:uuid, url:uri, error:string"},
	{Kind: "action", Name: "lookup", Route: "GET /lookup/{key}/{path...}", Effect: "read", Inputs: "key:string!,path"},
	{Kind: "action", Name: "times", Inputs: "at:time,error:string"},
	{Kind: "task", Name: "report", Cron: "0 8 * * MON-FRI", Description: "Sends the report"},
	{Kind: "task", Name: "tick", Frequency: "90s", Inputs: "note:string"},
	{Kind: "task", Name: "admin/ImportUsers", Scope: "all", Inputs: "url:uri!,wait:duration"},
	{Kind: "initializer", Name: "mailer", Description: "Connects to the mail server"},
	{Kind: "middleware", Name: "audit", Description: "Records who did what"},
	{Kind: "middleware", Name: "require-key", Scope: "one"},
	{Kind: "room", Name: "lobby"},
}

func TestTheGeneratedPartsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	create(t, a)
	before := tree(t, a.Dir)
	for _, p := range parts {
		synced, err := p.Create(a.Dir, false)
		if err != nil {
			t.Fatalf("%s %s: %v", p.Kind, p.Name, err)
		}
		if len(synced.Notes) > 0 {
			t.Errorf("%s %s: %q", p.Kind, p.Name, synced.Notes)
		}
	}
	files := tree(t, a.Dir)
	maps.DeleteFunc(files, func(name, text string) bool { return before[name] == text })
	golden(t, "parts", files)
}

func TestAPartIsAddedFromAFolderOfTheApp(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	create(t, a)
	below := filepath.Join(a.Dir, "actions", "admin")
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	synced, err := Part{Kind: "action", Name: "hello"}.Create(below, false)
	want := []string{"wrote actions/hello.go", "wrote actions/hello_test.go", "renewed actions/all.gen.go"}
	if got := slices.DeleteFunc(outcomes(synced.Files), func(s string) bool { return strings.HasPrefix(s, "kept") }); err != nil || !slices.Equal(got, want) {
		t.Errorf("the outcome is %q, %v", got, err)
	}
}

func TestADryRunOfAPartWritesNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	create(t, a)
	before := tree(t, a.Dir)
	synced, err := Part{Kind: "task", Name: "hello"}.Create(a.Dir, true)
	if lines := outcomes(synced.Files); err != nil || !slices.Contains(lines, "wrote tasks/hello.go") || !slices.Contains(lines, "wrote tasks/hello_test.go") {
		t.Errorf("the outcome is %q, %v", lines, err)
	}
	if !maps.Equal(before, tree(t, a.Dir)) {
		t.Error("the dry run has changed files")
	}
}

// A name that the app has in any spelling is refused, and nothing is written.
func TestAnExistingNameIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	create(t, a)
	for _, p := range []Part{{Kind: "action", Name: "users:create"}, {Kind: "middleware", Name: "audit"}, {Kind: "task", Name: "admin/report"}} {
		if _, err := p.Create(a.Dir, false); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, a.Dir)
	for _, tt := range []struct {
		part Part
		want string
	}{
		{Part{Kind: "action", Name: "users:create"}, `the name "users:create" is taken by the action in actions/users_create.go:`},
		{Part{Kind: "action", Name: "UsersCreate"}, "declares UsersCreate already"},
		{Part{Kind: "action", Name: "admin/users:create"}, `the name "users:create" is taken by the action in actions/users_create.go:`},
		{Part{Kind: "action", Name: "users_create"}, "declares UsersCreate already"},
		{Part{Kind: "action", Name: "usersCreate:output"}, "declares UsersCreateOutput already"},
		{Part{Kind: "action", Name: "greet"}, `the name "greet" is taken by the action in actions/greet.go:`},
		{Part{Kind: "task", Name: "report"}, `the name "report" is taken by the task in tasks/admin/report.go:`},
		{Part{Kind: "middleware", Name: "Audit"}, "declares Audit already"},
		{Part{Kind: "action", Name: "status"}, `the name "status" is taken by a built-in action`},
		{Part{Kind: "task", Name: "runAction"}, `the name "runAction" is taken by a built-in task`},
		{Part{Kind: "action", Name: "quit"}, `the name "quit" is a command of the persistent transports`},
	} {
		if _, err := tt.part.Create(a.Dir, false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: want %s, got %v", tt.part.Kind, tt.part.Name, tt.want, err)
		}
	}
	if err := os.WriteFile(filepath.Join(a.Dir, "rooms", "lobby_test.go"), []byte("package rooms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Part{Kind: "room", Name: "lobby"}).Create(a.Dir, false); err == nil || !strings.Contains(err.Error(), "rooms/lobby_test.go exists already") {
		t.Errorf("for an existing test, the error is %v", err)
	}
	after := tree(t, a.Dir)
	delete(after, "rooms/lobby_test.go")
	if !maps.Equal(before, after) {
		t.Error("a refused part has changed files")
	}
}

func TestWrongOptionsOfAPartAreRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part Part
		want string
	}{
		{Part{Kind: "acton", Name: "x"}, `there is no kind "acton": use action, task, initializer, middleware, room`},
		{Part{Kind: "action", Name: "x", Inputs: "name:strin"}, `the input name has the unknown type "strin" (did you mean string?)`},
		{Part{Kind: "action", Name: "x", Inputs: "name:"}, `the input name has the unknown type ""`},
		{Part{Kind: "action", Name: "x", Inputs: "1:int"}, `the input "1:int" is not allowed: write name:type`},
		{Part{Kind: "action", Name: "x", Inputs: "a b:int"}, `the input "a b:int" is not allowed`},
		{Part{Kind: "action", Name: "x", Inputs: "a`:int"}, "the input \"a`:int\" is not allowed"},
		{Part{Kind: "action", Name: "x", Inputs: "a!!"}, `the input "a!!" is not allowed`},
		{Part{Kind: "action", Name: "x", Inputs: "userId:int,user_id:int"}, "the inputs userId and user_id have the same field UserID"},
		{Part{Kind: "action", Name: "x", Inputs: "callback:string"}, "the input callback is not allowed, because the param of that name asks for JSONP"},
		{Part{Kind: "action", Name: "x", Route: "/users"}, `route "/users" does not begin with one of GET`},
		{Part{Kind: "action", Name: "x", Route: "GET /users/{id}"}, "add id:string! to --inputs"},
		{Part{Kind: "action", Name: "x", Route: "PUT /users", Effect: "read"}, "has a method for changes, but the kind is read"},
		{Part{Kind: "action", Name: "x", Effect: "reed"}, `--kind is "reed" (did you mean read?): use write or read or destructive`},
		{Part{Kind: "action", Name: "x", Frequency: "1m"}, "a new action has no option --frequency"},
		{Part{Kind: "action", Name: "x", Description: "a\nb"}, "the description has a line break"},
		{Part{Kind: "task", Name: "x", Inputs: "f:file"}, "the input f is a file, which is gone when the task runs"},
		{Part{Kind: "task", Name: "x", Inputs: "a!", Frequency: "1m"}, "has a schedule, but its input a is required"},
		{Part{Kind: "task", Name: "x", Inputs: "a!", Cron: "0 8 * * *"}, "has a schedule, but its input a is required"},
		{Part{Kind: "task", Name: "x", Frequency: "60"}, `--frequency is "60": use a duration`},
		{Part{Kind: "task", Name: "x", Frequency: "1ms"}, `--frequency is "1ms": use a duration of at least 10ms`},
		{Part{Kind: "task", Name: "x", Frequency: "1m", Cron: "0 8 * * *"}, "use one of the two"},
		{Part{Kind: "task", Name: "x", Cron: "0 8 * *"}, "0 8 * *"},
		{Part{Kind: "task", Name: "x", Scope: "some"}, `--scope is "some": use any or all`},
		{Part{Kind: "middleware", Name: "x", Scope: "any"}, `--scope is "any"`},
		{Part{Kind: "room", Name: "x", Inputs: "a"}, "a new room has no option --inputs"},
	} {
		if err := tt.part.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: want %s, got %v", tt.part, tt.want, err)
		}
	}
}

func TestAPartNeedsAnApp(t *testing.T) {
	t.Parallel()
	if _, err := (Part{Kind: "action", Name: "x"}).Create(t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "no go.mod is in") {
		t.Errorf("without go.mod: %v", err)
	}
	framework := write(t, "-- go.mod --\nmodule "+Module+"\n")
	if _, err := (Part{Kind: "action", Name: "x"}).Create(framework, false); err == nil || !strings.Contains(err.Error(), "is the framework, not an app") {
		t.Errorf("in the framework: %v", err)
	}
}
