package worker_test

import (
	"context"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// BenchmarkTasks measures empty tasks from the call of Enqueue to their end, with 100 concurrent callers per processor.
func BenchmarkTasks(b *testing.B) {
	for name, back := range map[string]backend.Backend{"memory": newBackend(), "disk": onDisk(b.TempDir())} {
		b.Run(name, func(b *testing.B) {
			var done sync.WaitGroup
			n := newNode(b, back, worker.Config{}, actionhero.Task[actionhero.None]{
				Name: "nothing", Run: func(context.Context, actionhero.None) error { done.Done(); return nil },
			})
			n.start()
			b.ReportAllocs()
			b.SetParallelism(100)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					done.Add(1)
					if _, err := n.Tasks.Enqueue(context.Background(), "nothing", nil); err != nil {
						b.Error(err)
						done.Done()
					}
				}
			})
			done.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
