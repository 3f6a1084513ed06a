package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type orderInput struct {
	Item   string             `json:"item" required:"true" maxLength:"10" doc:"what to order"`
	Number int                `json:"number" minimum:"1" maximum:"5" default:"1"`
	Price  float64            `json:"price"`
	Gift   bool               `json:"gift" doc:"wrap it"`
	Size   string             `json:"size" enum:"small,large"`
	Tags   []string           `json:"tags" maxItems:"3"`
	Counts []int              `json:"counts"`
	To     map[string]string  `json:"to"`
	Pass   string             `json:"pass" secret:"true"`
	Letter *actionhero.File   `json:"letter"`
	Files  []*actionhero.File `json:"files"`
	JSON   string             `json:"json"`
}

// order returns what it got.
var order = actionhero.Action[orderInput, map[string]any]{
	Name: "order", Description: "Orders an item", Routes: []string{"POST /orders", "PUT /items/{item}"},
	Run: func(ctx context.Context, in orderInput) (map[string]any, error) {
		files := map[string]string{}
		for _, f := range append(in.Files, in.Letter) {
			if f != nil {
				text, err := io.ReadAll(f)
				if err != nil {
					return nil, err
				}
				files[f.Name] = string(text)
			}
		}
		got := map[string]any{
			"item": in.Item, "number": in.Number, "price": in.Price, "gift": in.Gift, "size": in.Size, "tags": in.Tags, "counts": in.Counts, "to": in.To, "json": in.JSON,
		}
		return map[string]any{"in": got, "files": files, "transport": actionhero.RequestFrom(ctx).Transport}, nil
	},
}

// inMemory is the configuration of an app whose tasks end with the process.
const inMemory = `{"tasks": {"memory": true}}`

// Flags have the types of the inputs. An object and a file can be given, and a list by repeating its flag.
func TestFlagsOfAnAction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	letter, other := filepath.Join(dir, "letter.txt"), filepath.Join(dir, "other.txt")
	testkit.WriteFile(t, letter, "dear Ann")
	testkit.WriteFile(t, other, "ps")
	for name, tt := range map[string]struct {
		args []string
		want map[string]any // some of the inputs that the action gets
	}{
		"text and numbers":      {[]string{"--item=tea", "--number", "3", "--price=-1.5"}, map[string]any{"Item": "tea", "Number": 3.0, "Price": -1.5}},
		"a flag before":         {[]string{"--item", "tea"}, map[string]any{"Number": 1.0, "Gift": false}},
		"a boolean":             {[]string{"--item=tea", "--gift"}, map[string]any{"Gift": true}},
		"a boolean with no":     {[]string{"--item=tea", "--gift=false"}, map[string]any{"Gift": false}},
		"a list":                {[]string{"--item=tea", "--tags=a", "--tags=b", "--counts=1", "--counts=2"}, map[string]any{"Tags": []any{"a", "b"}, "Counts": []any{1.0, 2.0}}},
		"an object":             {[]string{"--item=tea", `--to={"name":"Ann"}`}, map[string]any{"To": map[string]any{"name": "Ann"}}},
		"--json":                {[]string{"--json", `{"item": "tea", "number": 2, "json": "x"}`}, map[string]any{"Item": "tea", "Number": 2.0, "JSON": "x"}},
		"a flag wins over JSON": {[]string{"--json", `{"item": "tea", "number": 2}`, "--number=4"}, map[string]any{"Item": "tea", "Number": 4.0}},
		"the page":              {[]string{"--item=tea", "--limit=3"}, map[string]any{"Item": "tea"}},
		"the last one":          {[]string{"--item=tea", "--item=milk"}, map[string]any{"Item": "milk"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := run(t, inMemory, actionhero.Parts{order}, append([]string{"action", "order"}, tt.args...)...)
			var got struct {
				In        map[string]any
				Transport string
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Transport != "cli" || strings.Count(out, "\n") != 1 {
				t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
			}
			for key, want := range tt.want {
				have, _ := json.Marshal(got.In[strings.ToLower(key)])
				if wanted, _ := json.Marshal(want); string(have) != string(wanted) {
					t.Errorf("%s is %s, want %s", key, have, wanted)
				}
			}
		})
	}
	out, errs, code := run(t, inMemory, actionhero.Parts{order}, "action", "order", "--item=tea", "--letter", letter, "--files="+letter, "--files="+other)
	if want := `"files":{"letter.txt":"dear Ann","other.txt":"ps"}`; code != 0 || !strings.Contains(out, want) {
		t.Errorf("files: exit code %d, %s%s", code, out, errs)
	}
}

