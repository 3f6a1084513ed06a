//go:build unix

package redis

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestManyEnqueuesGoOnTwoLanes enqueues from many goroutines at once, and loses answers and requests. Both lanes have batches
// under way, and each job is there once.
func TestManyEnqueuesGoOnTwoLanes(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		p := faultproxy.Start(tt, f.Shared(tt).Addr)
		t := openQueue(tt, Config{URL: "redis://" + p.Addr()})
		s := t.q.shards[0]
		const callers, each = 3 * splitParts, 4
		var all sync.Once
		s.enqueues.hold = func(ctx context.Context) {
			all.Do(func() {
				basics.Eventually(tt, "all callers wait", func() bool {
					s.enqueues.mu.Lock()
					defer s.enqueues.mu.Unlock()
					return len(s.enqueues.waiting) == callers
				})
			})
		}
		var mu sync.Mutex
		n := 0
		p.Fault(func(words []string) faultproxy.Fault {
			mu.Lock()
			defer mu.Unlock()
			if len(words) < 2 || words[1] != plainScript.sha {
				return faultproxy.Pass
			}
			if n++; n%5 == 2 {
				return faultproxy.LoseAnswer
			} else if n%5 == 4 {
				return faultproxy.LoseRequest
			}
			return faultproxy.Pass
		})
		ids := map[uint64]bool{}
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					added, err := t.q.Enqueue(t.Context(), backend.NewJob{Task: "a"})
					if err != nil {
						t.Errorf("Enqueue: %v", err)
						return
					}
					mu.Lock()
					ids[added[0].ID] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		p.Fault(nil)
		stats, err := t.q.Stats(t.Context())
		if want := (backend.Counts{Available: callers * each}); err != nil || stats.Total != want || len(ids) != callers*each {
			t.Errorf("the jobs are %+v, %v, with %d ids, want %+v", stats.Total, err, len(ids), want)
		}
		inc, _ := s.current()
		m, err := t.b.core.do(t.Context(), repeatable, func(b rueidis.Builder) rueidis.Completed {
			return b.Hmget().Key(s.keys[14]).Field(inc, inc+"+").Build()
		})
		if err != nil {
			t.Fatal(err)
		}
		if last, err := m.AsStrSlice(); err != nil || last[0] == "" || last[1] == "" || queueParts[14] != "bat" {
			t.Errorf("the last batches of the lanes are %q, %v", strings.Join(last, ", "), err)
		}
	})
}
