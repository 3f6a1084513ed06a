package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/clients/js"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// frame matches a frame in a wire transcript: the name of the connection, the direction and the object.
var frame = regexp.MustCompile(`^([a-z])([<>]) (\{.*\})$`)

// typesOf maps the context of a frame, or the event of the request that it answers, to its type in actionhero.d.ts.
var typesOf = map[string]string{
	"user": "RoomMessage", "api": `Events["welcome"]`, "roomView": "RoomViewAnswer", "roomChange": "RoomAnswer", "roomAdd": "RoomAnswer",
	"roomLeave": "RoomAnswer", "detailsView": "DetailsAnswer",
}

// assertions returns TypeScript that assigns each frame of the transcript of plain WebSocket to its type.
func assertions(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/wire/websocket.txtar")
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]string{} // by connection and id
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := frame.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		if m[2] == ">" {
			var r struct {
				Event string
				ID    json.RawMessage
			}
			if json.Unmarshal([]byte(m[3]), &r) == nil {
				events[m[1]+string(r.ID)] = r.Event
			}
			continue
		}
		object := strings.ReplaceAll(m[3], `<ms>`, "1")
		var f struct {
			Context, Welcome string
			Error            any
			ID               json.RawMessage
			MessageCount     *int // of TCP
		}
		if json.Unmarshal([]byte(object), &f) != nil || f.MessageCount != nil || f.Context == "api" && f.Welcome == "" {
			continue
		}
		kind := f.Context
		if kind == "response" {
			if len(f.ID) == 0 || f.ID[0] == '"' {
				continue // the client sends a number with each request
			}
			kind = ""
			if failed, _ := f.Error.(string); failed == "" {
				kind = events[m[1]+string(f.ID)]
			}
			object = regexp.MustCompile(`"id":(\d+)`).ReplaceAllString(object, `"messageId":$1`)
		}
		name := typesOf[kind]
		if name == "" {
			name = "Answer"
		}
		seen[name] = true
		lines = append(lines, fmt.Sprintf("export const frame%d: %s = %s;", len(lines), name, object))
	}
	if len(seen) < 5 {
		t.Errorf("the transcript has only the types %v", slices.Collect(maps.Keys(seen)))
	}
	return lines
}

// members prints the exports of the module, and the public members of its classes, as expressions of types.
const members = `import(process.env.MODULE).then((module) => {
	for (const [name, value] of Object.entries(module)) {
		const isClass = String(value).startsWith("class");
		console.log("export type _" + name + " = " + (isClass ? "InstanceType<typeof client." + name + ">" : "typeof client." + name) + ";");
		if (!isClass) continue;
		const own = Object.getOwnPropertyNames(value.prototype).filter((member) => member !== "constructor");
		for (const member of own) console.log("export type _" + name + "_" + member + " = client." + name + "[\"" + member + "\"];");
	}
})`

// The types of the client know every frame of the server and every member of the client.
func TestTypesOfTheClient(t *testing.T) {
	t.Parallel()
	modules := testkit.NodeModules(t, "testdata/types")
	cmd := node(t, "--input-type=module", "--eval", members)
	cmd.Env = append(os.Environ(), "MODULE="+module(t))
	surface, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	check := "import * as client from \"./actionhero.js\";\n" +
		"import type { Answer, DetailsAnswer, Events, RoomAnswer, RoomMessage, RoomViewAnswer } from \"./actionhero.js\";\n" +
		strings.Join(assertions(t), "\n") + "\n" + string(surface) +
		"const c = new client.ActionHero({ url: \"ws://x/ws\", parse: JSON.parse, maxMessageBytes: 1, auth: async () => \"t\" });\n" +
		"c.on(\"welcome\", async () => { await c.action<{ ok: boolean }>(\"login\", { user: \"x\" }, { timeout: 1, signal: new AbortController().signal }); });\n" +
		"c.on(\"open\", ({ refusedRooms }) => refusedRooms.length);\n" +
		"c.say(\"x\", { room: \"y\" }).catch((e: client.ActionHeroError) => [e.errorCode === \"notFound\", e.errorDetails[0]?.field, e.retryAfter, e.closeCode]);\n" +
		"// @ts-expect-error: there is no event of this name\nc.on(\"mesage\", () => {});\n" +
		"const d = new client.ActionHero<{ opened: { id: number } }>();\nd.onEvent(\"opened\", ({ id }, { room }) => id.toFixed() + room)();\n" +
		"// @ts-expect-error: there is no event of this name\nd.onEvent(\"open\", () => {});\n" +
		"// @ts-expect-error: the values have another type\nd.onEvent(\"opened\", (text: string) => {});\n"
	testkit.WriteFile(t, filepath.Join(dir, "actionhero.d.ts"), string(js.Types))
	testkit.WriteFile(t, filepath.Join(dir, "check.ts"), check)
	tsc := exec.CommandContext(t.Context(), "node", filepath.Join(modules, "typescript", "bin", "tsc"), "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--lib", "es2022,dom", "--skipLibCheck", "false", "check.ts")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
