package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/clientgen"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// strictOptions are checks of TypeScript that an app may switch on.
var strictOptions = []string{
	"--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom", "--exactOptionalPropertyTypes",
	"--noUncheckedIndexedAccess", "--noUnusedLocals", "--noUnusedParameters", "--noImplicitOverride", "--verbatimModuleSyntax", "--isolatedModules", "--erasableSyntaxOnly",
}

// TestTheTypesOfAClientTakeValidInputs compiles a client with each type and rule, together with inputs that the schema finds
// valid.
func TestTheTypesOfAClientTakeValidInputs(t *testing.T) {
	h := &harness{last: &judged{}}
	h.api = newServer(t, nil, everything(t, h))
	files, err := clientgen.TypeScript(h.api.Describe(), clientgen.Options{Path: "/api", Command: "client ts"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		testkit.WriteFile(t, filepath.Join(dir, f.Name), string(f.Text))
	}
	var use strings.Builder
	use.WriteString("import { createApi, Http } from \"./client.js\";\nconst api = createApi(new Http({ url: \"http://x\" }));\n")
	used := 0
	for _, info := range h.api.Describe().Actions {
		if len(info.Inputs) == 0 || info.RawBody || bytes.Contains(info.InputSchema, []byte(`"binary"`)) || info.Superseded {
			continue
		}
		validator, g := compile(t, info.InputSchema), newGenerator(t, info.InputSchema, 3)
		for i := 0; i < 60; i += 3 { // every third one has no intended fault
			text := g.input(i)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err == nil && validator.Validate(doc) == nil {
				fmt.Fprintf(&use, "void api.%s(%s as const);\n", info.Name, text)
				used++
			}
		}
	}
	if used < 100 {
		t.Errorf("only %d inputs are valid", used)
	}
	use.WriteString("// @ts-expect-error: i64 is required\nvoid api.integers({});\n// @ts-expect-error: there is no blue\nvoid api.texts({ need: \"x\", color: \"blue\", needP: \"x\", list: [], needB: \"\" });\n")
	testkit.WriteFile(t, filepath.Join(dir, "use.ts"), use.String())
	testkit.WriteFile(t, filepath.Join(dir, "package.json"), `{"type": "module"}`)
	tsc := filepath.Join(testkit.NodeModules(t, "../server/internal/browser/testdata/types"), "typescript", "bin", "tsc")
	hostile := writeHostile(t, dir, clientgen.TypeScript)
	cmd := exec.CommandContext(t.Context(), "node", slices.Concat([]string{tsc}, strictOptions, []string{"use.ts", hostile + "/client.ts"})...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, files[0].Text)
	}
}

// roundTrip is a program in the package of the client. It decodes each input into its type, calls the action, and prints what
// the client would send.
const roundTrip = `package client

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"
)

type printer struct{}

func (printer) Call(_ context.Context, spec *Spec, in, _ any, _ ...Option) error {
	text, failure := encodeInput(spec, in)
	if failure != nil {
		return failure
	}
	fmt.Println("sent:", string(text))
	return nil
}

func TestRoundTrip(t *testing.T) {
	var inputs []struct {
		Method string
		Input  json.RawMessage
	}
	text, err := os.ReadFile("inputs.json")
	if err != nil || json.Unmarshal(text, &inputs) != nil {
		t.Fatal(err)
	}
	for _, one := range inputs {
		method := reflect.ValueOf(New(printer{})).MethodByName(one.Method)
		in := reflect.New(method.Type().In(1))
		if err := json.Unmarshal(one.Input, in.Interface()); err != nil {
			t.Fatalf("%s %s: %v", one.Method, one.Input, err)
		}
		method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in.Elem()})
	}
}
`

