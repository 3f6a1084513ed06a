package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

func TestTheCommandClientWritesAndChecksTheClientOfTheApp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, file, want string }{{"ts", "client.ts", `path: "/v1/greet"`}, {"go", "client.go", "package api\n"}} {
		folder := filepath.Join(t.TempDir(), "new", "api")
		command := func(parts actionhero.Parts, args ...string) (string, int) {
			out, errs, code := run(t, `{"commonWeb": {"urlPathForActions": "v1"}}`, parts, append([]string{"client", c.language, "--out", folder}, args...)...)
			if out != "" {
				t.Errorf("%q: %s", args, out)
			}
			return errs, code
		}
		if errs, code := command(actionhero.Parts{greeting}, "--check"); code != 1 || !strings.Contains(errs, c.file+" is not the client of the app: run \"") {
			t.Errorf("exit code %d, %s", code, errs)
		}
		for _, args := range [][]string{nil, {"--check"}, nil} {
			if errs, code := command(actionhero.Parts{greeting}, args...); code != 0 || errs != "" {
				t.Errorf("exit code %d, %s", code, errs)
			}
		}
		text, err := os.ReadFile(filepath.Join(folder, c.file))
		if err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%v: %s", err, text)
		}
		other := greeting
		other.Name = "welcome"
		if errs, code := command(actionhero.Parts{other}, "--check"); code != 1 || errs == "" {
			t.Errorf("the client of another app passes: exit code %d, %s", code, errs)
		}
		if errs, code := command(actionhero.Parts{greeting, other}, "--check", "--without=welc*"); code != 1 {
			t.Errorf("the first line does not say what is left out: exit code %d, %s", code, errs)
		}
	}
}
