package actionhero_test

import (
	"context"
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
