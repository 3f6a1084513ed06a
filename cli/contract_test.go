package cli_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// The description of an app finds no change in the same app, and the changes of another one with the exit code for them.
func TestContractCheckFailsOnBreakingChanges(t *testing.T) {
	t.Parallel()
	old := actionhero.Parts{greeting}
	risky := actionhero.Action[actionhero.None, actionhero.None]{Name: "greet", Version: 2, Run: greeting.Run}
	first := greeting
	first.Version = 1
	text, errs, code := run(t, "", old, "contract", "save")
	if again, _, _ := run(t, "", old, "contract", "save"); code != 0 || errs != "" || again != text {
		t.Fatalf("exit code %d, %s, %s", code, errs, text)
	}
	file := filepath.Join(t.TempDir(), "contract.json")
	if out, errs, code := run(t, "", old, "contract", "save", "--out", file); out+errs != "" || code != 0 {
		t.Fatalf("exit code %d, %s%s", code, out, errs)
	}
	if saved, err := os.ReadFile(file); err != nil || string(saved) != text {
		t.Fatalf("%v, saved %s", err, saved)
	}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/contract.json" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(served.Close)
	for name, test := range map[string]struct {
		parts actionhero.Parts
		args  []string
		out   string
		errs  string
		code  int
	}{
		"the same":            {old, []string{file}, "0 breaking, 0 risky, 0 compatible\n", "", 0},
		"from a server":       {old, []string{served.URL + "/contract.json"}, "0 breaking, 0 risky, 0 compatible\n", "", 0},
		"breaking":            {actionhero.Parts{}, []string{file}, "breaking    action greet: it is gone\n1 breaking, 0 risky, 0 compatible\n", "a change is breaking for clients", 1},
		"breaking is allowed": {actionhero.Parts{}, []string{"--allow=breaking", file}, "breaking ", "", 0},
		"risky":               {actionhero.Parts{first, risky}, []string{file}, "risky       action greet: a call that asks for no version runs version 2\n", "", 0},
		"risky is refused":    {actionhero.Parts{first, risky}, []string{file, "--allow", "compatible"}, "risky ", "a change is risky for clients", 1},
		"refused by a server": {old, []string{served.URL + "/private.json"}, "", "the status 403", 1},
		"another file":        {old, []string{filepath.Join(t.TempDir(), "none.json")}, "", "cannot be read", 1},
		"no file":             {old, nil, "", "takes one argument", 2},
		"another verdict":     {old, []string{"--allow=most", file}, "", `"most" is no verdict`, 1},
	} {
		out, errs, code := run(t, "", test.parts, append([]string{"contract", "check"}, test.args...)...)
		if !strings.HasPrefix(out, test.out) || !strings.Contains(errs, test.errs) || code != test.code || test.errs == "" && errs != "" {
			t.Errorf("%s: exit code %d, %s%s", name, code, out, errs)
		}
	}
	var changes []struct{ Verdict, Place, Change string }
	out, _, code := run(t, "", actionhero.Parts{}, "contract", "check", "--json", file)
	if err := json.Unmarshal([]byte(out), &changes); err != nil || code != 1 || len(changes) != 1 || changes[0].Verdict != "breaking" {
		t.Errorf("%v, exit code %d, %s", err, code, out)
	}
}

// The flag and the name choose the version on the command line, and the flags are those of the version.
func TestTheCommandLineRunsAVersion(t *testing.T) {
	t.Parallel()
	type first struct {
		Name string `json:"name" required:"true"`
	}
	type second struct {
		First string `json:"first" required:"true"`
	}
	parts := actionhero.Parts{
		actionhero.Action[first, map[string]string]{Name: "greet", Version: 1, Run: func(_ context.Context, in first) (map[string]string, error) {
			return map[string]string{"one": in.Name}, nil
		}},
		actionhero.Action[second, map[string]string]{Name: "greet", Version: 2, Run: func(_ context.Context, in second) (map[string]string, error) {
			return map[string]string{"two": in.First}, nil
		}},
	}
	for line, want := range map[string]string{
		"action greet --first=a":                   `{"two":"a"}`,
		"action greet --apiVersion=1 --name=a":     `{"one":"a"}`,
		"action greet --name=a --apiVersion 1":     `{"one":"a"}`,
		"action v1/greet --name=a":                 `{"one":"a"}`,
		"action v2/greet --first=a --apiVersion=1": `{"two":"a"}`,
		"action greet --apiVersion=3 --first=a":    "Error: greet has no version 3: choose one of 1, 2",
		"action v3/greet":                          "Error: greet has no version 3: choose one of 1, 2",
		"action greet --json={\"apiVersion\":1}":   "Error: name is a required parameter for this action",
		"action greet --name=a":                    "Error: --name is not an input of action \"greet\"",
		"actions":                                  "v1/greet (version 1, write)",
		"action v1/greet --help":                   "--name",
		"action greet --apiVersion=1 --help":       "--name",
	} {
		out, errs, _ := run(t, `{"log": {"logging": false}, "tasks": {"memory": true}}`, parts, strings.Fields(line)...)
		if !strings.Contains(out+errs, want) {
			t.Errorf("%s: %s%s, want %s", line, out, errs, want)
		}
	}
}