// The inputs can come from standard input, and the flag --config may stand anywhere.
func TestAnActionReadsStandardInput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	testkit.WriteFile(t, file, inMemory)
	for _, args := range [][]string{
		{"--config", file, "action", "order", "--stdin"}, {"action", "--config", file, "order", "--stdin"}, {"action", "order", "--stdin", "--config=" + file},
	} {
		for input, want := range map[string]string{`{"item": "tea"}`: `"item":"tea"`, `[1]`: "Error: the inputs are no JSON object: ", ``: "Error: the inputs are no JSON object: "} {
			var out, errs bytes.Buffer
			code := runWithStdin(t, strings.NewReader(input), &out, &errs, append([]string{"app"}, args...))
			if (code == 0) != (input == `{"item": "tea"}`) || !strings.Contains(out.String()+errs.String(), want) {
				t.Errorf("%v with %q: exit code %d: %s%s", args, input, code, &out, &errs)
			}
		}
	}
}

// runWithStdin runs the app of order in a process of its own, because standard input belongs to the process.
func runWithStdin(t *testing.T, in io.Reader, out, errs io.Writer, args []string) int {
	t.Helper()
	cmd := appProcess(t, t.TempDir(), args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	_ = cmd.Run() // the exit code is the result
	return cmd.ProcessState.ExitCode()
}

// The exit code of each error code is fixed, because scripts ask for it.
func TestExitCodesOfAnAction(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"ok": 0, "plain": 1, "internal": 1, "invalidInput": 2, "notFound": 3, "alreadyExists": 4, "unauthenticated": 5, "permissionDenied": 6,
		"resourceExhausted": 7, "conflict": 8, "canceled": 9, "deadlineExceeded": 10, "unavailable": 11,
	}
	type input struct {
		With string `json:"with"`
	}
	fails := actionhero.Action[input, actionhero.None]{Name: "fails", Run: func(_ context.Context, in input) (n actionhero.None, err error) {
		for code := range actionhero.Code(len(want)) {
			if code.String() == in.With {
				return n, actionhero.Errorf(code, "as asked")
			}
		}
		if in.With == "plain" {
			err = errors.New("as asked")
		}
		return n, err
	}}
	page, err := os.ReadFile("../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	for with, code := range want {
		_, errs, got := run(t, inMemory, actionhero.Parts{fails}, "action", "fails", "--with", with)
		if got != code || code > 1 && !strings.HasSuffix(errs, "\nError: as asked\n") {
			t.Errorf("%s: exit code %d, want %d: %s", with, got, code, errs)
		}
		if code > 1 && !strings.Contains(string(page), "| `"+with+"` |") {
			t.Errorf("docs/command-line.md has no row for %s", with)
		}
	}
	if next := actionhero.Code(len(want) - 2); next.String() != "code(11)" {
		t.Errorf("the code %v has no exit code", next)
	}
}

