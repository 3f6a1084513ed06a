// Command cluster measures a cluster over one server of Redis, compared with other programs over the same server. It starts
// all servers itself. It prints Markdown tables, one for each flag:
//   - enqueue: jobs enqueued per second by 10 callers, and by 100
//   - tasks: jobs that do nothing, run by one worker with a concurrency of 10
//   - latency: the time from the enqueue to the start of the run on idle workers, and what an idle node asks of the server
//   - cache: reads of the cache, also with local copies
//   - rooms: messages to a room whose members are on two nodes
//   - growth: what an operation costs the server, by the number of nodes and of delayed jobs
//
// Without one of these flags it prints all tables. The contenders take turns in slices, in random order. The measures are
// the rate, and the operations per second of processor time, of client and server together.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/rooms"
)

func main() {
	be := flag.String("be", "", "run this contender (internal)")
	addr := flag.String("addr", "", "address for -be")
	redis := flag.String("redis", "", "address of Redis for -be (internal)")
	b := &bench{}
	flag.IntVar(&b.passes, "passes", 10, "slices for each contender")
	flag.DurationVar(&b.slice, "slice", time.Second, "length of a slice")
	flag.IntVar(&b.samples, "samples", 300, "jobs of the table latency; contenders that poll get a tenth")
	flag.DurationVar(&b.idle, "idle", 30*time.Second, "time for which the commands of an idle node are counted")
	flag.IntVar(&b.members, "members", 1000, "members of the room of the table rooms")
	flag.StringVar(&b.only, "only", "", "contenders to measure, separated by commas; default: all")
	chosen := make(map[string]*bool)
	for _, t := range tables {
		chosen[t.name] = flag.Bool(t.name, false, "print the table "+t.name)
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *be == centrifuge {
		err = rooms.ServeCentrifuge(*addr, *redis)
	} else if *be != "" {
		err = serve(ctx, *be, *addr, os.Stdin, os.Stdout)
	} else {
		err = b.run(ctx, chosen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// bench holds the settings of the measurement and the servers.
type bench struct {
	passes  int
	slice   time.Duration
	samples int
	idle    time.Duration
	members int
	only    string
	dir     string // for programs

	redis    *redisServer
	postgres *postgresServer // nil if it is missing
}

var tables = []struct {
	name string
	make func(b *bench, ctx context.Context) error
}{
	{"enqueue", (*bench).enqueueing},
	{"tasks", (*bench).running},
	{"latency", (*bench).starting},
	{"cache", (*bench).caching},
	{"rooms", (*bench).speaking},
	{"growth", (*bench).growing},
}

func (b *bench) run(ctx context.Context, chosen map[string]*bool) error {
	all := true
	for _, t := range tables {
		all = all && !*chosen[t.name]
	}
	dir, err := os.MkdirTemp("", "bench-cluster")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if b.redis, err = startRedis(ctx); err != nil {
		return err
	}
	defer b.redis.stop()
	if b.postgres, err = startPostgres(ctx); err != nil {
		fmt.Printf("River is left out: %v\n\n", err)
	} else {
		defer b.postgres.stop()
	}
	// The servers have processor 0, the contenders processor 1.
	if err := exec.Command("taskset", "-a", "-p", "-c", "1", fmt.Sprint(os.Getpid())).Run(); err != nil {
		return fmt.Errorf("the contenders cannot be pinned to a processor: %w", err)
	}
	for _, t := range tables {
		if !all && !*chosen[t.name] {
			continue
		}
		if err := t.make(b, ctx); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	fmt.Printf("%s, %s, %d processors, %d slices of about %v each, %s, %s\n", runtime.Version(), runtime.GOARCH, runtime.NumCPU(), b.passes, b.slice, b.redis.version, time.Now().Format(time.DateOnly))
	return nil
}
