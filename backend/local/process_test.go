package local

import (
	"bufio"
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
	"go.uber.org/goleak"
)

var (
	killRounds = flag.Int("killrounds", 3, "how often TestKill kills a process; 200 for the long run")
	killJobs   = flag.Int("killjobs", 1000, "how many jobs there are each time")
)

// asChild names the variable that makes this test binary a process which works in a folder, instead of running tests.
const asChild = "LOCAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(asChild); what != "" {
		if err := child(what, os.Getenv("LOCAL_TEST_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is the other process. It says on its standard output what it has done, each time when it is done.
func child(what, path string) error {
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(context.Background()); err != nil {
		return err
	}
	switch what {
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

// work enqueues jobs if it is to, and has workers run all there are.
func work(q backend.Queue, enqueues bool, run func(j backend.Job)) error {
	ctx := context.Background()
	errs := make(chan error, 100)
	var wg sync.WaitGroup
	if enqueues {
		const callers = 8
		for c := range callers {
			wg.Go(func() {
				for range (*killJobs + c) / callers {
					added, err := q.Enqueue(ctx, backend.NewJob{Task: "a", Params: []byte(`{"some":"parameters"}`)})
					if err != nil {
						errs <- err
						return
					}
					fmt.Printf("enqueued %d\n", added[0].ID)
				}
			})
		}
	}
	due, stop := q.Watch("default")
	defer stop()
	idle := make(chan struct{})
	go func() { wg.Wait(); close(idle) }()
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for {
				jobs, err := q.Fetch(ctx, backend.FetchRequest{Node: "child", Queues: []string{"default"}, Max: 5, Lease: time.Minute})
				if err != nil {
					errs <- err
					return
				}
				for _, j := range jobs {
					run(j)
					if _, err := q.Finish(ctx, backend.Outcome{Run: j.Run(), State: backend.Completed}); err != nil {
						errs <- err
						return
					}
					fmt.Printf("finished %d\n", j.ID)
				}
				if len(jobs) > 0 {
					continue
				}
				select {
				case <-due:
				case <-idle:
					stats, err := q.Stats(ctx)
					if err != nil || stats.Total.Available == 0 {
						return
					}
				}
			}
		})
	}
	working.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func command(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-killjobs", fmt.Sprint(*killJobs))
	cmd.Env = append(os.Environ(), asChild+"="+what, "LOCAL_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKill kills a process at random moments while it enqueues and runs jobs. No job may be lost of which it was told that
// it is kept, and none may run again of which it was told that it is done.
func TestKill(t *testing.T) {
	t.Parallel()
	slowest, runAgain := time.Duration(0), 0
	for round := range *killRounds {
		rerun, again := killRound(t, round)
		slowest, runAgain = max(slowest, rerun), runAgain+again
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds with %d jobs: %d runs were cut off and run again, the first job after a restart started within %v at most", *killRounds, *killJobs, runAgain, slowest)
}

func killRound(t *testing.T, round int) (rerun time.Duration, again int) {
	path := filepath.Join(t.TempDir(), fmt.Sprint(round))
	cmd := command(t, "work", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killAt := rand.IntN(2 * *killJobs)
	enqueued, finished := map[uint64]bool{}, map[uint64]bool{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == killAt {
			_ = cmd.Process.Kill()
		}
		var id uint64
		var did string
		if _, err := fmt.Sscan(lines.Text(), &did, &id); err != nil {
			t.Fatalf("the process says %q", lines.Text())
		}
		map[string]map[uint64]bool{"enqueued": enqueued, "finished": finished}[did][id] = true
	}
	_ = cmd.Wait()

	restart := time.Now()
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	left := map[uint64]bool{}
	for id := range enqueued {
		j, err := q.Get(t.Context(), id)
		switch {
		case err != nil:
			t.Errorf("job %d was kept, and is lost: %v", id, err)
		case j.State == backend.Available:
			left[id] = true
			again += j.Crashes
		case j.State != backend.Completed:
			t.Errorf("job %d is %v", id, j.State)
		}
		if finished[id] && left[id] {
			t.Errorf("job %d was finished, and is there again", id)
		}
	}
	first := time.Duration(0)
	for jobs := takeSome(t, q); len(jobs) > 0; jobs = takeSome(t, q) {
		if first == 0 {
			first = time.Since(restart)
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
	if len(left) > 0 || first > 5*time.Second {
		t.Errorf("%d jobs did not run again; the first one started after %v", len(left), first)
	}
	return first, again
}

func takeSome(t *testing.T, q backend.Queue) []backend.Job {
	t.Helper()
	jobs, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "test", Queues: []string{"default"}, Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// TestJobThatEndsItsProcess has one job among 1,000 others end the process each time it runs. It must be given up after
// three times, and the others done.
func TestJobThatEndsItsProcess(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(t.Context()); err != nil {
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
	ends := 0
	for err = command(t, "exit", path).Run(); err != nil && ends < 10; err = command(t, "exit", path).Run() {
		ends++
	}
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	stats, err := q.Stats(t.Context())
	if err != nil || ends != 3 || stats.Total != (backend.Counts{Completed: 1000, Dead: 1}) {
		t.Errorf("the process ended %d times; %+v, %v", ends, stats.Total, err)
	}
	j, err := q.Get(t.Context(), added[333].ID)
	if err != nil || j.State != backend.Dead || j.Crashes != 3 || !strings.Contains(j.Error, "it crashed 3 times") {
		t.Errorf("the job is %+v, %v", j, err)
	}
}

// TestSecondProcess has two processes, and then two backends of one process, want the same folder.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	cmd := command(t, "hold", path)
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
		t.Fatalf("the process says %q, %v", line, err)
	}
	refused := func(by int) {
		t.Helper()
		err := New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context())
		want := fmt.Sprintf("tasks cannot be kept in %s: the folder belongs to process %d: %v", path, by, backend.ErrInUse)
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

// TestFoldersThatCannotBeUsed names what is in the way.
func TestFoldersThatCannotBeUsed(t *testing.T) {
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
		err := New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "tasks cannot be kept in ") {
			t.Errorf("Open in %s = %v", path, err)
		}
	}
}

// TestRepairOfAFolder damages a file on a real disk.
func TestRepairOfAFolder(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	b := New(Config{Queue: QueueConfig{Path: path}})
	if err := b.Open(t.Context()); err != nil {
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
		t.Errorf("Repair of a folder that is whole = %+v, %v", r, err)
	}
	name := filepath.Join(path, "tasks-00000001.log")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[3000] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = New(Config{Queue: QueueConfig{Path: path}}).Open(t.Context())
	if !errors.Is(err, backend.ErrDamaged) || !strings.Contains(err.Error(), "tasks-00000001.log") || !strings.Contains(err.Error(), "at byte ") {
		t.Errorf("Open = %v", err)
	}
	r, err := Repair(path)
	if err != nil || r.Jobs != 99 || r.LostCommits != 1 || len(r.Lost) != 1 || len(r.SetAside) != 2 {
		t.Errorf("Repair = %+v, %v", r, err)
	}
	q := open(t, Config{Queue: QueueConfig{Path: path}}).Queue()
	if stats, err := q.Stats(t.Context()); err != nil || stats.Total.Available != 99 {
		t.Errorf("after the repair there are %+v, %v", stats.Total, err)
	}
	for _, name := range r.SetAside {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			t.Error(err)
		}
	}
}
