package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/worker"
)

// Of an outage of the queue, the log has the beginning and the end, and one line every 30 s if it is long.
func TestTheLogSaysThatTheQueueWorksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := newBackend()
		q := &faultyQueue{Queue: b.Queue()}
		api, err := actionhero.New(actionhero.Config{Backend: backendWithQueue{b, q}, Log: slog.New(slog.NewTextHandler(&log, nil))},
			task("it", func(context.Context) error { return nil }))
		if err != nil {
			t.Fatal(err)
		}
		n := &node{api, worker.New(api, worker.Config{}), t}
		api.Add(n.Worker)
		n.start()
		outage := func(fails func(bool), length time.Duration, failures int, begin, end string) {
			t.Helper()
			fails(true)
			n.enqueue("it")
			time.Sleep(length)
			fails(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			if lines := strings.Count(log.String(), begin); lines != failures {
				t.Errorf("after an outage of %v, %q is %d times in the log, want %d", length, begin, lines, failures)
			}
			if lines := strings.Count(log.String(), end); lines != 1 {
				t.Errorf("after an outage of %v, %q is %d times in the log\n%s", length, end, lines, log.String())
			}
			log.Reset()
		}
		outage(q.failFinish.Store, 5*time.Second, 1, "the outcomes of jobs cannot be stored", "the outcomes of jobs are stored again")
		outage(q.failFinish.Store, 90*time.Second, 3, "the outcomes of jobs cannot be stored", "the outcomes of jobs are stored again")
		outage(q.failFetch.Store, 5*time.Second, 1, "jobs cannot be fetched from the queue", "jobs are fetched again")
	})
}
