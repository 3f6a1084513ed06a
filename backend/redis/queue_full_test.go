//go:build unix

package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestAFullServerRefusesNewJobsOnly fills the memory of a server. Scripts that keep, end or remove jobs go on.
func TestAFullServerRefusesNewJobsOnly(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		s := newShardTest(t, server)
		s.beat()
		ids := s.enqueue(backend.NewJob{Task: "x", Queue: "a"}, backend.NewJob{Task: "x", Queue: "a"}, backend.NewJob{Task: "x", Queue: "a"},
			backend.NewJob{Task: "x", Queue: "a", Delay: time.Hour}, backend.NewJob{Task: "x", Queue: "a", Delay: time.Hour, Unique: "key"})
		text := func(i int) string { return strconv.FormatUint(ids[i], 10) }
		run := s.take(2)[0]
		s.run(finishScript, text(0), strconv.FormatUint(run.Fence, 10), strconv.Itoa(int(backend.Completed)), "0", "")
		s.now += 100_000_000
		s.beat()
		server.Do(t, "CONFIG", "SET", "maxmemory", 1)
		prepared, err := prepareJobs([]backend.NewJob{{Task: "y", Queue: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		_, plain := scriptToEnqueue(append([]string{testInc, "1000", "100"}, prepared.records...))
		for _, call := range []struct {
			script *script
			args   []string
		}{
			{enqueueScript, append([]string{testInc, "1000", "100"}, prepared.records...)},
			{plainScript, plain},
			{tickScript, append([]string{"schedule", strconv.FormatInt(s.ms(), 10), "100"}, prepared.records...)},
		} {
			args := append(append([]string{"PUBLISH", "none"}, call.args...), strconv.FormatInt(s.now, 10))
			if _, err := s.core.run(t.Context(), call.script, s.keys, args...); !errors.Is(err, backend.ErrFull) {
				t.Errorf("a script that adds a job ends with %v", err)
			}
			s.wantForm()
		}
		if last := s.lastRuns(); len(last) > 0 {
			t.Errorf("a refused time of a schedule is stored: %v", last)
		}
		s.wantWord(s.words(retryScript, text(3)), "ok")
		s.wantForm()
		s.wantWord(s.words(cancelScript, text(1)), "ok") // it runs
		s.wantForm()
		s.wantWord(s.words(cancelScript, text(4)), "ok")
		s.wantForm()
		s.wantWord(s.words(removeScript, text(4)), "ok")
		s.wantForm()
		s.do("ZREM", "r", "nothing")
		s.audit()
		s.beat()
		if n, err := asInt(s.run(sweepScript, "0", "0", "0"), nil); err != nil || n != 1 {
			t.Errorf("to make room, %d jobs are removed, %v", n, err)
		}
		jobs := s.wantForm()
		if _, there := jobs[ids[0]]; there || len(jobs) != 3 {
			t.Errorf("afterwards the jobs are %v", jobs)
		}
	})
}

// TestEndedJobsMakeRoomForNewJobs fills the memory of a server with ended jobs, and enqueues more.
func TestEndedJobsMakeRoomForNewJobs(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		b := open(t, at(server))
		params := []byte(strings.Repeat("1", 100_000))
		for range 60 {
			added, err := b.queue.Enqueue(t.Context(), backend.NewJob{Task: "x", Params: params})
			if err == nil {
				_, err = b.queue.Cancel(t.Context(), added[0].ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		// The jobs ended two minutes ago.
		for id := 1; id <= 60; id++ {
			server.Do(t, "ZINCRBY", b.queue.shards[0].keys[partFin], -120_000, id)
		}
		server.Do(t, "CONFIG", "SET", "maxmemory", memoryOf(t, server)+200_000)
		for i := range 20 {
			if _, err := b.queue.Enqueue(t.Context(), backend.NewJob{Task: "y", Params: params}); err != nil {
				t.Fatalf("job %d: %v", i, err)
			}
		}
		stats, err := b.queue.Stats(t.Context())
		if err != nil || stats.Total.Available != 20 || stats.Total.Cancelled == 60 {
			t.Errorf("the counts are %+v, %v", stats.Total, err)
		}
	})
}

// memoryOf returns the bytes that a server uses.
func memoryOf(t *testing.T, server *redistest.Server) int {
	t.Helper()
	for line := range strings.Lines(fmt.Sprint(server.Do(t, "INFO", "memory"))) {
		if n, ok := strings.CutPrefix(line, "used_memory:"); ok {
			bytes, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				t.Fatal(err)
			}
			return bytes
		}
	}
	t.Fatal("INFO has no used_memory")
	return 0
}

// TestAForeignKeyIsNamed stores a key of another type under a name of the queue.
func TestAForeignKeyIsNamed(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		log, config := &lockedBuffer{}, at(server)
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		b := open(t, config)
		unused := 0 // the number of keys that these calls do not use
		for i, part := range queueParts {
			key := b.queue.shards[0].keys[i]
			server.Do(t, "DEL", key)
			server.Do(t, "SET", key, "foreign")
			_, err := b.queue.Enqueue(t.Context(), backend.NewJob{Task: "x", Unique: "key", Delay: time.Hour})
			_, err2 := b.queue.Stats(t.Context())
			_, err3 := b.queue.LastRuns(t.Context())
			_, err4 := b.queue.List(t.Context(), backend.JobFilter{})
			switch err := errors.Join(err, err2, err3, err4); {
			case err == nil:
				unused++
			case !strings.Contains(err.Error(), "under the key "+key+" is a string"):
				t.Errorf("with a foreign key in place of %s the error is %v", part, err)
			}
			server.Do(t, "DEL", key)
		}
		if unused > len(queueParts)/2 {
			t.Errorf("the calls do not notice %d of %d foreign keys", unused, len(queueParts))
		}
		basics.Eventually(t, "the log names a foreign key", func() bool { return strings.Contains(log.String(), "another program has stored") })
	})
}
