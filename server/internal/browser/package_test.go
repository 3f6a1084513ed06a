package browser_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/clients/js"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// useOfThePackage logs in with a token that the client asks for, and is refused without one.
const useOfThePackage = `
import { ActionHero, ActionHeroError } from "@actionhero-go/client";
const url = process.env.SITE + "/ws";
const client = new ActionHero({ url, auth: async () => "ann" });
console.log((await client.action("who")).who);
client.close();
const refused = new ActionHero({ url, auth: "forged" });
refused.on("close", async ({ code, reason, reconnectIn }) => console.log(code, reason, reconnectIn));
try {
	await refused.action("who");
} catch (error) {
	console.log(error instanceof ActionHeroError, error.code, error.closeCode);
}
`

// npm packs the client as a package without dependencies and with nothing but the client, and an app that installs it
// logs in with a token.
func TestThePackageForNPM(t *testing.T) {
	t.Parallel()
	var manifest struct {
		Version                       string
		Dependencies, DevDependencies map[string]string
	}
	text, err := os.ReadFile("../../../clients/js/package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &manifest); err != nil || manifest.Version != actionhero.Version || len(manifest.Dependencies)+len(manifest.DevDependencies) > 0 {
		t.Errorf("package.json is %+v, %v; the version is %s", manifest, err, actionhero.Version)
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, "node_modules", "@actionhero-go", "client")
	for name, text := range map[string]string{"package.json": string(text), "actionhero.js": string(js.Script), "actionhero.d.ts": string(js.Types)} {
		testkit.WriteFile(t, filepath.Join(folder, name), text)
	}
	pack := exec.CommandContext(t.Context(), "npm", "pack", "--dry-run", "--json", "--offline")
	pack.Dir = folder
	out, err := pack.Output()
	var packed []struct{ Files []struct{ Path string } }
	if err != nil || json.Unmarshal(out, &packed) != nil || len(packed) != 1 {
		t.Fatalf("npm pack: %v: %s", err, out)
	}
	var files []string
	for _, file := range packed[0].Files {
		files = append(files, file.Path)
	}
	if slices.Sort(files); !slices.Equal(files, []string{"actionhero.d.ts", "actionhero.js", "package.json"}) {
		t.Errorf("the package has %q", files)
	}

	s := newSite(t, nil,
		actionhero.DefaultAccess(actionhero.Authenticated),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			if c.Bearer() == "forged" {
				return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is not valid")
			}
			return actionhero.Identity{ID: c.Bearer()}, nil
		}),
		actionhero.Action[actionhero.None, map[string]string]{Name: "who", Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"who": actionhero.IdentityFrom(ctx).ID}, nil
		}})
	testkit.WriteFile(t, filepath.Join(dir, "use.mjs"), useOfThePackage)
	cmd := node(t, append(webSocketFlags(t), "use.mjs")...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "SITE="+s.url)
	out, err = cmd.Output()
	const want = "ann\n4401 the token is not valid null\ntrue disconnected 4401\n"
	if got := strings.ReplaceAll(string(out), "\r", ""); err != nil || got != want {
		t.Errorf("%v: %s; want %s", err, got, want)
	}
}
