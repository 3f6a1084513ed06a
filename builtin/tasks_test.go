package builtin_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/builtin"
)

// The task runs any action with the params next to its name.
func TestRunAction(t *testing.T) {
	t.Parallel()
	failing := func(name string, code actionhero.Code) actionhero.Part {
		return actionhero.Action[actionhero.None, actionhero.None]{Name: name, Run: func(context.Context, actionhero.None) (actionhero.None, error) {
			return actionhero.None{}, actionhero.Errorf(code, "it is %v", code)
		}}
	}
	s := actionherotest.NewServer(t, builtin.Stock, failing("lost", actionhero.CodeNotFound), failing("denied", actionhero.CodePermissionDenied), failing("full", actionhero.CodeResourceExhausted))
	ann := actionherotest.Connect(t, s.API, "kitchen")
	requireState := func(params object, state backend.State) actionhero.Job {
		t.Helper()
		added, err := s.Tasks.Enqueue(t.Context(), "runAction", params, actionhero.WithMaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); time.Since(begun) < 10*time.Second; {
			if job, err := s.Tasks.Get(t.Context(), added.ID); err == nil && job.State == state {
				return job
			}
		}
		t.Fatalf("the job with %v does not become %v", params, state)
		return actionhero.Job{}
	}
	requireState(object{"action": "say", "room": "kitchen", "message": "hello"}, backend.Completed)
	if got := ann.Messages(); len(got) != 1 || got[0].Body != `"hello"` {
		t.Errorf("the room receives %v", got)
	}
	if job := requireState(object{"action": "say", "room": "kitchen"}, backend.Cancelled); job.Error != "message is a required parameter for this action" {
		t.Errorf("without an input the job is %+v", job)
	}
	for name, state := range map[string]backend.State{"lost": backend.Cancelled, "denied": backend.Cancelled, "full": backend.Dead} {
		requireState(object{"action": name}, state)
	}
	if _, err := s.Tasks.Enqueue(t.Context(), "runAction", object{"action": "none"}); err == nil || actionhero.AsError(err).Code != actionhero.CodeNotFound || err.Error() != "none is not a known action." {
		t.Errorf("with an unknown action: %v", err)
	}
	requireState(object{"action": "file", "fileName": "index.html"}, backend.Completed) // the task closes the content
	_, err := s.Tasks.Enqueue(t.Context(), "runAction", object{"room": "kitchen"})
	if failure := actionhero.AsError(err); failure == nil || failure.Message != "action is a required parameter for this task" {
		t.Errorf("without an action: %v", err)
	}
}

func TestCleanLogFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside.log")
	large := strings.Repeat("x", 101)
	for name, text := range map[string]string{"api.log": large, "old.log": large, "small.log": large[1:], "folder/deep.log": large} {
		write(t, filepath.Join(dir, name), text)
	}
	write(t, outside, large)
	if err := os.Symlink(outside, filepath.Join(dir, "link.log")); err != nil {
		t.Fatal(err)
	}
	api := actionherotest.New(t, builtin.CleanLogFiles(dir, "api.log", 100))
	if err := actionherotest.RunTask(t, api, "cleanLogFiles", nil); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, folder := range []string{dir, filepath.Join(dir, "folder"), filepath.Dir(outside)} {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			left = append(left, f.Name())
		}
	}
	if want := []string{"api.log", "folder", "link.log", "small.log", "deep.log", "outside.log"}; !slices.Equal(left, want) {
		t.Errorf("the remaining files are %v, want %v", left, want)
	}
	none := actionherotest.New(t, builtin.CleanLogFiles(filepath.Join(dir, "none"), "api.log", 100))
	if err := actionherotest.RunTask(t, none, "cleanLogFiles", nil); err != nil {
		t.Errorf("without a log folder: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPingSocketClients(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.PingSocketClients)
	clients := []*actionherotest.Client{actionherotest.Connect(t, api, "kitchen"), actionherotest.Connect(t, api, "cellar")}
	before := time.Now().UnixMilli()
	if err := actionherotest.RunTask(t, api, "pingSocketClients", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		got := c.Messages()
		if len(got) != 1 {
			t.Fatalf("a client receives %v", got)
		}
		var ping struct {
			Context, Status string
			ServerTime      int64
		}
		if err := json.Unmarshal([]byte(got[0].Body), &ping); err != nil || ping.Context != "api" || ping.Status != "keep-alive" || ping.ServerTime < before {
			t.Errorf("a client receives %s, %v", got[0].Body, err)
		}
	}
}

func TestCleanOldCacheObjects(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.CleanOldCacheObjects)
	if err := api.Cache.Set(context.Background(), "k", 1, 0); err != nil {
		t.Fatal(err)
	}
	if err := actionherotest.RunTask(t, api, "cleanOldCacheObjects", nil); err != nil {
		t.Fatal(err)
	}
	if n, err := api.Cache.Size(t.Context()); n != 1 || err != nil {
		t.Errorf("the cache has %d objects, %v; want 1, because it has not expired", n, err)
	}
}
