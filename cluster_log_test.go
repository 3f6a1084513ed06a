package actionhero_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

func TestTheLogNamesTheNodesThatComeAndGo(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a := startNode(t, net, "a")
	b := startNode(t, net, "b")
	a.log.Await(t, 1, "nodes", "[b]")
	b.log.Await(t, 1, "nodes", "[a]")
	if err := b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.log.Await(t, 2, "nodes", "[b]")
	if !a.log.Has("nodes have joined the cluster") || !a.log.Has("nodes have left the cluster") || a.log.Has("another app") {
		t.Errorf("the log of a is %v", a.log.Entries())
	}
}

func TestOneRecordOfTheLogNamesFewNodes(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	for i := range 20 {
		n := net.Node()
		if err := n.Open(t.Context(), backend.Node{ID: fmt.Sprintf("n%02d", i)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close(context.WithoutCancel(t.Context())) })
	}
	a := startNode(t, net, "a")
	a.log.Await(t, 1, "nodes", "and 4 more")
}

func TestANodeOfAnotherAppIsWarnedOf(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a := startNode(t, net, "a")
	for id, details := range map[string]string{"other": `{"app":"example.com/other"}`, "old": `{"version":"1"}`, "damaged": `{`} {
		n := net.Node()
		if err := n.Open(t.Context(), backend.Node{ID: id, Details: []byte(details)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close(context.WithoutCancel(t.Context())) })
		a.log.Await(t, 1, "nodes", "["+id+"]")
	}
	a.log.Await(t, 1, "app", "example.com/other")
	for _, e := range a.log.Entries() {
		if e.Level == slog.LevelWarn && (e.Attrs["node"] != "other" || !strings.Contains(e.Message, "redis.prefix")) {
			t.Errorf("the log has %v", e)
		}
	}
}

// While the server of the cluster is away, each section that needs it ends with its time limit.
func TestTheSectionsOfAReportAreReadAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t, actionhero.Config{Log: slog.New(&testkit.Recorder{})})
		for i := range 5 {
			api.Stats.Section(fmt.Sprint("slow", i), func(ctx context.Context) (any, error) {
				time.Sleep(3 * time.Second)
				return nil, errors.New("away")
			})
		}
		api.Stats.Section("fast", func(context.Context) (any, error) { return 1, nil })
		begin := time.Now()
		report, err := api.Stats.Report(t.Context())
		if took := time.Since(begin); took > 3*time.Second || report["fast"] != 1 || strings.Count(err.Error(), "away") != 5 {
			t.Errorf("after %v, the report is %v, %v", took, report, err)
		}
	})
}

// Several sections of one report ask for counts of the cluster at the same time. Each of them gets fresh ones.
func TestACountWaitsForTheGoroutineThatReadsTheCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		a, b := startNode(t, net, "a"), startNode(t, net, "b")
		transport.Of(a.API).Global("things", func() int64 { return 5 })
		count := transport.Of(b.API).Global("things", func() int64 { return 0 })
		time.Sleep(1500 * time.Millisecond) // a stores its count
		release := b.Stats.HoldCounts()
		counted := make(chan int64, 1)
		go func() { counted <- count(t.Context()) }()
		synctest.Wait()
		if len(counted) > 0 {
			t.Errorf("while another goroutine reads the counts, the count is %d", <-counted)
			release()
			return
		}
		release()
		if n := <-counted; n != 5 {
			t.Errorf("the count of the cluster is %d, want 5", n)
		}
	})
}

func TestAPeerAsJSONHasTheKeysOfAConnection(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(actionhero.Peer{ID: "a", Host: "h", Address: "x", PID: 1, Version: "v", Self: true})
	want := `{"id":"a","host":"h","address":"x","pid":1,"version":"v","started":"0001-01-01T00:00:00Z","self":true}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v, want %s", raw, err, want)
	}
}
