package builtin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/transport"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

type object = map[string]any

// run runs an action, which must succeed, and returns its output.
func run(t *testing.T, api *actionhero.API, action string, params object) (output object) {
	t.Helper()
	raw, failure := actionherotest.Run(t, api, action, params)
	if failure != nil {
		t.Fatalf("%s: %v", action, failure)
	}
	if err := json.Unmarshal(raw, &output); err != nil {
		t.Fatalf("%s: %v: %s", action, err, raw)
	}
	return output
}

// requireError fails the test unless an action returns an error of this code and text.
func requireError(t *testing.T, api *actionhero.API, action string, params object, code actionhero.Code, text string) {
	t.Helper()
	raw, failure := actionherotest.Run(t, api, action, params)
	if failure == nil || actionhero.AsError(failure).Code != code || failure.Error() != text {
		t.Errorf("%s %v returns %s, %v; want %v: %s", action, params, raw, failure, code, text)
	}
}

func TestCacheTest(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.Stock)
	if err := api.Cache.Set(t.Context(), "k", "the app's own", 0); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"text": "v", "number": 1.5, "object": object{"a": []any{nil, true, "\u2028"}}, "list": []any{}} {
		before := time.Now().UnixMilli()
		results := run(t, api, "cacheTest", object{"key": "k", "value": value})["cacheTestResults"].(object)
		loaded := results["loadResp"].(object)
		for _, key := range []string{"createdAt", "readAt"} {
			if at := int64(loaded[key].(float64)); at < before || at > time.Now().UnixMilli() {
				t.Errorf("%s: %s is %d", name, key, at)
			}
			delete(loaded, key)
		}
		want := object{"saveResp": true, "sizeResp": 2.0, "loadResp": object{"value": value, "expireTimestamp": nil}, "deleteResp": true}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if n, err := api.Cache.Size(t.Context()); err != nil || n != 1 {
		t.Errorf("the cache has %d objects, %v; want 1", n, err)
	}
	if own, err := api.Cache.Get(t.Context(), "k"); err != nil || string(own.Value) != `"the app's own"` {
		t.Errorf("the app's own object is %s, %v", own.Value, err)
	}
	for _, action := range []string{"cacheTest", "actionClusterCacheTest"} {
		requireError(t, api, action, nil, actionhero.CodeInvalidInput, "key is a required parameter for this action")
		requireError(t, api, action, object{"value": "v"}, actionhero.CodeInvalidInput, "key is a required parameter for this action")
		requireError(t, api, action, object{"key": "", "value": "v"}, actionhero.CodeInvalidInput, "key is a required parameter for this action")
		requireError(t, api, action, object{"key": "k"}, actionhero.CodeInvalidInput, "value is a required parameter for this action")
	}
}

// The action leaves its object in the cache until ClusterTestTTL is over.
func TestActionClusterCacheTest(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.Stock)
	before := time.Now()
	for range 2 {
		results := run(t, api, "actionClusterCacheTest", object{"key": "k", "value": "v"})["cacheTestResults"].(object)
		if loaded := results["loadResp"].(object); results["sizeResp"] != 1.0 || results["deleteResp"] != true || loaded["value"] != "v" {
			t.Errorf("it returns %v", results)
		}
	}
	left, err := api.Cache.Get(t.Context(), "cacheTest_k")
	if err != nil || string(left.Value) != `"v"` {
		t.Fatalf("the object left behind is %s, %v", left.Value, err)
	}
	if expires := left.ExpiresAt.Sub(before); expires < builtin.ClusterTestTTL-time.Second || expires > builtin.ClusterTestTTL+time.Minute {
		t.Errorf("it expires after %v, want %v", expires, builtin.ClusterTestTTL)
	}
}

// If the cache is full, both actions return an error.
func TestFullCache(t *testing.T) {
	t.Parallel()
	api := started(t, actionhero.Config{Backend: local.New(local.Config{MaxBytes: 4 << 10})})
	for _, action := range []string{"cacheTest", "actionClusterCacheTest"} {
		raw, failure := actionherotest.Run(t, api, action, object{"key": "k", "value": strings.Repeat("x", 8<<10)})
		if failure == nil || actionhero.AsError(failure).Code != actionhero.CodeResourceExhausted {
			t.Errorf("%s returns %.100s, %v", action, raw, failure)
		}
	}
}

