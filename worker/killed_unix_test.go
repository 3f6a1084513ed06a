//go:build unix

package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// The test binary runs again as the process that is killed. The environment variable names the folder of its jobs.
const killedVariable = "TEST_KILLED_IN"

// init runs the server and exits, if this process was started to be killed.
func init() {
	folder := os.Getenv(killedVariable)
	if folder == "" {
		return
	}
	b := onDisk(folder)
	api, err := actionhero.New(actionhero.Config{Backend: backendWithQueue{b, talkingQueue{b.Queue()}}, Log: slog.New(slog.DiscardHandler)},
		task("long", func(ctx context.Context) error {
			fmt.Println("running")
			<-ctx.Done()
			return ctx.Err()
		}))
	if err == nil {
		api.Add(worker.New(api, worker.Config{Node: "local", Grace: time.Hour}))
		err = api.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// talkingQueue prints a line after Drain.
type talkingQueue struct{ backend.Queue }

func (q talkingQueue) Drain(ctx context.Context, runs ...backend.Run) error {
	err := q.Queue.Drain(ctx, runs...)
	fmt.Println("drained", err)
	return err
}

// inFolder calls do with the queue of the jobs in the folder.
func inFolder(t *testing.T, folder string, do func(q backend.Queue)) {
	t.Helper()
	b := onDisk(folder)
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	do(b.Queue())
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A stop that is cut short by a kill or by a second signal puts the running job back, and never counts a crash. A kill
// without a stop does count one.
func TestAStopThatIsCutShortIsNoCrash(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var id uint64
	inFolder(t, folder, func(q backend.Queue) {
		added, err := q.Enqueue(t.Context(), backend.NewJob{Task: "long"})
		if err != nil {
			t.Fatal(err)
		}
		id = added[0].ID
	})
	for n, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, 0} {
		killServer(t, folder, end)
		inFolder(t, folder, func(q backend.Queue) {
			crashes := 0
			if end == 0 {
				crashes = 1
			}
			if job, err := q.Get(t.Context(), id); err != nil || job.State != backend.Available || job.Crashes != crashes || job.Attempt != 0 || job.Starts != n+1 {
				t.Fatalf("after the end %d (%v) the job is %+v, %v", n, end, job, err)
			}
		})
	}
}

// killServer starts a server and waits until its job runs. It then begins a stop and sends the signal end. If end is 0,
// it kills the server at once.
func killServer(t *testing.T, folder string, end syscall.Signal) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), killedVariable+"="+folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	signals := []syscall.Signal{syscall.SIGTERM, end}
	wants := []string{"running", "drained <nil>"}
	if end == 0 {
		signals, wants = []syscall.Signal{syscall.SIGKILL}, wants[:1]
	}
	for i, want := range wants {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the server says %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(signals[i]); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != -1 && exit.ExitCode() != 130 {
		t.Fatalf("the server ended with %v", err)
	}
}
