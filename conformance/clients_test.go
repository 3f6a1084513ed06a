package conformance

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

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
		if len(info.Inputs) == 0 || info.RawBody || info.Name == "upload" {
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
	cmd := exec.CommandContext(t.Context(), "node", slices.Concat([]string{tsc}, strictOptions, []string{"use.ts"})...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, files[0].Text)
	}
}
