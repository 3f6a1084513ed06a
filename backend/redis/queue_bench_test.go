//go:build unix

package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// BenchmarkQueueScripts measures a job that is enqueued, fetched and finished, by the number of jobs in one call. The metric
// server-ns/job is the processor time of the server.
func BenchmarkQueueScripts(b *testing.B) {
	server := redistest.Redis.Shared(b)
	back := New(Config{URL: "redis://" + server.Addr, Prefix: redistest.Prefix(), Log: quiet})
	if err := back.Open(b.Context(), newNode()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = back.Close(context.Background()) }) // the context of b has ended by then
	q := back.Queue()
	params := fmt.Appendf(nil, `{"to":"someone@example.com","template":"welcome","user":12345,"at":%d}`, 1<<60)
	for _, n := range []int{1, 10, 64} {
		jobs := make([]backend.NewJob, n)
		for i := range jobs {
			jobs[i] = backend.NewJob{Task: "mail", Params: params}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			before := serverMicros(b, server)
			for b.Loop() {
				runJobs(b, q, jobs)
			}
			b.ReportMetric((serverMicros(b, server)-before)*1000/float64(b.N*n), "server-ns/job")
		})
	}
}

// runJobs enqueues jobs, fetches them and ends their runs, with one call for each of these.
func runJobs(b *testing.B, q backend.Queue, jobs []backend.NewJob) {
	_, err1 := q.Enqueue(b.Context(), jobs...)
	started, err2 := q.Fetch(b.Context(), backend.FetchRequest{Node: "bench", Queues: []string{backend.DefaultQueue}, Max: len(jobs)})
	outcomes := make([]backend.Outcome, len(started))
	for i := range started {
		outcomes[i] = backend.Outcome{Run: started[i].Run(), State: backend.Completed}
	}
	_, err3 := q.Finish(b.Context(), outcomes...)
	if err := errors.Join(err1, err2, err3); err != nil || len(started) != len(jobs) {
		b.Fatalf("%d of %d jobs were fetched: %v", len(started), len(jobs), err)
	}
}

// serverMicros returns the processor time that the server has used, in µs.
func serverMicros(tb testing.TB, s *redistest.Server) float64 {
	tb.Helper()
	var sum float64
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(s.Info(tb, field), 64)
		if err != nil {
			tb.Fatal(err)
		}
		sum += seconds * 1e6
	}
	return sum
}