// TestTheServerReadsWhatATypedClientSends decodes inputs into the types of the client in Go, and sends what they encode to. The
// action must get the same as from the inputs themselves. The client has each type and rule, and compiles.
func TestTheServerReadsWhatATypedClientSends(t *testing.T) {
	h := &harness{last: &judged{}}
	h.api = newServer(t, nil, everything(t, h))
	files, err := clientgen.Go(h.api.Describe(), clientgen.Options{Path: "/api", Command: "client go", Package: "client"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		testkit.WriteFile(t, filepath.Join(dir, f.Name), string(f.Text))
	}
	h = newHarness(t) // in which the same actions are open to all
	type input struct {
		Method string
		Input  json.RawMessage
		action string
	}
	var inputs []input
	for _, info := range h.api.Describe().Actions {
		if info.Name == "strictNested" {
			continue // not in the other app
		}
		g := newGenerator(t, info.InputSchema, 4)
		for i := 0; i < 90; i += 3 { // every third one has no intended fault
			if text := g.input(i); h.takes(info.Name, text) {
				inputs = append(inputs, input{strings.ToUpper(info.Name[:1]) + info.Name[1:], text, info.Name})
			}
		}
	}
	text, err := json.Marshal(inputs)
	if err != nil || len(inputs) < 200 {
		t.Fatalf("%d inputs: %v", len(inputs), err)
	}
	testkit.WriteFile(t, filepath.Join(dir, "inputs.json"), string(text))
	testkit.WriteFile(t, filepath.Join(dir, "roundtrip_test.go"), roundTrip)
	testkit.WriteFile(t, filepath.Join(dir, "go.mod"), "module client\n\ngo 1.25\n")
	writeHostile(t, dir, clientgen.Go)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-v", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	sent := regexp.MustCompile(`(?m)^sent: (.*)$`).FindAllStringSubmatch(string(out), -1)
	if err != nil || len(sent) != len(inputs) {
		t.Fatalf("%v, %d of %d inputs are sent:\n%s", err, len(sent), len(inputs), out)
	}
	for i, in := range inputs {
		if !h.takes(in.action, in.Input) {
			t.Fatal(string(in.Input))
		}
		want := string(h.last.canonical)
		if !h.takes(in.action, []byte(sent[i][1])) || string(h.last.canonical) != want {
			t.Errorf("%s: %s is sent as %s, which the action reads as %s instead of %s", in.action, in.Input, sent[i][1], h.last.canonical, want)
		}
	}
}

func (h *harness) takes(action string, input []byte) bool {
	ok, _ := h.call(action, input)
	return ok
}

// The types below have names that a language or a runtime uses for itself, and members with names that are no identifiers.
type (
	Promise struct {
		Constructor int    `json:"constructor"`
		Proto       string `json:"__proto__"`
		Space       *Date  `json:"with space"`
		Dashes      []HTTP `json:"a-b"`
		Dots        any    `json:"a.b"`
		Digit       bool   `json:"1st"`
		Type        string `json:"type" enum:"a*/b,it's"`
		Same        int    `json:"id"`
		Same2       int    `json:"ID"`
		Emoji       string `json:"größe"`
		Loop        *Loop  `json:"loop,omitempty" required:"true"`
		Deep        struct {
			Deep struct {
				X int `json:"x"`
			} `json:"deep"`
		} `json:"deep"`
	}
	Date  struct{ Y int }
	HTTP  struct{ Error *Error }
	Error struct{ String string }
	Loop  struct {
		Next *Loop `json:"next" required:"true"`
	}
	object struct {
		Any map[string][]map[string]*time.Time
	}
	API struct{ Transport []API }
)

// writeHostile writes the client of an app whose names mean something else to a client, into a folder of dir. It returns the
// name of the folder.
func writeHostile(t *testing.T, dir string, write func(actionhero.Description, clientgen.Options) ([]clientgen.File, error)) (folder string) {
	t.Helper()
	var parts actionhero.Parts
	for _, name := range []string{
		"class", "then", "constructor", "__proto__", "delete", "events", "Http", "new", "default.import", "default.then", "a.b.c.d", "1.2", "type", "API", "Error.is", "x-ok",
		"await", "context", "in", "options", "err", "ctx", "createApi", "Socket.on", "via", "toString", "range", "func.go", "string", "on.New",
	} {
		parts = append(parts, answers[Promise, object](name, "*/ } \n//go:build ignore\n`${x}`", actionhero.KindWrite, actionhero.Access{}))
	}
	parts = append(parts, answers[actionhero.None, Promise]("out", "", actionhero.KindRead, actionhero.Access{}),
		answers[API, map[string]Promise]("outs", "", actionhero.KindRead, actionhero.Access{}),
		actionhero.Event[[]Promise]{Name: "class", Room: "a%d:{class}`$"}, actionhero.Event[object]{Name: "New", Room: "\\\"'\n"},
		actionhero.Event[struct {
			A struct{ B time.Time }
		}]{Name: "anonymous", Room: "{ctx}-{in}"})
	files, err := write(newServer(t, nil, parts).Describe(), clientgen.Options{Path: "/api", Command: "client \n x", Package: "hostile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := clientgen.Write(filepath.Join(dir, "hostile"), files); err != nil {
		t.Fatal(err)
	}
	return "hostile"
}
