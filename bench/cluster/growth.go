package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/redis"
)

// growing measures what one operation costs the server, by the number of nodes and by the number of delayed jobs.
func (b *bench) growing(ctx context.Context) error {
	fmt.Print("Processor time of the server, in µs, by the number of nodes:\n\n| nodes | idle, each node and second | reads, each idle node and second | Peers | message to a room on 2 nodes | Enter | job enqueued, fetched and finished, 64 at a time |\n|---|---|---|---|---|---|---|\n")
	for _, nodes := range []int{3, 30, 300} {
		g := &growth{bench: b}
		err := g.open(ctx, nodes)
		if err == nil {
			err = g.row(ctx)
		}
		g.close(ctx)
		if err != nil {
			return fmt.Errorf("%d nodes: %w", nodes, err)
		}
	}
	fmt.Print("\nThe same of a job, by the number of delayed jobs, 64 at a time:\n\n| delayed jobs | enqueued | fetched | finished |\n|---|---|---|---|\n")
	g := &growth{bench: b}
	defer g.close(ctx)
	if err := g.open(ctx, 3); err != nil {
		return err
	}
	delayed := 0
	for _, n := range []int{0, 1_000, 10_000, 100_000, 1_000_000} {
		if err := g.delay(ctx, n-delayed); err != nil {
			return err
		}
		delayed = n
		cost, err := g.jobs(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.1f | %.1f | %.1f |\n", n, cost[0], cost[1], cost[2])
	}
	fmt.Println()
	return nil
}

// growth has the nodes of a cluster, all of them in this process.
type growth struct {
	*bench
	nodes   []*redis.Backend
	members int     // the number of members that have entered
	idle    float64 // the processor time of the server in a second without operations, in s
}

func (g *growth) open(ctx context.Context, nodes int) error {
	if err := g.redis.clear(ctx); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	g.nodes = make([]*redis.Backend, nodes)
	var last atomic.Int64
	_, err := parallelEach(min(nodes, 10), func() (func() bool, func() error) {
		var i int64
		return func() bool { i = last.Add(1) - 1; return i < int64(nodes) }, func() error {
			n := redis.New(redis.Config{URL: "redis://" + g.redis.Addr, Prefix: "growth", Log: quiet})
			n.Broker().Subscribe(backend.Subscriber{Deliver: func(backend.Message) func() { return nil }})
			g.nodes[i] = n
			return n.Open(ctx, backend.Node{ID: "node" + strconv.FormatInt(i, 10), Tag: uint32(i), Started: time.Now()})
		}
	})
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // the nodes read the list of nodes again
	return nil
}

func (g *growth) close(ctx context.Context) {
	var wg sync.WaitGroup
	for _, n := range g.nodes {
		if n != nil {
			wg.Go(func() { _ = n.Close(ctx) })
		}
	}
	wg.Wait()
	g.nodes = nil
}

func (g *growth) row(ctx context.Context) error {
	const seconds = 10
	cpu, err := g.redis.cpu(ctx)
	if err != nil {
		return err
	}
	reads, err := g.redis.reads(ctx)
	if err != nil {
		return err
	}
	time.Sleep(seconds * time.Second)
	cpuAfter, err := g.redis.cpu(ctx)
	if err != nil {
		return err
	}
	readsAfter, err := g.redis.reads(ctx)
	if err != nil {
		return err
	}
	g.idle = (cpuAfter - cpu).Seconds() / seconds
	n := float64(len(g.nodes))
	fmt.Printf("| %d | %.0f | %.2f ", len(g.nodes), g.idle*1e6/n, float64(readsAfter-reads-2)/seconds/n)
	first := g.nodes[0]
	if err := g.enter(ctx, 2, "room"); err != nil {
		return err
	}
	for _, operation := range []func() error{
		func() error { _, err := first.Cluster().Peers(ctx); return err },
		func() error {
			_, err := first.Broker().Publish(ctx, backend.Message{Room: "room", Body: []byte(`{"message":"hello"}`)})
			return err
		},
		func() error { return g.enter(ctx, 1, "other") },
	} {
		cost, err := g.cost(ctx, 3000, operation)
		if err != nil {
			return err
		}
		fmt.Printf("| %.1f ", cost)
	}
	cost, err := g.jobs(ctx)
	fmt.Printf("| %.1f |\n", cost[0]+cost[1]+cost[2])
	return err
}

// enter adds a member to a room on each of the first nodes.
func (g *growth) enter(ctx context.Context, nodes int, room string) error {
	for _, n := range g.nodes[:nodes] {
		g.members++
		if _, err := n.Broker().Move(ctx, backend.Change{Room: room, Member: "member" + strconv.Itoa(g.members)}); err != nil {
			return err
		}
	}
	return nil
}

// cost calls an operation n times. It returns the µs of the server for each.
func (g *growth) cost(ctx context.Context, n int, operation func() error) (float64, error) {
	before, err := g.redis.cpu(ctx)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	for range n {
		if err := operation(); err != nil {
			return 0, err
		}
	}
	took := time.Since(begun)
	after, err := g.redis.cpu(ctx)
	return max((after-before).Seconds()-g.idle*took.Seconds(), 0) * 1e6 / float64(n), err
}

const batch = 64

// jobs returns the costs of a job: enqueued, fetched and finished.
func (g *growth) jobs(ctx context.Context) (costs [3]float64, err error) {
	jobs := make([]backend.NewJob, batch)
	for i := range jobs {
		jobs[i] = backend.NewJob{Task: "mail", Params: []byte(`{"to":"someone@example.com","template":"welcome","user":12345}`)}
	}
	const batches = 50
	queue := g.nodes[0].Queue()
	var outcomes [][]backend.Outcome
	for i, operation := range []func() error{
		func() error { _, err := queue.Enqueue(ctx, jobs...); return err },
		func() error {
			fetched, err := queue.Fetch(ctx, backend.FetchRequest{Node: "node0", Queues: []string{backend.DefaultQueue}, Max: batch})
			var ends []backend.Outcome
			for i := range fetched {
				ends = append(ends, backend.Outcome{Run: fetched[i].Run(), State: backend.Completed})
			}
			outcomes = append(outcomes, ends)
			return err
		},
		func() error {
			_, err := queue.Finish(ctx, outcomes[0]...)
			outcomes = outcomes[1:]
			return err
		},
	} {
		if costs[i], err = g.cost(ctx, batches, operation); err != nil {
			return costs, err
		}
		costs[i] /= batch
	}
	return costs, nil
}

// delay enqueues n jobs that are due in an hour.
func (g *growth) delay(ctx context.Context, n int) error {
	jobs := make([]backend.NewJob, 500)
	for i := range jobs {
		jobs[i] = backend.NewJob{Task: "later", Delay: time.Hour, Params: []byte(`{"to":"someone@example.com"}`)}
	}
	for n > 0 {
		size := min(n, len(jobs))
		if _, err := g.nodes[0].Queue().Enqueue(ctx, jobs[:size]...); err != nil {
			return err
		}
		n -= size
	}
	return nil
}
