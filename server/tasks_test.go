package server_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The status has the number of jobs that wait for a worker, and the names of the tasks of scheduled jobs.
func TestStatusOfTasks(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, actionhero.None) error { return nil }
	s := testkit.Start(t, testkit.Options{
		Parts:  actionhero.Parts{actionhero.Task[actionhero.None]{Name: "b", Run: nothing}, actionhero.Task[actionhero.None]{Name: "a", Run: nothing}},
		Change: func(cfg *server.Config) { cfg.Tasks.Enable = new(false) },
	})
	for _, name := range []string{"b", "a", "b"} {
		for _, after := range []time.Duration{0, time.Hour} {
			if _, err := s.Tasks.Enqueue(t.Context(), name, nil, actionhero.After(after)); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, failure := actionherotest.Run(t, s.API, "status", nil)
	if failure != nil {
		t.Fatal(failure)
	}
	var status struct {
		Stats struct{ Queue json.RawMessage }
	}
	if err := json.Unmarshal(raw, &status); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"queueLength":3,"sleepingTasks":["a","b"]}`, string(status.Stats.Queue)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// If tasks.examples is on, the example tasks exist, and pingSocketClients sends a message to every persistent client.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	if s := testkit.Start(t, testkit.Options{}); len(s.Tasks.Registered()) != 1 { // runAction
		t.Errorf("without asking for them there are %v", s.Tasks.Registered())
	}
	s := testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) { cfg.Tasks.Examples = true }})
	if n := len(s.Tasks.Registered()); n != 4 {
		t.Errorf("there are %d tasks", n)
	}
	c := s.TCP(t)
	before := float64(time.Now().UnixMilli())
	if failure := actionherotest.RunTask(t, s.API, "pingSocketClients", nil); failure != nil {
		t.Fatal(failure)
	}
	var ping map[string]any
	if err := json.Unmarshal([]byte(c.Next()), &ping); err != nil {
		t.Fatal(err)
	}
	if at, ok := ping["serverTime"].(float64); !ok || at < before {
		t.Errorf("the server's time is %v", ping["serverTime"])
	}
	delete(ping, "serverTime")
	if diff := cmp.Diff(map[string]any{"context": "api", "status": "keep-alive", "messageCount": 0.0}, ping); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