// A wrong line is refused before anything starts, with the name that was probably meant.
func TestWrongLinesOfAnAction(t *testing.T) {
	t.Parallel()
	started := actionhero.Initializer{Name: "started", Start: func(context.Context, *actionhero.API) error { panic("it started") }}
	for line, want := range map[string]string{
		"action":                         `the name of the action is missing: "app actions" lists the actions`,
		"action order --itme=tea":        `--itme is not an input of action "order"; did you mean --item?`,
		"action order --quux=tea":        `--quux is not an input of action "order": "action order --help" lists the inputs`,
		"action order tea":               `"tea" is no flag: write --INPUT=VALUE`,
		"action order item=tea":          `"item=tea" is no flag: write --item=tea`,
		"action none":                    `none is not a known action.`,
		"action order --json={":          `the inputs are no JSON object: `,
		"action order --json=[] -x":      `unknown shorthand flag: 'x' in -x; "action order --help" lists the flags`,
		"action order --json={} --stdin": `there are both --json and --stdin: use one of them`,
		"action order --letter=none":     `invalid argument "none" for "--letter" flag: open none: no such file or directory`,
		"action order --item":            `flag needs an argument: --item; `,
		"action none --help":             `none is not a known action.`,
	} {
		out, errs, code := run(t, inMemory, actionhero.Parts{order, started}, strings.Fields(line)...)
		wantCode := 2
		if strings.HasPrefix(line, "action none") {
			wantCode = 3
		}
		if code != wantCode || out != "" || !strings.HasPrefix(errs, "Error: "+want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit code %d, %s%s", line, code, out, errs)
		}
	}
	_, errs, code := run(t, inMemory, actionhero.Parts{order}, "action", "ordr", "--anything=1")
	if code != 3 || !strings.HasSuffix(errs, "Error: ordr is not a known action.\n       Did you mean order?\n") {
		t.Errorf("a misspelt action: exit code %d, %s", code, errs)
	}
	_, errs, code = run(t, inMemory, actionhero.Parts{order}, "action", "order", "--number=9", "--size=big")
	for _, want := range []string{"\nError: item is a required parameter for this action\n", "\n       number must be at most 5\n", "\n       size must be "} {
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("several faults: exit code %d, no %q in %s", code, want, errs)
		}
	}
}

// The action runs behind the middleware of the app, between the start and the stop of its initializers. A param of
// API.Accept is a flag.
func TestAnActionRunsInTheWholeApp(t *testing.T) {
	t.Parallel()
	var events []string
	app := actionhero.Initializer{
		Name: "app",
		Setup: func(api *actionhero.API) error {
			api.AcceptSecret("token")
			api.Use(func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					events = append(events, "token "+req.Params.Get("token"))
					return next(ctx, req)
				}
			})
			return nil
		},
		Start: func(context.Context, *actionhero.API) error { events = append(events, "start"); return nil },
		Stop:  func(context.Context, *actionhero.API) error { events = append(events, "stop"); return nil },
	}
	_, errs, code := run(t, inMemory, actionhero.Parts{order, app}, "action", "order", "--item=tea", "--token=sesame")
	if want := []string{"start", "token sesame", "stop"}; code != 0 || !slices.Equal(events, want) || strings.Contains(errs, "sesame") || !strings.Contains(errs, "[FILTERED]") {
		t.Errorf("exit code %d, %v: %s", code, events, errs)
	}
}

// The bytes of an action go to standard output unchanged.
func TestAnActionWritesItsBytes(t *testing.T) {
	t.Parallel()
	export := actionhero.Action[actionhero.None, *actionhero.Content]{Name: "export", Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
		return &actionhero.Content{Body: strings.NewReader("a,b\x00")}, nil
	}}
	if out, errs, code := run(t, inMemory, actionhero.Parts{export}, "action", "export"); code != 0 || out != "a,b\x00" {
		t.Errorf("exit code %d, %q%s", code, out, errs)
	}
}

