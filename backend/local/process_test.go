package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

var (
	killRounds = flag.Int("killrounds", 3, "number of processes that TestKill kills; 200 for a long run")
	killJobs   = flag.Int("killjobs", 1000, "number of jobs per process of TestKill")
)

// The environment variables of a child process. If childMode is set, the test binary runs runChild instead of the
// tests.
const (
	childMode = "LOCAL_TEST_CHILD"
	childPath = "LOCAL_TEST_PATH"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if err := runChild(mode, os.Getenv(childPath)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	basics.VerifyTestMain(m)
}

// runChild is the main function of a child process: it opens the backend in path, and works as mode says. It prints
// each completed step to its standard output.
func runChild(mode, path string) error {
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(context.Background(), backend.Node{ID: "node"}); err != nil {
		return err
	}
	switch mode {
	case "hold":
		fmt.Println("open")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "work":
		if err := work(b.Queue(), true, func(backend.Job) {}); err != nil {
			return err
		}
	case "exit":
		if err := work(b.Queue(), false, func(j backend.Job) {
			if j.Task == "exit" {
				os.Exit(3)
			}
		}); err != nil {
			return err
		}
	}
	return b.Close(context.Background())
}

// work runs all jobs with four workers. If enqueue is true, eight goroutines enqueue *killJobs jobs meanwhile.
func work(q backend.Queue, enqueue bool, run func(j backend.Job)) error {
	errs := make(chan error, 100)
	var enqueuers, workers sync.WaitGroup
	if enqueue {
		const callers = 8
		for c := range callers {
			enqueuers.Go(func() { errs <- enqueueJobs(q, (*killJobs+c)/callers) })
		}
	}
	due, stop := q.Watch("default")
	defer stop()
	allEnqueued := make(chan struct{})
	go func() { enqueuers.Wait(); close(allEnqueued) }()
	for range 4 {
		workers.Go(func() { errs <- runJobs(q, run, due, allEnqueued) })
	}
	workers.Wait()
	enqueuers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func enqueueJobs(q backend.Queue, n int) error {
	for range n {
		added, err := q.Enqueue(context.Background(), backend.NewJob{Task: "a", Params: []byte(`{"some":"parameters"}`)})
		if err != nil {
			return err
		}
		fmt.Printf("enqueued %d\n", added[0].ID)
	}
	return nil
}

// runJobs runs jobs until all are enqueued and none is available.
func runJobs(q backend.Queue, run func(j backend.Job), due, allEnqueued <-chan struct{}) error {
	ctx := context.Background()
	for {
		jobs, err := q.Fetch(ctx, backend.FetchRequest{Node: "child", Queues: []string{"default"}, Max: 5})
		if err != nil {
			return err
		}
		for _, j := range jobs {
			run(j)
			if _, err := q.Finish(ctx, backend.Outcome{Run: j.Run(), State: backend.Completed}); err != nil {
				return err
			}
			fmt.Printf("finished %d\n", j.ID)
		}
		if len(jobs) > 0 {
			continue
		}
		select {
		case <-due:
		case <-allEnqueued:
			stats, err := q.Stats(ctx)
			if err != nil || stats.Total.Available == 0 {
				return err
			}
		}
	}
}

// childCommand returns the command that runs this test binary as a child process.
func childCommand(t *testing.T, mode, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-killjobs", fmt.Sprint(*killJobs))
	cmd.Env = append(os.Environ(), childMode+"="+mode, childPath+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKill kills a process at a random time while it enqueues and runs jobs. No job whose Enqueue has returned may be
// lost, and no job whose Finish has returned may run again.
func TestKill(t *testing.T) {
	t.Parallel()
	slowest, crashes := time.Duration(0), 0
	for round := range *killRounds {
		restart, n := killRound(t, round)
		slowest, crashes = max(slowest, restart), crashes+n
		if t.Failed() {
			t.Fatalf("round %d failed", round)
		}
	}
	t.Logf("%d rounds with %d jobs: %d runs crashed and are repeated; the first job after a restart started within %v", *killRounds, *killJobs, crashes, slowest)
}

// killRound kills one process, and checks and runs the jobs it leaves. It returns the time from opening the folder to
// the first job, and the number of crashed runs.
func killRound(t *testing.T, round int) (first time.Duration, crashes int) {
	path := filepath.Join(t.TempDir(), fmt.Sprint(round))
	enqueued, finished := killProcess(t, path)
	restarted := time.Now()
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	left := map[uint64]bool{}
	for id := range enqueued {
		j, err := q.Get(t.Context(), id)
		switch {
		case err != nil:
			t.Errorf("job %d was enqueued, but is lost: %v", id, err)
		case j.State == backend.Available:
			left[id] = true
			crashes += j.Crashes
		case j.State != backend.Completed:
			t.Errorf("job %d is %v", id, j.State)
		}
		if finished[id] && left[id] {
			t.Errorf("job %d was finished, but is available", id)
		}
	}
	for jobs := fetch(t, q); len(jobs) > 0; jobs = fetch(t, q) {
		if first == 0 {
			first = time.Since(restarted)
		}
		for _, j := range jobs {
			if finished[j.ID] || j.Starts > 2 {
				t.Errorf("job %d runs again: %+v", j.ID, j)
			}
			delete(left, j.ID)
			if _, err := q.Finish(t.Context(), backend.Outcome{Run: j.Run(), State: backend.Completed}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(left) > 0 || first > 20*time.Second {
		t.Errorf("%d jobs were not available; the first one started after %v", len(left), first)
	}
	return first, crashes
}

// killProcess runs a child process, kills it at a random line of its output, and returns the ids of the jobs that it
// reported.
func killProcess(t *testing.T, path string) (enqueued, finished map[uint64]bool) {
	t.Helper()
	cmd := childCommand(t, "work", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killAt := rand.IntN(2 * *killJobs)
	enqueued, finished = map[uint64]bool{}, map[uint64]bool{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == killAt {
			_ = cmd.Process.Kill()
		}
		var id uint64
		var did string
		if _, err := fmt.Sscan(lines.Text(), &did, &id); err != nil {
			t.Fatalf("the child printed %q", lines.Text())
		}
		map[string]map[uint64]bool{"enqueued": enqueued, "finished": finished}[did][id] = true
	}
	_ = cmd.Wait()
	return enqueued, finished
}

func fetch(t *testing.T, q backend.Queue) []backend.Job {
	t.Helper()
	jobs, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "test", Queues: []string{"default"}, Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// TestJobThatExits runs 1,000 jobs, and one that exits the process each time it runs. That job must be dead after three
// crashes, and the others completed.
func TestJobThatExits(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	jobs := make([]backend.NewJob, 1001)
	for i := range jobs {
		jobs[i].Task = "a"
	}
	jobs[333].Task = "exit"
	added, err := b.Queue().Enqueue(t.Context(), jobs...)
	if err := errors.Join(err, b.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	exits := 0
	for err = childCommand(t, "exit", path).Run(); err != nil && exits < 10; err = childCommand(t, "exit", path).Run() {
		exits++
	}
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	stats, err := q.Stats(t.Context())
	if err != nil || exits != 3 || stats.Total != (backend.Counts{Completed: 1000, Dead: 1}) {
		t.Errorf("the process exited %d times; %+v, %v", exits, stats.Total, err)
	}
	j, err := q.Get(t.Context(), added[333].ID)
	if err != nil || j.State != backend.Dead || j.Crashes != 3 || !strings.Contains(j.Error, "it crashed 3 times") {
		t.Errorf("the job is %+v, %v", j, err)
	}
}

// TestSecondProcess opens a folder that another process has open, and then one that this process has open.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	cmd := childCommand(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the child printed %q, %v", line, err)
	}
	refused := func(by int) {
		t.Helper()
		err := New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context(), backend.Node{ID: "node"})
		want := fmt.Sprintf("tasks cannot be kept in %s: the folder (tasks.path) belongs to process %d: %v", path, by, backend.ErrInUse)
		if !errors.Is(err, backend.ErrInUse) || err.Error() != want {
			t.Errorf("Open = %v, want %s", err, want)
		}
		if _, err := Repair(path); !errors.Is(err, backend.ErrInUse) {
			t.Errorf("Repair = %v, want %v", err, backend.ErrInUse)
		}
	}
	refused(cmd.Process.Pid)
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Queue: QueueConfig{Path: path}})
	refused(os.Getpid())
}

// TestUnusableFolder checks that the error of Open names the path that is wrong.
func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:                           file,
		filepath.Join(file, "below"):   file,
		"/proc/self/fdinfo/actionhero": "/proc/self/fdinfo/actionhero",
	} {
		err := New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context(), backend.Node{ID: "node"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "tasks cannot be kept in ") {
			t.Errorf("Open in %s = %v", path, err)
		}
	}
}

// TestRepair damages a file on a real disk, and repairs the folder.
func TestRepair(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := b.Queue().Enqueue(t.Context(), backend.NewJob{Task: "a", Params: []byte(`{"a":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := Repair(path); err != nil || r.Jobs != 100 || len(r.Lost) > 0 {
		t.Errorf("Repair of an undamaged folder = %+v, %v", r, err)
	}
	name := filepath.Join(path, "tasks-00000001.log")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[3000+bytes.Index(data[3000:], []byte(`{"a":1}`))] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context(), backend.Node{ID: "node"})
	if !errors.Is(err, backend.ErrDamaged) || !strings.Contains(err.Error(), "tasks-00000001.log") || !strings.Contains(err.Error(), "at byte ") {
		t.Errorf("Open = %v", err)
	}
	r, err := Repair(path)
	if err != nil || r.Jobs != 99 || r.LostCommits != 1 || r.MoreLost || r.MissingJobs() != 1 || len(r.Lost) != 1 || len(r.SetAside) != 2 {
		t.Errorf("Repair = %+v, %v", r, err)
	}
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	if stats, err := q.Stats(t.Context()); err != nil || stats.Total.Available != 99 {
		t.Errorf("after the repair: %+v, %v", stats.Total, err)
	}
	for _, name := range r.SetAside {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestFolderIsFreeAfterClose opens and closes a folder while the process starts other processes, which have copies of
// its open files until their programs run. After Close, the folder must be free at once.
func TestFolderIsFreeAfterClose(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var starts sync.WaitGroup
	for range 2 {
		starts.Go(func() {
			for ctx.Err() == nil {
				_ = exec.CommandContext(ctx, self, "-test.run", "^$").Run()
			}
		})
	}
	defer starts.Wait()
	defer cancel()
	b := New(Config{Queue: QueueConfig{Path: t.TempDir()}})
	for range 60 {
		if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
