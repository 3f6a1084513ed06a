package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/worker"
)

// TestCrashes runs this test binary again as the process that crashes. The environment variable names the folder of its
// jobs.
const crashVariable = "TEST_CRASHES_IN"

const (
	crashJobs = 1000
	crashCode = 7
)

// runIfCrashing runs the crashing server and exits, if this process was started as one.
func runIfCrashing() {
	folder := os.Getenv(crashVariable)
	if folder == "" {
		return
	}
	if err := crashingServer(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func onDisk(folder string) backend.Backend {
	return local.New(local.Config{Queue: local.QueueConfig{Path: folder}})
}

// crashingServer enqueues the jobs if the folder has none, and runs until all have ended.
func crashingServer(folder string) error {
	ctx, ran := context.Background(), make(chan struct{}, 1)
	var api *actionhero.API
	signal := func() {
		select {
		case ran <- struct{}{}:
		default:
		}
	}
	harmless := task("harmless", func(context.Context) error { signal(); return nil })
	crasher := task("crasher", func(context.Context) error { os.Exit(crashCode); return nil })
	api, err := actionhero.New(actionhero.Config{Backend: onDisk(folder), Log: slog.New(slog.DiscardHandler)}, harmless, crasher)
	if err != nil {
		return err
	}
	api.Add(worker.New(api, worker.Config{Workers: 8, Node: "local"}))
	if err := api.Start(ctx); err != nil {
		return err
	}
	if stats, err := api.Tasks.Stats(ctx); err != nil {
		return err
	} else if stats.Total == (backend.Counts{}) {
		if err := enqueueCrasher(ctx, api); err != nil {
			return err
		}
	}
	for {
		stats, err := api.Tasks.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.Total.Completed+stats.Total.Dead == crashJobs+1 {
			return api.Stop(ctx)
		}
		select {
		case <-ran:
		case <-time.After(10 * time.Millisecond): // the last signal comes before its outcome is stored
		}
	}
}

// enqueueCrasher enqueues the crasher between harmless jobs. The delay makes all of them durable before the first runs.
func enqueueCrasher(ctx context.Context, api *actionhero.API) error {
	jobs := make([]backend.NewJob, crashJobs+1)
	for i := range jobs {
		jobs[i] = backend.NewJob{Task: "harmless", Delay: 50 * time.Millisecond}
	}
	jobs[crashJobs/2].Task = "crasher"
	_, err := api.Config().Backend.Queue().Enqueue(ctx, jobs...)
	return err
}

// A job that ends its process three times is dead, and the 1,000 jobs queued with it complete.
func TestCrashes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for crashes := 0; ; crashes++ {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), crashVariable+"="+folder, "GORACE=atexit_sleep_ms=0")
		cmd.Stderr = os.Stderr
		err := cmd.Run()
		if err == nil {
			if crashes != backend.DefaultMaxCrashes {
				t.Errorf("the process ended after %d crashes", crashes)
			}
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != crashCode || crashes == backend.DefaultMaxCrashes {
			t.Fatalf("after %d crashes the process ends with %v", crashes, err)
		}
	}
	b := onDisk(folder)
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	stats, err := b.Queue().Stats(t.Context())
	if err != nil || stats.Total != (backend.Counts{Completed: crashJobs, Dead: 1}) {
		t.Errorf("at the end the jobs are %+v, %v", stats.Total, err)
	}
	dead, err := b.Queue().List(t.Context(), backend.JobFilter{States: []backend.State{backend.Dead}})
	if err != nil || len(dead) != 1 || dead[0].Task != "crasher" || dead[0].Crashes != 3 || dead[0].Error == "" {
		t.Errorf("the dead jobs are %+v, %v", dead, err)
	}
}
