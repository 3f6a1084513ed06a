package local

import (
	"fmt"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
)

func BenchmarkEnqueue(b *testing.B) {
	for _, where := range []string{"memory", "disk"} {
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprint(where, "/callers=", callers), func(b *testing.B) {
				cfg := QueueConfig{MaxJobs: 1 << 30, MaxBytes: 1 << 40}
				if where == "disk" {
					cfg.Path = b.TempDir()
				}
				q := open(b, Config{Queue: cfg}).Queue()
				params := []byte(`{"to":"someone@example.com","subject":"Welcome","template":"welcome","user":12345}`)
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for c := range callers {
					wg.Go(func() {
						for range (b.N + c) / callers {
							if _, err := q.Enqueue(b.Context(), backend.NewJob{Task: "mail", Params: params}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for _, where := range []string{"memory", "disk"} {
		b.Run(where, func(b *testing.B) {
			cfg := QueueConfig{MaxJobs: 1 << 30, MaxBytes: 1 << 40}
			if where == "disk" {
				cfg.Path = b.TempDir()
			}
			q := open(b, Config{Queue: cfg}).Queue()
			params := []byte(`{"to":"someone@example.com","subject":"Welcome","template":"welcome","user":12345}`)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			const producers = 16
			for c := range producers {
				wg.Go(func() {
					for range (b.N + c) / producers {
						if _, err := q.Enqueue(b.Context(), backend.NewJob{Task: "mail", Params: params}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			due, stop := q.Watch("default")
			defer stop()
			for done := 0; done < b.N; {
				jobs, err := q.Fetch(b.Context(), backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 100})
				if err != nil {
					b.Fatal(err)
				}
				if len(jobs) == 0 {
					<-due
					continue
				}
				outcomes := make([]backend.Outcome, len(jobs))
				for i := range jobs {
					outcomes[i] = backend.Outcome{Run: jobs[i].Run(), State: backend.Completed}
				}
				if _, err := q.Finish(b.Context(), outcomes...); err != nil {
					b.Fatal(err)
				}
				done += len(jobs)
			}
			wg.Wait()
		})
	}
}