// started returns a started API with the given configuration, which stops at the end of the test.
func started(t *testing.T, cfg actionhero.Config) *actionhero.API {
	t.Helper()
	if cfg.Backend == nil {
		cfg.Backend = local.New(local.Config{})
	}
	api, err := actionhero.New(cfg, builtin.Stock)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return api
}

// The method of an HTTP request decides how large the number may be.
func TestRandomNumber(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.Stock)
	for method, factor := range map[string]float64{"": 1, "GET": 1, "HEAD": 1, "PATCH": 1, "PUT": 10, "POST": 100, "DELETE": 1000} {
		largest, seen := 0.0, map[float64]bool{}
		for range 300 {
			req := transport.Of(api).NewRequest("test")
			req.Action, req.Method = "randomNumber", method
			out, err := transport.Of(api).Dispatch(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			n := out.(builtin.RandomNumberOutput).RandomNumber
			if n < 0 || n >= factor {
				t.Errorf("%s returns %v", method, n)
			}
			largest, seen[n] = max(largest, n), true
		}
		// That all 300 numbers are below nine tenths has a probability of 10^-13.
		if largest < factor*0.9 || len(seen) < 299 {
			t.Errorf("%s: of 300 numbers %d differ and the largest is %v", method, len(seen), largest)
		}
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.Stock)
	ann := actionherotest.Connect(t, api, "kitchen")
	bob := actionherotest.Connect(t, api, "cellar")
	got := run(t, api, "say", object{"room": "kitchen", "message": "hello\nthere"})
	want := object{"roomStatus": object{"members": []any{ann.ID}, "membersCount": 1.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	messages := ann.Messages()
	for begun := time.Now(); len(messages) == 0 && time.Since(begun) < 10*time.Second; {
		messages = ann.Messages()
	}
	if len(messages) != 1 || messages[0].Room != "kitchen" || messages[0].Body != `"hello\nthere"` {
		t.Errorf("the member receives %v", messages)
	}
	if others := bob.Messages(); len(others) > 0 {
		t.Errorf("the member of another room receives %v", others)
	}
	if got := run(t, api, "say", object{"room": "attic", "message": "hello"}); cmp.Diff(object{"roomStatus": object{"members": nil, "membersCount": 0.0}}, got) != "" {
		t.Errorf("an empty room is %v", got)
	}
	requireError(t, api, "say", object{"message": "hello"}, actionhero.CodeInvalidInput, "room is a required parameter for this action")
	requireError(t, api, "say", object{"room": "kitchen"}, actionhero.CodeInvalidInput, "message is a required parameter for this action")
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"public/a.txt": "the file a", "public/folder/index.html": "an index", "public/empty/.keep": "", "secret.txt": "a secret"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	public := filepath.Join(dir, "public")
	api := started(t, actionhero.Config{FlatFileDirectory: public})
	open := func(name string) (*actionhero.Content, error) {
		req := transport.Of(api).NewRequest("test")
		req.Action = "file"
		req.Params.Set("fileName", name)
		out, err := transport.Of(api).Dispatch(t.Context(), req)
		content, _ := out.(*actionhero.Content)
		return content, err
	}
	for name, want := range map[string]string{"a.txt": "the file a", "/a.txt": "the file a", "folder": "an index", "folder/": "an index"} {
		content, err := open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text, err := io.ReadAll(content.Body); string(text) != want || content.Size != int64(len(want)) || err != nil {
			t.Errorf("%s: %q of %d bytes, %v; want %q", name, text, content.Size, err, want)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"b.txt", "../secret.txt", filepath.Join(public, "..", "secret.txt"), "folder/../../secret.txt", "a.txt\x00", "empty", "a.txt/b", strings.Repeat("../", 20) + "etc/passwd"} {
		content, err := open(name)
		if content != nil {
			_ = content.Close()
		}
		if failure := actionhero.AsError(err); err == nil || failure.Code != actionhero.CodeNotFound || content != nil {
			t.Errorf("%q returns %v, %v", name, content, err)
		}
	}
	requireError(t, api, "file", nil, actionhero.CodeInvalidInput, "fileName is a required parameter for this action")
}

func TestActionsView(t *testing.T) {
	t.Parallel()
	own := actionhero.Action[struct {
		Color string `json:"color"`
		Name  string `json:"name" required:"true"`
		Age   int    `json:"age" default:"18"`
	}, builtin.RandomNumberOutput]{
		Name: "aPerson", Description: "Is one", Route: "PUT /people/{name}", Kind: actionhero.KindDestructive, Idempotent: true, IdempotencyKey: actionhero.KeyRequired,
		Run: func(context.Context, struct {
			Color string `json:"color"`
			Name  string `json:"name" required:"true"`
			Age   int    `json:"age" default:"18"`
		}) (o builtin.RandomNumberOutput, err error) {
			return o, nil
		},
	}
	api := actionherotest.New(t, builtin.Stock, own)
	views := run(t, api, "actionsView", nil)["actions"].([]any)
	names := make([]string, len(views))
	for i, v := range views {
		view := v.(object)
		names[i] = view["name"].(string)
		if kind := view["kind"]; view["description"] == "" || i > 0 && kind != "read" && kind != "write" || i > 0 && (kind == "read") != (view["idempotent"] == true) {
			t.Errorf("the view of an action is %v", view)
		}
	}
	if want := []string{"aPerson", "actionClusterCacheTest", "actionsView", "cacheTest", "file", "randomNumber", "say", "status"}; !slices.Equal(names, want) {
		t.Errorf("the actions are %v, want %v", names, want)
	}
	want := object{
		"name": "aPerson", "description": "Is one",
		"inputs":        object{"required": []any{"name"}, "optional": []any{"color", "age"}},
		"outputExample": object{"randomNumber": 0.123}, "kind": "destructive", "idempotent": true, "idempotencyKey": "required", "routes": []any{"PUT /people/{name}"},
	}
	schema := views[0].(object)["inputSchema"].(object)
	delete(views[0].(object), "inputSchema")
	if age := schema["properties"].(object)["age"].(object); age["default"] != 18.0 || !slices.Equal(schema["required"].([]any), []any{"name"}) {
		t.Errorf("the schema of the inputs is %v", schema)
	}
	if diff := cmp.Diff(want, views[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The id, uptime and memory of the node come first, then the sections in the order that clients know.
func TestStatus(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, builtin.Stock)
	s.Stats.Section("zoo", func(context.Context) (any, error) { return object{"animals": 3}, nil })
	s.Stats.Section("peers", func(context.Context) (any, error) { return []string{"a"}, nil })
	raw, failure := actionherotest.Run(t, s.API, "status", nil)
	if failure != nil {
		t.Fatal(failure)
	}
	keys := []string{"id", "uptimeSeconds", "memoryConsumption", "peers", "cache", "socketServer", "webSocketServer", "webServer", "queue", "zoo"}
	at := -1
	for _, key := range keys {
		if i := strings.Index(string(raw), fmt.Sprintf("%q:", key)); i <= at {
			t.Errorf("%s comes too early or not at all in %s", key, raw)
		} else {
			at = i
		}
	}
	stats := run(t, s.API, "status", nil)["stats"].(object)
	if len(stats) != len(keys) || stats["memoryConsumption"].(float64) < 1 || stats["uptimeSeconds"].(float64) < 0 {
		t.Errorf("the status is %v", stats)
	}
	if diff := cmp.Diff(object{"queueLength": 0.0, "sleepingTasks": []any{}}, stats["queue"]); diff != "" {
		t.Errorf("the queue (-want +got):\n%s", diff)
	}
}

// A section that fails or panics is left out: the others are shown, and the failure is logged.
func TestStatusWithoutASectionThatFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	api := started(t, actionhero.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	api.Stats.Section("zoo", func(context.Context) (any, error) { return nil, errors.New("the zoo is closed") })
	api.Stats.Section("circus", func(context.Context) (any, error) { panic("the lion is out") })
	api.Stats.Section("park", func(context.Context) (any, error) { return 1, nil })
	stats := run(t, api, "status", nil)["stats"].(object)
	_, zoo := stats["zoo"]
	_, circus := stats["circus"]
	if stats["park"] != 1.0 || zoo || circus {
		t.Errorf("the status is %v", stats)
	}
	for _, want := range []string{"the zoo is closed", "the lion is out", `section \"circus\"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

// The id of a node holds the ports that it listens on, also after a restart on other ports.
func TestStatusPorts(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, builtin.Stock)
	for range 2 {
		id := run(t, s.API, "status", nil)["stats"].(object)["id"].(string)
		_, web, _ := strings.Cut(s.Web.Addr().String(), ":")
		_, tcp, _ := strings.Cut(s.TCP.Addr().String(), ":")
		if !strings.HasSuffix(id, ":"+web+":"+tcp) || strings.Count(id, ":") != 2 {
			t.Errorf("the id is %s, the ports are %s and %s", id, web, tcp)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