// An action runs in the running server, which has the cache and the tasks. Without --running, the error says so at once.
func TestAnActionRunsInTheRunningServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	testkit.Start(t, testkit.Options{Parts: actionhero.Parts{order, whichProcess}, Change: func(cfg *server.Config) {
		cfg.Tasks.Memory, cfg.Tasks.Path = false, folder
	}})
	config, err := json.Marshal(map[string]any{"tasks": map[string]any{"path": folder}})
	if err != nil {
		t.Fatal(err)
	}
	parts := actionhero.Parts{order, whichProcess}
	out, errs, code := run(t, string(config), parts, "action", "whichNode", "--running")
	if code != 0 || out != `{"id":"test"}`+"\n" || errs != "" {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	out, errs, code = run(t, string(config), parts, "action", "order", "--running", "--json", `{"item":"milk"}`, "--item=tea", "--tags=a", "--tags=b", `--to={"x":"y"}`)
	if code != 0 || !strings.Contains(out, `"item":"tea"`) || !strings.Contains(out, `"tags":["a","b"]`) || !strings.Contains(out, `"x":"y"`) {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	for line, want := range map[string]string{
		"order --running --number=9": "Error: item is a required parameter for this action\n       item must be given\n       number must be at most 5\n",
		"ordr --running":             "Error: ordr is not a known action.\n       Did you mean order?\n",
	} {
		_, errs, code := run(t, string(config), parts, append([]string{"action"}, strings.Fields(line)...)...)
		if code < 2 || errs != want {
			t.Errorf("%s: exit code %d, %s", line, code, errs)
		}
	}
	_, errs, code = run(t, string(config), parts, "action", "order", "--item=tea")
	if code != 1 || !strings.HasPrefix(errs, "Error: a server runs here and has the cache and the tasks ("+folder+"): stop it first, or run the action in that server") {
		t.Errorf("without --running: exit code %d, %s", code, errs)
	}
	file := filepath.Join(t.TempDir(), "f")
	testkit.WriteFile(t, file, "x")
	if _, errs, code = run(t, string(config), parts, "action", "order", "--item=tea", "--running", "--letter", file); code != 1 || !strings.Contains(errs, "letter is a file, which the running server does not receive") {
		t.Errorf("a file: exit code %d, %s", code, errs)
	}
	if _, errs, code = run(t, inMemory, parts, "action", "order", "--item=tea", "--running"); code != 1 || !strings.Contains(errs, "Error: the configuration keeps tasks in memory") {
		t.Errorf("without a socket: exit code %d, %s", code, errs)
	}
}

// whichProcess says which node runs it.
var whichProcess = actionhero.Action[actionhero.None, struct {
	ID string `json:"id"`
}]{Name: "whichNode", Run: func(ctx context.Context, _ actionhero.None) (out struct {
	ID string `json:"id"`
}, err error) {
	out.ID = actionhero.RequestFrom(ctx).API.Config().ID
	return out, nil
}}

// With --idempotency-key, an action runs once in the running server, and a further call prints the same answer. An action
// that takes no keys does not have the flag.
func TestAnActionRunsOnceForAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	folder, runs := t.TempDir(), 0
	type input struct {
		Amount int `json:"amount"`
	}
	pay := actionhero.Action[input, map[string]int]{Name: "pay", IdempotencyKey: actionhero.KeyRequired, Run: func(context.Context, input) (map[string]int, error) {
		runs++
		return map[string]int{"runs": runs}, nil
	}}
	parts := actionhero.Parts{pay, whichProcess}
	testkit.Start(t, testkit.Options{Parts: parts, Change: func(cfg *server.Config) { cfg.Tasks.Memory, cfg.Tasks.Path = false, folder }})
	config, err := json.Marshal(map[string]any{"tasks": map[string]any{"path": folder}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		line string
		code int
		want string
	}{
		{"pay --running --amount=5 --idempotency-key=a", 0, `{"runs":1}`},
		{"pay --running --amount=5 --idempotency-key a", 0, `{"runs":1}`},
		{"pay --running --amount=5 --idempotency-key b", 0, `{"runs":2}`},
		{"pay --running --amount=6 --idempotency-key b", 2, "this idempotency key was used with other inputs"},
		{"pay --running --amount=6", 0, `{"runs":3}`}, // a person is no client that tries again on its own
		{"pay --running --idempotency-key=", 2, "--idempotency-key is empty"},
		{"pay --help", 0, "--idempotency-key KEY"},
		{"whichNode --running --idempotency-key a", 2, "--idempotency-key is not an input of action \"whichNode\""},
	} {
		out, errs, code := run(t, string(config), parts, append([]string{"action"}, strings.Fields(tt.line)...)...)
		if code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%s: exit code %d, %s%s", tt.line, code, out, errs)
		}
	}
}

// The help of an action has a flag for each input, with its type, its rules and its default.
func TestHelpOfAnAction(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, inMemory, actionhero.Parts{order}, "action", "order", "--help")
	for _, want := range []string{
		"Orders an item\n\nUsage:\n  app action order [--INPUT=VALUE...]\n", "--item string ", "what to order (required; at most 10 characters)\n", "--number int ", "1 to 5 (default 1)\n",
		"--gift ", "--size string ", "one of small, large\n", "--tags string ", "--counts int ", "--letter file ", "--to json ", "secret: other users of this machine see flags", "--json OBJECT ", "--stdin ", "--running ",
	} {
		if code != 0 || errs != "" || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
}

// A shell completes the names of actions, their flags and the values of flags.
func TestCompletionOfAnAction(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"action or":                      {"order\tOrders an item"},
		"action x":                       nil,
		"action order --i":               {"--item=\twhat to order (required; at most 10 characters)"},
		"action order --item=tea --item": nil,
		"action order --tags=a --tag":    {"--tags=\tat most 3 items; repeat the flag for several"},
		"action order --g":               {"--gift \twrap it"},
		"action order --size=":           {"--size=small", "--size=large"},
		"action order --size l":          {"large"},
		"action order --gift=":           {"--gift=true", "--gift=false"},
		"action order --none=":           nil,
	} {
		out, errs, code := run(t, inMemory, actionhero.Parts{order}, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if got = got[:len(got)-1]; code != 0 || !slices.Equal(got, want) {
			t.Errorf("%s: exit code %d, %q, want %q: %s", line, code, got, want, errs)
		}
	}
}

// A line of `actions` has the rules of an input; --json has its whole schema.
func TestActionsAreListedWithTheirRules(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, inMemory, actionhero.Parts{order}, "actions")
	for _, want := range []string{"  item (string, required, at most 10 characters) ", "  number (integer, optional, 1 to 5, default 1)", "  size (string, optional, one of small, large)", "  tags (array, optional, at most 3 items)"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
	out, _, _ = run(t, inMemory, actionhero.Parts{order}, "actions", "--json")
	var list []struct {
		InputSchema struct {
			Properties map[string]struct{ Maximum int }
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || list[0].InputSchema.Properties["number"].Maximum != 5 {
		t.Errorf("%v in %s", err, out)
	}
}

// `routes` lists the routes by path; --json is for scripts.
func TestRoutesAreListed(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, `{"commonWeb": {"urlPathForActions": "v1"}, "tasks": {"memory": true}}`, actionhero.Parts{order}, "routes")
	want := "METHOD  PATH           ACTION  KIND\nPUT     /items/{item}  order   write\nPOST    /orders        order   write\nEach action is also at /v1/NAME.\n"
	if code != 0 || out != want || errs != "" {
		t.Errorf("exit code %d, it prints\n%s%swant\n%s", code, out, errs, want)
	}
	out, _, _ = run(t, inMemory, actionhero.Parts{order}, "routes", "--json")
	var list []map[string]string
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[1]["method"] != "POST" || list[1]["path"] != "/orders" || list[1]["action"] != "order" {
		t.Errorf("%v in %s", err, out)
	}
}

// An operator reads which actions are open, with the rule of the app in place of a missing one.
func TestListsOfActionsShowWhoMayRunThem(t *testing.T) {
	t.Parallel()
	action := func(name string, access actionhero.Access) actionhero.Part {
		return actionhero.Action[actionhero.None, actionhero.None]{
			Name: name, Description: "Does it", Route: "POST /" + name, Access: access,
			Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) { return n, nil },
		}
	}
	parts := actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Authenticated),
		action("a", actionhero.Access{}), action("b", actionhero.Public), action("c", actionhero.Roles("agent", "admin")),
	}
	for command, want := range map[string]string{
		"routes": "METHOD  PATH  ACTION  KIND   ACCESS\nPOST    /a    a       write  authenticated\nPOST    /b    b       write  public\n" +
			"POST    /c    c       write  roles: agent or admin\nEach action is also at /api/NAME.\n",
		"actions": "a (write, authenticated)          Does it\n  POST /a                         \n" +
			"b (write, public)                 Does it\n  POST /b                         \n" +
			"c (write, roles: agent or admin)  Does it\n  POST /c                         \n",
	} {
		if out, errs, code := run(t, inMemory, parts, command); code != 0 || out != want {
			t.Errorf("%s: exit code %d, it prints\n%s%swant\n%s", command, code, out, errs, want)
		}
		out, _, _ := run(t, inMemory, parts, command, "--json")
		var list []struct{ Access string }
		if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 3 || list[0].Access != "authenticated" || list[2].Access != "roles: agent or admin" {
			t.Errorf("%s: %v in %s", command, err, out)
		}
	}
}

// `version --json` names the parts of the version.
func TestVersionForScripts(t *testing.T) {
	t.Parallel()
	out, _, code := run(t, `{}`, nil, "version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || v["actionhero"] != actionhero.Version || v["go"] == "" {
		t.Errorf("exit code %d, %v in %s", code, err, out)
	}
}
